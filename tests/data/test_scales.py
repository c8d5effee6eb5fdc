"""Columns with two scales at once: what is small beside the rest is seen, and ordinary columns stay as they are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor
from sklearn_kan.data._encoding import CLIP, TableEncoder
from sklearn_kan.data._table import Column

N = 1_000
rng = np.random.default_rng(0)
U = rng.uniform(size=N)
HOLE = rng.permutation(N) < 0.3 * N
HALF = rng.permutation(N) < 0.5 * N
THIRD = rng.integers(0, 3, N)
SCORE = rng.integers(1, 6, N)
CURVE = np.sin(6 * U)

TWO_SCALES = {  # a column and a target
    "30 % are -99": (np.where(HOLE, -99, U), np.where(HOLE, 0.5, CURVE)),
    "30 % are 1e9": (np.where(HOLE, 1e9, U), np.where(HOLE, -0.5, CURVE)),
    "90 % are -999": (np.where(rng.permutation(N) < 0.9 * N, -999, U), None),
    "two codes": (np.select([HOLE, HALF], [-999, -9999], U), np.select([HOLE, HALF], [0.5, -1], CURVE)),
    "scores and 999": (np.where(HOLE, 999, SCORE), np.where(HOLE, 0, SCORE % 3)),
    "a flag and -999": (np.where(HOLE, -999, HALF), np.where(HOLE, 0.3, HALF)),
    "clusters 0..1 and 100..101": (np.where(HALF, U, 100 + U), CURVE),
    "unequal clusters": (np.where(rng.random(N) < 0.8, U, -5000 + 3 * U), CURVE),
    "three clusters": (U + np.array([0, 300, 1e6])[THIRD], CURVE + THIRD),
    "six decades": (10 ** (6 * U), 6 * U),
    "twenty decades below one": (10 ** (-20 * U), CURVE),
    "both signs": (np.sign(U - 0.5) * 10 ** (8 * np.abs(U - 0.5)), CURVE),
}


@pytest.mark.parametrize("kind", TWO_SCALES)
def test_detail_beside_another_scale_is_learned_as_trees_learn_it(kind):
    column, y = TWO_SCALES[kind]
    y = np.where(column == -999, 0.5, CURVE) if y is None else y
    X, X_test, y, y_test = train_test_split(np.c_[column, rng.normal(size=N)], y, random_state=0)
    trees = HistGradientBoostingRegressor(random_state=0).fit(X, y).score(X_test, y_test)
    params = {"n_members": 4, "solver": "adam", "max_iter": 40, "learning_rate_init": 0.02, "random_state": 0}
    model = KANRegressor((16,), **params).fit(X, y)
    assert model.score(X_test, y_test) > trees - 0.03


ORDINARY = {
    "normal": rng.normal(size=N),
    "uniform": U,
    "lognormal": rng.lognormal(0, 1, N),
    "exponential": rng.exponential(size=N),
    "heavy tails": rng.standard_cauchy(N),
    "counts": rng.poisson(0.5, N),
    "dispersed counts": rng.negative_binomial(0.5, 0.05, N),
    "zero-inflated counts": np.where(HOLE, 0, rng.poisson(4, N)),
    "zero-inflated amounts": np.where(rng.random(N) < 0.6, 0, rng.lognormal(0, 1, N)),
    "nearly always zero": np.where(rng.random(N) < 0.97, 0, rng.exponential(size=N)),
    "scores": SCORE,
    "a flag": HALF,
    "a rare flag": rng.random(N) < 0.02,
    "constant": np.full(N, 3.0),
    "an outlier": np.where(np.arange(N) == 7, 1e12, U),
    "two clusters nearby": np.where(HALF, U, 8 + U),
    "prices": np.round(rng.lognormal(5, 1, N)),
    "years": rng.integers(1950, 2024, N),
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_columns_are_mapped_linearly(kind):
    x = np.asarray(ORDINARY[kind], dtype=np.float64)
    encoder = TableEncoder().fit([Column("x", x)])
    assert not encoder.bends_
    assert not encoder.atoms_
    assert encoder.n_levels_ == []
    z = (x - encoder.center_[0]) * encoder.rate_[0]
    np.testing.assert_array_equal(
        encoder.transform([Column("x", x)])[:, 0], z.clip(-1e100, 1e100) / np.sqrt(1 + (z / CLIP) ** 2)
    )


@pytest.mark.parametrize("kind", TWO_SCALES)
def test_the_map_of_two_scales_rises_within_and_outside_the_range(kind):
    column = np.asarray(TWO_SCALES[kind][0], dtype=np.float64)
    encoder = TableEncoder().fit([Column("x", column)])
    assert encoder.bends_
    low, high, width = column.min(), column.max(), np.ptp(column)
    outside = [low - 1e6 * width, low - 1, high + 1, high + 1e6 * width]
    x = np.unique([*column, *outside, *rng.uniform(low, high, 500)])
    z = encoder.transform([Column("x", x)])[:, 0]
    assert (np.diff(z) >= 0).all()
    assert np.abs(z).max() <= CLIP
    inside = (x >= low) & (x <= high)
    assert (np.diff(z[inside]) > 0).all()


pairs = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0, -999.0, 1e6, 1e6 + 1]), st.integers(1, 3)), min_size=2)


@given(rows=pairs)
def test_integer_weights_equal_repeated_rows_for_two_scales(rows):
    x, weight = (np.array(column) for column in zip(*rows, strict=True))
    weighted = TableEncoder().fit([Column("x", x)], weight.astype(np.float64))
    repeated = TableEncoder().fit([Column("x", np.repeat(x, weight))])
    assert weighted.bends_.keys() == repeated.bends_.keys()
    assert weighted.n_levels_ == repeated.n_levels_
    np.testing.assert_allclose(weighted.transform([Column("x", x)]), repeated.transform([Column("x", x)]), rtol=1e-12)


def test_an_encoding_does_not_depend_on_the_unit():
    x = np.where(HOLE, -999.0, U)
    reference = TableEncoder().fit([Column("x", x)]).transform([Column("x", x)])
    for factor in (2.0**-90, 2.0**90):
        encoder = TableEncoder().fit([Column("x", factor * x)])
        np.testing.assert_array_equal(encoder.transform([Column("x", factor * x)]), reference)


@pytest.mark.parametrize(
    ("kind", "sign"),
    [("30 % are -99", 1), ("clusters 0..1 and 100..101", -1), ("scores and 999", -1), ("six decades", 1)],
)
def test_monotone_constraints_hold_on_two_scales(kind, sign):
    column, y = TWO_SCALES[kind]
    X = np.c_[column, rng.normal(size=N)]
    model = KANRegressor((8,), n_members=2, max_iter=6, monotonic_cst=[sign, 0], random_state=0).fit(X, y)
    assert model.encoder_.bends_
    assert not model.encoder_.atoms_
    low, high = column.min(), column.max()
    x = np.unique([*column, low - 1e9, 2 * low - high, 2 * high - low, high + 1e9, *np.linspace(low, high, 300)])
    for other in (-1.0, 2.0):
        predicted = model.predict(np.c_[x, np.full(len(x), other)])
        assert (sign * np.diff(predicted) >= -1e-6 * np.ptp(y)).all()


def test_knots_in_the_units_of_a_column_with_two_scales_are_mapped_as_its_values():
    X = np.c_[np.where(HOLE, -999.0, U), U]
    knots = np.c_[[-999, 0, 0.3, 0.7, 1.0], [0, 0.2, 0.4, 0.7, 1.0]]
    model = KANRegressor((4,), knots=knots, n_members=1, max_iter=1).fit(X, CURVE)
    expected = model.encoder_.transform([Column(i, knot) for i, knot in enumerate(knots.T)])[:, :2].T
    np.testing.assert_allclose(model.module_.layers[0].basis.knots, expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["30 % are -99", "scores and 999", "six decades"])
def test_edge_curves_of_two_scales_are_what_the_first_layer_adds(kind):
    column, y = TWO_SCALES[kind]
    X = np.c_[column, U]
    model = KANRegressor((), n_members=1, max_iter=20, random_state=0).fit(X, y)
    x, curve = model.model_.edge_curve(0)
    assert (np.diff(x) > 0).all()
    assert column.min() <= x[0] < x[-1] <= column.max()
    predicted = model.predict(np.c_[x, np.full(len(x), 0.5)])
    np.testing.assert_allclose(curve[:, 0], (predicted - predicted.mean()) / model.target_scaler_.scale_, atol=1e-5)
    assert len(np.unique(curve.round(4))) > 2


def test_heavy_values_count_with_missing_ones_in_a_dataframe():
    frame = pd.DataFrame({"x": np.where(HOLE, -999, np.where(THIRD == 0, np.nan, U)), "z": rng.normal(size=N)})
    y = np.select([HOLE, THIRD == 0], [2.0, -2.0], CURVE)
    model = KANRegressor((16,), n_members=4, random_state=0).fit(frame, y)
    assert model.encoder_.n_levels_ == [2, 2]
    assert model.score(frame, y) > 0.97
