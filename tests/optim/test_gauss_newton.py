"""Gauss-Newton against torch's own derivatives and least squares, and the rule of solver="auto"."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_kan import KAN, KANClassifier, KANLayer, KANRegressor
from sklearn_kan.optim import GaussNewton
from sklearn_kan.optim import _gauss_newton as gauss_newton
from sklearn_kan.optim._gauss_newton import Dense, Products, vector_of
from sklearn_kan.optim._jacobian import blocks_of
from sklearn_kan.optim._recording import recorded
from tests.optim import problems
from tests.optim.problems import ODD_TABLES, closure_for

SMALL = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 12}
rows = partial(problems.rows, out_features=1)


def network(in_features=3, out_features=1, hidden=(4,), **params):
    generator = torch.Generator().manual_seed(0)
    return KAN(in_features, out_features, hidden_layer_sizes=hidden, generator=generator, **params).double()


def mixed():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LayerNorm(4), KANLayer(4, 2, basis="chebyshev")).double()


def run(model, x, y, n_steps, weight=None, **params):
    optimizer = GaussNewton(model, **params)
    closure = closure_for(optimizer, model, x, y, weight)
    return optimizer, [float(optimizer.step(closure, sample_weight=weight)) for _ in range(n_steps)]


def curvatures(model, x, fisher="mse", weight=None, **params):
    """The matrix as `Dense` and `Products` have it, the optimizer, and the blocks of parameters."""
    optimizer = GaussNewton(model, fisher, **params)
    with recorded(model, optimizer.maps, optimizer.root, weight) as record:
        model(x)
    blocks = blocks_of(model, [linear for linear in optimizer.maps if record.has(linear)])
    free = torch.ones(sum(block.size for block in blocks), dtype=torch.float64)
    with torch.no_grad():
        parts = blocks, record, free, 0.1 * free, None
        return Dense(*parts), Products(*parts), optimizer, blocks


INDIVIDUAL = {"individual_knots": True, "learn_knots": True}
MODELS = {
    "two hidden layers": lambda: network(3, 2, (5, 4)),
    "products": lambda: network(3, 2, interactions="product"),
    "learned basis, scaled inputs": lambda: network(3, 2, basis="sine", scaled=True),
    "individual knots": lambda: network(3, 2, basis="truncated_power", basis_params=INDIVIDUAL),
    "other layers": mixed,
    "categories": lambda: network(2, 2, n_levels=(40, 3)),
    "fine inputs": lambda: network(2, 2, n_levels=(40,), n_places=(3,)),
}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("fisher", ["mse", "cross_entropy"])
def test_products_are_those_of_torch(kind, fisher):
    x, _ = rows(20)
    if kind in ("categories", "fine inputs"):
        x = torch.cat([x[:, :2], torch.arange(20)[:, None] % torch.tensor([40, 3])], 1)
    if kind == "fine inputs":
        x[:, 3] = 1 + x[:, 0].abs() % 2
    model, weight = MODELS[kind](), torch.linspace(0.5, 1.5, 20, dtype=torch.float64)
    dense, products, optimizer, blocks = curvatures(model, x, fisher, weight)
    generator = torch.Generator().manual_seed(1)
    change = {p: torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in model.parameters()}
    names = dict(model.named_parameters())
    values = ({name: p.detach() for name, p in names.items()},)

    def outputs(parameters):
        return torch.func.functional_call(model, parameters, (x,))

    y, effect = torch.func.jvp(outputs, values, ({name: change[p] for name, p in names.items()},))
    root = optimizer.root(y)
    _, pull = torch.func.vjp(outputs, *values)
    (found,) = pull((root @ (root.mT @ effect[..., None]))[..., 0] * weight[:, None] / len(x))
    vector = vector_of(blocks, change)
    expected = vector_of(blocks, {p: found[name] for name, p in names.items()}) + 0.1 * vector
    with torch.no_grad():
        torch.testing.assert_close(dense.times(vector), expected, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(products.times(vector), expected, rtol=1e-10, atol=1e-12)


def test_layers_that_are_called_several_times():
    x, _ = rows(20)
    layer = KANLayer(3, 3).double()

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return self.layer(torch.tanh(self.layer(torch.stack([x, -x], 1)))).mean(1)

    model = Twice()
    dense, products, _, blocks = curvatures(model, x)
    names, parameters = zip(*model.named_parameters(), strict=True)
    J = torch.autograd.functional.jacobian(
        lambda *tensors: torch.func.functional_call(model, dict(zip(names, tensors, strict=True)), (x,)),
        tuple(p.detach() for p in parameters),
    )
    per_row = [
        vector_of(blocks, dict(zip(parameters, [j[n, o] for j in J], strict=True))) for n in range(20) for o in range(3)
    ]
    J = torch.stack(per_row)
    expected = 2 / 3 * J.T @ J / 20 + 0.1 * torch.eye(J.shape[1], dtype=J.dtype)
    torch.testing.assert_close(dense.matrix, expected)
    torch.testing.assert_close(products.times(J[0]), expected @ J[0])


def test_an_undamped_step_of_one_layer_is_least_squares():
    x, y = rows(400)
    model = nn.Sequential(KANLayer(3, 1, base=False)).double()
    run(model, x, y, 1, damping=0.0)
    columns = torch.cat([model[0].basis(x).flatten(1), torch.ones(len(x), 1, dtype=x.dtype)], 1)
    solution = torch.linalg.lstsq(columns, y, driver="gelsd").solution
    torch.testing.assert_close(model(x), columns @ solution, rtol=0, atol=1e-9)


def test_both_ways_take_the_same_step(monkeypatch):
    monkeypatch.setattr(gauss_newton, "CG_TOLERANCE", 1e-13)
    monkeypatch.setattr(gauss_newton, "CG_STEPS", 1000)
    x, y = rows()
    models = [network(), network()]
    for model, max_dense in zip(models, [5000, 10], strict=True):
        run(model, x, y, 2, damping=0.01, penalty=0.01, max_dense=max_dense)
    for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-7, atol=1e-7)


def test_weights_count_as_repeated_rows():
    x, y = rows(30)
    weight = torch.tensor([2.0, 1.0, 0.0] * 10, dtype=torch.float64)
    one, other = network(), network()
    run(one, x, y, 3, weight=weight)
    index = torch.repeat_interleave(torch.arange(30), weight.long())
    run(other, x[index], y[index], 3)
    torch.testing.assert_close(one(x), other(x), rtol=1e-6, atol=1e-8)


def test_errors_fall_by_powers_of_ten_and_never_rise():
    x, y = rows(200, 2)
    optimizer, losses = run(network(2, 1, (6,)), x, y, 25)
    assert all(np.diff(losses) <= 0)
    assert losses[-1] < 1e-6 * losses[0]
    assert optimizer.param_groups[0]["gamma"] > 0


def test_gradients_hooks_and_frozen_parameters_stay():
    x, y = rows()
    model = network()
    frozen = model.layers[0].bias
    before = frozen.detach().clone()
    optimizer = GaussNewton(model)
    seen = []

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        if loss.requires_grad:
            loss.backward()
            frozen.grad = None
            seen.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
        return loss

    optimizer.step(closure)
    assert torch.equal(frozen, before)
    assert frozen.grad is None
    assert all(torch.equal(dict(model.named_parameters())[name].grad, g) for name, g in seen[0].items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(module.training for module in model.modules())


def test_a_stored_state_goes_on_alike():
    x, y = rows()
    one = network()
    optimizer, _ = run(one, x, y, 4)
    other = network()
    other.load_state_dict(one.state_dict())
    resumed = GaussNewton(other)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed.param_groups[0]["gamma"] == optimizer.param_groups[0]["gamma"]

    for solver, model in ((optimizer, one), (resumed, other)):
        solver.step(closure_for(solver, model, x, y))
    assert torch.equal(one(x), other(x))


def test_nothing_changes_where_nothing_is_finite():
    x, y = rows()
    model = network()
    before = model(x).detach()
    optimizer, losses = run(model, x, y * torch.inf, 2)
    assert not np.isfinite(losses).any()
    assert optimizer.is_stuck
    assert torch.equal(model(x), before)


def test_a_singular_matrix_without_enough_damping():
    x, _ = rows()
    dense, *_ = curvatures(network(), x * 0)
    dense.matrix -= 0.2 * torch.eye(len(dense.matrix))
    gradient = torch.ones(len(dense.matrix), dtype=torch.float64)
    assert dense.solve(gradient, 1e-12).isfinite().all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ODD_TABLES)
def test_odd_tables(kind):
    x, y = rows(40)
    X, y = ODD_TABLES[kind](x.numpy(), y[:, 0].numpy())
    model = KANRegressor(solver="gauss_newton", **SMALL).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert model.loss_curve_[-1] <= model.loss_curve_[0]


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson"])
def test_every_loss_falls(loss):
    x, y = rows(128)
    params = {**SMALL, "loss": loss, "alpha": 0.1}
    model = KANRegressor(solver="gauss_newton", **params).fit(x.numpy(), y[:, 0].numpy() + 1)
    adam = KANRegressor(solver="adam", n_members=1, **params).fit(x.numpy(), y[:, 0].numpy() + 1)
    assert model.loss_curve_[-1] < adam.loss_curve_[-1]


@pytest.mark.parametrize("params", [{}, {"norm": "batch"}, {"basis": "rational"}])
def test_classes(params):
    x, y = rows(200)
    classes = np.digitize(y[:, 0], np.quantile(y[:, 0], [0.25, 0.5, 0.75]))
    model = KANClassifier(solver="gauss_newton", alpha=0.1, **SMALL, **params).fit(x.numpy(), classes)
    assert model.score(x.numpy(), classes) > 0.9


def test_constraints_hold():
    x, y = rows(100)
    params = {**SMALL, "monotonic_cst": [1, 0, 0]}
    model = KANRegressor(solver="gauss_newton", **params).fit(x.numpy(), y[:, 0].numpy() + 3 * x[:, 0].numpy())
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]
    line = np.column_stack([np.linspace(-1, 1, 50), np.zeros(50), np.zeros(50)])
    assert (np.diff(model.predict(line)) >= -1e-9).all()


# The rule of "auto"


def table(noise, n=400):
    x, y = rows(n, 2)
    return x.numpy(), y[:, 0].numpy() + noise * np.random.default_rng(0).normal(size=n)


@pytest.mark.parametrize("n_members", [1, 3])
def test_auto_solves_smooth_tables_by_gauss_newton(n_members):
    X, y = table(0.0)
    params = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 30, "alpha": 0.0, "n_members": n_members,
              "learning_rate_init": 0.05}  # fmt: skip
    auto = KANRegressor(solver="auto", **params).fit(X, y)
    adam = KANRegressor(solver="adam", **params).fit(X, y)
    assert (auto.solver_, adam.solver_) == ("gauss_newton", "adam")
    assert auto.loss_curve_[: adam.n_iter_] == adam.loss_curve_
    X_test, y_test = (tensor.numpy() for tensor in rows(500, 2, seed=1))
    errors = [np.abs(model.predict(X_test) - y_test[:, 0]).mean() for model in (auto, adam)]
    assert errors[0] < 0.2 * errors[1]


@pytest.mark.parametrize("n_members", [1, 3])
def test_auto_is_adam_on_noisy_tables(n_members):
    X, y = table(0.5)
    params = {**SMALL, "n_members": n_members}
    auto = KANRegressor(solver="auto", **params).fit(X, y)
    adam = KANRegressor(solver="adam", **params).fit(X, y)
    assert auto.solver_ == "adam"
    assert np.array_equal(auto.predict(X), adam.predict(X))


def test_auto_keeps_adam_where_gauss_newton_is_no_better():
    X, y = table(0.03)
    params = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 60, "alpha": 0.0, "n_members": 4,
              "learning_rate_init": 0.05}  # fmt: skip
    auto = KANRegressor(solver="auto", **params).fit(X, y)
    adam = KANRegressor(solver="adam", **params).fit(X, y)
    assert auto.solver_ == "adam"
    assert np.array_equal(auto.predict(X), adam.predict(X))


def test_going_on_with_what_auto_chose():
    X, y = table(0.0)
    params = {"solver": "auto", "random_state": 0, "max_iter": 30, "alpha": 0.0, "learning_rate_init": 0.05}
    model = KANRegressor((6,), n_members=1, warm_start=True, **params).fit(X, y)
    assert model.solver_ == "gauss_newton"
    before = model.validation_scores_[-1]
    model.fit(X, y)
    assert max(model.validation_scores_) >= before
    with pytest.raises(ValueError, match="cannot continue with a network of members"):
        KANRegressor(**SMALL, warm_start=True).fit(X, y).set_params(solver="gauss_newton").fit(X, y)


def test_tables_of_levels_are_derived_without_a_warning():
    x = torch.stack([torch.linspace(-1, 1, 12), torch.arange(12) % 3], 1).double()
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # not once per program
    try:
        with warnings.catch_warnings(action="error"):
            _, losses = run(network(1, n_levels=(3,), norm="none"), x, x[:, 1:], 8)
    finally:
        torch.set_warn_always(before)
    assert losses[-1] < 0.1 * losses[0]
