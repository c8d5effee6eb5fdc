"""Prediction intervals: their coverage on new rows, and what they are made of."""

import pickle

import numpy as np
import pytest

from sklearn_kan import KANRegressor
from sklearn_kan.training._intervals import held_out_errors, weighted_quantiles

SMALL = {"hidden_layer_sizes": (6,), "n_members": 8, "max_iter": 30, "learning_rate_init": 0.03, "random_state": 0}


def noisy(n, seed, kind="normal"):
    """A wave with noise that grows along the first column; skewed, or in counts."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    mean, size = 2 + np.sin(2 * X[:, 0]), 0.05 + 0.3 * (1 + X[:, 0])
    noise = {"normal": rng.normal(size=n), "skewed": rng.exponential(size=n) - 1}
    return X, (rng.poisson(3 * mean) * 1.0 if kind == "counts" else mean + size * noise[kind])


def covered(model, X, y, level):
    _, interval = model.predict(X, return_interval=level)
    return (interval[:, 0] <= y) & (y <= interval[:, 1])


@pytest.mark.parametrize("n_members", [1, 4, 8])
@pytest.mark.parametrize(("kind", "loss"), [("normal", "squared_error"), ("skewed", "huber"), ("counts", "poisson")])
def test_coverage_on_new_rows(kind, loss, n_members):
    X, y = noisy(900, 0, kind)
    new_X, new_y = noisy(3000, 1, kind)
    model = KANRegressor(**SMALL | {"n_members": n_members}, loss=loss, early_stopping=True)
    if n_members == 1:
        model.fit(X[:500], y[:500], X_val=X[500:], y_val=y[500:])
    else:
        model.fit(X, y)
    for level in (0.5, 0.9):
        found = covered(model, new_X, new_y, level).mean()
        assert level - 0.05 < found < level + (0.13 if kind == "counts" else 0.05)  # counts are not continuous


def test_wide_where_noise_is_large():
    model = KANRegressor(**SMALL).fit(*noisy(900, 0))
    X = np.array([[-0.9, 0.0], [0.7, 0.0]])
    _, interval = model.predict(X, return_interval=0.9)
    width = interval[:, 1] - interval[:, 0]
    assert width[1] > 2 * width[0]  # 0.08 and 0.56 are the noise's standard deviations


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_ends_are_in_the_targets_units(size):
    X, y = noisy(400, 0)
    params = SMALL | {"max_iter": 3}
    _, one = KANRegressor(**params).fit(X, y).predict(X, return_interval=0.8)
    _, other = KANRegressor(**params).fit(X, size * y - size).predict(X, return_interval=0.8)
    np.testing.assert_allclose(other / size + 1, one, rtol=1e-6)


def test_higher_levels_hold_lower_ones_and_outputs_have_their_own():
    X, y = noisy(400, 0)
    model = KANRegressor(**SMALL | {"max_iter": 5}).fit(X, np.c_[y, 100 * y])
    mean, std, wide = model.predict(X, return_std=True, return_interval=0.95)
    _, narrow = model.predict(X, return_interval=0.5)
    assert wide.shape == (400, 2, 2)
    assert std.shape == mean.shape == (400, 2)
    assert (wide[..., 0] <= narrow[..., 0]).all()
    assert (narrow[..., 1] <= wide[..., 1]).all()
    widths = (wide[..., 1] - wide[..., 0]).mean(0)
    assert 50 < widths[1] / widths[0] < 200


def test_intervals_of_means_through_a_logarithm_are_not_negative():
    X, y = noisy(400, 0, "counts")
    _, interval = KANRegressor(**SMALL | {"max_iter": 5}, loss="poisson").fit(X, y).predict(X, return_interval=0.99)
    assert interval.min() >= 0


def test_intervals_are_stored_and_streaming_ends_them():
    X, y = noisy(400, 0)
    model = KANRegressor(**SMALL | {"max_iter": 3}).fit(X, y)
    stored = pickle.loads(pickle.dumps(model))
    for ours, theirs in zip(model.predict(X, return_interval=0.9), stored.predict(X, return_interval=0.9), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="rows that the fit held out, and it had none"):
        model.partial_fit(X, y).predict(X, return_interval=0.9)


def test_what_cannot_be_had_is_refused():
    X, y = noisy(60, 0)
    model = KANRegressor(**SMALL | {"max_iter": 2}).fit(X, y)
    with pytest.raises(ValueError, match="Fit with early_stopping=True"):
        model.predict(X, return_interval=0.9)
    model = KANRegressor(**SMALL | {"max_iter": 2}, early_stopping=True).fit(X, y)
    with pytest.raises(ValueError, match=r"return_interval=0.99 needs 199 held-out rows, and the fit had 60"):
        model.predict(X, return_interval=0.99)
    for level in (0, 1.0, 90, True, "0.9"):
        with pytest.raises(ValueError, match="is no probability"):
            model.predict(X, return_interval=level)


# The errors by themselves


def test_offsets_are_order_statistics():
    error = np.random.default_rng(0).permutation(np.arange(1.0, 20))
    found = held_out_errors(np.zeros(19), error, np.zeros(19), np.ones(19)).offsets(0.8, np.zeros(1))
    np.testing.assert_allclose(found, [[2.0, 18.0]])  # (19 + 1) * 0.1 = 2: the second from below and from above


def test_a_row_of_weight_two_is_two_rows():
    rng = np.random.default_rng(0)
    output, error, weight = rng.normal(size=50), rng.normal(size=50), rng.integers(1, 4, 50)
    weighted = held_out_errors(output, error, 0 * error, weight.astype(float))
    repeated = held_out_errors(*(np.repeat(a, weight) for a in (output, error, 0 * error)), np.ones(weight.sum()))
    np.testing.assert_allclose(weighted.log_scales, repeated.log_scales, atol=0.05)  # the prior counts rows
    assert weighted.n_rows < 50 < repeated.n_rows


def test_what_few_members_add_is_taken_off():
    rng = np.random.default_rng(0)
    noise, few = rng.normal(size=4000), rng.normal(size=4000)
    plain = held_out_errors(np.zeros(4000), noise, np.zeros(4000), np.ones(4000)).offsets(0.9, np.zeros(1))
    less = held_out_errors(np.zeros(4000), noise + few, np.ones(4000), np.ones(4000)).offsets(0.9, np.zeros(1))
    np.testing.assert_allclose(less, plain, rtol=0.1)


@pytest.mark.parametrize("error", [[0.0] * 30, [1e300] + [0.0] * 29, [np.inf, np.nan] + [1.0] * 28, [1e-300] * 30])
def test_extreme_errors_raise_nothing(error):
    found = held_out_errors(np.arange(30.0) % 3, np.array(error), np.zeros(30), np.ones(30))
    assert np.isfinite(found.offsets(0.5, np.arange(3.0))).all()


def test_weighted_quantiles_are_numpys():
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=30), rng.uniform(0.1, 2, 30)
    levels = [0.05, 0.3, 0.5, 0.95]
    theirs = np.quantile(values, levels, method="inverted_cdf", weights=weight)
    np.testing.assert_array_equal(weighted_quantiles(values, weight, levels), theirs)
