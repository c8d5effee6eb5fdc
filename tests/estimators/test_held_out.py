"""Validation rows that are given, groups that are held out together, and which pass was best."""

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.datasets import make_classification, make_friedman1
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.training._holdout import bagged, hold_out
from sklearn_kan.training._rows import Rows, merged
from sklearn_kan.training._settings import Settings

SMALL = {"hidden_layer_sizes": (4,), "n_members": 3, "max_iter": 8, "learning_rate_init": 0.05, "random_state": 0}


def numbers(n=400, seed=0):
    return make_friedman1(n, n_features=5, noise=1.0, random_state=seed)


# Validation rows that are given


@pytest.mark.parametrize("n_members", [1, 3])
def test_the_best_score_is_the_loss_of_the_given_rows(n_members):
    X, y = numbers()
    weight = np.random.default_rng(0).uniform(0, 2, 100)
    model = KANRegressor(**SMALL | {"n_members": n_members}).fit(
        X[:300], y[:300], X_val=X[300:], y_val=y[300:], sample_weight_val=weight
    )
    scale = model.target_scaler_.scale_[0]
    loss = 0.5 * mean_squared_error(y[300:] / scale, model.predict(X[300:]) / scale, sample_weight=weight)
    assert model.best_score_ == pytest.approx(-loss, rel=1e-6)
    assert model.best_score_ == max(model.validation_scores_)
    assert model.validation_scores_[model.best_iteration_ - 1] == model.best_score_


def test_the_best_score_of_classes_is_their_log_loss():
    X, y = make_classification(400, random_state=0)
    labels = np.array(["no", "yes"])[y]
    model = KANClassifier(**SMALL | {"n_members": 1}).fit(X[:300], labels[:300], X_val=X[300:], y_val=labels[300:])
    proba = np.exp(model.predict_log_proba(X[300:]) * model.temperature_)
    proba /= proba.sum(1, keepdims=True)
    assert model.best_score_ == pytest.approx(-log_loss(labels[300:], proba), rel=1e-6)


def test_all_rows_are_learned_from_beside_given_ones():
    X, y = numbers()
    params = SMALL | {"early_stopping": False, "max_iter": 3}
    plain = KANRegressor(**params).fit(X, y)
    given = KANRegressor(**params | {"early_stopping": True}).fit(X, y, X_val=X[:50], y_val=y[:50])
    np.testing.assert_array_equal(plain.loss_curve_, given.loss_curve_)
    assert plain.validation_scores_ is None
    assert (plain.best_iteration_, plain.best_score_) == (None, None)


def test_given_rows_of_weight_zero_are_left_out():
    X, y = numbers()
    weight = np.r_[np.ones(60), np.zeros(40)]
    one = KANRegressor(**SMALL).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:], sample_weight_val=weight)
    other = KANRegressor(**SMALL).fit(X[:300], y[:300], X_val=X[300:360], y_val=y[300:360])
    np.testing.assert_array_equal(one.validation_scores_, other.validation_scores_)


def test_given_rows_may_have_levels_that_are_new_and_few_classes():
    X = pd.DataFrame({"a": np.arange(60.0), "b": pd.Categorical(list("xyz") * 20)})
    held_out = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Categorical(["x", "new"])})
    model = KANClassifier(**SMALL, class_weight="balanced").fit(X, X["a"] > 20, X_val=held_out, y_val=[True, True])
    assert len(model.validation_scores_) == model.n_iter_


GIVEN = {
    "no targets": ({"X_val": 0}, "X_val is passed without y_val"),
    "no table": ({"y_val": 0}, "y_val is passed without X_val"),
    "weights alone": ({"sample_weight_val": 0}, "sample_weight_val is passed without"),
    "other columns": ({"X_val": np.zeros((9, 4)), "y_val": np.zeros(9)}, "validation rows X_val, y_val: X has 4 feat"),
    "other rows": ({"X_val": np.zeros((9, 5)), "y_val": np.zeros(8)}, "X has 9 rows and y has 8"),
    "other outputs": ({"X_val": np.zeros((9, 5)), "y_val": np.zeros((9, 2))}, "y has 2 outputs"),
    "groups too": ({"X_val": np.zeros((9, 5)), "y_val": np.zeros(9), "groups": np.arange(40)}, "Pass one of them"),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_what_is_given_wrongly_is_refused(kind):
    given, message = GIVEN[kind]
    X, y = numbers(40)
    with pytest.raises(ValueError, match=message):
        KANRegressor(**SMALL).fit(X, y, **given)


def test_given_rows_are_refused_without_early_stopping_and_with_new_labels():
    X, y = make_classification(40, random_state=0)
    with pytest.raises(ValueError, match="early_stopping=False has no use"):
        KANClassifier(**SMALL, early_stopping=False).fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match=r"validation rows.* labels \[2\]"):
        KANClassifier(**SMALL).fit(X, y, X_val=X, y_val=y + 1)
    with pytest.raises(ValueError, match=r"validation rows.*targets >= 0"):
        KANRegressor(**SMALL, loss="poisson").fit(X, y, X_val=X, y_val=-y)


