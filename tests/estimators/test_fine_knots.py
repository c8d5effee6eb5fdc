"""Finer knots in half of an ensemble's members: equal to members with knots of their own, one by one."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes

from sklearn_kan import KAN, KANClassifier, KANLayer, KANRegressor
from sklearn_kan.bases import BSpline
from sklearn_kan.network._parts import Parts
from sklearn_kan.training import _evaluation
from sklearn_kan.training._calibration import member_weights
from sklearn_kan.training._losses import absolute_error, cross_entropy, squared_error
from sklearn_kan.training._roughness import Roughness
from tests.tables import random

SMALL = {"hidden_layer_sizes": (3,), "n_members": 4, "n_knots": 4, "fine_knots": 9, "max_iter": 3, "random_state": 0}


def layer_of_five(**params):
    """Five members of two units: three with 4 knots, two with 9; and each by itself, without the base branch."""
    layer = KANLayer(3, 2, n_members=5, n_knots=4, fine_knots=9, knots="quantile", **params).double()
    layer.basis.place_knots(random(200, 3))
    alone = []
    for number in range(5):
        one = KANLayer(3, 2, n_knots=4 if number < 3 else 9, knots="quantile", base=False).double()
        one.basis.place_knots(random(200, 3))
        with torch.no_grad():
            one.edge_weight.copy_(layer.edge_weight[:, : one.basis.n_basis, 2 * number : 2 * number + 2])
        alone.append(one)
    return layer, alone


def test_members_equal_layers_with_knots_of_their_own():
    layer, alone = layer_of_five(base=False)
    x, of_members = random(40, 3), random(40, 5, 3)
    torch.testing.assert_close(layer(x), torch.stack([one(x) for one in alone], 1))
    each = torch.stack([one(of_members[:, k]) for k, one in enumerate(alone)], 1)
    torch.testing.assert_close(layer(of_members), each)
    edges = torch.cat([one.edge_functions(x) for one in alone], 1)
    torch.testing.assert_close(layer.edge_functions(x), edges)
    torch.testing.assert_close(torch.einsum("noik,oik->noi", layer.basis(x), layer.coef), edges)


def test_gradients_are_those_of_separate_layers_and_nothing_else_is_learned():
    layer, alone = layer_of_five(base=False)
    x = random(40, 3)
    layer(x).square().sum().backward()
    sum(one(x).square().sum() for one in alone).backward()
    for number, one in enumerate(alone):
        n_basis, units = one.basis.n_basis, slice(2 * number, 2 * number + 2)
        torch.testing.assert_close(layer.edge_weight.grad[:, :n_basis, units], one.edge_weight.grad)
        assert not layer.edge_weight.grad[:, n_basis:, units].any()
        assert not layer.edge_weight[:, n_basis:, units].any()


def test_roughness_is_that_of_separate_layers():
    layer, alone = layer_of_five(scaled=True)
    together, apart = Roughness([layer], 3.0), Roughness(alone, 3.0)
    torch.testing.assert_close(together.penalty(), apart.penalty())
    together.shrink({layer.edge_weight: 0.1})
    apart.shrink({one.edge_weight: 0.1 for one in alone})
    for number, one in enumerate(alone):
        part = layer.edge_weight[:, : one.basis.n_basis, 2 * number : 2 * number + 2]
        torch.testing.assert_close(part, one.edge_weight)


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("params", [{}, {"solver": "lbfgs"}, {"smoothness": 1.0}, {"refit": "last_layer"}])
def test_models_train_and_can_be_copied(estimator, params):
    X, y = load_diabetes(return_X_y=True)
    y = y > 140 if estimator is KANClassifier else y
    model = clone(estimator(**SMALL, **params)).fit(X, y)
    basis = model.module_.layers[0].basis
    assert [part.n_knots for part in basis.bases] == [4, 9]
    assert (basis.bases[1].knots[2].isfinite()).sum() > 4
    assert isinstance(model.module_.layers[1].basis, BSpline)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    copy.set_params(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"^fine_knots=5 differs from the fitted network's 9\."):
        copy.set_params(fine_knots=5).fit(X, y)


@pytest.mark.parametrize(
    "params",
    [
        {"fine_knots": None}, {"n_members": 1}, {"hidden_layer_sizes": ()}, {"refine_knots": [7]},
        {"knots": "adaptive"}, {"knots": [-1.0, 0.0, 1.0]}, {"basis": "rbf"}, {"solver": "kfac"},
        {"interaction_cst": {"pairs": 0}, "n_members": 1},
    ],
)  # fmt: skip
def test_others_have_none(params):
    X = random(60, 2).numpy()
    model = KANRegressor(**SMALL | params).fit(X, X[:, 0])
    assert not any(isinstance(module, Parts) for module in model.module_.modules())


@pytest.mark.parametrize(("fine_knots", "n_knots"), [("auto", [4, 24]), (9, [4, 9])])
def test_half_of_a_glass_box_is_fine_on_small_tables_too(fine_knots, n_knots):
    X = random(60, 2).numpy()
    params = SMALL | {"fine_knots": fine_knots, "interaction_cst": "no_interactions"}
    parts = KANRegressor(**params).fit(X, X[:, 0]).module_.layers[0].basis
    assert [basis.n_knots for basis in parts.bases] == n_knots
    assert parts.sizes == [2, 2]


def test_short_waves_are_learned():
    X = np.linspace(-1, 1, 600)[:, None]
    y = np.sin(20 * X[:, 0])
    models = (KANRegressor(n_members=4, solver="adam", fine_knots=n, max_iter=60, random_state=0) for n in (16, None))
    left, left_by_coarse = (1 - model.fit(X, y).score(X, y) for model in models)
    assert left < 0.5 * left_by_coarse


def test_refining_says_that_there_are_fine_knots():
    with pytest.raises(
        ValueError, match=r"^fine_knots=9 cannot be refined\. Build the network with fine_knots=None\.$"
    ):
        KAN(2, 1, hidden_layer_sizes=(3,), n_members=2, fine_knots=9).refine_knots(12)


def of_kinds(coarse, fine, n=400):
    """Outputs (n, 5, 1) of three coarse members and two fine ones, and who holds out what."""
    raw = torch.cat([coarse.expand(n, 3), fine.expand(n, 2)], 1)[..., None]
    return raw, torch.ones(n, 5, dtype=torch.float64)


def test_members_count_as_least_squares_says():
    y, noise = random(400, 1), random(800, 1)
    raw, weight = of_kinds(y + 0.5 * noise[:400], y + noise[400:])
    weights = member_weights(squared_error, [(raw, y, weight)], [3, 2])
    difference, error = 0.5 * noise[:400] - noise[400:], 0.5 * noise[:400]
    share = float((difference * error).sum() / difference.square().sum())  # minimises |error - share difference|
    np.testing.assert_allclose(weights[3:].sum() / weights.sum(), share, atol=0.02)
    assert len(set(weights[:3])) == len(set(weights[3:])) == 1
    assert weights.mean() == pytest.approx(1)


@pytest.mark.parametrize("loss", [squared_error, cross_entropy, absolute_error])
def test_members_that_know_nothing_hardly_count(loss):
    y = torch.arange(400) % 2
    good, bad = (6.0 * y - 3)[:, None].double(), random(400, 1)
    raw, weight = of_kinds(good, bad)
    raw = torch.cat([-raw / 2, raw / 2], 2) if loss is cross_entropy else raw
    target = y if loss is cross_entropy else good + 0.1 * random(800, 1)[400:]
    weights = member_weights(loss, [(raw, target, weight)], [3, 2])
    assert 0 < weights[3:].sum() < 0.1 * weights.sum()
    other = member_weights(loss, [(raw.flip(1), target, weight)], [2, 3])
    np.testing.assert_allclose(other, weights[::-1], rtol=0.02)


def test_only_rows_that_both_kinds_hold_out_have_a_say():
    y = random(400, 1)
    raw, weight = of_kinds(y + 0.1 * random(800, 1)[400:], 0 * y)
    weight[:, 3:] = 0
    np.testing.assert_array_equal(member_weights(squared_error, [(raw, y, weight)], [3, 2]), np.ones(5))
    weight[:50, 4] = 2.0
    few = member_weights(squared_error, [(raw, y, weight)], [3, 2])
    np.testing.assert_allclose(few, member_weights(squared_error, [(raw[:50], y[:50], weight[:50])], [3, 2]))
    np.testing.assert_array_equal(member_weights(squared_error, [(raw, y, weight)], [5]), np.ones(5))


def test_large_tables_have_fine_members_and_predictions_weigh_them():
    X = np.random.default_rng(0).uniform(-1, 1, (2100, 1))
    y = np.sin(20 * X[:, 0])
    params = {"n_members": 16, "max_iter": 3, "random_state": 0}
    model = KANRegressor(**params).fit(X, y)
    assert model.module_.kinds == [8, 8]
    mean, std = model.predict(X, return_std=True)
    members = model.target_scaler_.inverse_transform(model.model_.raw_of_members(model._columns(X))[..., 0])
    np.testing.assert_allclose(mean, np.average(members, axis=1, weights=model.member_weights_), rtol=1e-4, atol=1e-6)
    variance = np.average((members - mean[:, None]) ** 2, axis=1, weights=model.member_weights_)
    np.testing.assert_allclose(std**2, variance, rtol=1e-3)
    assert model.member_weights_[8] > model.member_weights_[0]  # sines of this frequency need them
    small = KANRegressor(**params).fit(X[:2000], y[:2000])
    assert small.module_.kinds == [16]
    np.testing.assert_array_equal(small.member_weights_, np.ones(16))


@pytest.mark.parametrize("params", [{"early_stopping": False}, {"n_members": 7}, {"n_knots": 16}])
def test_automatic_ones_are_for_ensembles_that_can_tell(params):
    X = np.random.default_rng(0).uniform(-1, 1, (2100, 1))
    assert len(KANRegressor(**params, max_iter=1).fit(X, X[:, 0]).module_.kinds) == 1
    assert len(KANRegressor().partial_fit(X, X[:, 0]).module_.kinds) == 1


def test_outputs_of_many_classes_are_looked_at_in_steps(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    y = np.digitize(X[:, 0], np.linspace(-1, 1, 8))
    params = {"hidden_layer_sizes": (4,), "n_members": 4, "fine_knots": 12, "max_iter": 3, "random_state": 0}
    whole = KANClassifier(**params, dtype="float64").fit(X, y)
    sizes, plain = set(), _evaluation.Batches
    monkeypatch.setattr(_evaluation, "MOST_OUTPUTS", 10 * 4 * 9)
    monkeypatch.setattr(_evaluation, "Batches", lambda rows, size: sizes.add(size) or plain(rows, size))
    steps = KANClassifier(**params, dtype="float64").fit(X, y)
    np.testing.assert_allclose(steps.predict_proba(X), whole.predict_proba(X), rtol=1e-9)
    assert steps.temperature_ == pytest.approx(whole.temperature_, rel=1e-6)
    assert sizes == {10}
