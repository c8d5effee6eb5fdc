"""KANSearchCV: scikit-learn's own searches as the oracle, then what they do not have."""

import pickle
import warnings

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.base import clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor, KANSearchCV
from sklearn_kan.inspection import SearchDisplay
from tests.checks import checks_of

ALPHA = {"alpha": FloatDistribution(1e-3, 1e3, log=True)}
SMALL = {"hidden_layer_sizes": (4,), "n_members": 2, "max_iter": 2}
X, y = load_diabetes(return_X_y=True)
X_iris, y_iris = load_iris(return_X_y=True)
SILENT = optuna.pruners.NopPruner()


def ridge_search(**params):
    return KANSearchCV(
        Ridge(), **{"space": ALPHA, "n_trials": 5, "cv": 3, "random_state": 0, "pruner": SILENT} | params
    )


@parametrize_with_checks(
    [
        KANSearchCV(Ridge(), space=ALPHA, n_trials=2, cv=2, random_state=0),
        KANSearchCV(LogisticRegression(), space={"C": ALPHA["alpha"]}, n_trials=2, cv=2, random_state=0),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


OF_NETWORKS = KANSearchCV(
    KANClassifier(**SMALL | {"max_iter": 8, "learning_rate_init": 0.1}),
    bases=["bspline", "rational"], n_trials=2, cv=2, random_state=0,
)  # fmt: skip
WHERE_NETWORKS_ARE_SEEN = {
    "check_fit_idempotent": "the search's seed is that of networks too",
    "check_estimators_pickle": "networks are copied with the search",
    "check_estimators_dtypes": "the precision of a table arrives",
    "check_classifiers_train": "the best of few trials has learned",
    "check_classifiers_classes": "words are classes",
    "check_methods_subset_invariance": "rows are predicted by themselves",
    "check_n_features_in": "columns are counted before and after",
    "check_dict_unchanged": "predictions change nothing",
}


@pytest.mark.parametrize(
    "check", list(checks_of(OF_NETWORKS, WHERE_NETWORKS_ARE_SEEN)), ids=lambda check: check.func.__name__
)
def test_scikit_learn_checks_that_see_networks(check):
    check(OF_NETWORKS)


@pytest.mark.parametrize("scoring", [None, ["r2", "neg_mean_absolute_error"]])
def test_results_are_those_of_a_grid_search_over_the_same_settings(scoring):
    refit = "neg_mean_absolute_error" if scoring else True
    options = {"scoring": scoring, "refit": refit, "cv": KFold(3), "return_train_score": True}
    search = ridge_search(**options).fit(X, y)
    grid = GridSearchCV(Ridge(), [{"alpha": [p["alpha"]]} for p in search.cv_results_["params"]], **options).fit(X, y)
    for key, values in grid.cv_results_.items():
        if "time" not in key and not key.startswith("param"):
            np.testing.assert_allclose(search.cv_results_[key], values, err_msg=key)
    assert set(search.cv_results_) - set(grid.cv_results_) == {"trial_number", "trial_state"}
    np.testing.assert_array_equal(search.cv_results_["param_alpha"], grid.cv_results_["param_alpha"])
    assert search.best_params_ == grid.best_params_
    assert search.best_score_ == grid.best_score_ == search.study_.best_value
    np.testing.assert_allclose(search.predict(X), grid.predict(X))
    assert search.score(X, y) == pytest.approx(grid.score(X, y))


def test_the_first_trial_is_the_estimators_own_setting():
    model = KANRegressor(random_state=0, **SMALL)
    search = KANSearchCV(model, n_trials=3, cv=3, random_state=1).fit(X, y)
    own = [search.cv_results_[f"split{fold}_test_score"][0] for fold in range(3)]
    np.testing.assert_array_equal(own, cross_val_score(model, X, y, cv=3))
    assert all(clone(model).get_params()[key] == value for key, value in search.cv_results_["params"][0].items())
    assert search.best_score_ >= np.mean(own)
    assert search.study_.trials[0].params["basis"] == "bspline"


def test_an_own_setting_outside_of_the_space_is_tried_too():
    search = ridge_search(space=lambda trial: {"alpha": trial.suggest_float("strength", 5, 6)}).fit(X, y)
    assert search.cv_results_["params"][0] == {}
    assert search.cv_results_["mean_test_score"][0] == cross_val_score(Ridge(), X, y, cv=3).mean()
    assert all(5 <= params["alpha"] <= 6 for params in search.cv_results_["params"][1:])
    search = ridge_search(space={"alpha": FloatDistribution(5, 6)}).fit(X, y)
    assert [trial.params.get("alpha", 0) >= 5 for trial in search.study_.trials] == [False, True, True, True, True]


def test_the_same_random_state_gives_the_same_search():
    def run(estimator):
        search = KANSearchCV(estimator, bases=["bspline", "rational"], n_trials=3, cv=2, random_state=3)
        search.fit(X_iris[::2], y_iris[::2])
        return search.cv_results_["mean_test_score"], search.predict_proba(X_iris)

    for first, second in zip(run(KANClassifier(**SMALL)), run(KANClassifier(**SMALL)), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_resumed_search_goes_on_as_if_it_had_not_been_interrupted(tmp_path):
    options = {"storage": f"sqlite:///{tmp_path}/study.db", "study_name": "a", "load_if_exists": True}
    whole = ridge_search(n_trials=5).fit(X, y)
    ridge_search(n_trials=3, **options).fit(X, y)
    resumed = ridge_search(n_trials=5, **options).fit(X, y)
    assert resumed.cv_results_["params"] == whole.cv_results_["params"]
    np.testing.assert_array_equal(resumed.cv_results_["split1_test_score"], whole.cv_results_["split1_test_score"])
    again = ridge_search(n_trials=5, **options).fit(X, y)
    assert len(again.study_.trials) == 5
    with pytest.raises(optuna.exceptions.DuplicatedStudyError):
        ridge_search(**options | {"load_if_exists": False}).fit(X, y)
    with pytest.raises(ValueError, match="another table, target or splits"):
        ridge_search(**options).fit(X, y[::-1])
    with pytest.raises(ValueError, match="trials of another space"):
        ridge_search(space={"tol": FloatDistribution(1e-4, 1e-3)}, **options).fit(X, y)


@pytest.mark.parametrize("is_routed", [False, True])
def test_weights_and_groups_arrive_where_those_of_a_grid_search_do(is_routed):
    import sklearn

    rng = np.random.default_rng(0)
    data = {"sample_weight": rng.uniform(size=len(y)), "groups": rng.integers(0, 9, len(y))}
    with sklearn.config_context(enable_metadata_routing=is_routed):
        model = (
            Ridge().set_fit_request(sample_weight=True).set_score_request(sample_weight=True) if is_routed else Ridge()
        )
        search = KANSearchCV(model, space=ALPHA, n_trials=4, cv=GroupKFold(3), random_state=0, pruner=SILENT)
        search.fit(X, y, **data)
        grid = GridSearchCV(model, {"alpha": [p["alpha"] for p in search.cv_results_["params"]]}, cv=GroupKFold(3))
        grid.fit(X, y, **data)
        key = "split2_test_score"
        np.testing.assert_array_equal(search.cv_results_[key], grid.cv_results_[key])
        np.testing.assert_array_equal(search.predict(X), grid.predict(X))


def test_refit_may_be_a_function_or_be_left_out():
    search = ridge_search(refit=lambda results: 2).fit(X, y)
    assert search.best_index_ == 2
    assert search.best_estimator_.alpha == search.best_params_["alpha"]
    assert not hasattr(search, "best_score_")
    search = ridge_search(refit=False, scoring=["r2", "neg_max_error"]).fit(X, y)
    assert not hasattr(search, "best_params_")
    assert search.study_.best_value == search.cv_results_["mean_test_r2"].max()
    scores = ridge_search(scoring=lambda model, X, y: {"a": 1.0, "b": -model.alpha}, refit="b").fit(X, y)
    assert scores.best_params_["alpha"] == min(params["alpha"] for params in scores.cv_results_["params"])
    with pytest.raises(ValueError, match="refit must be set to a scorer key"):
        ridge_search(scoring=["r2", "neg_max_error"]).fit(X, y)


DEPTH = {"max_depth": IntDistribution(-3, 3)}


def tree_search(**params):
    model = DecisionTreeRegressor(max_depth=2, random_state=0)
    return KANSearchCV(model, **{"space": DEPTH, "n_trials": 12, "cv": 2, "random_state": 0, "pruner": SILENT} | params)


def test_failing_fits_are_what_error_score_says():
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search = tree_search().fit(X, y)
    is_bad = np.array([params["max_depth"] < 1 for params in search.cv_results_["params"]])
    assert 0 < is_bad.sum() < 12
    np.testing.assert_array_equal(search.cv_results_["trial_state"] == "fail", is_bad)
    np.testing.assert_array_equal(np.isnan(search.cv_results_["mean_test_score"]), is_bad)
    assert search.cv_results_["rank_test_score"][is_bad].min() > search.cv_results_["rank_test_score"][~is_bad].max()
    with pytest.warns(FitFailedWarning):
        search = tree_search(error_score=-9.0, scoring=["r2", "neg_max_error"], refit="r2").fit(X, y)
    assert set(search.cv_results_["mean_test_r2"][search.cv_results_["param_max_depth"] < 1]) == {-9.0}
    with pytest.raises(ValueError, match="max_depth"):
        tree_search(error_score="raise").fit(X, y)
    with pytest.raises(ValueError, match="All the 4 fits failed"):
        KANSearchCV(DecisionTreeRegressor(max_depth=-1), space=DEPTH, n_trials=2, cv=2, random_state=3).fit(
            X[:3], y[:3]
        )


def test_ctrl_c_ends_the_search_with_the_best_so_far():
    calls = []

    def interrupted(trial):
        calls.extend([trial] if isinstance(trial, optuna.Trial) else [])
        if len(calls) == 4:
            calls.clear()
            raise KeyboardInterrupt
        return {"alpha": trial.suggest_float("alpha", 0.1, 10)}

    with pytest.warns(UserWarning, match="interrupted"):
        search = ridge_search(space=interrupted, n_trials=20).fit(X, y)
    assert [trial.state.name for trial in search.study_.trials] == ["COMPLETE"] * 3 + ["FAIL"]
    assert search.cv_results_["rank_test_score"].tolist()[search.best_index_] == 1
    assert search.predict(X).shape == y.shape


def test_ctrl_c_in_training_ends_the_search_and_not_just_the_fit():
    from skorch.callbacks import Callback

    class Interrupt(Callback):
        n_fits = 0

        def on_train_begin(self, net, **kwargs):
            type(self).n_fits += 1

        def on_batch_end(self, net, **kwargs):
            if type(self).n_fits == 5:
                type(self).n_fits += 1
                raise KeyboardInterrupt

    model = KANClassifier(**SMALL, callbacks=[Interrupt()])
    search = KANSearchCV(model, bases=["bspline"], n_trials=20, cv=2, random_state=0, pruner=SILENT)
    with pytest.warns(UserWarning, match="The search was interrupted"):
        search.fit(X_iris, y_iris)
    *finished, last = [trial.state.name for trial in search.study_.trials]
    assert (set(finished), last) == ({"COMPLETE"}, "FAIL")
    assert search.cv_results_["trial_number"].tolist() == list(range(len(finished)))
    assert search.predict(X_iris).shape == y_iris.shape
    Interrupt.n_fits = 3
    with pytest.raises(KeyboardInterrupt):
        search.fit(X_iris, y_iris)  # in the first trial: there is nothing to end with


def test_a_timeout_leaves_at_least_one_trial():
    assert len(ridge_search(n_trials=None, timeout=1e-9).fit(X, y).cv_results_["params"]) == 1
    with pytest.raises(ValueError, match="search forever"):
        ridge_search(n_trials=None).fit(X, y)


def test_our_estimator_is_found_in_pipelines_and_behind_other_estimators():
    model = make_pipeline(SimpleImputer(), TransformedTargetRegressor(KANRegressor(**SMALL)))
    search = KANSearchCV(model, bases=["rational", "sine"], n_trials=3, cv=2, random_state=0).fit(X, y)
    prefix = "transformedtargetregressor__regressor__"
    assert all(key.startswith(prefix) for params in search.cv_results_["params"] for key in params)
    best = search.best_estimator_[-1].regressor_
    assert {prefix + key: value for key, value in best.get_params().items()}.items() >= search.best_params_.items()
    assert best.random_state is not None  # from the search's own


def test_a_search_is_an_estimator_like_others():
    search = KANSearchCV(KANClassifier(**SMALL), bases=["bspline"], n_trials=2, cv=2, random_state=0)
    assert is_classifier(search)
    scores = cross_val_score(clone(search).set_params(estimator__max_iter=40), X_iris, y_iris, cv=2)
    assert scores.min() > 0.6
    search.fit(X_iris, y_iris)
    loaded = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(loaded.predict_proba(X_iris), search.predict_proba(X_iris))
    assert loaded.study_.best_value == search.best_score_
    assert not hasattr(clone(search), "study_")
    np.testing.assert_array_equal(clone(search).fit(X_iris, y_iris).predict_proba(X_iris), search.predict_proba(X_iris))


def test_progress_is_shown_and_optunas_messages_are_not(capfd):
    ridge_search(verbose=1, n_trials=2).fit(X, y)
    _, err = capfd.readouterr()
    assert "2/2" in err
    assert "A new study" not in err
    ridge_search(verbose=2, n_trials=1).fit(X, y)
    assert capfd.readouterr().out.count("[CV] END") == 3


def test_scikit_learns_callbacks_see_every_fold():
    class Count:
        def __init__(self):
            self.tasks = []

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            self.tasks.append(context.task_name)

        def on_fit_task_end(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

    counter = Count()
    ridge_search(n_trials=2).set_callbacks(counter).fit(X, y)
    names = ["fit", "search", *["candidate-split-evaluation"] * 6, "refit-with-best-params"]
    assert counter.tasks == names


def test_pictures():
    import matplotlib.pyplot as plt

    search = KANSearchCV(KANClassifier(**SMALL), n_trials=6, cv=2, random_state=0).fit(X_iris[::3], y_iris[::3])
    display = SearchDisplay.from_estimator(search)
    assert [axis.get_xlabel() for axis in display.axes_] == ["basis", "n_knots"]
    drawn = np.concatenate([points.get_offsets() for points in display.axes_[1].collections])
    knots, scores = (search.cv_results_[key] for key in ("param_n_knots", "mean_test_score"))
    expected = {(float(n), score) for n, score in zip(knots, scores, strict=True) if n is not np.ma.masked}
    assert {tuple(point) for point in drawn.tolist() if np.isfinite(point).all()} == expected
    assert len(SearchDisplay.from_estimator(search, ["alpha"]).axes_) == 1
    with pytest.raises(ValueError, match="were not searched"):
        SearchDisplay.from_estimator(search, ["max_iter"])
    with warnings.catch_warnings(action="ignore"):
        optuna.visualization.matplotlib.plot_optimization_history(search.study_)
        optuna.visualization.matplotlib.plot_slice(search.study_)
        optuna.visualization.matplotlib.plot_intermediate_values(search.study_)
    gp = KANSearchCV(GPSpectralRegressor(max_iter=5), n_trials=3, cv=2, random_state=0)
    gp.fit(np.arange(24.0)[:, None], np.sin(np.arange(24.0)))
    assert [axis.get_xlabel() for axis in SearchDisplay.from_estimator(gp).axes_] == ["spectrum", "n_components"]
    plt.close("all")
