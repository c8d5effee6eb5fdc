"""Points drawn for least squares: probabilities that determinants give, and fits that are unbiased."""

from itertools import combinations

import numpy as np
import pytest

from sklearn_kan.gp import sample_points
from sklearn_kan.gp._sampling import orthonormal, repelling

N_DRAWS = 2_000
PLACES = np.linspace(-1, 1, 9)[:, None] ** 3


def powers(X):
    return X[:, :1] ** np.arange(3)


def test_sets_of_rows_are_as_likely_as_their_squared_volumes():
    Q, random_state = orthonormal(powers(PLACES)), np.random.RandomState(0)
    drawn = [tuple(sorted(repelling(Q, random_state))) for _ in range(N_DRAWS)]
    expected = {rows: np.linalg.det(Q[list(rows)]) ** 2 for rows in combinations(range(9), 3)}
    assert sum(expected.values()) == pytest.approx(1)  # Cauchy and Binet
    for rows, chance in expected.items():
        assert abs(drawn.count(rows) / N_DRAWS - chance) < 5 * np.sqrt(chance / N_DRAWS) + 1e-9


@pytest.mark.parametrize("method", ["volume", "christoffel", "uniform"])
def test_weights_make_sums_of_squares_unbiased(method):
    drawn = (sample_points(powers, 5, candidates=PLACES, method=method, random_state=seed) for seed in range(300))
    squares = [np.average(weights * X[:, 0] ** 2) for X, weights in drawn]
    truth = np.mean(PLACES**2)
    assert abs(np.mean(squares) - truth) < 4 * np.std(squares) / np.sqrt(len(squares))


def test_least_squares_from_volume_sampling_are_unbiased_where_other_fits_are_not():
    y = np.abs(PLACES[:, 0] - 0.3)
    best = np.linalg.lstsq(powers(PLACES), y)[0]
    off = {}
    for method in ("volume", "christoffel"):
        coefs = []
        for seed in range(400):
            X, weights = sample_points(powers, 4, candidates=PLACES, method=method, random_state=seed)
            root = np.sqrt(weights)
            coefs.append(np.linalg.lstsq(root[:, None] * powers(X), root * np.abs(X[:, 0] - 0.3))[0])
        off[method] = np.abs(np.mean(coefs, 0) - best) / (np.std(coefs, 0) / np.sqrt(len(coefs)))
    assert off["volume"].max() < 4
    assert off["christoffel"].max() > 5


@pytest.mark.parametrize("method", ["volume", "determinantal"])
def test_as_many_points_as_functions_tell_what_lies_in_their_span(method):
    def basis(X):
        waves = [np.cos(np.pi * k * X[:, :1]) * X[:, 1:] ** j for k in range(3) for j in range(3)]
        return np.hstack([*waves, waves[0] + waves[1]])  # of ten functions nine are independent

    X, weights = sample_points(basis, 9, bounds=[(0, 1), (2, 3)], method=method, random_state=0)
    assert X.shape == (9, 2)
    assert (X >= [0, 2]).all()
    assert (X <= [1, 3]).all()
    assert (weights > 0).all()
    assert np.linalg.matrix_rank(basis(X)) == 9
    again, _ = sample_points(basis, 9, bounds=[(0, 1), (2, 3)], method=method, random_state=0)
    np.testing.assert_array_equal(X, again)
    with pytest.raises(ValueError, match=r"n=8 points do not tell 9 independent functions. Pass n >= 9"):
        sample_points(basis, 8, bounds=[(0, 1), (2, 3)], method=method, random_state=0)


def test_even_points_fill_a_box_more_evenly_than_random_ones():
    counts = {}
    for method in ("sobol", "uniform"):
        X, weights = sample_points(powers, 64, bounds=[(0, 8), (-8, 0)], method=method, random_state=0)
        assert (weights == 1).all()
        counts[method] = np.unique(np.floor(X), axis=0).shape[0]
    assert counts["sobol"] == 64  # one in each cell: a digital net
    assert counts["uniform"] < 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "halton"}, r"method='halton' is unknown. Choose one of 'determinantal'"),
        ({"n": 2.5}, r"n=2.5 is not usable. Pass an integer >= 1"),
        ({"bounds": [(1, 0)]}, r"bounds=\[\(1, 0\)\] is not usable"),
        ({"candidates": [1.0, 2.0]}, r"candidates is not usable"),
        ({"basis": lambda X: X[:, 0]}, r"basis gives an array of shape \(4096,\) for 4096 points"),
        ({"basis": lambda X: np.log(X - 0.5)}, r"basis gives values that are not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_what_cannot_be_used_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_points(**({"basis": powers, "n": 9} | arguments))
