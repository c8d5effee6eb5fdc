"""B-splines against scipy, scikit-learn and theory."""

import copy
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline as ScipyBSpline
from sklearn.preprocessing import KBinsDiscretizer, SplineTransformer

from sklearn_kan.bases import BSpline, TruncatedPower
from sklearn_kan.bases._pieces import FEW, kept_table, piece_table

DEGREES = range(6)
all_degrees = pytest.mark.parametrize("degree", DEGREES)
both_placements = pytest.mark.parametrize("placement", ["uniform", "quantile"])


def skewed_column(n=200, seed=0):
    return np.random.default_rng(seed).lognormal(sigma=0.7, size=(n, 1)) - 2.0


def spline(degree, placement="quantile", n_knots=7, column=None):
    """A one-input basis in float64 and its finite knots."""
    basis = BSpline(1, n_knots=n_knots, degree=degree, knots=placement).double()
    basis.place_knots(torch.from_numpy(skewed_column() if column is None else column))
    knots = basis.knots[0].numpy()
    return basis, knots[np.isfinite(knots)]


def values(basis, x):
    return basis(torch.from_numpy(np.asarray(x, dtype=float))[:, None])[:, 0].numpy()


def inside(knots, n=301):
    return np.linspace(knots[0], knots[-1], n)


def extended(knots, degree):
    """Knots with `degree` more on either side, at the outermost spacing."""
    reach = np.arange(1, degree + 1)
    before = knots[0] - (knots[1] - knots[0]) * reach[::-1]
    return np.concatenate([before, knots, knots[-1] + (knots[-1] - knots[-2]) * reach])


def scipy_values(x, knots, degree):
    return ScipyBSpline.design_matrix(x, extended(knots, degree), degree).toarray()


@all_degrees
@both_placements
@pytest.mark.parametrize("n_knots", [2, 3, 7, 32])
def test_equals_scipy(degree, placement, n_knots):
    basis, knots = spline(degree, placement, n_knots)
    x = np.concatenate([inside(knots), knots])
    np.testing.assert_allclose(values(basis, x), scipy_values(x, knots, degree), rtol=0, atol=1e-12)


@given(
    column=st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=2, max_size=30),
    places=st.lists(st.floats(0, 1), min_size=1, max_size=10),
    n_knots=st.integers(2, 9),
    degree=st.integers(0, 5),
)
def test_equals_scipy_on_any_knots(column, places, n_knots, degree):
    basis, knots = spline(degree, "quantile", n_knots, np.array(column)[:, None])
    x = np.clip(knots[0] + np.array(places) * (knots[-1] - knots[0]), knots[0], knots[-1])
    phi = values(basis, x)
    n_used = len(knots) + degree - 1
    np.testing.assert_allclose(phi[:, :n_used], scipy_values(x, knots, degree), rtol=0, atol=1e-12)
    assert (phi[:, n_used:] == 0).all()
    np.testing.assert_allclose(phi.sum(1), 1.0, rtol=0, atol=1e-12)
    assert phi.min() >= -1e-12


@all_degrees
@both_placements
def test_values_are_a_partition_of_unity(degree, placement):
    basis, knots = spline(degree, placement)
    phi = values(basis, inside(knots))
    np.testing.assert_allclose(phi.sum(1), 1.0, rtol=0, atol=1e-12)
    assert phi.min() >= -1e-12
    assert ((np.abs(phi) > 1e-12).sum(1) <= degree + 1).all()


@all_degrees
@both_placements
def test_equals_scikit_learn_inside_and_outside(degree, placement):
    # scikit-learn also goes on with value and slope at the outer knot, so that both agree everywhere.
    basis, knots = spline(degree, placement)
    theirs = SplineTransformer(n_knots=len(knots), degree=degree, knots=knots[:, None], extrapolation="linear")
    x = np.linspace(knots[0] - 2.0, knots[-1] + 2.0, 401)
    np.testing.assert_allclose(values(basis, x), theirs.fit(knots[:, None]).transform(x[:, None]), rtol=0, atol=1e-10)


def test_uniform_knots_equal_scikit_learn_s():
    theirs = SplineTransformer(n_knots=5, degree=3, knots="uniform").fit([[-1.0], [1.0]])
    x = np.linspace(-1, 1, 50)
    np.testing.assert_allclose(values(spline(3, "uniform", 5)[0], x), theirs.transform(x[:, None]), atol=1e-12)


