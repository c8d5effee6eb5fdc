"""Files of models hold what models know, nothing that runs, and are whole or not there."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from sklearn_kan import SKOPS_TYPES, GPSpectralRegressor, KANClassifier, KANRegressor, load, save
from sklearn_kan.bases import Sine
from sklearn_kan.export import to_numpy
from sklearn_kan.export._file import from_bytes, to_bytes
from tests.export.models import FEW, mixed_table, two_classes

X, y = mixed_table()
FOLDER = Path(__file__).parent
MODELS = {
    "regressor": KANRegressor(**FEW),
    "classifier": KANClassifier(max_categories=8, class_weight={"low": 2.0, "high": np.float32(1)}, **FEW),
    "quantiles": KANRegressor(loss="quantile", quantile=[0.1, 0.5, np.float64(0.9)], **FEW),
    "gamma": KANRegressor(loss="gamma", **FEW),
    "glass box": KANClassifier(interaction_cst="no_interactions", **FEW),
    "single precision": KANRegressor(dtype="float32", basis="rational", **FEW),
    "random state": KANRegressor(**FEW | {"random_state": np.random.RandomState(3)}),
}


def target(model):
    return two_classes(y) if isinstance(model, KANClassifier) else np.exp(y)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model, and the bytes of its file."""
    path = tmp_path_factory.mktemp("saved") / "model.kan"
    model = KANRegressor(**FEW).fit(X, y)
    save(model, path)
    return model, path.read_bytes()


@pytest.mark.parametrize("name", MODELS)
def test_what_is_loaded_is_what_was_saved(name, tmp_path):
    model = MODELS[name].fit(X, target(MODELS[name]))
    save(model, tmp_path / "model.kan")
    loaded = load(tmp_path / "model.kan")
    for method in {"predict", "predict_proba"} & set(dir(model)):
        assert np.array_equal(getattr(loaded, method)(X), getattr(model, method)(X))
    assert loaded.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    assert loaded.loss_curve_ == model.loss_curve_
    assert np.array_equal(loaded.feature_importances_, model.feature_importances_)
    assert {key: repr(value) for key, value in loaded.get_params().items() if key != "random_state"} == {
        key: repr(value) for key, value in model.get_params().items() if key != "random_state"
    }
    if name == "glass box":
        assert loaded.terms_ == model.terms_
        assert np.array_equal(loaded.term_importances_, model.term_importances_)
    if name == "random state":
        assert loaded.random_state.random() == model.random_state.random()


def test_a_loaded_model_goes_on_as_an_unpickled_one(tmp_path):
    numbers = X[["number", "sentinel"]]
    model = KANRegressor(**FEW).partial_fit(numbers[:100], y[:100])
    save(model, tmp_path / "model.kan")
    loaded, unpickled = load(tmp_path / "model.kan"), pickle.loads(pickle.dumps(model))
    assert np.array_equal(
        loaded.partial_fit(numbers, y).predict(numbers), unpickled.partial_fit(numbers, y).predict(numbers)
    )


def test_models_of_the_first_format_are_read():
    expected = json.loads((FOLDER / "format_1.json").read_text())
    rows = pd.DataFrame(expected["rows"])
    for kind, predicted in expected["predicted"].items():
        model = load(FOLDER / f"format_1_{kind}.kan")
        found = model.predict_proba(rows) if kind == "KANClassifier" else model.predict(rows)
        np.testing.assert_allclose(found, predicted, rtol=1e-9)
    for name, known in expected["with_std"].items():  # a network that Gauss-Newton fitted, a Gaussian process
        found = load(FOLDER / f"format_1_{name}.kan").predict(known["rows"], return_std=True)
        np.testing.assert_allclose(found, known["predicted"], rtol=1e-7)


def test_flipped_bits_are_noticed(saved):
    _, data = saved
    random = np.random.default_rng(0)
    places = [*range(0, 300, 7), *random.integers(0, len(data), 60), len(data) - 1]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(random.integers(8))
        with pytest.raises(ValueError, match=r"model\.kan"):
            from_bytes(bytes(damaged), "model.kan")


