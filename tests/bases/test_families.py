"""Families of bases one by one: their formulas against SciPy, their starts, their tangents outside."""

import math
import re
from itertools import product

import numpy as np
import pytest
import scipy.special
import torch
import torch.nn.functional as F

from sklearn_kan import KAN, KANLayer
from sklearn_kan.bases import (
    BASES,
    RBF,
    Activation,
    Chebyshev,
    Continued,
    Jacobi,
    Rational,
    ReLU,
    Sine,
    Wavelet,
    make_basis,
)
from sklearn_kan.bases._activation import ACTIVATIONS, COMBINATIONS
from sklearn_kan.bases._wavelet import WAVELETS

CONTINUED = sorted(name for name in BASES if issubclass(BASES[name], Continued))
all_continued = pytest.mark.parametrize(
    ("name", "params"),
    [
        *((name, {}) for name in CONTINUED),
        *(("wavelet", {"wavelet": wavelet}) for wavelet in WAVELETS),
        *(("activation", {"activation": sigma, "combination": "cubic1"}) for sigma in ACTIVATIONS),
        *(("activation", {"combination": combination}) for combination in COMBINATIONS),
    ],
)


def points(n=41, low=-1.0, high=1.0):
    return torch.linspace(low, high, n, dtype=torch.float64)[:, None]


def phi(basis, x):
    """Values of the only input's functions, ``(n, n_basis)``."""
    return basis.double()(x)[:, 0].detach().numpy()


@pytest.mark.parametrize("degree", [1, 2, 5, 12])
def test_chebyshev_polynomials_are_scipy_s(degree):
    x = points()
    expected = [scipy.special.eval_chebyt(k, x[:, 0].numpy()) for k in range(1, degree + 1)]
    values = phi(Chebyshev(1, degree=degree), x).T * np.arange(1, degree + 1)[:, None] ** 2
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("alpha", "beta"), [(0, 0), (-0.5, -0.5), (1.0, 0.25), (-0.7, 2.0)])
def test_jacobi_polynomials_are_scipy_s(alpha, beta):
    x = points()
    expected = [scipy.special.eval_jacobi(k, alpha, beta, x[:, 0].numpy()) for k in range(1, 8)]
    values = phi(Jacobi(1, degree=7, alpha=alpha, beta=beta), x).T * np.arange(1, 8)[:, None] ** 1.5
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-11)


@all_continued
def test_the_slope_is_the_derivative(name, params):
    basis = make_basis(name, 1, basis_params=params).double()
    x, step = points(40, -0.97, 0.96), 1e-6
    difference = (basis.inner(x + step) - basis.inner(x - step)) / (2 * step)
    torch.testing.assert_close(basis.slope(x), difference, rtol=1e-6, atol=1e-6)


@all_continued
def test_outside_a_function_goes_on_as_its_tangent(name, params):
    basis = make_basis(name, 1, basis_params=params).double()
    for end, away in zip(basis.ends, (-1.0, 1.0), strict=True):
        at_end, slope = basis.inner(points(1, end)), basis.slope(points(1, end))
        for distance in (0.0, 0.3, 100.0):
            expected = at_end + away * distance * slope
            torch.testing.assert_close(basis(points(1, end + away * distance)), expected, rtol=1e-9, atol=1e-9)


def test_radial_basis_functions_are_gaussians():
    x = points()
    expected = np.exp(-(((x.numpy() - np.linspace(-2, 2, 5)) / 1.0) ** 2))
    np.testing.assert_allclose(phi(RBF(1, n_knots=5), x), expected, atol=1e-6)


