"""Predictors without torch, and ONNX graphs run by onnxruntime, predict what their models predict."""

import json
import os
import subprocess
import sys

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.bases import BASES, Basis
from sklearn_kan.export import to_numpy, to_onnx
from tests.export.models import FEW, difference, mixed_table, numeric_table, two_classes

EXACT, SINGLE = 1e-9, 1e-5  # of the spread, in double and in single precision
NUMBERS, TARGET, FAR = numeric_table()
MIXED, MIXED_TARGET = mixed_table()
OWN = sorted(name for name, family in BASES.items() if family.__module__.startswith("sklearn_kan."))

NETWORKS = {
    **{f"basis {name}": {"basis": name} for name in OWN},
    "degree 0": {"degree": 0},
    "degree 5": {"degree": 5, "n_knots": 2},
    "individual knots": {"basis": "truncated_power", "basis_params": {"individual_knots": True}},
    "learned knots": {"basis": "truncated_power", "basis_params": {"learn_knots": True}},
    "jacobi": {"basis": "jacobi", "basis_params": {"alpha": 0.5, "beta": -0.5}, "degree": 5},
    "dog": {"basis": "wavelet", "basis_params": {"wavelet": "dog"}},
    "morlet": {"basis": "wavelet", "basis_params": {"wavelet": "morlet"}},
    **{
        f"activation {name}": {"basis": "activation", "basis_params": {"activation": name, "combination": combination}}
        for name, combination in [
            ("relu", "sum"), ("relu", "prod"), ("softplus", "sum"), ("softplus", "quad2"), ("gelu", "sum_prod"),
            ("selu", "quad1"), ("softplus", "cubic2"), ("sigmoid", "prod"),
        ]
    },
    "linear pool": {"basis": "activation", "basis_params": {"pool": "linear"}},
    "attention pool": {"basis": "activation", "basis_params": {"pool": "attention"}},
    "a single network": {"n_members": 1},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "batch norm, mixed products": {"norm": "batch", "interactions": "mixed", "hidden_layer_sizes": (4, 3)},
    "no norm, products": {"norm": "none", "interactions": "product"},
    "finer members": {"fine_knots": 9},
    "monotone": {"monotonic_cst": [1, 0, -1]},
    "sum of groups": {"interaction_cst": [{0, 1}, {1, 2}]},
    "poisson": {"loss": "poisson"},
    "gamma": {"loss": "gamma"},
    "quantiles": {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]},
}  # fmt: skip


def run_onnx(model, **inputs):
    """All outputs of the graph of a model."""
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_predict_the_same(name):
    settings = FEW | {"max_iter": 1} | NETWORKS[name]
    y = np.exp(TARGET / 4) if settings.get("loss") in ("poisson", "gamma") else TARGET
    model = KANRegressor(**settings).fit(NUMBERS, y)
    expected = model.predict(FAR)
    assert difference(to_numpy(model).predict(FAR), expected) < EXACT
    (found,) = run_onnx(model, numbers=FAR.astype(np.float32))
    assert difference(found, expected) < SINGLE


def test_what_was_exported_is_left_as_it_was():
    model = KANRegressor(**FEW).fit(NUMBERS, TARGET)
    before = model.predict(FAR)
    to_numpy(model), to_onnx(model)
    assert np.array_equal(model.predict(FAR), before)


@pytest.mark.parametrize("settings", [{}, {"max_categories": 6}, {"interaction_cst": "no_interactions"}], ids=str)
def test_columns_of_all_kinds_predict_the_same(settings):
    model = KANClassifier(**FEW | settings).fit(MIXED, two_classes(MIXED_TARGET))
    predictor, new = to_numpy(model), mixed_table(40, seed=1)[0]
    new.loc[0, "few"], new.loc[1, "sentinel"] = "unknown", np.nan
    expected = model.predict_proba(new)
    tables = [new, pl.from_pandas(new), {name: new[name].tolist() for name in new}, new.to_numpy(dtype=object)]
    for table in tables:
        assert difference(predictor.predict_proba(table), expected) < EXACT
    assert predictor.predict(new).tolist() == model.predict(new).tolist()


def test_graphs_take_texts_with_gaps():
    X = MIXED.drop(columns="date").assign(whole=pd.Categorical(np.arange(len(MIXED)) % 3))
    model = KANClassifier(**FEW).fit(X, two_classes(MIXED_TARGET))
    texts = X[["few", "many", "whole"]].astype(object)
    texts.iloc[0, 0] = "unknown"
    X = X.assign(few=texts["few"])
    label, proba = run_onnx(
        model,
        numbers=X[["number", "sentinel"]].to_numpy(np.float32),
        categories=texts.where(texts.notna(), "").astype(str).to_numpy(dtype=object),
    )
    assert difference(proba, model.predict_proba(X)) < SINGLE
    assert label.tolist() == model.predict(X).tolist()
    columns = json.loads({entry.key: entry.value for entry in to_onnx(model).metadata_props}["columns"])
    assert columns == {"numbers": ["number", "sentinel"], "categories": ["few", "many", "whole"]}