def test_files_that_are_cut_off_are_noticed(saved):
    _, data = saved
    for length in [0, 7, 8, 100, len(data) // 2, len(data) - 1]:
        with pytest.raises(ValueError, match=r"whole|damaged"):
            from_bytes(data[:length], "model.kan")


def test_files_of_something_else_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n" * 100)
    with pytest.raises(ValueError, match=r"table\.csv is not"):
        load(path)
    path.write_bytes(to_bytes({"x": np.ones(3)}, {"format": "other"}))
    with pytest.raises(ValueError, match=r"Pass one that sklearn_kan\.save wrote"):
        load(path)


def test_later_formats_are_refused_with_their_version(saved, tmp_path):
    arrays, texts = from_bytes(saved[1], "model.kan")
    versions = json.dumps(json.loads(texts["versions"]) | {"sklearn_kan": "9.1"})
    path = tmp_path / "later.kan"
    path.write_bytes(to_bytes(arrays, texts | {"format_version": "2", "versions": versions}))
    with pytest.raises(ValueError, match=r"format 2, of sklearn_kan 9\.1.*Upgrade"):
        load(path)


def test_nothing_is_made_from_a_name_that_is_not_known(saved, tmp_path):
    arrays, texts = from_bytes(saved[1], "model.kan")
    path = tmp_path / "model.kan"
    for forged in ({"record": "Popen", "fields": {}}, {"function": "system"}, {"state": "Popen", "fields": {}}):
        tree = json.loads(texts["model"])
        tree["parameters"]["alpha"] = forged
        path.write_bytes(to_bytes(arrays, texts | {"model": json.dumps(tree)}))
        with pytest.raises(ValueError, match="does not know"):
            load(path)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [({"basis": Sine}, "basis of the model is the class Sine"), ({"callbacks": [print]}, "callbacks of the model")],
    ids=["basis", "callbacks"],
)
def test_what_is_code_is_refused_by_name(parameters, named, tmp_path):
    model = KANRegressor(**FEW).fit(X, y).set_params(**parameters)
    with pytest.raises(TypeError, match=named):
        save(model, tmp_path / "model.kan")
    assert not list(tmp_path.iterdir())


def test_texts_that_look_like_a_checksum_are_only_texts(tmp_path):
    labels = np.where(two_classes(y) == two_classes(y)[0], "0" * 64, "f" * 64)
    model = KANClassifier(**FEW).fit(X, labels)
    save(model, tmp_path / "model.kan")
    assert np.array_equal(load(tmp_path / "model.kan").predict(X), model.predict(X))


def test_other_estimators_and_those_without_a_fit_are_refused(tmp_path):
    with pytest.raises(TypeError, match=r"LinearRegression, and only GPSpectralRegressor, KAN.* search's best_"):
        save(LinearRegression(), tmp_path / "model.kan")
    with pytest.raises(TypeError, match=r"GPSpectralRegressor, and only KANClassifier, KANRegressor can be exported"):
        to_numpy(GPSpectralRegressor())
    with pytest.raises(ValueError, match="not fitted"):
        save(GPSpectralRegressor(), tmp_path / "model.kan")
    with pytest.raises(ValueError, match="not fitted"):
        save(KANRegressor(), tmp_path / "model.kan")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_fault_while_saving_leaves_the_old_file(saved, step, tmp_path, monkeypatch):
    path = tmp_path / "model.kan"
    path.write_bytes(b"before")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        save(saved[0], path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["quantiles", "glass box"])
def test_files_of_skops_hold_the_types_that_are_listed(name):
    data = skops.io.dumps(MODELS[name].fit(X, target(MODELS[name])))
    assert set(skops.io.get_untrusted_types(data=data)) <= set(SKOPS_TYPES)
    assert np.array_equal(skops.io.loads(data, trusted=SKOPS_TYPES).predict(X), MODELS[name].predict(X))


@pytest.mark.parametrize("kind", ["axis of dates", "table", "grid"])
def test_gaussian_processes_are_loaded_as_they_were_saved(kind, tmp_path):
    random = np.random.default_rng(0)
    model = GPSpectralRegressor(n_components=1, max_iter=5, random_state=0)
    if kind == "grid":
        axes = np.arange(8.0), np.arange(6.0)
        model.fit_grid(axes, np.sin(axes[0])[:, None] * np.cos(axes[1]))
        points = random.uniform(0, 6, (5, 2))
    elif kind == "table":
        points = pd.DataFrame(random.normal(size=(30, 4)), columns=list("abcd"))
        model.fit(points, random.normal(size=(30, 2)))
    else:
        points = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=40)})
        model.fit(points, np.sin(np.arange(40.0)))
    save(model, tmp_path / "model.kan")
    loaded = load(tmp_path / "model.kan")
    for found, expected in zip(
        loaded.predict(points, return_std=True), model.predict(points, return_std=True), strict=True
    ):
        assert np.array_equal(found, expected)
    assert np.array_equal(loaded.sample_y(points, 2), model.sample_y(points, 2))
    fitted = {name for name in vars(model) if name.endswith("_")}
    assert {name for name in vars(loaded) if name.endswith("_")} == fitted
    assert loaded.log_marginal_likelihood_value_ == model.log_marginal_likelihood_value_
    assert repr(loaded.kernel_) == repr(model.kernel_)


def test_files_of_skops_hold_listed_types_of_gaussian_processes():
    model = GPSpectralRegressor(n_components=1).fit(np.arange(20.0)[:, None], np.sin(np.arange(20.0)))
    assert set(skops.io.get_untrusted_types(data=skops.io.dumps(model))) <= set(SKOPS_TYPES)
