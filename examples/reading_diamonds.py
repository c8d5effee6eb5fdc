"""The pictures of the guide to reading a model: the default model of diamond prices.

python examples/reading_diamonds.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from plotnine.data import diamonds
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor
from sklearn_kan.inspection import (
    EffectDisplay,
    ExplanationDisplay,
    ImportanceDisplay,
    LearningCurveDisplay,
    NetworkDisplay,
)

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
COLUMNS = ["carat", "depth", "table", "clarity", "color", "cut"]
N_ROWS = 8_000


def main():
    X, price = diamonds[COLUMNS], np.log10(diamonds["price"])
    X_train, X_test, y_train, _ = train_test_split(X, price, train_size=N_ROWS, random_state=0)
    model = KANRegressor(random_state=0).fit(X_train, y_train)
    terms = ["carat", "clarity", ("carat", "clarity")]
    displays = {
        "effects": EffectDisplay.from_estimator(model, X_test, terms),
        "explanation": ExplanationDisplay.from_estimator(model, X_test.iloc[[7]]),
        "importances": ImportanceDisplay.from_estimator(model),
        "network": NetworkDisplay.from_estimator(model, n_edges=40),
        "learning": LearningCurveDisplay.from_estimator(model),
    }
    for name, display in displays.items():
        path = PICTURES / f"reading_{name}.png"
        display.figure_.savefig(path, dpi=70, metadata={"Software": None})
        plt.close(display.figure_)
        print(path.name)


if __name__ == "__main__":
    main()
