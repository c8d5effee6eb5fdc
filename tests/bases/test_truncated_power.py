"""Truncated powers: an exact change of basis from B-splines, and knots that are individual or learned."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import functional_call

import sklearn_kan.bases._truncated_power as truncated_power
from sklearn_kan.bases import BSpline, TruncatedPower
from tests.tables import random

IN, OUT = 2, 3
all_degrees = pytest.mark.parametrize("degree", range(6))
fixed_or_learned = pytest.mark.parametrize(
    ("degree", "learned"), [(degree, False) for degree in range(6)] + [(degree, True) for degree in range(1, 6)]
)
both_placements = pytest.mark.parametrize("placement", ["uniform", "quantile"])


def training_rows():
    """One skewed column, and one whose ties leave fewer knots."""
    rows = random(80, IN).exp() - 1.5
    rows[:, 1] = torch.tensor([-1.0, -0.25, 0.5, 2.0], dtype=torch.float64).repeat(20)
    return rows


def build(degree=3, placement="uniform", n_knots=6, **kwargs):
    basis = TruncatedPower(IN, out_features=OUT, n_knots=n_knots, degree=degree, knots=placement, **kwargs).double()
    basis.place_knots(training_rows())
    return basis


def move(basis):
    """Put learnable knots where no placement puts them."""
    with torch.no_grad():
        basis.raw_widths += random(*basis.raw_widths.shape, seed=7)


def oracle(x, knots, degree):
    """Truncated powers by their formula: ``(n,), (n_knots,) -> (n, n_used)``."""
    inner = knots[np.isfinite(knots)][1:-1]
    steps = (x[:, None] - inner >= 0).astype(float)
    return np.hstack([x[:, None] ** np.arange(degree + 1), steps * (x[:, None] - inner) ** degree])


def between(knots, n=200):
    """Points on the range of finite knots."""
    knots = knots[np.isfinite(knots)]
    return np.linspace(knots[0], knots[-1], n)


def edges(basis):
    """``(output, input, knots)`` of every edge."""
    table = basis.current_knots().detach().numpy()
    rows = table.reshape(-1, IN, basis.n_knots) if basis.out_features else np.stack([table] * OUT)
    return [(o, i, rows[o, i]) for o in range(OUT) for i in range(IN)]


def at_input(i, x):
    """Rows whose input `i` runs through `x`."""
    rows = torch.zeros(len(x), IN, dtype=torch.float64)
    rows[:, i] = torch.from_numpy(x)
    return rows


def residual(target, features):
    coef = np.linalg.lstsq(features, target, rcond=None)[0]
    return np.abs(features @ coef - target).max()


@all_degrees
@both_placements
def test_the_span_is_that_of_b_splines(degree, placement):
    splines = BSpline(IN, n_knots=6, degree=degree, knots=placement).double()
    splines.place_knots(training_rows())
    for i in range(IN):
        knots = splines.knots[i].numpy()
        x = between(knots)
        phi, powers = splines(at_input(i, x))[:, i].numpy(), oracle(x, knots, degree)
        phi, powers = phi[:, : powers.shape[1]], powers / np.abs(powers).max(0)
        assert residual(powers, phi) < 1e-10
        assert residual(phi, powers) < 1e-10


@all_degrees
@both_placements
def test_shared_fixed_knots_are_those_of_b_splines(degree, placement):
    splines = BSpline(IN, n_knots=6, degree=degree, knots=placement).double()
    splines.place_knots(training_rows())
    x = random(20, IN, seed=2)
    atol = 1e-6 if placement == "uniform" else 0.0  # uniform knots start in single precision
    torch.testing.assert_close(build(degree, placement)(x), splines(x), rtol=0, atol=atol)


@fixed_or_learned
@both_placements
@pytest.mark.parametrize("individual", [False, True])
def test_power_coefficients_give_the_same_functions(degree, placement, individual, learned):
    basis = build(degree, placement, individual_knots=individual, learn_knots=learned)
    if learned:
        move(basis)
    coef = random(OUT, IN, basis.n_basis, seed=1)
    power_coef = basis.power_coef(coef).numpy()
    assert power_coef.shape == coef.shape
    for o, i, knots in edges(basis):
        x = between(knots)
        powers = oracle(x, knots, degree)
        ours = basis.edge_functions(at_input(i, x), coef.permute(1, 2, 0))[:, o, i].detach().numpy()
        n_used = powers.shape[1]
        size = np.abs(powers) @ np.abs(power_coef[o, i, :n_used])  # what cancels in the sum
        assert (np.abs(powers @ power_coef[o, i, :n_used] - ours) <= 1e-12 * (1 + size)).all()
        assert (power_coef[o, i, n_used:] == 0).all()


@all_degrees
@pytest.mark.parametrize("individual", [False, True])
def test_power_basis_is_the_formula(degree, individual):
    basis = build(degree, "quantile", individual_knots=individual)
    for o, i, knots in edges(basis):
        x = between(knots)[:-1]
        ours = basis.power_basis(at_input(i, x))
        ours = ours[:, o, i] if individual else ours[:, i]
        powers = oracle(x, knots, degree)
        np.testing.assert_allclose(ours[:, : powers.shape[1]], powers, rtol=1e-12, atol=1e-12)
        assert (ours[:, powers.shape[1] :] == 0).all()


def test_power_coefficients_of_a_single_precision_layer_are_exact():
    basis = build().float()
    coef = random(OUT, IN, basis.n_basis).float()
    in_double = build().double()
    in_double.knots.copy_(basis.knots)
    in_double.tabulate()
    assert basis.power_coef(coef).dtype == torch.float64
    torch.testing.assert_close(basis.power_coef(coef), in_double.power_coef(coef.double()), rtol=0, atol=0)


@given(
    raw=st.lists(st.floats(-1e3, 1e3), min_size=10, max_size=10),
    placement=st.sampled_from(["uniform", "quantile"]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_learned_knots_are_ordered_and_their_ends_stay(raw, placement, dtype):
    basis = build(placement=placement, learn_knots=True).to(dtype)
    start = basis.current_knots().detach().clone()
    with torch.no_grad():
        basis.raw_widths.copy_(torch.tensor(raw).reshape(IN, 5))
    knots = basis.current_knots().detach()
    assert torch.equal(knots.isfinite(), start.isfinite())
    for now, before in zip(knots, start, strict=True):
        now, before = now[now.isfinite()], before[before.isfinite()]
        assert (now.diff() > 0).all()
        torch.testing.assert_close(now[[0, -1]], before[[0, -1]], rtol=1e-6, atol=1e-6)
    phi = basis(torch.linspace(-2, 3, 20, dtype=dtype)[:, None].repeat(1, IN))
    assert phi.isfinite().all()


@both_placements
@pytest.mark.parametrize("individual", [False, True])
def test_learned_knots_start_where_fixed_ones_stand(placement, individual):
    learned = build(placement=placement, individual_knots=individual, learn_knots=True)
    fixed = build(placement=placement, individual_knots=individual)
    torch.testing.assert_close(learned.current_knots(), fixed.current_knots(), rtol=0, atol=1e-6)


def test_every_learned_knot_changes_the_function():
    basis = build(learn_knots=True)
    weight = random(IN, basis.n_basis, OUT)
    y = basis.contract(torch.linspace(-0.99, 0.99, 50, dtype=torch.float64)[:, None].repeat(1, IN), weight)
    (gradient,) = torch.autograd.grad(y.square().sum(), basis.raw_widths)
    assert (gradient.abs() > 1e-8).all()


@both_placements
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-11), (torch.float32, 1e-4)])
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_sums_with_learned_knots_are_those_of_the_values(degree, dtype, atol, placement):
    basis = build(degree, placement, learn_knots=True)
    move(basis)
    basis = basis.to(dtype)
    x, weight = 1.5 * random(60, IN).to(dtype), random(IN, basis.n_basis, OUT, seed=1).to(dtype)
    found = [basis.contract(x.requires_grad_(), weight.requires_grad_())]
    expected = [torch.einsum("nik,iko->no", basis(x), weight)]
    for sums in (found, expected):
        sums += torch.autograd.grad(sums[0].sin().sum(), [x, weight, basis.raw_widths])
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=atol, atol=atol)


@pytest.mark.parametrize("individual", [False, True])
@pytest.mark.parametrize("degree", [1, 3])
def test_gradients_of_learned_knots_reach_inside_and_outside(individual, degree):
    basis = build(degree, "quantile", 4, individual_knots=individual, learn_knots=True)
    x = torch.tensor([[-2.1, 0.13], [0.37, 3.3], [5.3, -0.41]], dtype=torch.float64)
    raw = (basis.raw_widths + random(*basis.raw_widths.shape, seed=3)).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda raw: functional_call(basis, {"raw_widths": raw}, (x,)), (raw,))


def test_individual_knots_start_staggered_and_ordered():
    table = build(individual_knots=True).knots.unflatten(0, (OUT, IN))
    assert table.shape == (OUT, IN, 6)
    assert (table.diff(dim=2) > 0).all()
    assert (table[:, :, 0] == -1).all()
    assert (table[:, :, -1] == 1).all()
    assert (table[1:, :, 1:-1] > table[:-1, :, 1:-1]).all()


@fixed_or_learned
@both_placements
def test_individual_edges_are_splines_on_their_own_knots(degree, placement, learned):
    basis = build(degree, placement, individual_knots=True, learn_knots=learned)
    weight, x = random(IN, basis.n_basis, OUT, seed=1), 2 * random(15, IN, seed=2)
    ours = basis.edge_functions(x, weight)
    for o, i, knots in edges(basis):
        alone = BSpline(1, n_knots=6, degree=degree).double()
        alone.knots.copy_(torch.from_numpy(knots))
        alone.tabulate()
        torch.testing.assert_close(ours[:, o, i], alone(x[:, i : i + 1])[:, 0] @ weight[i, :, o], rtol=1e-9, atol=1e-9)
    direct = torch.einsum("noik,iko->noi", basis(x), weight)
    torch.testing.assert_close(ours, direct, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(basis.contract(x, weight), direct.sum(2), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("at_once", [1, 2 * 15 * IN])
def test_outputs_in_parts_give_the_same_values_and_gradients(monkeypatch, learned, at_once):
    basis = build(individual_knots=True, learn_knots=learned)
    weight = random(IN, basis.n_basis, OUT, seed=1).requires_grad_()
    x = random(15, IN, seed=2).requires_grad_()

    def run():
        y, edges = basis.contract(x, weight), basis.edge_functions(x, weight)
        total = (y * random(15, OUT, seed=3)).sum() + edges.square().sum()
        return [y, edges, *torch.autograd.grad(total, [x, weight, *basis.parameters()])]

    monkeypatch.setattr(truncated_power.kernels, "find", lambda *arguments, **splines: None)
    whole = run()
    calls = []
    evaluate = truncated_power.evaluate_edges
    monkeypatch.setattr(truncated_power, "EDGES_AT_ONCE", at_once)
    monkeypatch.setattr(truncated_power, "evaluate_edges", lambda *args: calls.append(args) or evaluate(*args))
    for part, expected in zip(run(), whole, strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-12, atol=1e-12)
    assert len(calls) > 4  # more than one part, and again in backward


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"degree": 0, "learn_knots": True},
            "learn_knots=True needs degree >= 1, got degree=0: steps have no gradient in their knots.",
        ),
        (
            {"individual_knots": True},
            "individual_knots=True needs out_features, got None. Pass the layer's number of outputs.",
        ),
        ({"degree": 6}, "degree=6 is out of range. Choose an integer from 0 to 5."),
        ({"n_knots": 1}, "n_knots=1 is too small for degree=3. Choose at least 2, one for each end."),
        ({"knots": "equal"}, "knots='equal' is unknown. Choose 'uniform', 'quantile' or 'adaptive', or pass knots."),
    ],
)
def test_unusable_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TruncatedPower(2, **params)
