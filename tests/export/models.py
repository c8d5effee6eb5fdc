"""A table with columns of every kind, and models fitted to it in little time."""

import numpy as np
import pandas as pd

FEW = {"max_iter": 2, "n_members": 3, "hidden_layer_sizes": (4,), "random_state": 0}


def mixed_table(n=150, seed=0):
    """Numbers with gaps, with two scales, few and many labels, dates; and a target."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "number": np.where(random.random(n) < 0.1, np.nan, random.normal(size=n)),
            "sentinel": np.where(random.random(n) < 0.3, -999.0, random.random(n)),
            "few": np.where(random.random(n) < 0.1, None, random.choice(list("xyz"), n)),
            "many": random.choice([f"level {i}" for i in range(45)], n),
            "date": pd.Timestamp("2021-01-01") + pd.to_timedelta(random.integers(0, 1500, n), unit="D"),
        }
    )
    y = np.nan_to_num(X["number"]) + 1.0 * (X["few"] == "x") + X["sentinel"].clip(lower=0)
    return X, y.to_numpy()


def numeric_table(n=50, seed=0):
    """Numbers with gaps and a target; and the same rows together with some that are far out."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3)).astype(np.float32).astype(float)
    X[::9, 1] = np.nan
    return X, X[:, 0] ** 2 + np.nan_to_num(X[:, 1]) * X[:, 2], np.concatenate([X, 30 * X])


def two_classes(y):
    return np.where(y > np.median(y), "high", "low")


def difference(found, expected):
    """The largest difference over the spread."""
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / expected.std()