@pytest.mark.parametrize(("name", "n_knots"), [("fourier", 1), ("fourier", 5), ("fourier", 16), ("sine", 7)])
def test_waves_have_second_derivatives_of_one_size(name, n_knots):
    x = points(5, -0.9, 0.9).requires_grad_()
    values = make_basis(name, 1, n_knots=n_knots).double()(x)[:, 0]
    lowest = math.pi * max(1 / 2, 1 - 2 / ((n_knots + 1) // 2))
    for k in range(n_knots):
        (first,) = torch.autograd.grad(values[:, k].sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x, retain_graph=True)
        frequency = lowest * (k // 2 + 1)
        torch.testing.assert_close(second[:, 0], -(frequency**2) * values[:, k], rtol=1e-5, atol=1e-5)
        amplitude = (values[:, k].square() + (first[:, 0] / frequency).square()).sqrt()
        torch.testing.assert_close(frequency**2 * amplitude, torch.full_like(amplitude, lowest**2), rtol=1e-5, atol=0)


def test_relu_bumps_have_peak_one_and_the_paper_s_support():
    basis = ReLU(1, n_knots=6, degree=3).double()
    start, end = basis.start[0].detach(), basis.end[0].detach()
    torch.testing.assert_close(start, torch.tensor([-2.2 + 0.4 * k for k in range(8)], dtype=torch.float64))
    torch.testing.assert_close(end - start, torch.full((8,), 1.6, dtype=torch.float64))
    peaks = basis.inner(((start + end) / 2)[:, None])[:, 0].diagonal()
    torch.testing.assert_close(peaks.detach(), torch.ones(8, dtype=torch.float64), rtol=1e-6, atol=0)
    assert (basis.inner(start[:, None])[:, 0].diagonal() == 0).all()


@pytest.mark.parametrize("combination", sorted(COMBINATIONS))
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_activation_functions_are_the_paper_s_formulas(activation, combination):
    basis = Activation(1, n_knots=5, degree=2, activation=activation, combination=combination).double()
    x = points()
    sigma = getattr(torch, activation, None) or getattr(F, activation)
    a = sigma(4 * (x - basis.start))
    b = sigma(4 * (basis.end - x))
    expected = {
        "quad1": (a * b) ** 2,
        "quad2": a * b + a**2 + b**2,
        "sum": a + b,
        "prod": a * b,
        "sum_prod": a + b + a * b,
        "cubic1": (a + b) * (a**2 + b**2),
        "cubic2": (a * b) ** 3,
    }[combination]
    np.testing.assert_allclose(basis.functions(x)[:, 0].detach(), expected.detach()[:, :], rtol=1e-12)
    np.testing.assert_allclose(phi(basis, x), (expected @ basis.change).detach(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("combination", sorted(COMBINATIONS))
def test_activation_functions_start_with_unit_mean_square(combination):
    basis = Activation(1, combination=combination)
    np.testing.assert_allclose((phi(basis, points(2001)) ** 2).mean(), 1.0, rtol=5e-2)


def test_pooled_functions_are_combinations_of_the_others():
    x = points()
    linear, attention = Activation(1, pool="linear").double(), Activation(1, pool="attention").double()
    with torch.no_grad():
        attention.attention += torch.randn(10, 10, generator=torch.Generator().manual_seed(0))
    values = (linear.functions(x) * linear.change)[:, 0].detach().numpy()
    np.testing.assert_allclose(
        (linear.functions(points(2001)) * linear.change).square().mean(0)[0].detach(), 1, rtol=5e-2
    )
    v, A = (p.detach().double().numpy() for p in (attention.pool_weight, attention.attention))
    np.testing.assert_allclose(phi(linear, x)[:, 0], values @ v, rtol=1e-12, atol=1e-12)
    weights = scipy.special.softmax(values @ A.T + v, axis=1)
    np.testing.assert_allclose(phi(attention, x)[:, 0], (weights * values).sum(1), rtol=1e-10)


@pytest.mark.parametrize("pool", ["linear", "attention"])
def test_pooling_leaves_one_coefficient_per_edge(pool):
    generator = torch.Generator().manual_seed(0)
    layer = KANLayer(20, 30, "activation", basis_params={"pool": pool}, n_knots=8, generator=generator)
    assert layer.coef.shape == (30, 20, 1)
    assert layer(points(5).float().expand(5, 20)).std(0).min() > 0.01  # no edge starts as a constant


def test_rational_functions_start_as_identity_and_swish():
    x = points(201, -2.0, 2.0)
    np.testing.assert_allclose(phi(Rational(1, is_first=True), x), x, atol=1e-6)
    np.testing.assert_allclose(phi(Rational(1), x), x * torch.sigmoid(2 * x), atol=1e-5)


def test_a_network_tells_its_first_layer_so():
    net = KAN(2, 1, hidden_layer_sizes=(3, 3), basis="rational")
    x = torch.linspace(-1, 1, 5)[:, None]
    for k, layer in enumerate(net.layers):
        expected = x.expand(5, layer.in_features) if k == 0 else (x * torch.sigmoid(2 * x)).expand(5, 3)
        torch.testing.assert_close(layer.basis(x.expand(5, layer.in_features))[..., 0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("is_first", [True, False])
def test_every_coefficient_of_a_rational_start_can_learn(is_first):
    basis = Rational(4, n_groups=2, is_first=is_first)
    basis(torch.tensor([[-1.0, 0.5, 0.3, 1.2]])).sum().backward()
    assert (basis.a.grad != 0).all()
    assert (basis.b.grad != 0).all()


def test_neighbouring_inputs_share_a_rational_function():
    basis = Rational(5, n_groups=2)
    assert basis.group.tolist() == [0, 0, 0, 1, 1]
    assert len(Rational(3).a) == 3
    assert KANLayer(64, 64, "rational").base_weight is None
    assert sum(p.numel() for p in KANLayer(64, 64, "rational").parameters()) == 64 * 64 + 64 + 8 * 10


def test_sine_phases_follow_the_paper_s_rule_plus_quarter_turns():
    basis = Sine(3, n_knots=4)
    for i in range(3):
        for k in range(1, 5):
            paper = k / 5 + math.pi * i / 2
            assert basis.phase[i, k - 1].item() == pytest.approx(paper + (k + 1) * math.pi / 2, rel=1e-6)


def test_wavelets_start_on_dyadic_places():
    basis = Wavelet(1, n_knots=7)
    assert basis.shift[0].tolist() == [0.0, -0.5, 0.5, -0.75, -0.25, 0.25, 0.75]
    torch.testing.assert_close(basis.log_scale[0].exp(), 0.6 / torch.tensor([1.0, 2, 2, 4, 4, 4, 4]))


def test_wavelets_have_no_mean():
    z = points(20001, -30, 30)
    for name in ("mexican_hat", "dog"):
        assert abs(WAVELETS[name][0](z).mean().item()) < 1e-8


CONDITION = {  # largest condition number allowed at 8, 16, 32 knots, or of that degree for polynomials
    "activation": (1.1e4, 1.1e4, 1.1e4),
    "bspline": (2e3, 2e3, 2e3),
    "chebyshev": (5e3, 1e5, 2e6),
    "fourier": (1e5, 5e5, 5e6),
    "jacobi": (5e3, 1e5, 1e6),
    "rational": (1.0, 1.0, 1.0),
    "rbf": (3e3, 3e3, 3e3),
    "relu": (3e3, 2e3, 2e3),
    "sine": (1e5, 5e5, 5e6),
    "truncated_power": (2e3, 2e3, 2e3),
    "wavelet": (5e4, 2e6, 5e7),
}
UNSCALED = {  # the same for functions of unit mean square, where they are made of unequal size on purpose
    "chebyshev": (1e1, 2e1, 3e1),
    "fourier": (5e3, 2e3, 1e3),
    "jacobi": (1.3, 1.3, 1.3),
    "sine": (1e4, 2e3, 1e3),
    "wavelet": (3.0, 4.0, 5.0),
}
sizes = pytest.mark.parametrize(("size", "place"), [(8, 0), (16, 1), (32, 2)])


def condition_number(basis, n_points=4000, unscaled=False):
    """Of the Gram matrix on U(-1, 1), in the coordinates that the optimiser sees, for the worst input."""
    values = basis.double()(points(n_points).expand(-1, basis.in_features)).detach().transpose(0, 1)
    spectra = torch.linalg.svdvals(values / values.square().mean(1, keepdim=True).sqrt() if unscaled else values)
    return ((spectra[:, 0] / spectra[:, -1]) ** 2).max().item()


def of_size(name, size):
    return make_basis(name, 3, n_knots=size, degree=size if name in ("chebyshev", "jacobi") else 3)


@pytest.mark.parametrize("name", sorted(BASES))
@sizes
def test_gram_matrices_are_well_conditioned(name, size, place):
    assert condition_number(of_size(name, size)) <= CONDITION[name][place]


@pytest.mark.parametrize("name", sorted(UNSCALED))
@sizes
def test_functions_of_falling_size_are_well_conditioned_but_for_it(name, size, place):
    assert condition_number(of_size(name, size), unscaled=True) <= UNSCALED[name][place]


# Exactly dependent on relu's straight lines, up to rounding on gelu's nearly straight ones.
DEPENDENT = {("relu", "quad2"), ("relu", "sum"), ("gelu", "sum")}
EVERY_PAIR = list(product(sorted(ACTIVATIONS), sorted(COMBINATIONS)))


@pytest.mark.parametrize(("activation", "combination"), EVERY_PAIR)
@pytest.mark.parametrize("size", [8, 16, 32])
def test_nothing_in_combined_activations_is_rounding_errors_made_large(activation, combination, size):
    basis, x = Activation(1, n_knots=size, activation=activation, combination=combination), points(500)
    in_single = basis(x.float()).double()
    assert (in_single - basis.double()(x)).abs().max() < 0.05


@pytest.mark.parametrize(("activation", "combination"), [pair for pair in EVERY_PAIR if pair not in DEPENDENT])
@pytest.mark.parametrize("size", [8, 16, 32])
def test_independent_combinations_of_activations_are_well_conditioned(activation, combination, size):
    basis = Activation(1, n_knots=size, activation=activation, combination=combination)
    assert condition_number(basis, n_points=1000) <= 4e4


@pytest.mark.parametrize(("activation", "combination"), sorted(DEPENDENT))
def test_dependent_combinations_of_activations_are_known(activation, combination):
    basis = Activation(1, n_knots=32, activation=activation, combination=combination)
    assert condition_number(basis, n_points=1000) > 1e6


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("rbf", {"n_knots": 3}, "n_knots=3 is too small for basis='rbf'. Choose at least 4."),
        ("chebyshev", {"degree": 0}, "degree=0 is too small for basis='chebyshev'. Choose at least 1."),
        ("jacobi", {"alpha": -1.0}, "alpha=-1.0 is too small for basis='jacobi'. Choose a number above -1."),
        ("rational", {"n_groups": 0}, "n_groups=0 is too small for basis='rational'. Choose at least 1."),
        ("wavelet", {"wavelet": "haar"}, "wavelet='haar' is unknown. Choose one of 'mexican_hat', 'dog', 'morlet'."),
        ("activation", {"pool": "max"}, "pool='max' is unknown. Choose one of None, 'linear', 'attention'."),
        ("relu", {"degree": -1}, "degree=-1 is too small for basis='relu'. Choose at least 0."),
    ],
)
def test_parameters_out_of_range_are_refused(name, params, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make_basis(name, 2, basis_params=params)
