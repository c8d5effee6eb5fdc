"""K-FAC against torch's own derivatives, least squares and invariance, and what it leaves behind."""

from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.integrate import quad
from torch import nn

from sklearn_kan import KAN, KANClassifier, KANLayer, KANRegressor
from sklearn_kan.bases import Basis
from sklearn_kan.optim import KFAC, cross_entropy_root, mse_root
from sklearn_kan.optim import _factors as factors
from sklearn_kan.optim._fisher import probes
from sklearn_kan.optim._recording import recorded
from sklearn_kan.training._losses import HUBER_DELTA, HUBER_INFORMATION, fisher_root, poisson, regression_loss

UNDAMPED = {"damping": 0.0, "adapt_period": None, "max_kl": 1e9}


def rows(n=60, in_features=3, out_features=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = 1.6 * torch.rand(n, in_features, generator=generator, dtype=torch.float64) - 0.8
    y = torch.sin(3 * x[:, :1]) * x[:, 1:2] + torch.linspace(0, 1, out_features, dtype=torch.float64)
    return x, y


def network(*sizes, seed=0, **params):
    generator = torch.Generator().manual_seed(seed)
    return nn.Sequential(*(KANLayer(*pair, generator=generator, **params) for pair in pairwise(sizes))).double()


def closure_for(optimizer, model, x, y, weight=None):
    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y) if weight is None else (weight * (model(x) - y).square().mean(1)).mean()
        if loss.requires_grad:
            loss.backward()
        return loss

    return closure


def run(model, x, y, n_steps, weight=None, **params):
    optimizer = KFAC(model, **params)
    closure = closure_for(optimizer, model, x, y, weight)
    return optimizer, [float(optimizer.step(closure, sample_weight=weight)) for _ in range(n_steps)]


def observe(model, x, fisher="mse", **params):
    optimizer = KFAC(model, fisher, **params)
    with recorded(model, optimizer.maps, optimizer.root) as record:
        model(x)
    return optimizer, record


# The curvature


def information(score, density):
    mass, _ = quad(density, -60, 60, points=[-HUBER_DELTA, 0, HUBER_DELTA], limit=200)
    square, _ = quad(lambda e: score(e) ** 2 * density(e), -60, 60, points=[-HUBER_DELTA, 0, HUBER_DELTA], limit=200)
    return square / mass


@pytest.mark.parametrize(
    ("name", "level"), [("squared_error", 0), ("absolute_error", 0), ("huber", 0), ("quantile", 0.2)]
)
def test_the_information_of_a_loss_is_that_of_its_density(name, level):
    loss = regression_loss(name, level)

    def value(e):
        return float(loss(torch.full((1, 1), e, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)))

    expected = information(lambda e: (value(e + 1e-6) - value(e - 1e-6)) / 2e-6, lambda e: np.exp(-value(e)))
    root = fisher_root(loss)(torch.zeros(3, 2, dtype=torch.float64))
    assert root.shape == (3, 2, 2)
    np.testing.assert_allclose((root @ root.mT)[1], np.eye(2) * expected / 2, rtol=1e-5)
    assert 0.5 < HUBER_INFORMATION < 1


