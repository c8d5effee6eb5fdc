"""What every registered basis owes: a basis is tested here the moment it is registered."""

import copy
import inspect
import pickle
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call

from sklearn_kan import KANLayer
from sklearn_kan.bases import BASES, Basis, BSpline, get_basis, make_basis
from tests.tables import DEVICES

IN, OUT = 3, 2
MORE = {
    "bspline": [{"degree": 0}, {"degree": 5}, {"n_knots": 2}, {"n_knots": 2, "degree": 0}],
    "activation": [{"degree": 0}, {"n_knots": 2, "degree": 0}, {"pool": "attention", "combination": "cubic2"}],
    "chebyshev": [{"degree": 1}],
    "jacobi": [{"degree": 1}, {"alpha": -0.5, "beta": 1.5, "degree": 6}],
    "rational": [{"n_groups": 3, "is_first": True}],
    "relu": [{"degree": 0}, {"n_knots": 2}, {"n_knots": 2, "degree": 0}],
    "truncated_power": [
        {"degree": 0},
        {"n_knots": 2, "degree": 0},
        {"n_knots": 2, "learn_knots": True},
        {"individual_knots": True},
        {"individual_knots": True, "learn_knots": True, "degree": 1},
    ],
}


def variants(name):
    """Parameters to test: the defaults, each choice of the search space, both ends of its ranges, and more."""
    space = BASES[name].search_space
    return [{}, *({key: value} for key, values in space.items() for value in values), *MORE.get(name, [])]


CASES = [
    pytest.param(name, params, id="-".join([name, *(f"{key}={value}" for key, value in params.items())]))
    for name in sorted(BASES)
    for params in variants(name)
]
all_bases = pytest.mark.parametrize(("name", "params"), CASES)


def build(name, params, dtype=torch.float64):
    return make_basis(name, IN, out_features=OUT, basis_params=params).to(dtype)


def inputs(n_samples=7, dtype=torch.float64, seed=0, reach=1.4):
    generator = torch.Generator().manual_seed(seed)
    return (reach * (2 * torch.rand(n_samples, IN, generator=generator, dtype=torch.float64) - 1)).to(dtype)


def coefficients(basis):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(IN, basis.n_basis, OUT, generator=generator, dtype=torch.float64)


@all_bases
@pytest.mark.parametrize(("dtype", "n_samples"), [(torch.float32, 7), (torch.float64, 7), (torch.float32, 0)])
@pytest.mark.parametrize("device", DEVICES)
def test_shape_dtype_and_device(name, params, dtype, n_samples, device):
    basis = build(name, params, dtype).to(device)
    x = inputs(n_samples, dtype).to(device)
    weight = coefficients(basis).to(x)
    phi, y, edges = basis(x), basis.contract(x, weight), basis.edge_functions(x, weight)
    individual = params.get("individual_knots", False)
    assert phi.shape == ((n_samples, OUT, IN, basis.n_basis) if individual else (n_samples, IN, basis.n_basis))
    assert y.shape == (n_samples, OUT)
    assert edges.shape == (n_samples, OUT, IN)
    assert {t.dtype for t in (phi, y, edges)} == {dtype}
    assert {t.device.type for t in (phi, y, edges)} == {device}


