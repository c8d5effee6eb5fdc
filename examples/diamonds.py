"""Prices of 53,940 diamonds: a KAN in a pipeline, next to gradient boosting and a plain network.

Run with ``make demo``. Prints test scores of all three and saves a picture of learned edge functions.
"""

import time
from pathlib import Path

from plotnine.data import diamonds
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklearn_kan import KANRegressor
from sklearn_kan.inspection import EdgeFunctionDisplay

OUTPUT = Path("demo-output")
SIZES = ["x", "y", "z"]


def zero_sizes_to_missing(table):
    """A side of 0 mm means that it was not measured."""
    return table.assign(**table[SIZES].where(table[SIZES] > 0))


def pipelines():
    """The three models with the preparation that each needs; the KAN handles categories and missing values itself."""
    clean = FunctionTransformer(zero_sizes_to_missing)
    one_hot = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_include="category")),
        remainder=make_pipeline(SimpleImputer(), StandardScaler()),
    )
    plain_network = make_pipeline(one_hot, MLPRegressor(random_state=0))
    return {
        "KANRegressor": make_pipeline(clean, KANRegressor(random_state=0, verbose=1)),
        "HistGradientBoosting": make_pipeline(clean, HistGradientBoostingRegressor(random_state=0)),
        "MLPRegressor": make_pipeline(clean, TransformedTargetRegressor(plain_network, transformer=StandardScaler())),
    }


def main():
    X, y = diamonds.drop(columns="price"), diamonds["price"].astype(float)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    print(f"{len(X_train)} training rows, {len(X_test)} test rows, columns: {', '.join(X.columns)}")
    models = pipelines()
    rows = []
    for name, model in models.items():
        start = time.perf_counter()
        model.fit(X_train, y_train)
        fit_seconds = time.perf_counter() - start
        predicted = model.predict(X_test)
        scores = r2_score(y_test, predicted), mean_absolute_error(y_test, predicted)
        rows.append((name, *scores, root_mean_squared_error(y_test, predicted), fit_seconds))

    print(f"\n{'test scores':<22}{'R2':>8}{'MAE ($)':>10}{'RMSE ($)':>10}{'fit (s)':>10}")
    for name, r2, mae, rmse, seconds in rows:
        print(f"{name:<22}{r2:8.4f}{mae:10.1f}{rmse:10.1f}{seconds:10.1f}")

    OUTPUT.mkdir(exist_ok=True)
    display = EdgeFunctionDisplay.from_estimator(models["KANRegressor"][-1], n_features=9)
    display.figure_.suptitle("Functions learned on the strongest edges of the first layer")
    display.figure_.savefig(OUTPUT / "edge_functions.png", dpi=120)
    print(f"\nLearned edge functions: {OUTPUT / 'edge_functions.png'}")


if __name__ == "__main__":
    main()
