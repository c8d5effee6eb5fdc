"""The picture of the README: an additive model of diamond prices, drawn whole.

The model is a sum of one learned function per column. Each panel shows by what factor its column changes the price.

    python examples/diamond_functions.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from plotnine.data import diamonds
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "diamonds.svg"
COLUMNS = ["carat", "clarity", "color", "cut"]


def log_effect(model, X, column, values):
    """Predictions for one diamond whose `column` takes other values: all else is a constant in an additive model."""
    table = X.iloc[np.zeros(len(values), dtype=int)].reset_index(drop=True)
    return model.predict(table.assign(**{column: pd.Series(values).astype(X[column].dtype)}))


def main():
    X, log_price = diamonds[COLUMNS], np.log(diamonds["price"])
    X_train, X_test, y_train, y_test = train_test_split(X, log_price, random_state=0)
    model = KANRegressor((), random_state=0).fit(X_train, y_train)

    figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
    for axis, column in zip(axes, COLUMNS, strict=True):
        x = X[column]
        places = x.cat.categories if x.dtype == "category" else np.linspace(*x.quantile([0.005, 0.995]), 200)
        average = log_effect(model, X, column, x.to_numpy()).mean()
        axis.axhline(1, color="0.8", linewidth=1)
        axis.plot(places, np.exp(log_effect(model, X, column, places) - average), "o" if x.dtype == "category" else "-")
        axis.set_title(column)
        axis.tick_params("x", rotation=30 if column in ("clarity", "cut") else 0, labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("factor on the price")
    figure.suptitle(
        f"Four functions of one variable explain {model.score(X_test, y_test):.1%} of the variance of the log price, "
        f"on {len(X_test):,} held-out diamonds",
        fontsize=11,
    )
    PICTURE.parent.mkdir(exist_ok=True)
    plt.rcParams["svg.hashsalt"] = "diamonds"  # names inside the file are the same each time
    figure.savefig(PICTURE, metadata={"Date": None})
    print(f"Learned functions: {PICTURE}")


if __name__ == "__main__":
    main()
