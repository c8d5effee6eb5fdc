"""Tables and targets of other packages are learned from as the same numbers in an array or dataframe."""

import narwhals as nw
import narwhals.stable.v1 as nw_v1
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
import torch

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor
from tests.export.models import FEW

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame({"number": RANDOM.normal(size=80), "label": pd.Categorical(RANDOM.choice(list("xyz"), 80))})
Y = (TABLE["number"] + (TABLE["label"] == "x")).to_numpy()

TABLES = {
    "lazy": lambda: pl.from_pandas(TABLE).lazy(),
    "record batch": lambda: pa.RecordBatch.from_pandas(TABLE),
    "narwhals": lambda: nw.from_native(TABLE),
    "narwhals v1 of polars": lambda: nw_v1.from_native(pl.from_pandas(TABLE)),
    "narwhals of lazy": lambda: nw.from_native(pl.from_pandas(TABLE).lazy()),
}


@pytest.fixture(scope="module")
def expected():
    return KANRegressor(**FEW).fit(TABLE, Y).predict(TABLE)


@pytest.mark.parametrize("name", TABLES)
def test_frames(name, expected):
    model = KANRegressor(**FEW).fit(TABLES[name](), nw.from_native(pl.Series("y", Y), series_only=True))
    assert model.feature_names_in_.tolist() == ["number", "label"]
    np.testing.assert_array_equal(model.predict(TABLES[name]()), expected)


def test_tensors_under_dispatch():
    X = torch.from_numpy(RANDOM.normal(size=(60, 2)))
    y, weight = X[:, 0] ** 2, torch.ones(60, dtype=torch.float64)
    expected = KANRegressor(**FEW).fit(X.numpy(), y.numpy()).predict(X.numpy())
    with sklearn.config_context(array_api_dispatch=True):
        model = KANRegressor(**FEW).fit(X.requires_grad_(), y, sample_weight=weight)
        np.testing.assert_array_equal(model.predict(X), expected)
        assert model.score(X, y.detach()) < 1
        classes = KANClassifier(**FEW).fit(X, (y > 1).long())
        assert classes.predict_proba(X).shape == (60, 2)
        process = GPSpectralRegressor(n_components=1, max_iter=5).fit(X[:, :1], y)
        assert isinstance(process.predict(X[:, :1]), np.ndarray)


@pytest.mark.parametrize("X", [TABLE, TABLE[["number"]].to_numpy(), TABLE.to_numpy(dtype=object)], ids=type)
def test_the_encoder_takes_tables(X):
    model = KANRegressor(**FEW, categorical_features=[1] if X.shape[1] == 2 else None).fit(X, Y)
    encoded = model.encoder_.transform(X)
    raw = model.module_(torch.from_numpy(encoded).to(next(model.module_.parameters()))).mean(1)
    np.testing.assert_allclose(model.model_.target.decode(raw.detach().numpy()), model.predict(X), rtol=1e-9)


def test_the_encoder_names_what_does_not_fit():
    model = KANRegressor(**FEW).fit(TABLE, Y)
    with pytest.raises(ValueError, match=r"X has no columns .*label"):
        model.encoder_.transform(TABLE[["number"]])