@pytest.mark.parametrize(
    ("root", "loss"),
    [
        (mse_root, lambda z, y: F.mse_loss(z, y)),
        (fisher_root(regression_loss("squared_error", 0)), lambda z, y: 0.5 * F.mse_loss(z, y)),
        (fisher_root(poisson), lambda z, y: poisson(z, y).mean()),
        (cross_entropy_root, lambda z, y: F.cross_entropy(z, y.softmax(1))),
    ],
)
@pytest.mark.parametrize("n_outputs", [2, 3])
def test_roots_of_the_second_derivative(root, loss, n_outputs):
    z, y = torch.randn(2, 1, n_outputs, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    hessian = torch.func.hessian(loss)(z, y)[0, :, 0]
    torch.testing.assert_close((root(z) @ root(z).mT)[0], hessian)


def test_random_probes_have_the_curvature_as_their_mean():
    root = cross_entropy_root(torch.tensor([[0.3, -1.0, 0.5]], dtype=torch.float64)).expand(20_000, -1, -1)
    found = probes(root, 2, torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        torch.einsum("cni,cnj->ij", found, found) / 20_000, root[0] @ root[0].T, atol=5e-3, rtol=0
    )


@pytest.mark.parametrize("fisher", ["mse", "cross_entropy"])
def test_factors_are_the_expectations_that_define_them(fisher):
    x, _ = rows(12)
    model = network(3, 4, 2)
    optimizer, record = observe(model, x, fisher)
    hidden = model[0](x).detach()
    jacobian = torch.autograd.functional.jacobian(model[1], hidden).diagonal(dim1=0, dim2=2)  # (2, 4, n)
    outputs = model(x).detach()

    def loss(z):
        return z.square().mean() if fisher == "mse" else -z.log_softmax(0)[0]

    curvature = torch.stack([torch.func.hessian(loss)(z) for z in outputs])
    for one, h, J in zip(optimizer.maps, [x, hidden], [jacobian, None], strict=True):
        layer = one.layer
        phi = torch.cat([layer.basis(h), F.silu(h)[..., None]], 2).flatten(1)
        phi = torch.cat([phi, torch.ones(12, 1)], 1)
        A, G = record.moments(one, 256)
        torch.testing.assert_close(A[0], phi.T @ phi / 12, rtol=1e-10, atol=1e-12)
        expected = curvature if J is None else torch.einsum("ain,nab,bjn->nij", J, curvature, J)
        torch.testing.assert_close(G, expected.mean(0), rtol=1e-10, atol=1e-12)


class Rolled(nn.Module):
    """Calls layers several times, and on more axes than one."""

    def __init__(self):
        super().__init__()
        self.layer, self.read = network(3, 4)[0], nn.Linear(4, 2).double()

    def forward(self, x):
        h = self.layer(torch.stack([x, x.flip(1)], 1)).tanh()
        return self.read(h[:, 0]) + self.read(h[:, 1] * 0.5) + self.read(self.layer(x * 0.3))


NETWORKS = {
    "norms": lambda: KAN(3, 2, hidden_layer_sizes=(5,)).double(),
    "products": lambda: network(3, 4, 2, interactions="product"),
    "knots for each edge": lambda: network(3, 4, 2, basis="truncated_power", basis_params={"individual_knots": True}),
    "several calls": Rolled,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_effects_of_a_step_are_directional_derivatives(name):
    torch.manual_seed(0)
    x, _ = rows(9)
    model = NETWORKS[name]()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    optimizer, record = observe(model, x)
    steps = [[torch.randn_like(p) for p in linear.parameters] for linear in optimizer.maps]
    found = sum(record.effect(linear, step) for linear, step in zip(optimizer.maps, steps, strict=True))
    with torch.no_grad():
        outputs = []
        for sign in (1, -2):
            for linear, step in zip(optimizer.maps, steps, strict=True):
                for p, change in zip(linear.parameters, step, strict=True):
                    p.add_(change, alpha=sign * 1e-6)
            outputs.append(model(x))
    torch.testing.assert_close(found.T, (outputs[0] - outputs[1]) / 2e-6, rtol=1e-6, atol=1e-7)


# Steps


def test_one_undamped_step_on_one_layer_is_least_squares():
    x, y = rows(300)
    x = 1.25 * x  # all of the knots' range: no function is nearly zero, but for each input they sum to one
    model = network(3, 2, base=False)
    (one,) = KFAC(model).maps
    run(model, x, y, 1, **UNDAMPED)
    phi = np.column_stack([one.features(x).flatten(1).numpy(), np.ones(len(x))])
    expected = phi @ np.linalg.lstsq(phi, y.numpy(), rcond=None)[0]
    np.testing.assert_allclose(model(x).detach(), expected, rtol=0, atol=1e-10)


class Powers(Basis):
    """Powers of x, or an affine map of them."""

    def __init__(self, in_features, *, mix=None, shift=(0.0, 0.0, 0.0)):
        super().__init__(in_features, n_basis=3)
        self.mix, self.shift = torch.eye(3, dtype=torch.float64) if mix is None else mix, shift

    def forward(self, x):
        return torch.stack([x, x**2, x**3], -1) @ self.mix.to(x) + torch.tensor(self.shift).to(x)


@pytest.mark.parametrize("seed", range(3))
def test_undamped_steps_do_not_see_the_coordinates_of_the_basis(seed):
    x, y = rows(out_features=1)
    generator = torch.Generator().manual_seed(seed)
    mix = torch.eye(3, dtype=torch.float64) + 0.3 * torch.randn(3, 3, generator=generator, dtype=torch.float64)
    shift = torch.randn(3, generator=generator, dtype=torch.float64).tolist()
    model = network(3, 4, 1, basis=Powers, base=False)
    other = network(3, 4, 1, basis=Powers, base=False, basis_params={"mix": mix, "shift": shift})
    with torch.no_grad():
        for layer, twin in zip(model, other, strict=True):
            twin.edge_weight.copy_(torch.linalg.solve(mix, layer.edge_weight))
            twin.bias.copy_(layer.bias - (twin.edge_weight * torch.tensor(shift)[:, None]).sum((0, 1)))
    torch.testing.assert_close(model(x), other(x))
    losses, others = (run(net, x, y, 4, inverse_period=1, **UNDAMPED)[1] for net in (model, other))
    np.testing.assert_allclose(losses, others, rtol=1e-7)
    torch.testing.assert_close(model(x), other(x), rtol=1e-6, atol=1e-6)


def test_blocks_are_exact_for_independent_inputs():
    axis = torch.linspace(-0.9, 0.8, 9, dtype=torch.float64)
    x = torch.cartesian_prod(axis, axis, axis)
    y = torch.sin(3 * x[:, :1]) * x[:, 1:2]
    found = []
    for max_side in (256, 8):  # one block, or one for each input
        model = network(3, 1)
        run(model, x, y, 1, max_side=max_side)
        found.append(model(x))
    torch.testing.assert_close(*found)


def test_the_loss_never_rises_and_falls_far():
    x, y = rows(200)
    model = nn.Sequential(KANLayer(3, 6), nn.Linear(6, 6), KANLayer(6, 2)).double()
    _, losses = run(model, x, y, 40)
    assert (np.diff(losses) <= 0).all()
    assert losses[-1] < 1e-4 * losses[0]


def test_weights_count_as_repetitions():
    x, y = rows(20)
    times = torch.tensor([1, 2, 3, 2] * 5)
    results = []
    for data, weight in [
        ((x, y), times / times.double().mean()),
        ((x.repeat_interleave(times, 0), y.repeat_interleave(times, 0)), None),
    ]:
        model = network(3, 4, 2)
        run(model, *data, 4, weight=weight)
        results.append(model(x))
    torch.testing.assert_close(*results)


def test_a_saved_optimizer_goes_on_where_it_was():
    x, y = rows()
    model = network(3, 4, 2, basis="rational")
    params = {"fisher": "mse", "n_probes": 1, "adam_lr": 1e-2, "inverse_period": 3}
    optimizer, _ = run(model, x, y, 5, **params)
    twin, saved = deepcopy(model), deepcopy(optimizer.state_dict())
    resumed = KFAC(twin, **params)
    resumed.load_state_dict(saved)
    for net, opt in ((model, optimizer), (twin, resumed)):
        for _ in range(4):
            opt.step(closure_for(opt, net, x, y))
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), twin.parameters(), strict=True))