@all_bases
def test_contract_is_the_sum_of_edge_functions(name, params):
    basis, x = build(name, params), inputs()
    weight = coefficients(basis)
    individual = params.get("individual_knots", False)
    direct = torch.einsum("noik,iko->noi" if individual else "nik,iko->noi", basis(x), weight)
    torch.testing.assert_close(basis.edge_functions(x, weight), direct, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(basis.contract(x, weight), direct.sum(2), rtol=1e-12, atol=1e-12)


@all_bases
def test_members_have_inputs_and_edges_of_their_own(name, params):
    basis, x = build(name, params), torch.stack([inputs(seed=seed) for seed in range(OUT)], 1)  # a member an output
    weight = coefficients(basis)
    edges = basis.edge_functions_of_members(x, weight)
    for k in range(OUT):
        alone = basis.edge_functions(x[:, k], weight)[:, k]
        torch.testing.assert_close(edges[:, k, 0], alone, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(basis.contract_members(x, weight), edges.sum(3).flatten(1), rtol=1e-12, atol=1e-12)


@all_bases
def test_gradients_of_inputs_and_coefficients(name, params):
    basis = build(name, params)
    x = inputs(3).requires_grad_()  # no input stands on a knot, where splines of degree <= 1 have no derivative
    weight = coefficients(basis).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, weight: basis.contract(x, weight), (x, weight), fast_mode=True)


@pytest.mark.parametrize(("name", "params"), [case for case in CASES if list(build(*case.values).parameters())])
def test_gradients_of_learnable_parameters(name, params):
    basis, x = build(name, params), inputs(3)
    place_elsewhere(basis)  # no kink stands on an input or an end of the range
    names, values = zip(*basis.named_parameters(), strict=True)
    values = tuple(value.detach().clone().requires_grad_() for value in values)
    assert torch.autograd.gradcheck(
        lambda *values: functional_call(basis, dict(zip(names, values, strict=True)), (x,)), values, fast_mode=True
    )


@all_bases
def test_values_and_gradients_are_finite_far_outside(name, params):
    basis = build(name, params, torch.float32)
    x = torch.tensor([[1e6], [-1e6], [1.0], [-1.0]]).repeat(1, IN).requires_grad_()
    weight = coefficients(basis).float().requires_grad_()
    leaves = [x, weight, *basis.parameters()]
    y = basis.contract(x, weight)
    gradients = torch.autograd.grad(y.sum(), leaves, allow_unused=True)
    assert basis(x).isfinite().all()
    assert y.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


@all_bases
def test_copies_have_the_same_values_and_keep_them(name, params):
    basis = build(name, params)
    basis.place_knots(inputs(50, seed=3))
    twins, values = [copy.deepcopy(basis), pickle.loads(pickle.dumps(basis))], basis(inputs())
    assert all(torch.equal(twin(inputs()), values) for twin in twins)
    place_elsewhere(basis)
    assert all(torch.equal(twin(inputs()), values) for twin in twins)


def place_elsewhere(basis):
    basis.place_knots(0.2 + 0.5 * inputs(50, seed=4))
    with torch.no_grad():
        for p in basis.parameters():
            p += 0.1 * torch.linspace(-1, 1, p.numel(), dtype=p.dtype).reshape(p.shape)


@all_bases
def test_loading_a_state_gives_the_values_of_its_origin(name, params):
    for dtype in (torch.float32, torch.float64):
        origin, target = build(name, params, dtype), build(name, params, dtype)
        place_elsewhere(origin)
        target.load_state_dict(origin.state_dict())
        x = inputs(dtype=dtype)
        assert torch.equal(target(x), origin(x))
        parent = torch.nn.Sequential(build(name, params, dtype))
        parent.load_state_dict(torch.nn.Sequential(origin).state_dict())
        assert torch.equal(parent[0](x), origin(x))


@all_bases
def test_double_and_back_keeps_float32_values(name, params):
    basis = build(name, params, torch.float32)
    place_elsewhere(basis)
    x = inputs(dtype=torch.float32)
    before = basis(x)
    in_double = basis.double()(x.double())
    atol = 2e-3 if "combination" in params else 1e-5  # well-conditioned coordinates of nearly dependent functions
    torch.testing.assert_close(in_double.float(), before, rtol=1e-4, atol=atol)
    assert torch.equal(basis.float()(x), before)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        *((name, {}) for name in sorted(BASES)),
        ("truncated_power", {"individual_knots": True, "learn_knots": True}),
        ("activation", {"pool": "attention"}),
    ],
)
def test_an_exported_layer_has_the_same_values(name, params):
    layer = KANLayer(IN, OUT, name, basis_params=params).eval()
    place_elsewhere(layer.basis)
    program = torch.export.export(layer, (inputs(5, torch.float32),), dynamic_shapes=({0: torch.export.Dim("n")},))
    x = inputs(11, torch.float32, seed=2)
    torch.testing.assert_close(program.module()(x), layer(x), rtol=1e-5, atol=1e-5)