@both_placements
def test_degree_zero_is_binning(placement):
    basis, knots = spline(0, placement)
    x = np.concatenate([np.linspace(knots[0] - 1, knots[-1] + 1, 200), knots])
    bins = KBinsDiscretizer(len(knots) - 1, strategy="uniform", encode="onehot-dense").fit(knots[:, None])
    bins.bin_edges_[0] = knots
    np.testing.assert_array_equal(values(basis, x), bins.transform(x[:, None]))


@all_degrees
@both_placements
def test_polynomials_up_to_the_degree_are_reproduced(degree, placement):
    basis, knots = spline(degree, placement)
    x = inside(knots)
    phi = values(basis, x)
    for k in range(degree + 1):
        coef = np.linalg.lstsq(phi, x**k, rcond=None)[0]
        np.testing.assert_allclose(phi @ coef, x**k, rtol=0, atol=1e-10)


@pytest.mark.parametrize("degree", range(1, 6))
@both_placements
def test_a_line_stays_that_line_outside(degree, placement):
    basis, knots = spline(degree, placement)
    coef = np.linalg.lstsq(values(basis, inside(knots)), inside(knots), rcond=None)[0]
    x = np.array([knots[0] - 1.5, knots[-1] + 1.5])
    np.testing.assert_allclose(values(basis, x) @ coef, x, atol=1e-9)


@all_degrees
@both_placements
@pytest.mark.parametrize(("end", "sign"), [(0, -1.0), (-1, 1.0)])
def test_goes_on_linearly_outside(degree, placement, end, sign):
    basis, knots = spline(degree, placement)
    at, near, a, b, c = values(basis, knots[end] + sign * np.array([0.0, 1e-9, 0.5, 1.0, 1.5]))
    np.testing.assert_allclose(near, at, atol=1e-6)
    np.testing.assert_allclose(a - 2 * b + c, 0.0, atol=1e-9)
    np.testing.assert_allclose(b - 2 * a + at, 0.0, atol=1e-9)
    slope = one_sided_slope(basis, knots[end], -sign)
    np.testing.assert_allclose(sign * (b - at), slope, atol=1e-6)


def one_sided_slope(basis, end, direction):
    """Derivative at the outer knot, from points inside: autograd next to it."""
    if basis.degree == 0:
        return np.zeros(basis.n_basis)
    x = torch.tensor([[end + direction * 1e-9]], dtype=torch.float64)
    return torch.autograd.functional.jacobian(lambda x: basis(x).flatten(), x).flatten().numpy()


@pytest.mark.parametrize("degree", range(2, 6))
def test_derivatives_are_continuous_at_knots(degree):
    basis, knots = spline(degree)
    x = torch.from_numpy(knots)[:, None]

    def slope(shift):
        return torch.autograd.functional.jvp(lambda x: basis(x), x + shift, torch.ones_like(x))[1]

    torch.testing.assert_close(slope(-1e-10), slope(1e-10), rtol=0, atol=1e-6)


@all_degrees
@pytest.mark.parametrize("n_knots", [2, 8])
@pytest.mark.parametrize("distinct", [[3.0], [-0.5, 2.0], [0.0, 0.1, 4.0]])
def test_few_distinct_values(degree, distinct, n_knots):
    distinct = distinct[:n_knots]
    basis, knots = spline(degree, "quantile", n_knots, np.repeat(distinct, 5)[:, None])
    np.testing.assert_array_equal(knots, [2.0, 4.0] if len(distinct) == 1 else distinct)
    x = np.concatenate([inside(knots), knots])
    n_used = len(knots) + degree - 1
    phi = values(basis, x)
    np.testing.assert_allclose(phi[:, :n_used], scipy_values(x, knots, degree), rtol=0, atol=1e-12)
    outside = values(basis, [knots[0] - 1, knots[-1] + 1])
    assert (phi[:, n_used:] == 0).all()
    assert (outside[:, n_used:] == 0).all()
    np.testing.assert_allclose(outside.sum(1), 1.0, atol=1e-9)


def test_inputs_have_their_own_knots():
    x = torch.from_numpy(np.hstack([skewed_column(), np.ones((200, 1)), 5 * skewed_column(seed=1)]))
    together = BSpline(3, knots="quantile").double()
    together.place_knots(x)
    for i in range(3):
        alone = BSpline(1, knots="quantile").double()
        alone.place_knots(x[:, i : i + 1])
        assert torch.equal(together(x)[:, i], alone(x[:, i : i + 1])[:, 0])


