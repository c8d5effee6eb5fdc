"""Spaces of a search: what the estimator has decided is left alone, and what is drawn can be fitted."""

import warnings
from itertools import cycle

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor, KANSearchCV
from sklearn_kan.bases import BASES
from sklearn_kan.search._space import space_for

ALPHA = {"alpha": FloatDistribution(1e-3, 1e3, log=True)}
X, y = load_diabetes(return_X_y=True)


KNOTS = np.linspace(-2, 2, 2000)
MOVED = KNOTS + 1e-4 * (np.arange(2000) == 1000)  # NumPy's abbreviated text does not show it


@pytest.mark.parametrize(("knots", "is_there"), [(KNOTS, True), (KNOTS.tolist(), True), (MOVED, False)])
def test_settings_are_compared_by_value(knots, is_there):
    def space(trial):
        return {"knots": KNOTS, "n_knots": int(trial.suggest_int("n_knots", 4, 16))}

    found = space_for(KANRegressor(knots=knots, n_knots=np.int64(9)), space, None, 500)
    assert found.own == ({"n_knots": 9} if is_there else None)


def test_numbers_of_numpy_are_numbers(tmp_path):
    model, default = KANRegressor((np.int64(4),), n_members=2, max_iter=1, alpha=np.float64(3.0)), KANRegressor()
    defaults = {"n_knots": np.int64(default.n_knots), "learning_rate_init": np.float64(default.learning_rate_init)}
    free = space_for(KANRegressor(**defaults), None, ["bspline"], 500)
    assert {"bspline__n_knots", "learning_rate_init"} <= set(free.own)
    storage = JournalStorage(JournalFileBackend(f"{tmp_path}/journal.log"))  # holds what JSON has
    search = KANSearchCV(model, space={"alpha": FloatDistribution(1, 9)}, n_trials=1, cv=2, storage=storage)
    assert search.fit(X[:50], y[:50]).study_.trials[0].params == {"alpha": 3.0}
    gp = GPSpectralRegressor(n_components=np.int64(GPSpectralRegressor().n_components))
    assert space_for(gp, None, None, 50).own == space_for(GPSpectralRegressor(), None, None, 50).own


def test_what_the_estimator_decides_is_left_alone():
    def drawn(model, **params):
        space = space_for(model, None, params.get("bases"), params.get("n_samples", 500))
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        return [space.draw(study.ask()) for _ in range(params.get("n_draws", 40))]

    assert {params["basis"] for params in drawn(KANRegressor())} == set(BASES)
    for decided in [{"basis": "rational"}, {"hidden_layer_sizes": (9, 5)}, {"alpha": 0.5}, {"learning_rate_init": 0.1},
                    {"n_knots": 9}, {"degree": 2}, {"knots": "uniform"}, {"solver": "lbfgs"}]:  # fmt: skip
        model = KANRegressor(**decided)
        ((name, value),) = decided.items()
        assert all(params.get(name, value) == value for params in drawn(model, n_samples=50, n_draws=10))
    refined = drawn(KANRegressor(refine_knots=[9]))
    assert {params["basis"] for params in refined} == {"bspline", "truncated_power"}
    assert not any("n_knots" in params for params in refined)
    listed = drawn(KANRegressor(basis=["sine", "rbf"]), n_draws=10)
    assert not any({"basis", "basis_params", "hidden_layer_sizes"} & set(params) for params in listed)
    own = drawn(KANRegressor(basis="wavelet", basis_params={"wavelet": "morlet"}), n_draws=10)
    assert all(params["basis"] == "wavelet" and "basis_params" not in params for params in own)
    assert {params["basis"] for params in drawn(KANRegressor(), bases=["sine"], n_draws=10)} == {"sine"}
    assert {params["solver"] for params in drawn(KANRegressor(), n_samples=50)} == {"auto", "hybrid"}
    assert {params["nu"] for params in drawn(GPSpectralRegressor()) if params["spectrum"] == "student_t"} == {
        0.5,
        1.5,
        2.5,
    }
    assert not any("nu" in params for params in drawn(GPSpectralRegressor()) if params["spectrum"] != "student_t")


@pytest.mark.parametrize(
    ("estimator", "options", "error", "match"),
    [
        (Ridge(), {}, ValueError, "has none"),
        (make_pipeline(KANRegressor(), KANRegressor()), {}, ValueError, "has 2"),
        (Ridge(), {"space": {"beta": ALPHA["alpha"]}}, ValueError, r"\['beta'\], which are not parameters"),
        (Ridge(), {"space": {"alpha": [1, 2]}}, TypeError, "is not an Optuna distribution"),
        (KANRegressor(), {"space": ALPHA, "bases": ["sine"]}, ValueError, "belongs to the default space"),
        (KANRegressor(), {"bases": []}, ValueError, "nothing to choose from"),
        (KANRegressor(), {"bases": ["splien"]}, ValueError, "basis='splien' is unknown"),
        (KANRegressor(basis=["sine", "rbf"]), {"bases": ["sine"]}, ValueError, "one for each layer"),
        (KANRegressor(basis="rational", basis_params={"n_groups": 2}), {"bases": ["sine"]}, ValueError, "belong to"),
        (GPSpectralRegressor(), {"bases": ["sine"]}, ValueError, "are for KANs"),
        (Ridge(), {"space": ALPHA, "n_trials": 0}, ValueError, "n_trials"),
    ],
)  # fmt: skip
def test_spaces_that_do_not_fit_are_refused(estimator, options, error, match):
    with pytest.raises(error, match=match):
        KANSearchCV(estimator, **options).fit(X, y)