def test_graphs_have_standard_operators_only_and_take_any_number_of_rows():
    model = KANRegressor(**FEW).fit(NUMBERS, TARGET)
    assert {node.domain for node in to_onnx(model).graph.node} <= {"", "ai.onnx.ml"}
    for n in (1, 7):
        assert run_onnx(model, numbers=NUMBERS[:n].astype(np.float32))[0].shape == (n,)


def test_columns_with_fine_structure():
    random = np.random.default_rng(0)
    X = random.random((1200, 1))
    y = np.sin(150 * X[:, 0])
    X[::50] = np.nan
    model = KANRegressor(**FEW, dtype="float64").fit(X, y)
    assert model.fine_knots_[0] > 0
    assert difference(to_numpy(model).predict(X), model.predict(X)) < EXACT
    (found,) = run_onnx(model, numbers=X.astype(np.float32))
    assert difference(found, model.predict(X.astype(np.float32))) < SINGLE


def test_networks_of_single_precision_agree_as_far_as_it_reaches():
    model = KANRegressor(**FEW, dtype="float32").fit(NUMBERS, TARGET)
    assert difference(to_numpy(model).predict(FAR), model.predict(FAR)) < SINGLE


def test_a_saved_predictor_needs_numpy_alone(tmp_path):
    model = KANClassifier(**FEW).fit(MIXED, two_classes(MIXED_TARGET))
    to_numpy(model).save(tmp_path / "model.npz")
    rows = {name: MIXED[name][:5].astype(str if name == "date" else object).tolist() for name in MIXED}
    rows = {name: [None if value != value else value for value in values] for name, values in rows.items()}
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    code = """
import json, sys
import numpy as np
import kan_predictor
rows = json.load(open("rows.json"))
rows["date"] = np.array(rows["date"], "M8[us]")
model = kan_predictor.load("model.npz")
print(json.dumps([model.predict_proba(rows).tolist(), model.predict(rows).tolist()]))
assert not {name.partition(".")[0] for name in sys.modules} & {"torch", "sklearn", "scipy", "pandas", "sklearn_kan"}
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    proba, labels = json.loads(done.stdout)
    assert difference(np.array(proba), model.predict_proba(MIXED[:5])) < EXACT
    assert labels == model.predict(MIXED[:5]).tolist()


def test_what_cannot_be_exported_is_refused_by_name():
    class Mine(Basis):
        def __init__(self, in_features):
            super().__init__(in_features, n_basis=1)

        def forward(self, x):
            return x[..., None]

    model = KANRegressor(**FEW, basis=Mine).fit(NUMBERS, TARGET)
    with pytest.raises(TypeError, match="basis=Mine is not one of the package's"):
        to_numpy(model)
    dated = KANRegressor(**FEW).fit(MIXED[["date", "number"]], MIXED_TARGET)
    with pytest.raises(TypeError, match="Column 'date' holds dates"):
        to_onnx(dated)
    alike = pd.DataFrame({"x": pd.Categorical([1, 2, 1, 2] * 5), "y": pd.Categorical(["", "b", None, "b"] * 5)})
    model = KANRegressor(**FEW).fit(alike, np.arange(20) % 3)
    with pytest.raises(ValueError, match="Column 'y' has labels"):
        to_onnx(model)


def test_bad_tables_are_refused_by_name():
    predictor = to_numpy(KANRegressor(**FEW).fit(MIXED, MIXED_TARGET))
    with pytest.raises(ValueError, match=r"lacks the columns \['many'\]"):
        predictor.predict(MIXED.drop(columns="many"))
    row = {"number": 1.0, "sentinel": 1.0, "few": "x", "many": "level 1", "date": np.datetime64("2021-01-01")}
    with pytest.raises(ValueError, match=r"'number' of X has shape \(\)\. Pass one value for each row, in a list"):
        predictor.predict(row)
    with pytest.raises(ValueError, match=r"'few' of X has shape \(2,\)"):
        predictor.predict({name: [value] for name, value in row.items()} | {"few": ["x", "y"]})
    with pytest.raises(ValueError, match=r"shape \(1,\)\. Pass \(n_samples, 5\), or a dict of columns"):
        predictor.predict([row])
    with pytest.raises(ValueError, match="'number' of X contains infinity"):
        predictor.predict(MIXED.assign(number=np.inf))
    with pytest.raises(ValueError, match="'number' of X cannot be read as numbers"):
        predictor.predict(MIXED.assign(number="one"))
    with pytest.raises(TypeError, match="Column 'date' of X has dtype"):
        predictor.predict(MIXED.assign(date=1.0))
    with pytest.raises(AttributeError, match="no probabilities"):
        predictor.predict_proba(MIXED)
    with pytest.raises(ValueError, match=r"does not end in '\.npz'"):
        predictor.save("model.txt")