def test_a_pipeline_transforms_given_rows():
    X, y = numbers()
    with sklearn.config_context(enable_metadata_routing=True):
        steps = [("scale", StandardScaler()), ("model", KANRegressor(**SMALL).set_fit_request(X_val=True, y_val=True))]
        pipeline = Pipeline(steps, transform_input=["X_val"]).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    scaled = StandardScaler().fit(X[:300])
    parts = [scaled.transform(part) for part in (X[:300], X[300:])]
    model = KANRegressor(**SMALL).fit(parts[0], y[:300], X_val=parts[1], y_val=y[300:])
    np.testing.assert_array_equal(pipeline["model"].validation_scores_, model.validation_scores_)


# Which pass was best


@pytest.mark.parametrize(
    "params",
    [{}, {"solver": "hybrid"}, {"solver": "layerwise", "hidden_layer_sizes": (4, 3)}, {"refine_knots": [9]},
     {"solver": "auto", "max_iter": 30}, {"n_members": 1, "learning_rate": "constant"}],
    ids=str,
)  # fmt: skip
def test_the_best_pass_left_the_network(params):
    X, y = numbers(120)
    y = X[:, 0] * X[:, 1] if params.get("solver") == "auto" else y
    model = KANRegressor(**SMALL | params, early_stopping=True).fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    scale = model.target_scaler_.scale_[0]
    loss = 0.5 * mean_squared_error(y[80:] / scale, model.predict(X[80:]) / scale)
    rel = 0.2 if model.member_weights_.std() else 1e-5  # members are weighed afterwards
    assert -model.validation_scores_[model.best_iteration_ - 1] == pytest.approx(loss, rel=rel)
    assert model.best_score_ == model.validation_scores_[model.best_iteration_ - 1]


def test_passes_of_a_fit_before_count():
    X, y = numbers()
    model = KANRegressor(**SMALL, warm_start=True).fit(X, y)
    n_before = model.n_iter_
    assert n_before < model.fit(X, y).best_iteration_ <= model.n_iter_
    model.partial_fit(X, y)
    assert model.best_iteration_ is None


# Groups


def grouped_rows(has_classes, n=210, seed=0):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 30, n)
    y = rng.integers(0, 3, n) if has_classes else rng.normal(size=(n, 1))
    X = torch.from_numpy(rng.normal(size=(n, 2)))
    return Rows(X, torch.from_numpy(y), torch.ones(n).double(), groups=torch.from_numpy(groups))


@pytest.mark.parametrize("has_classes", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_groups_are_never_on_both_sides(has_classes, seed):
    rows = merged(grouped_rows(has_classes, seed=seed))
    groups = rows.groups.numpy()
    split = hold_out(rows, None, Settings(early_stopping=True, random_state=seed))
    sides = [set(groups[part.index.numpy()]) for part in split]
    assert not sides[0] & sides[1]
    assert len(split.fitting) + len(split.validation) == len(rows)
    assert 0.05 < len(split.validation) / len(rows) < 0.3
    fitting, validation = bagged(rows, 5, 0.2, seed)
    for member in range(5):
        held_out, learned = (
            part.all[2] * part.folds.counts(slice(None))[:, member] > 0 for part in (validation, fitting)
        )
        assert not set(groups[held_out]) & set(groups[learned])
        assert held_out.any()


def test_few_groups_make_few_folds():
    rows = grouped_rows(False)
    rows.groups = rows.groups % 2
    fitting, _ = bagged(rows, 4, 0.1, 0)
    assert fitting.folds.of_row.max() == 1
    np.testing.assert_array_equal(fitting.folds.holds_out.int().argmax(0), [0, 1, 0, 1])


def test_rows_are_merged_within_groups_only():
    X, y, groups = torch.zeros(4, 1), torch.zeros(4, 1), torch.tensor([0, 0, 1, 1])
    rows = merged(Rows(X, y, torch.ones(4), groups=groups))
    assert rows.all[2].tolist() == [2, 2]
    assert rows.groups.tolist() == [0, 1]


@pytest.mark.parametrize("estimator", [KANClassifier, KANRegressor])
def test_validation_by_groups_sees_that_groups_are_learned_by_heart(estimator):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    X, y = rng.normal(size=(40, 3))[groups] + 1e-3 * rng.normal(size=(400, 3)), rng.normal(size=40)[groups]
    y = y > 0 if estimator is KANClassifier else y
    params = SMALL | {"hidden_layer_sizes": (32,), "max_iter": 60, "alpha": 0.1}
    plain = estimator(**params).fit(X, y)
    by_group = estimator(**params).fit(X, y, groups=[f"group {g}" for g in groups])
    assert by_group.best_score_ < 2 * plain.best_score_  # both are minus a loss


def test_groups_are_routed():
    X, y = numbers(80)
    groups = np.arange(80) // 8
    with sklearn.config_context(enable_metadata_routing=True):
        model = KANRegressor(**SMALL, early_stopping=True).set_fit_request(groups=True)
        done = cross_validate(model, X, y, cv=GroupKFold(2), params={"groups": groups}, return_estimator=True)
    train, _ = next(GroupKFold(2).split(X, y, groups))
    alone = KANRegressor(**SMALL, early_stopping=True).fit(X[train], y[train], groups=groups[train])
    np.testing.assert_array_equal(done["estimator"][0].predict(X), alone.predict(X))


def test_wrong_groups_are_refused():
    X, y = numbers(40)
    for groups, message in (
        (np.arange(39), "X has 40 rows and groups has 39"),
        ([None] * 40, "groups has missing labels"),
        (np.zeros(40), "groups has one group"),
    ):
        with pytest.raises(ValueError, match=message):
            KANRegressor(**SMALL, early_stopping=True).fit(X, y, groups=groups)