@all_bases
@given(rows=st.lists(st.tuples(*[st.floats(-3, 3)] * IN), min_size=2, max_size=5), data=st.data())
@settings(max_examples=settings.default.max_examples // 10)  # for each basis
def test_a_row_does_not_depend_on_other_rows(name, params, rows, data):
    basis = build(name, params)
    x = torch.tensor(rows, dtype=torch.float64)
    order = torch.tensor(data.draw(st.permutations(range(len(rows)))))
    kept = order[: data.draw(st.integers(1, len(rows)))]
    torch.testing.assert_close(basis(x[kept]), basis(x)[kept], rtol=1e-12, atol=1e-12)


@all_bases
def test_evaluation_changes_nothing(name, params):
    basis, x = build(name, params), inputs()
    before = {key: value.clone() for key, value in basis.state_dict().items()}
    basis(x)
    basis.contract(x, coefficients(basis))
    assert torch.equal(x, inputs())
    assert all(torch.equal(value, before[key]) for key, value in basis.state_dict().items())


@pytest.mark.parametrize("name", sorted(BASES))
def test_constructor_and_search_space_agree(name):
    parameters = inspect.signature(BASES[name].__init__).parameters
    assert list(parameters)[:2] == ["self", "in_features"]
    assert set(BASES[name].search_space) <= set(parameters)
    assert all(p.default is not p.empty for key, p in parameters.items() if key not in ("self", "in_features"))


@pytest.mark.parametrize("name", sorted(BASES))
def test_no_inputs_are_no_problem(name):
    basis = make_basis(name, 0, out_features=OUT)
    assert basis(torch.zeros(4, 0)).shape == (4, 0, basis.n_basis)
    assert torch.equal(basis.contract(torch.zeros(4, 0), torch.zeros(0, basis.n_basis, OUT)), torch.zeros(4, OUT))


class Monomials(Basis):
    """A user's own family, not registered."""

    def __init__(self, in_features, *, degree=3, scale=1.0):
        super().__init__(in_features, n_basis=degree + 1)
        self.degree, self.scale = degree, scale

    def forward(self, x):
        return torch.stack([(x / self.scale) ** k for k in range(self.n_basis)], dim=-1)


def test_a_name_or_a_class_chooses_the_family():
    assert get_basis("bspline") is BSpline
    assert isinstance(make_basis(BSpline, 2), BSpline)
    assert get_basis(Monomials) is Monomials
    assert Monomials not in BASES.values()


def test_common_parameters_reach_those_families_that_name_them():
    basis = make_basis(Monomials, 2, n_knots=5, knots="quantile", degree=2, basis_params={"scale": 2.0})
    assert (basis.degree, basis.scale) == (2, 2.0)


def test_place_knots_does_nothing_by_default():
    basis, x = Monomials(2), torch.linspace(-1, 1, 6).reshape(3, 2)
    before = basis(x)
    basis.place_knots(x, torch.ones(3))
    assert torch.equal(basis(x), before)


@pytest.mark.parametrize("basis", ["splien", None, 3, dict, ["bspline"]])
def test_unknown_basis_is_refused_with_the_choice(basis):
    names = ", ".join(map(repr, sorted(BASES)))
    message = f"basis={basis!r} is unknown. Choose one of {names}, or pass a subclass of Basis."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make_basis(basis, 2)


def test_unknown_basis_params_are_refused_with_the_choice():
    message = (
        "basis_params={'sacle': 1, 'grid': 5} has unknown keys ['grid', 'sacle'] "
        f"for basis={Monomials!r}. Choose from ['scale']."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make_basis(Monomials, 2, degree=2, basis_params={"sacle": 1, "grid": 5})


def test_basis_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Basis(1, n_basis=1)
