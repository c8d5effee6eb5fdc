"""Choices of any kind, in studies that keep numbers and texts only."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.samplers import RandomSampler
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sklearn_kan import KANRegressor, KANSearchCV
from sklearn_kan.search._labels import label, labelled

X, y = load_diabetes(return_X_y=True)
ALPHA = {"alpha": FloatDistribution(1e-3, 1e3, log=True)}
SILENT = optuna.pruners.NopPruner()
KAN = {"hidden_layer_sizes": (4,), "n_members": 1, "max_iter": 1, "random_state": 0}

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution:UserWarning")


def ridge_search(**params):
    return KANSearchCV(
        Ridge(), **{"space": ALPHA, "n_trials": 5, "cv": 3, "random_state": 0, "pruner": SILENT} | params
    )


def states(search):
    return [trial.state.name for trial in search.study_.trials]


def storages(path):
    return {
        "memory": None,
        "memory of one's own": InMemoryStorage(),
        "sqlite": f"sqlite:///{path}/study.db",
        "journal": JournalStorage(JournalFileBackend(f"{path}/journal.log")),
    }


SIZES = [(4,), (8,), (3, 3)]
SPACES = {
    "dict": {"hidden_layer_sizes": CategoricalDistribution(SIZES)},
    "callable": lambda trial: {"hidden_layer_sizes": trial.suggest_categorical("sizes", SIZES)},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("space", "storage"),
    [("dict", "memory"), ("callable", "memory of one's own"), ("dict", "sqlite"), ("callable", "journal")],
)
def test_tuples_are_choices_in_any_storage(storage, space, tmp_path):
    options = {"space": SPACES[space], "cv": 2, "storage": storages(tmp_path)[storage], "study_name": "a",
               "random_state": 1, "pruner": SILENT, "load_if_exists": True}  # fmt: skip
    model = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=1, random_state=0)
    search = KANSearchCV(model, n_trials=6, **options).fit(X[:60], y[:60])
    assert states(search) == ["COMPLETE"] * 6
    settings = [params.get("hidden_layer_sizes", (4,)) for params in search.cv_results_["params"]]
    assert settings[0] == (4,)
    assert set(settings) == set(SIZES)
    assert [len(biases) for biases in search.best_estimator_.intercepts_[:-1]] == list(settings[search.best_index_])
    if storage in ("sqlite", "journal"):  # read again, and gone on with
        again = KANSearchCV(model, n_trials=8, **options).fit(X[:60], y[:60])
        assert again.cv_results_["params"][:6] == search.cv_results_["params"]
        assert len(again.study_.trials) == 8


def test_steps_of_a_pipeline_are_choices_in_a_database(tmp_path):
    model = Pipeline([("scale", StandardScaler()), ("ridge", Ridge())])
    scalers = [
        StandardScaler(),
        MinMaxScaler(),
        MinMaxScaler((-1, 1)),
        "passthrough",
        None,
        FunctionTransformer(np.arcsinh),
    ]
    search = KANSearchCV(model, space={"scale": CategoricalDistribution(scalers)}, n_trials=12, cv=2, random_state=0,
                         storage=f"sqlite:///{tmp_path}/study.db", pruner=SILENT).fit(X, y)  # fmt: skip
    found = {str(params.get("scale")) for params in search.cv_results_["params"]}
    assert len(found) > 3
    for params, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        assert score == cross_val_score(model.set_params(**params), X, y, cv=2).mean()


LONG = np.linspace(-1, 1, 3000)
MOVED = LONG + 1e-9 * (np.arange(3000) == 1500)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (None, None), (True, True), (3, 3), (0.5, 0.5), ("a", "a"), (np.int64(3), 3), (np.float32(0.5), 0.5),
        (np.True_, True), ((4,), "(4,)"), ([4], "(4,)"), (np.array([4]), "(4,)"), ({"a": [1]}, "{'a': [1]}"),
        (Ridge, "sklearn.linear_model._ridge.Ridge"), (Ridge(alpha=2.0), "Ridge(alpha=2.0)"),
    ],
)  # fmt: skip
def test_labels_say_what_a_choice_is(choice, text):
    assert label(choice) == text
    assert type(label(choice)) is type(text)


def test_labels_tell_choices_apart():
    assert label(LONG) == label(LONG.tolist()) != label(MOVED)
    assert len(label(LONG)) < 80
    assert "0x" not in label(lambda x: x)
    twins = [lambda x: x, lambda x: -x]  # which no text tells apart
    trial = labelled(optuna.create_study(sampler=RandomSampler(seed=0)).ask())
    assert trial.suggest_categorical("twins", twins) in twins
    assert isinstance(trial, optuna.Trial)
    assert {labelled(optuna.trial.FixedTrial({"a": f"{i}: {label(twins[i])}"})).suggest_categorical("a", twins)
            for i in (0, 1)} == set(twins)  # fmt: skip


def test_other_choices_are_another_space(tmp_path):
    options = {"storage": f"sqlite:///{tmp_path}/study.db", "study_name": "a", "load_if_exists": True, "n_trials": 3}
    knots = {"knots": CategoricalDistribution([LONG, "quantile"])}
    other = {"knots": CategoricalDistribution([MOVED, "quantile"])}
    model = KANRegressor(**KAN | {"hidden_layer_sizes": ()}, knots=LONG)
    KANSearchCV(model, space=knots, cv=2, random_state=0, **options).fit(X[:40, :1], y[:40])
    with pytest.raises(ValueError, match=r"trials of another space: knots: .* the choices are called \["):
        KANSearchCV(model, space=other, cv=2, random_state=0, **options).fit(X[:40, :1], y[:40])
