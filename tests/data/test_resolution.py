"""Fine structure is found in the columns that have it, whatever rows' order, weights and scale; and nowhere else."""

import numpy as np
import pytest

from sklearn_kan.data._resolution import Hats, fine_places, quantile_places

LEVELS = np.random.RandomState(9).randn(60)
FINE = {
    "wave": lambda t: np.sin(200 * t),
    "steps": lambda t: LEVELS[np.minimum((60 * t).astype(int), 59)],
    "sawtooth": lambda t: (25 * t) % 1,
}
COARSE = {
    "nothing": lambda t: 0 * t,
    "curve": lambda t: np.exp(3 * t) / 20,
    "kink": lambda t: np.abs(t - 0.3),
    "wave": lambda t: np.sin(6 * t),
    "step": lambda t: (t > 0.7) * 1.0,
}


def columns(n, seed=0):
    return list(np.random.RandomState(seed).rand(4, n))


def smooth(X):
    return np.cos(3 * X[0]) * X[2] + X[3] ** 2


def found(X, y, weight=None):
    weight = np.ones(len(y)) if weight is None else weight
    return fine_places(X, [], y if y.dtype == int else y[:, None], weight)


@pytest.mark.parametrize("n", [1_000, 5_000])
@pytest.mark.parametrize("effect", FINE.values(), ids=FINE)
def test_columns_with_fine_structure_are_found(effect, n):
    X = columns(n)
    y = effect(X[1]) + smooth(X) + 0.1 * np.random.RandomState(1).randn(n)
    places = found(X, y)
    assert list(places) == [1]
    assert (np.diff(places[1]) > 0).all()
    assert len(places[1]) >= 64
    if n == 5_000:  # with fewer rows, one digit of each does not tell
        assert list(found(X, (y > np.median(y)).astype(int))) == [1]
    X[1][::9] = np.nan
    assert list(found(X, y)) == [1]


@pytest.mark.parametrize("effect", COARSE.values(), ids=COARSE)
@pytest.mark.parametrize("seed", range(4))
def test_columns_without_it_are_left_alone(effect, seed):
    X = columns(4_000, seed)
    y = effect(X[1]) + smooth(X) + 0.1 * np.random.RandomState(seed).randn(4_000)
    assert found(X, y) == {}
    assert found(X, (y > 0.5).astype(int)) == {}


def test_false_alarms_are_rare():
    random = np.random.RandomState(0)
    X = list(random.randn(300, 2_000))
    assert found(X, random.standard_t(3, 2_000)) == {}


def test_order_repetition_and_units_of_rows_make_no_difference():
    X, order = columns(1_500), np.random.RandomState(0).permutation(1_500)
    y = np.round(FINE["wave"](X[1]) + smooth(X), 2)
    expected = found(X, y)
    shuffled = found([x[order] for x in X], y[order])
    np.testing.assert_array_equal(shuffled[1], expected[1])
    twice = found([np.tile(x, 2) for x in X], np.tile(y, 2))
    weighted = found(X, y, np.full(1_500, 2.0))
    np.testing.assert_array_equal(twice[1], weighted[1])
    scaled = found([x * 1e-30 for x in X], y)
    np.testing.assert_allclose(scaled[1], expected[1] * 1e-30)


def test_classes_of_many_kinds_and_categories():
    random = np.random.RandomState(0)
    codes, t = random.randint(0, 5, 4_000), random.rand(4_000)
    y = np.where(random.rand(4_000) < 0.3, codes % 3, np.floor(40 * t).astype(int) % 3)
    assert list(fine_places([t, random.rand(4_000)], [codes], y, np.ones(4_000))) == [0]


def test_a_column_of_few_values_keeps_all_of_them_as_knots():
    t = np.repeat(np.arange(90), 40) * 1.0
    y = np.random.RandomState(0).randn(90)[np.arange(90).repeat(40)] + np.random.RandomState(1).randn(3_600)
    np.testing.assert_array_equal(found([t], y)[0], np.arange(90.0))


def test_heavy_values_are_knots():
    random = np.random.RandomState(0)
    x = np.where(random.rand(5_000) < 0.4, 0.123, random.rand(5_000))
    assert 0.123 in quantile_places(x, np.ones(5_000), 64)


def test_hats_are_linear_interpolation_and_fit_what_they_can():
    random = np.random.RandomState(0)
    x, places = random.rand(3_000), np.linspace(0, 1, 17)
    hats, values = Hats(x, places), random.randn(17, 2)
    rows = np.stack([np.interp(x, places, column) for column in values.T], 1)
    np.testing.assert_allclose(hats.at_rows(values), rows, atol=1e-12)
    np.testing.assert_allclose(hats.fitted(rows, np.full(3_000, 1e9)), values, atol=1e-6)
    design = np.stack([np.interp(x, places, unit) for unit in np.eye(17)], 1)
    weight = random.rand(3_000)
    expected = np.linalg.solve((design.T * weight) @ design + np.eye(17), (design.T * weight) @ rows)
    np.testing.assert_allclose(hats.fitted(rows, weight), expected, atol=1e-10)


def test_columns_with_one_value_have_no_structure():
    x = np.linspace(-1, 1, 1_000)
    constant, missing = np.ones_like(x), np.full_like(x, np.nan)
    found = fine_places([constant, x, missing], [], np.sin(100 * x)[:, None], np.ones_like(x))
    assert list(found) == [1]
