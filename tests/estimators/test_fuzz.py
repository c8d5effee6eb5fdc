"""Random settings on random tables, plausible and extreme: a clear refusal before training, or finite predictions."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skorch.callbacks import Callback

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor, KANSearchCV
from sklearn_kan.bases import BASES
from sklearn_kan.symbolic import KANSymbolicClassifier, KANSymbolicRegressor
from sklearn_kan.training._losses import REGRESSION_LOSSES
from sklearn_kan.training._phases import SOLVERS

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning", "ignore::UserWarning")


def some(few, many):
    """How many examples, in tests and in fuzzing."""
    return settings(max_examples=few if settings.default.derandomize else many)


SIZES = [1e-300, 1e-30, 1e-5, 1.0, 1.0, 1.0, 1e5, 1e30, 1e200, 1e300]
COLUMNS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "sized": lambda rng, n: rng.normal(size=n) * rng.choice(SIZES),
    "constant": lambda rng, n: np.full(n, rng.choice(SIZES)),
    "shifted": lambda rng, n: 1e9 + rng.normal(size=n) * rng.choice([1e-6, 1.0]),
    "decades": lambda rng, n: 10 ** rng.uniform(-300, 300, n),
    "outlier": lambda rng, n: np.where(np.arange(n) == 0, 1e308, rng.normal(size=n)),
    "code": lambda rng, n: np.where(rng.random(n) < 0.4, -999, rng.random(n)),
    "gaps": lambda rng, n: np.where(rng.random(n) < 0.5, np.nan, rng.normal(size=n)),
    "nothing": lambda rng, n: np.full(n, np.nan),
    "infinite": lambda rng, n: np.where(np.arange(n) == n - 1, np.inf, rng.normal(size=n)),
    "tiny": lambda rng, n: rng.choice([0.0, 5e-324, -5e-324, -0.0], n),
    "integer": lambda rng, n: rng.integers(0, 4, n),
    "large integer": lambda rng, n: rng.integers(-(2**62), 2**62, n),
    "boolean": lambda rng, n: rng.random(n) < 0.5,
    "single": lambda rng, n: rng.normal(size=n).astype(np.float32),
}
ONLY_FRAMES = {
    "words": lambda rng, n: rng.choice(["a", "b", "ö", ""], n).astype(object),
    "names": lambda rng, n: np.array([f"row {i}" for i in range(n)], dtype=object),
    "gaps in words": lambda rng, n: np.where(rng.random(n) < 0.5, None, rng.choice(["a", "b"], n).astype(object)),
    "dates": lambda rng, n: np.datetime64("1999-12-31", "ms") + rng.integers(0, 10**12, n),
    "far dates": lambda rng, n: np.datetime64("1700-01-01", "us") + rng.integers(0, 10**16, n),
    "durations": lambda rng, n: rng.integers(-(10**9), 10**9, n).astype("m8[ms]"),
}
NUMBERS = {
    **{kind: COLUMNS[kind] for kind in ("normal", "sized", "constant", "shifted", "outlier", "integer", "tiny")},
    "counts": lambda rng, n: rng.poisson(1.0, n),
    "positive": lambda rng, n: rng.lognormal(sigma=3, size=n),
    "largest": lambda rng, n: rng.uniform(-1, 1, n) * np.finfo(float).max,
    "gaps": COLUMNS["gaps"],
}
LABELS = {
    "two": lambda rng, n: rng.random(n) < 0.5,
    "words": lambda rng, n: rng.choice(["no", "yes", "perhaps"], n),
    "rare": lambda rng, n: np.where(np.arange(n) == 0, 7, 3),
    "many": lambda rng, n: rng.integers(0, max(2, n // 3), n),
    "one": lambda rng, n: np.zeros(n),
}
WEIGHTS = {
    "none": lambda rng, n: None,
    "some": lambda rng, n: rng.integers(0, 3, n),
    "heavy": lambda rng, n: np.where(np.arange(n) == 0, 1e3 * n, 1.0),
    "decades": lambda rng, n: 10 ** rng.uniform(-300, 100, n),
    "none at all": lambda rng, n: np.zeros(n),
    "one": lambda rng, n: (np.arange(n) == n // 2) * 1e-300,
    "negative": lambda rng, n: np.arange(n) - 1.0,
}


def choice(*values):
    return st.sampled_from(values)


SHARED = {
    "hidden_layer_sizes": choice((), 1, (3,), (5,), (4, 2), [2], (0,)),
    "basis": choice(*sorted(BASES), "bspline", ["bspline", "rbf"]),
    "n_knots": choice(2, 3, 6, 40),
    "fine_knots": choice("auto", None, 2, 9),
    "degree": choice(0, 1, 2, 3, 5),
    "knots": choice("uniform", "quantile", "adaptive", [0.0, 1.0, 1.5], [-1e300, 1e300]),
    "refine_knots": choice(None, None, [9], [3, 30]),
    "interactions": choice(None, "product", "mixed"),
    "n_members": choice(1, 2, 5),
    "norm": choice("layer", "batch", "none"),
    "solver": choice("auto", *SOLVERS),
    "alpha": choice(0.0, 1e-300, 2.0, 90.0, 1e10),
    "smoothness": choice(0.0, 0.0, 1.0, 1e20),
    "batch_size": choice("auto", 1, 7, 10**9),
    "learning_rate": choice("cosine", "constant"),
    "learning_rate_init": choice(1e-300, 1e-3, 0.01, 0.1, 1e10),
    "early_stopping": choice("auto", True, False),
    "validation_fraction": choice(0.01, 0.15, 0.4, 0.99),
    "n_iter_no_change": choice(1, 100),
    "tol": choice(0.0, 1e-4, 1e10),
    "refit": choice(None, "last_layer"),
    "max_categories": choice(None, 1, 2, 5),
    "monotonic_cst": choice(None, None, None, None, [1], [0, -1], {"c0": 1}),
    "interaction_cst": choice(None, None, None, None, "pairwise", "no_interactions", [{0}], [{0, 1}]),
    "dtype": choice("auto", "float32", "float64"),
}
OWN = {
    KANRegressor: {
        "loss": choice(*sorted(REGRESSION_LOSSES)),
        "quantile": choice(0.5, 1e-9, 0.999, [0.1, 0.5, 0.9]),
        "power": choice(0, 0.5, 1, 1.5, 2, 2.5, 3),
    },
    KANClassifier: {"class_weight": choice(None, "balanced", {0: 1e-9}, {True: 5.0}, {0: np.nan})},
}
OF_PROCESS = {
    "n_components": choice(0, 1, 3),
    "spectrum": choice("auto", "student_t", "gaussian"),
    "nu": choice(0.5, 1.5, 2.5),
    "trend_degree": choice("auto", None, 0, 2, 10),
    "alpha": choice(0.0, 1e-300, 0.1, 1e10, 1e300),
    "normalize_y": choice(True, False),
    "link": choice("auto", "identity", "log"),
    "n_restarts_optimizer": choice(0, 0, 1),
    "max_iter": choice(1, 3),
    "solver": choice("auto", "cholesky", "toeplitz", "kronecker", "gaps", "inducing"),
}


def settings_of(ranges):
    """A few parameters away from their defaults."""
    names = st.lists(st.sampled_from(sorted(ranges)), max_size=5, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: ranges[name] for name in chosen}))


@st.composite
def tables(draw, kinds, n_rows, most_columns=4):
    """A table in one of its forms, and a generator for what goes with it."""
    rng, n = np.random.default_rng(draw(st.integers(0, 10**6))), draw(choice(*n_rows))
    form = draw(choice("numpy", "pandas", "polars", "masked"))
    possible = kinds | ONLY_FRAMES if form in ("pandas", "polars") else kinds
    often = [*sorted(possible), *3 * ["normal", "sized", "integer", "boolean"]]
    chosen = draw(st.lists(st.sampled_from(often), min_size=1, max_size=most_columns))
    columns = {f"c{i}": possible[kind](rng, n) for i, kind in enumerate(chosen)}
    if form == "numpy":
        return np.column_stack(list(columns.values())), rng, n
    if form == "masked":
        values = np.column_stack(list(columns.values())).astype(float)
        return np.ma.array(values, mask=rng.random(values.shape) < 0.2), rng, n
    return (pd.DataFrame if form == "pandas" else pl.DataFrame)(columns), rng, n


class Begun(Callback):
    """Notes that training has begun."""

    has_begun = False

    def on_train_begin(self, net, **kwargs):
        type(self).has_begun = True


NAMES = {*SHARED, *OF_PROCESS, *(name for own in OWN.values() for name in own), "sample_weight", "classes"}


def check_refusal(error, begun=False):
    """A refusal says what it is about, a parameter, a column, the table or the target, and comes before training."""
    words = set(re.findall(r"\w+", str(error)))
    assert words & (NAMES | {"X", "y", "Column", "weights"}), repr(error)
    assert not begun, repr(error)


def fitted(model, X, y, weight):
    """A fitted model, or None if it was refused; what is refused has not begun."""
    Begun.has_begun = False
    try:
        return model.fit(X, y) if weight is None else model.fit(X, y, sample_weight=weight)
    except (ValueError, TypeError) as error:
        check_refusal(error, Begun.has_begun)
        return None


def with_interval(model, X):
    """Predictions and their intervals, if enough rows were held out."""
    try:
        return model.predict(X, return_interval=0.5)
    except ValueError as error:
        if not re.match("return_interval=0.5 needs .*held.out", str(error)):
            raise
        return ()


def are_finite(*arrays):
    return all(np.isfinite(array).all() for array in arrays)


ROWS = 1, 2, 3, 8, 40, 40, 320


@some(8, 1000)
@given(tables(COLUMNS, ROWS), settings_of(SHARED | OWN[KANRegressor]), st.data())
def test_regressions(table, params, data):
    X, rng, n = table
    kinds = data.draw(st.lists(st.sampled_from(sorted(NUMBERS)), min_size=1, max_size=2))
    y = np.column_stack([NUMBERS[kind](rng, n) for kind in kinds])
    weight = WEIGHTS[data.draw(choice(*5 * ["none"], *WEIGHTS))](rng, n)
    params = {"hidden_layer_sizes": (3,), "n_members": 2, "max_iter": 2} | params
    model = KANRegressor(**params, random_state=0, callbacks=[Begun()])
    model = fitted(model, X, y[:, 0] if len(kinds) == 1 else y, weight)
    if model is not None:
        assert are_finite(model.predict(X))
        if model.module_.n_members is not None:
            assert are_finite(*model.predict(X, return_std=True))
        assert are_finite(*with_interval(model, X))


@some(8, 1000)
@given(tables(COLUMNS, ROWS), settings_of(SHARED | OWN[KANClassifier]), st.data())
def test_classifications(table, params, data):
    X, rng, n = table
    y = LABELS[data.draw(choice(*LABELS, "two", "words", "many"))](rng, n)
    weight = WEIGHTS[data.draw(choice(*5 * ["none"], *WEIGHTS))](rng, n)
    params = {"hidden_layer_sizes": (3,), "n_members": 2, "max_iter": 2} | params
    model = fitted(KANClassifier(**params, random_state=0, callbacks=[Begun()]), X, y, weight)
    if model is not None:
        probability = model.predict_proba(X)
        assert are_finite(probability)
        np.testing.assert_allclose(probability.sum(1), 1, rtol=1e-6)
        assert set(model.predict(X).tolist()) <= set(np.unique(y).tolist())


@some(4, 300)
@given(st.sampled_from([KANRegressor, KANClassifier]), settings_of(SHARED), st.data())
def test_chunks(estimator, params, data):
    params = {"hidden_layer_sizes": (3,), "n_members": 2} | params
    model = estimator(**params | {"early_stopping": False}, random_state=0)
    if not hasattr(model, "partial_fit"):
        return
    kinds = data.draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=3))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    target = data.draw(choice(*sorted(NUMBERS)))
    for n in data.draw(st.lists(choice(1, 5, 40, 300), min_size=1, max_size=3)):
        X = pd.DataFrame({f"c{i}": COLUMNS[kind](rng, n) for i, kind in enumerate(kinds)})
        y = rng.integers(0, 2, n) if estimator is KANClassifier else NUMBERS[target](rng, n)
        try:
            model.partial_fit(X, y, **({"classes": [0, 1]} if estimator is KANClassifier else {}))
        except (ValueError, TypeError) as error:
            check_refusal(error)
        if hasattr(model, "_state"):
            shown = X.replace([np.inf], np.nan)
            assert are_finite(model.predict_proba(shown) if estimator is KANClassifier else model.predict(shown))


@some(6, 400)
@given(tables(COLUMNS, (1, 2, 8, 40), 3), settings_of(OF_PROCESS), st.data())
def test_processes(table, params, data):
    X, rng, n = table
    kinds = data.draw(st.lists(st.sampled_from(sorted(NUMBERS)), min_size=1, max_size=2))
    y = np.column_stack([NUMBERS[kind](rng, n) for kind in kinds])
    weight = WEIGHTS[data.draw(choice(*5 * ["none"], *WEIGHTS))](rng, n)
    model = GPSpectralRegressor(**{"max_iter": 3, "n_components": 1} | params, random_state=0)
    model = fitted(model, X, y[:, 0] if len(kinds) == 1 else y, weight)
    if model is not None:
        mean, interval = model.predict(X, return_interval=0.5)
        assert are_finite(*model.predict(X, return_std=True), mean, interval)
        assert (interval[..., 0] <= interval[..., 1]).all()


@some(4, 400)
@given(st.sampled_from([KANSymbolicRegressor, KANSymbolicClassifier]), tables(COLUMNS, (2, 8, 40), 3), st.data())
def test_formulas(kind, table, data):
    X, rng, n = table
    targets = LABELS if kind is KANSymbolicClassifier else NUMBERS
    y = targets[data.draw(choice(*targets))](rng, n)
    weight = WEIGHTS[data.draw(choice(*5 * ["none"], *WEIGHTS))](rng, n)
    model = fitted(kind(max_seconds=None, max_steps=data.draw(choice(1, 2, 9)), random_state=0), X, y, weight)
    if model is not None:
        assert are_finite(model.predict_proba(X) if kind is KANSymbolicClassifier else model.predict(X))


@some(1, 40)
@given(tables(COLUMNS, (40,), 3), settings_of(SHARED), st.integers(0, 10**6))
def test_searches(table, params, seed):
    X, rng, n = table
    params = {"hidden_layer_sizes": (3,), "n_members": 2} | params | {"max_iter": 1}
    model = KANSearchCV(KANRegressor(**params, random_state=0), n_trials=2, cv=2, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, rng.normal(size=n))
        except (ValueError, TypeError) as error:
            check_refusal(error)
        else:
            assert are_finite(model.predict(X))
