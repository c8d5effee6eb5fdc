"""A target that falls in a column, and whether values rise."""

import numpy as np
import pandas as pd


def rises(y, rtol=1e-12):
    """Whether the columns of `y` never fall, up to the rounding of their largest value."""
    return bool((y.diff(dim=0) >= -rtol * y.abs().max()).all())


def falling(n=120, seed=0, dtype=np.float64):
    """A target that falls in the first column, and a table with categories and missing values."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)).astype(dtype), columns=["a", "b", "c"])
    y = -2 * X["a"] + np.sin(3 * X["b"]) * X["c"] + 0.1 * rng.normal(size=n)
    X.loc[rng.choice(n, 20), "a"] = np.nan
    return X.assign(kind=pd.Categorical(rng.choice(["u", "v"], n))), y.to_numpy()