def test_weights_of_rows_move_the_knots():
    x, weight = torch.from_numpy(skewed_column(20)), torch.arange(20)
    weighted, repeated = (BSpline(1, knots="quantile").double() for _ in range(2))
    weighted.place_knots(x, weight.double())
    repeated.place_knots(x.repeat_interleave(weight, dim=0))
    assert torch.equal(weighted.knots, repeated.knots)


def test_uniform_knots_stay_where_they_are():
    basis = BSpline(1, knots="uniform")
    basis.place_knots(torch.from_numpy(skewed_column()).float())
    assert torch.equal(basis.knots, BSpline(1).knots)


@pytest.mark.parametrize("column", [[0.0, 1e-10, 1.0], [0.0, 1.0 - 1e-10, 1.0], [0.5, 0.5 + 1e-7, 3.0, 4.0]])
def test_values_nearer_than_single_precision_give_finite_splines(column):
    x = torch.tensor(column, dtype=torch.float64)[:, None]
    basis = BSpline(1, knots="quantile").float()
    basis.place_knots(x)  # rows in float64, knots in float32
    phi = basis(torch.linspace(-1, 5, 50)[:, None])
    assert phi.isfinite().all()
    assert phi.abs().max() < 1e3


@all_degrees
def test_single_precision_is_near_double(degree):
    basis, knots = spline(degree, "uniform", 16)
    x = inside(knots)[1:-1] + 1e-3  # a bin's border may round to the other side
    single = BSpline(1, n_knots=16, degree=degree).float()(torch.from_numpy(x).float()[:, None])
    np.testing.assert_allclose(single[:, 0], values(basis, x), atol=2e-5)


def test_nan_stays_nan_in_its_row():
    phi = BSpline(1)(torch.tensor([[0.1], [torch.nan]]))
    assert phi[0].isfinite().all()
    assert phi[1].isnan().any()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"degree": -1}, "degree=-1 is out of range. Choose an integer from 0 to 5."),
        ({"degree": 6}, "degree=6 is out of range. Choose an integer from 0 to 5."),
        ({"n_knots": 1}, "n_knots=1 is too small for degree=3. Choose at least 2, one for each end."),
        ({"n_knots": -3, "degree": 2}, "n_knots=-3 is too small for degree=2. Choose at least 2, one for each end."),
        (
            {"knots": "quantiles"},
            "knots='quantiles' is unknown. Choose 'uniform', 'quantile' or 'adaptive', or pass knots.",
        ),
        ({"knots": None}, "knots=None is unknown. Choose 'uniform', 'quantile' or 'adaptive', or pass knots."),
        ({"knots": [1.0, 0.0]}, "knots has shape (2,). Pass increasing ones, of shape (n_knots,) or (1, n_knots)."),
        ({"knots": [0.0]}, "n_knots=1 is too small for degree=3. Choose at least 2, one for each end."),
    ],
)
def test_unusable_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BSpline(1, **params)


@pytest.mark.parametrize("params", [{}, {"individual_knots": True}, {"learn_knots": True}])
def test_given_knots_keep_all_their_digits(params):
    knots = torch.tensor([-1.0, 0.1, 1 / 3, 1.0], dtype=torch.float64)
    basis = TruncatedPower(2, out_features=3, knots=knots, **params) if params else BSpline(2, knots=knots)
    for twin in (basis.double(), basis.float().double(), copy.deepcopy(basis).double()):
        assert torch.equal(twin.knots, knots.expand_as(twin.knots))
    others = knots.expand_as(basis.knots).clone()
    others[:, 1] -= 1e-12  # the same in float32
    state = basis.state_dict()
    basis.load_state_dict(state | {"knots": others})
    assert torch.equal(basis.knots, others)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("n_inputs", [2, FEW])
def test_tables_that_are_kept_are_those_of_the_knots_and_nobody_s(dtype, n_inputs):
    for shift in (0.0, 0.5, 0.0):
        knots = (torch.linspace(-1, 1, 5) + shift).repeat(n_inputs, 1).to(dtype)
        with torch.inference_mode(), torch.device("meta"):
            kept_table(knots, 3)
        found, expected = kept_table(knots, 3), piece_table(knots, 3)
        for name, part in found._asdict().items():
            assert part.dtype == getattr(expected, name).dtype
            assert torch.equal(part, getattr(expected, name))
            assert not part.is_inference()
        found.pieces.zero_()
    assert kept_table(knots, 2).pieces.shape[1] == 9  # 16 above
