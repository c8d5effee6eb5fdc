"""Source code in C, Python and SQL, and JSON, predict what their models predict: run, not read."""

import ctypes
import json
import shutil
import sqlite3
import subprocess

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.export import to_c, to_json, to_numpy, to_onnx, to_python, to_sql
from sklearn_kan.inspection import effects, monotonize, remove_terms, round_terms, set_term
from tests.export.models import FEW, difference, mixed_table, two_classes

EXACT = 1e-6  # of the spread
compiled = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


def table(n=120, seed=0):
    """Numbers with gaps and a sentinel, labels with gaps."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": random.uniform(18, 80, n),
            "debt": np.where(random.random(n) < 0.1, np.nan, random.normal(size=n)),
            "house 'n' \"home\"": np.where(random.random(n) < 0.1, None, random.choice(["own", "it's", 'a "b"\\?'], n)),
            "sentinel": np.where(random.random(n) < 0.3, -999.0, random.integers(0, 9, n)),
        }
    )
    y = np.sin(X["age"] / 10) + np.nan_to_num(X["debt"]) * (X.iloc[:, 2] == "own") + X["sentinel"].clip(lower=0) / 5
    return X, y.to_numpy()


X, TARGET = table()
HOUSE = X.columns[2]


def far_rows():
    """Rows inside and far outside, with gaps and labels that training did not have."""
    rows = table(40, seed=1)[0]
    rows.loc[:9, "age"] *= 7
    rows.loc[5:14, "debt"] *= -50
    rows.loc[3, HOUSE], rows.loc[7, "age"], rows.loc[8, "sentinel"] = "unknown", np.nan, np.nan
    return rows


FAR = far_rows()


@pytest.fixture(scope="module")
def glass_box():
    """A sum of functions of columns and of two pairs: two numbers, and a number with labels."""
    return KANRegressor(interaction_cst=[{0, 1}, {1, 2}, {3}], **FEW).fit(X, TARGET)


@pytest.fixture(scope="module")
def automatic():
    """A glass box with edges past its hidden layers."""
    model = KANRegressor(interaction_cst={"pairs": 2}, **FEW).fit(X, TARGET)
    assert model.model_.module.direct is not None
    return model


def by_c(model, rows, folder):
    """Outputs of the compiled source for rows of a dataframe."""
    (folder / "model.c").write_text(to_c(model), encoding="utf-8")
    command = [
        "cc",
        "-std=c99",
        "-pedantic",
        "-Wall",
        "-Werror",
        "-O0",
        "-shared",
        "-fPIC",
        "model.c",
        "-o",
        "model.so",
        "-lm",
    ]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "model.so"))
    n_outputs = ctypes.c_int.in_dll(library, "kan_n_outputs").value
    is_category = [rows[name].dtype == object or str(rows[name].dtype).startswith("str") for name in rows]
    found = []
    for row in rows.itertuples(index=False):
        pairs = list(zip(row, is_category, strict=True))
        numbers = [value for value, is_label in pairs if not is_label]
        texts = [None if pd.isna(value) else value.encode() for value, is_label in pairs if is_label]
        out = (ctypes.c_double * n_outputs)()
        library.kan_predict((ctypes.c_double * len(numbers))(*numbers), (ctypes.c_char_p * len(texts))(*texts), out)
        found.append(list(out))
    return np.array(found)


def by_python(model, rows, method="predict"):
    module: dict = {}
    exec(to_python(model), module)
    return [module[method](row) for row in rows.astype(object).where(rows.notna(), None).to_dict("records")]


def by_sql(model, rows):
    connection, query = sqlite3.connect(":memory:"), to_sql(model, "some data")
    rows.to_sql("some data", connection, index=False)
    steps = len(connection.execute(f"EXPLAIN {query}").fetchall())
    assert steps < len(query) / 4, "some part is computed again and again"
    return pd.read_sql(query, connection)


def by_json(model, rows):
    """Sums before the link, as the docstring has it."""
    found = json.loads(to_json(model))

    def value(own, row):
        if isinstance(own, list):
            return np.array(own)
        if own["kind"] == "product":
            weights = value(own["second"], row)
            return weights @ value(own["first"], row).reshape(len(weights), -1)
        x = row[own["column"]]
        if pd.isna(x):
            return value(own["missing"], row)
        if own["kind"] == "choice":
            return value(dict(map(tuple, own["cases"])).get(x, own["unknown"]), row)
        if x in dict(map(tuple, own["special"])):
            return np.array(dict(map(tuple, own["special"]))[x])
        t = (x - own["center"]) * own["rate"]
        z = t / np.sqrt(1 + (t / 3) ** 2)
        place = int((z >= np.array(own["ends"])).sum())
        powers = np.array(own["coefficients"][place])
        return (z - own["centers"][place]) ** np.arange(len(powers)) @ powers

    rows = rows.to_dict("records")
    return np.array([found["intercept"] + sum(value(term, row) for term in found["terms"]) for row in rows])


def pair_of(model):
    return next(term for term in model.terms_ if len(term) == 2)


def doubled_pair(model):
    values = next(effect.values for effect in effects(model) if len(effect.columns) == 2)
    return set_term(model, pair_of(model), 2 * values[..., 0])


EDITS = {
    "removed": lambda model: remove_terms(model, ["age"]),
    "removed pair": lambda model: remove_terms(model, [pair_of(model)]),
    "monotone": lambda model: monotonize(model, "debt"),
    "given": doubled_pair,
    "rounded": lambda model: round_terms(model, 1),
}


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.filterwarnings("ignore:.*unknown")
def test_edited_glass_boxes_are_exported(name, glass_box, automatic):
    for whole in (glass_box, automatic)[: 2 if name == "removed pair" else 1]:
        model = EDITS[name](whole)
        expected = model.predict(FAR)
        assert np.abs(expected - whole.predict(FAR)).max() > 0.01 * expected.std()
        assert difference(to_numpy(model).predict(FAR), expected) < EXACT
        if name not in ("removed pair", "given"):
            continue
        session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
        texts = FAR[[HOUSE]].astype(object)
        inputs = {"numbers": FAR[["age", "debt", "sentinel"]].to_numpy(np.float32),
                  "categories": texts.where(texts.notna(), "").to_numpy(dtype=object)}  # fmt: skip
        assert difference(session.run(None, inputs)[0], expected) < 1e-5


@pytest.mark.filterwarnings("ignore:.*unknown")
def test_glass_boxes_with_pairs_are_exported_as_a_whole(automatic, tmp_path):
    expected = automatic.predict(FAR)
    assert difference(to_numpy(automatic).predict(FAR), expected) < EXACT
    assert difference(np.array(by_python(automatic, FAR)), expected) < EXACT


@compiled
@pytest.mark.filterwarnings("ignore:.*unknown")
def test_c_and_python_take_every_network(tmp_path):
    mixed, y = mixed_table()
    model = KANClassifier(**FEW | {"n_members": 2}).fit(mixed, two_classes(y))
    rows, _ = mixed_table(20, seed=1)
    rows.loc[0, "few"] = "unknown"
    expected = model.predict_proba(rows)
    days = rows.assign(date=(rows["date"] - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1))
    assert difference(by_c(model, days, tmp_path), expected) < EXACT
    found = by_python(model, days, "predict_proba")
    assert list(found[0]) == model.classes_.tolist()
    assert difference(np.array([list(row.values()) for row in found]), expected) < EXACT
    assert by_python(model, days[:3]) == model.predict(rows[:3]).tolist()


@compiled
@pytest.mark.filterwarnings("ignore:.*unknown")
def test_labels_and_names_are_quoted(glass_box, tmp_path):
    assert difference(by_c(glass_box, FAR, tmp_path)[:, 0], glass_box.predict(FAR)) < EXACT


@pytest.mark.filterwarnings("ignore:.*unknown")
def test_sql_and_json_of_glass_boxes(glass_box):
    few = {"n_members": 1, "n_knots": 2, "fine_knots": None}
    model = KANRegressor(interaction_cst=[{0, 1}, {2}], **FEW | few).fit(X[["debt", HOUSE, "age"]], TARGET)
    rows = FAR[["debt", HOUSE, "age"]]
    expected = model.predict(rows)
    found = by_sql(model, rows)
    assert difference(found["prediction"].to_numpy(), expected) < EXACT
    assert difference(by_json(model, FAR)[:, 0], expected) < EXACT
    tabulated = round_terms(glass_box, 2)
    assert any(len(effect.columns) == 2 for effect in effects(tabulated))
    assert difference(by_json(tabulated, FAR)[:, 0], tabulated.predict(FAR)) < EXACT
    few_values = X.assign(age=X["age"] // 20, debt=X["debt"].round())[["age", "debt", HOUSE]]
    pair = round_terms(KANRegressor(interaction_cst=[{0, 1}, {2}], **FEW).fit(few_values, TARGET), 2)
    rows = few_values.assign(age=few_values["age"] + 0.3)[:50]
    assert difference(by_sql(pair, rows)["prediction"].to_numpy(), pair.predict(rows)) < EXACT


SETTINGS = {
    "two classes": (KANClassifier(**FEW), lambda y: two_classes(y)),
    "three classes": (KANClassifier(**FEW), lambda y: np.digitize(y, [0.0, 1.0])),
    "poisson": (KANRegressor(loss="poisson", **FEW), lambda y: np.exp(y)),
    "two outputs": (KANRegressor(**FEW), lambda y: np.stack([y, -2 * y**2], 1)),
    "single precision, no members": (KANRegressor(**FEW | {"n_members": 1, "dtype": "float32"}), lambda y: y),
    "sines": (KANRegressor(**FEW, basis="sine"), lambda y: y),
    "rising": (KANRegressor(**FEW, monotonic_cst=[1, 0]), lambda y: y),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.filterwarnings("ignore:.*unknown")
def test_sql_of_sums_of_columns(name):
    model, change = SETTINGS[name]
    columns = ["debt", HOUSE, *["sentinel"] * (name == "poisson")]
    model = model.set_params(interaction_cst="no_interactions").fit(X[columns], change(TARGET))
    rows = FAR[columns]
    found = by_sql(model, rows)
    if isinstance(model, KANClassifier):
        expected = model.predict_proba(rows)
        names = [f"probability_{k}" for k in range(expected.shape[1])]
        assert found["prediction"].tolist() == model.predict(rows).tolist()
    else:
        expected = model.predict(rows)
        names = ["prediction"] if expected.ndim == 1 else ["prediction_0", "prediction_1"]
    assert difference(found[names].to_numpy().reshape(expected.shape), expected) < EXACT


def test_what_is_no_sum_of_curves_is_refused_by_name(glass_box):
    with pytest.raises(ValueError, match=r"The pair \('age', 'debt'\) is a network.*round_terms"):
        to_sql(glass_box)
    with pytest.raises(ValueError, match="not a sum of functions"):
        to_json(KANRegressor(**FEW).fit(X, TARGET))
    mixed, y = mixed_table()
    with pytest.raises(ValueError, match="'date' has cycles"):
        to_sql(KANRegressor(interaction_cst="no_interactions", **FEW).fit(mixed, y))
    several = KANRegressor(interaction_cst="no_interactions", loss="quantile", quantile=[0.1, 0.9], **FEW)
    with pytest.raises(ValueError, match="several quantiles"):
        to_sql(several.fit(X, TARGET))