# What a step leaves behind


def hooks(model):
    return [hook for module in model.modules() for hook in module._forward_hooks.values()]


def test_gradients_are_those_without_the_optimizer():
    x, y = rows()
    model = KAN(3, 2, hidden_layer_sizes=(4,), interactions="product").double()
    F.mse_loss(model(x), y).backward()
    expected = [p.grad.clone() for p in model.parameters()]
    optimizer = KFAC(model)
    optimizer.step(closure_for(optimizer, model, x, y))
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), expected, strict=True))
    assert not hooks(model)


@pytest.mark.parametrize("where", ["before", "after", "root"])
def test_hooks_are_gone_after_an_exception(where):
    x, _ = rows()
    model = network(3, 4, 2)

    def fail(*_):
        raise ZeroDivisionError

    optimizer = KFAC(model, fail if where == "root" else "mse")

    def closure():
        assert hooks(model)
        if where != "before":
            model(x)
        return fail()

    with pytest.raises(ZeroDivisionError):
        optimizer.step(closure)
    assert not hooks(model)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, x: model[0](x).sum(), "saw no call of its model"),
        (lambda model, x: model(x.repeat(1, 2).unflatten(1, (2, -1))).sum(), r"shape \(60, 2, 2\)"),
    ],
)
def test_models_that_are_called_otherwise(call, message):
    x, _ = rows()
    model = network(3, 4, 2)
    with pytest.raises((RuntimeError, ValueError), match=message):
        KFAC(model).step(lambda: call(model, x))


