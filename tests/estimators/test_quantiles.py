"""Several quantiles in one fit: they do not cross, and are those that single fits find."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import d2_pinball_score, mean_pinball_loss
from sklearn.model_selection import cross_val_score

from sklearn_kan import KANRegressor
from sklearn_kan.training._losses import Pinball, fisher_root

LEVELS = [0.05, 0.5, 0.95]
SMALL = {"hidden_layer_sizes": (6,), "n_members": 2, "max_iter": 40, "learning_rate_init": 0.05, "random_state": 0,
         "loss": "quantile", "quantile": LEVELS}  # fmt: skip


def noisy(n=900, seed=0):
    """Normal noise whose size is known."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    size = 0.2 + 0.5 * (X[:, 0] > 0)
    return (
        X,
        np.sin(2 * X[:, 1]) + size * rng.normal(size=n),
        np.sin(2 * X[:, 1])[:, None] + size[:, None] * norm.ppf(LEVELS),
    )


rows = st.lists(st.floats(-10, 10), min_size=4, max_size=4)


@given(rows)
def test_sorting_raises_the_loss_of_no_row(row):
    raw, y = torch.tensor([row[:3]], dtype=torch.float64), torch.tensor([row[3:]], dtype=torch.float64)
    loss = Pinball((0.1, 0.4, 0.8))
    assert loss(raw.sort(1).values, y) <= loss(raw, y) + 1e-12


def test_the_loss_is_the_mean_of_the_levels():
    rng = np.random.default_rng(0)
    raw, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    ours = Pinball(tuple(LEVELS))(torch.from_numpy(raw), torch.from_numpy(y)).mean()
    theirs = np.mean([mean_pinball_loss(y[:, 0], q, alpha=level) for q, level in zip(raw.T, LEVELS, strict=True)])
    assert ours.item() == pytest.approx(theirs)


def test_the_information_is_that_of_each_level():
    root = fisher_root(Pinball(tuple(LEVELS)))(torch.zeros(2, 3, dtype=torch.float64))
    expected = np.diag([level * (1 - level) / 3 for level in LEVELS])
    np.testing.assert_allclose((root @ root.mT)[1], expected, atol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise"])
def test_every_solver_finds_the_quantiles(solver):
    X, y, true = noisy()
    n = {"lbfgs": 6, "gauss_newton": 15}.get(solver, 40)
    model = KANRegressor(**SMALL | {"solver": solver, "max_iter": n}).fit(X, y)
    found = model.predict(X)
    assert found.shape == (900, 3)
    assert found.dtype == np.float64
    assert (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_allclose((y[:, None] <= found).mean(0), LEVELS, atol=0.05)
    for k, level in enumerate(LEVELS):
        lost = mean_pinball_loss(y, found[:, k], alpha=level) - mean_pinball_loss(y, true[:, k], alpha=level)
        most = 0.5 if solver == "gauss_newton" else 0.2
        assert lost < most * mean_pinball_loss(y, true[:, k], alpha=level)


def test_members_that_cross_do_not_show():
    X, y, _ = noisy(60)
    model = KANRegressor(**SMALL | {"max_iter": 1, "quantile": [0.45, 0.5, 0.55]}).fit(X, y)
    raw = model.model_.raw(model._columns(X))
    assert (np.diff(raw, axis=1) < 0).any()
    assert (np.diff(model.predict(X), axis=1) >= 0).all()


def test_the_score_is_the_mean_of_scikit_learns():
    X, y, _ = noisy(200)
    weight = np.random.default_rng(0).uniform(size=200)
    model = KANRegressor(**SMALL | {"max_iter": 5}).fit(X, y)
    scores = [d2_pinball_score(y, q, sample_weight=weight, alpha=a)
              for q, a in zip(model.predict(X).T, LEVELS, strict=True)]  # fmt: skip
    assert model.score(X, y, weight) == pytest.approx(np.mean(scores))
    assert np.isfinite(cross_val_score(model, X, y, cv=2)).all()


def test_large_tables_in_single_precision():
    X, y, _ = noisy(2500)
    model = KANRegressor(**SMALL | {"max_iter": 5}).fit(X, y)
    assert (np.diff(model.predict(X), axis=1) >= 0).all()


def test_outputs_start_at_the_quantiles_of_the_target():
    X, y, _ = noisy(900)
    model = KANRegressor(**SMALL | {"max_iter": 1, "learning_rate_init": 1e-9}).fit(X, y)
    bias = model.module_.layers[-1].bias.detach().numpy().reshape(-1, 3)
    scaler = model.target_scaler_
    np.testing.assert_allclose(scaler.center_ + scaler.scale_ * bias[0], np.quantile(y, LEVELS), atol=0.05)


def test_one_level_in_a_list_is_that_level():
    X, y, _ = noisy(200)
    one, other = (KANRegressor(**SMALL | {"max_iter": 3, "quantile": level}).fit(X, y) for level in (0.8, [0.8]))
    assert other.predict(X).shape == (200, 1)
    assert np.corrcoef(one.predict(X), other.predict(X)[:, 0])[0, 1] > 0.999


def test_quantiles_are_monotone_stored_and_streamed():
    X, y, _ = noisy(400)
    line = np.column_stack([np.zeros(50), np.linspace(-1, 1, 50)])
    model = KANRegressor(**SMALL, monotonic_cst=[0, 1]).fit(X, y)
    assert (np.diff(model.predict(line), axis=0) >= 0).all()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    stream = KANRegressor(**SMALL).partial_fit(X, y).partial_fit(X, y)
    assert stream.predict(X).shape == (400, 3)
    mean, std = KANRegressor(**SMALL | {"max_iter": 2}).fit(X, y).predict(X, return_std=True)
    assert mean.shape == std.shape == (400, 3)


@pytest.mark.parametrize("n_members", [1, 8])
def test_intervals_correct_the_outer_quantiles(n_members):
    X, y, _ = noisy(900)
    new_X, new_y, _ = noisy(3000, 1)
    model = KANRegressor(**SMALL | {"n_members": n_members}).fit(X, y)
    slack = 0.05 if n_members > 1 else 0.09  # 900 rows were held out, or 135
    for level in (0.8, 0.9):
        _, interval = model.predict(new_X, return_interval=level)
        assert interval.shape == (3000, 2)
        found = ((interval[:, 0] <= new_y) & (new_y <= interval[:, 1])).mean()
        assert level - slack < found < level + slack
    width = interval[:, 1] - interval[:, 0]
    assert width[new_X[:, 0] > 0].mean() > 2 * width[new_X[:, 0] < 0].mean()  # their noise is 3.5 times as large


@pytest.mark.parametrize("quantile", [[], [0.5, 0.5], [0.9, 0.1], [0.0, 0.5], [0.5, 1.0], [[0.1, 0.9]], ["a"]])
def test_levels_that_cannot_be_are_refused(quantile):
    X, y, _ = noisy(40)
    with pytest.raises(ValueError, match="is not usable"):
        KANRegressor(**SMALL | {"quantile": quantile}).fit(X, y)


def test_several_targets_are_refused():
    X, y, _ = noisy(40)
    with pytest.raises(ValueError, match=r"several levels, which need one target, and y has 2"):
        KANRegressor(**SMALL).fit(X, np.c_[y, y])