@pytest.mark.parametrize("basis", sorted(BASES))
def test_all_settings_of_the_space_can_be_fitted_and_hold_the_own_one(basis):
    model = KANRegressor(basis=basis, max_iter=1)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    space = space_for(model, None, [basis], 500)
    study.enqueue_trial(space.own)
    with warnings.catch_warnings(action="error"):
        own = space.draw(study.ask())
        assert clone(model).set_params(**own).get_params() | {"basis_params": None} == model.get_params()
        for _ in range(4):
            clone(model).set_params(**space.draw(study.ask())).fit(X[:30, :2], y[:30])


def drawn(model, n_draws, n_samples=40):
    space = space_for(model, None, None, n_samples)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    if space.own:
        study.enqueue_trial(space.own)
    return [space.draw(study.ask()) for _ in range(n_draws)]


DECIDED = [
    {"monotonic_cst": {"a": 1}}, {"monotonic_cst": {"a": -1, "b": 0}, "interaction_cst": "pairwise"},
    {"interaction_cst": "no_interactions"}, {"interaction_cst": [{"a", "c"}], "basis": "rational"},
    {"interaction_cst": "pairwise", "solver": "lbfgs"}, {"smoothness": 1.0},
    {"smoothness": 1.0, "basis": "truncated_power"},
    {"degree": 0}, {"n_knots": 2}, {"refine_knots": [12]}, {"knots": "adaptive"}, {"knots": [-1.0, 0.0, 1.0]},
    {"alpha": 60.0}, {"alpha": 0.0}, {"learning_rate_init": 0.2}, {"refit": "last_layer"}, {"solver": "kfac"},
    {"solver": "gauss_newton"}, {"solver": "layerwise"}, {"interactions": "product"}, {"norm": "none"},
]  # fmt: skip


@pytest.mark.parametrize("decided", DECIDED)
def test_what_is_drawn_goes_with_what_is_decided(decided):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=30), "b": rng.normal(size=30), "c": rng.choice(list("xy"), 30)})
    model = KANRegressor(max_iter=1, n_members=2, **decided)
    for params in drawn(model, 3):
        params = {"hidden_layer_sizes": (4,), "solver": model.solver} | params
        params["hidden_layer_sizes"] = tuple(min(4, size) for size in params["hidden_layer_sizes"])
        clone(model).set_params(**params).fit(table, table["a"] * table["b"])


def test_constraints_leave_splines_and_no_products():
    settings = drawn(KANRegressor(monotonic_cst=[1, 0]), 60)
    assert {params["basis"] for params in settings} == {"bspline", "truncated_power"}
    assert not any({"interactions", "n_members", "smoothness"} & set(params) for params in settings)
    assert {params["basis"] for params in drawn(KANRegressor(monotonic_cst=[0, 0]), 120)} == set(BASES)
    with_groups = drawn(KANRegressor(interaction_cst="pairwise"), 120)
    assert {params["basis"] for params in with_groups} == set(BASES)
    assert not any("interactions" in params for params in with_groups)


class Short(KANRegressor):
    """Has three parameters."""

    def __init__(self, alpha=1.0, n_knots=6, random_state=None):
        super().__init__((4,), alpha=alpha, n_knots=n_knots, random_state=random_state, max_iter=1, n_members=1)


class Bare(KANClassifier):
    def __init__(self, random_state=None):
        super().__init__((4,), random_state=random_state, max_iter=1, n_members=1)


class ShortGP(GPSpectralRegressor):
    def __init__(self, n_components=1):
        super().__init__(n_components=n_components, spectrum="student_t", max_iter=2)


def test_estimators_with_fewer_parameters():
    assert {name for params in drawn(Short(), 20) for name in params} == {"alpha", "n_knots"}
    assert drawn(Bare(), 3) == [{}] * 3
    assert {name for params in drawn(ShortGP(), 20) for name in params} == {"n_components"}
    for model, target in ((Short(), y), (Bare(), y > 100), (ShortGP(), y)):
        search = KANSearchCV(model, n_trials=3, cv=2, random_state=0).fit(X[:40, :2], target[:40])
        assert type(search.best_estimator_) is type(model)
        assert search.best_params_.keys() <= model.get_params().keys()
    with pytest.raises(ValueError, match=r"bases=\['sine'\] cannot replace the basis of Short\(\)"):
        KANSearchCV(Short(), bases=["sine"]).fit(X, y)


@pytest.mark.parametrize(("basis", "solver"), zip(sorted(BASES), cycle(["lbfgs", "hybrid"]), strict=False))
def test_sums_over_groups_of_every_basis_by_lbfgs(basis, solver):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60), "c": rng.choice(list("xyz"), 60)})
    target = table["a"] + np.sin(2 * table["b"]) + (table["c"] == "x")
    params = {"basis": basis, "solver": solver, "interaction_cst": [{"a", "b"}, {"c"}]}
    model = KANRegressor((5,), max_iter=4, early_stopping=False, alpha=0.01, n_members=1, random_state=0, **params)
    model.fit(table, target)
    assert all(p.is_contiguous() for p in model.module_.parameters())
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    other = table.assign(c="z")  # what c adds does not depend on a and b
    difference = model.predict(table.assign(c="x")) - model.predict(other)
    np.testing.assert_allclose(difference, difference[0], rtol=1e-9, atol=1e-9)