def test_rows_have_to_stay_rows():
    x, _ = rows()
    model = nn.Sequential(network(3, 4, 2), nn.Flatten(0), nn.Unflatten(0, (-1, 1)))
    with pytest.raises(ValueError, match="called on 60 rows, and the model's output has 120"):
        KFAC(model).step(lambda: model(x).sum())
    with pytest.raises(ValueError, match="fisher='mae' is unknown"):
        KFAC(model, "mae")


# What goes wrong in data


def test_a_loss_that_is_not_finite_changes_nothing():
    x, y = rows()
    model = network(3, 4, 2)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer, losses = run(model, x, y * torch.inf, 2)
    assert not np.isfinite(losses).any()
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert optimizer.param_groups[0]["damping"] > 0.01


def test_steps_without_eigenvectors(monkeypatch):
    def fail(*_):
        raise torch.linalg.LinAlgError

    monkeypatch.setattr(factors.torch.linalg, "eigh", fail)
    values, vectors = factors.decompose(torch.tensor([[[2.0, 1.0], [1.0, -3.0]]]))
    assert torch.equal(values, torch.tensor([[2.0, 0.0]]))
    assert torch.equal(vectors[0], torch.eye(2))


def test_trials_that_are_not_finite_are_taken_back_with_one_warning():
    x, y = rows()
    model = network(3, 4, 2)
    optimizer = KFAC(model)
    plain = closure_for(optimizer, model, x, y)
    before = float(plain())

    def closure():
        loss = plain()
        return loss if loss.requires_grad else loss * torch.inf

    with pytest.warns(RuntimeWarning, match="taken back") as caught:
        losses = [float(optimizer.step(closure)) for _ in range(2)]
    assert losses == [before, before]
    assert len(caught) == 1
    assert float(plain()) == before


ODD = {
    "constant features": lambda X, y: (np.ones_like(X), y),
    "one feature constant": lambda X, y: (X * [1, 0, 1], y),
    "equal targets": lambda X, y: (X, np.full_like(y, 3.0)),
    "repeated features": lambda X, y: (X[:, [0, 0, 0]], y),
    "one row": lambda X, y: (X[:1], y[:1]),
    "huge": lambda X, y: (1e30 * X, 1e30 * y),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_odd_tables(kind, dtype):
    x, y = rows(40, out_features=1)
    X, y = ODD[kind](x.numpy(), y[:, 0].numpy())
    params = {"hidden_layer_sizes": (4,), "solver": "kfac", "dtype": dtype, "random_state": 0, "max_iter": 15}
    model = KANRegressor(**params).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert model.loss_curve_[-1] <= model.loss_curve_[0]


# The estimators


@pytest.mark.parametrize("batch_size", ["auto", 64])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson"])
def test_every_loss_falls(loss, batch_size):
    x, y = rows(128)
    params = {"hidden_layer_sizes": (4,), "max_iter": 12, "random_state": 0, "alpha": 0.1}
    model = KANRegressor(solver="kfac", loss=loss, batch_size=batch_size, **params).fit(x.numpy(), y.numpy() + 1)
    adam = KANRegressor(solver="adam", loss=loss, **params).fit(x.numpy(), y.numpy() + 1)
    assert model.loss_curve_[-1] < adam.loss_curve_[-1]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_classes(n_classes):
    x, y = rows(200)
    classes = np.digitize(y[:, 0], np.quantile(y[:, 0], np.arange(1, n_classes) / n_classes))
    model = KANClassifier((6,), solver="kfac", max_iter=15, random_state=0, alpha=0.1).fit(x.numpy(), classes)
    assert model.score(x.numpy(), classes) > 0.95


def test_no_passes_over_parts():
    with pytest.raises(AttributeError, match="partial_fit"):
        KANRegressor(solver="kfac").partial_fit(np.ones((3, 2)), np.ones(3))
