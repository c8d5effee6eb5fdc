"""KFAC and GaussNewton on modules that they have not been made for: they work, or name what they cannot take."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from sklearn_kan import KAN, KANLayer, KANRegressor
from sklearn_kan.network._constrained import ConstrainedKAN
from sklearn_kan.network._norms import BatchNorm, LayerNorm
from sklearn_kan.optim import KFAC, ElementwiseMap, GaussNewton, LinearMap
from sklearn_kan.optim._gauss_newton import Dense, Products, vector_of
from sklearn_kan.optim._jacobian import blocks_of
from sklearn_kan.optim._maps import maps_of
from sklearn_kan.optim._recording import recorded

OPTIMIZERS = [KFAC, GaussNewton]


def column(*shape):
    return nn.Unflatten(1, shape)


class Sequence(nn.Module):
    """A module on three steps of one number each."""

    def __init__(self, inner, width):
        super().__init__()
        self.read, self.inner, self.write = nn.Linear(1, width), inner, nn.Linear(3 * width, 2)

    def forward(self, x):
        h = self.read(x[..., None])
        h = self.inner(h, h, h) if isinstance(self.inner, nn.MultiheadAttention) else self.inner(h)
        return self.write((h[0] if isinstance(h, tuple) else h).flatten(1))


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)))))


class Nonnegative(nn.Linear):
    """A layer that only looks like a linear one."""

    def forward(self, x):
        return F.linear(x, self.weight.square(), self.bias)


class Curved(nn.Module):
    """A weight and a bias of the same shape, as norms have, which do something else."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.full((3,), 0.3)), nn.Parameter(torch.full((3,), 0.1))

    def forward(self, x):
        return torch.tanh(x * self.weight.exp()) + self.bias.square()


class Named(nn.Module):
    """A layer that is called with its input by name."""

    def __init__(self):
        super().__init__()
        self.inner, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.inner(input=x).tanh())


class Scaled(nn.Module):
    """A foreign layer that says what it is: an outer product ``u v^T`` of fixed u, with learned v."""

    def __init__(self):
        super().__init__()
        self.in_features, self.out_features = 3, 4
        self.register_buffer("u", torch.linspace(-1, 1, 3))
        self.weight = nn.Parameter(torch.ones(4, 3))

    def linear_maps(self):
        return [ScaledMap(self, [self.weight])]

    def forward(self, x):
        return F.linear(x * self.u, self.weight)


class ScaledMap(LinearMap):
    def features(self, x):
        return (x * self.layer.u)[..., None]

    def apply(self, x, tensors):
        return F.linear(x * self.layer.u, *tensors)


def behind(first, width=4):
    return nn.Sequential(first, nn.Tanh(), nn.Linear(width, 2))


def convolved(norm):
    return nn.Sequential(column(1, 3), nn.Conv1d(1, 4, 2), norm, nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))


def pruned(layer):
    return prune.l1_unstructured(layer, "weight", 0.3)


def positive_bias(layer):
    return parametrize.register_parametrization(layer, "bias", nn.Softplus())


MODULES = {
    "attention": lambda: Sequence(nn.MultiheadAttention(8, 2, batch_first=True), 8),
    "transformer": lambda: Sequence(nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True), 8),
    "recurrent": lambda: Sequence(nn.RNN(4, 4, batch_first=True), 4),
    "lstm": lambda: Sequence(nn.LSTM(4, 4, batch_first=True), 4),
    "gru": lambda: Sequence(nn.GRU(4, 4, batch_first=True), 4),
    "convolution": lambda: nn.Sequential(column(1, 3), nn.Conv1d(1, 2, 2), nn.Flatten(), nn.Linear(4, 2)),
    "convolution alone": lambda: nn.Sequential(column(1, 3), nn.Conv1d(1, 1, 2), nn.Flatten()),
    "convolution in two dimensions": lambda: behind(
        nn.Sequential(column(1, 3, 1), nn.Conv2d(1, 2, (2, 1)), nn.Flatten())
    ),
    "group norm": lambda: convolved(nn.GroupNorm(2, 4)),
    "instance norm": lambda: convolved(nn.InstanceNorm1d(4, affine=True)),
    "batch norm of channels, in evaluation": lambda: convolved(nn.BatchNorm1d(4).eval()),
    "layer norm of two axes": lambda: behind(
        nn.Sequential(nn.Linear(3, 6), column(2, 3), nn.LayerNorm((2, 3)), nn.Flatten()), 6
    ),
    "layer norm without bias": lambda: nn.Sequential(nn.Linear(3, 6), nn.LayerNorm(6, bias=False), nn.Linear(6, 2)),
    "root mean square norm": lambda: behind(nn.Sequential(nn.Linear(3, 4), nn.RMSNorm(4))),
    "weight norm": lambda: behind(parametrizations.weight_norm(nn.Linear(3, 4))),
    "weight norm by hooks": lambda: behind(nn.utils.weight_norm(nn.Linear(3, 4))),
    "weight norm of a KANLayer": lambda: nn.Sequential(nn.Linear(3, 3), weight_normed(KANLayer(3, 2))),
    "orthogonal": lambda: behind(parametrizations.orthogonal(nn.Linear(3, 3)), 3),
    "positive bias": lambda: behind(positive_bias(nn.Linear(3, 4))),
    "pruned": lambda: behind(pruned(nn.Linear(3, 4))),
    "learned slope": lambda: nn.Sequential(nn.Linear(3, 4), nn.PReLU(), nn.Linear(4, 2)),
    "bilinear": lambda: Paired(),
    "two layers with one weight": Tied,
    "what only looks linear": lambda: behind(Nonnegative(3, 4)),
    "what only looks like a norm": lambda: nn.Sequential(nn.Linear(3, 3), Curved(), nn.Linear(3, 2)),
    "an input by name": Named,
    "a layer that says what it is": lambda: behind(Scaled()),
}
REFUSED_BY_KFAC = {"weight norm of a KANLayer"}


class Paired(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.last = nn.Bilinear(3, 3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.inner(x, x.flip(1)))


def weight_normed(layer):
    return parametrizations.weight_norm(layer, "edge_weight")


def made(name):
    torch.manual_seed(0)
    return MODULES[name]().double()


def rows(n=24):
    x = 2 * torch.rand(n, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    return x, torch.stack([x[:, 0] * x[:, 1], x[:, 2].sin()], 1)


def closure_for(optimizer, model, x, y):
    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        if loss.requires_grad:
            loss.backward()
        return loss

    return closure


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", MODULES)
def test_the_matrix_of_gauss_newton_is_that_of_backward_passes(name):
    model, (x, _) = made(name), rows()
    optimizer = GaussNewton(model)
    with recorded(model, optimizer.maps, optimizer.root) as record:
        outputs = model(x)
    blocks = blocks_of(model, [linear for linear in optimizer.maps if record.has(linear)])
    parameters = list(model.parameters())
    gradients = [
        torch.autograd.grad(z, parameters, retain_graph=True, materialize_grads=True) for z in model(x).flatten()
    ]
    J = torch.stack([vector_of(blocks, dict(zip(parameters, g, strict=True))) for g in gradients])
    expected = 2 / outputs.shape[1] * J.T @ J / len(x)
    free = torch.ones(J.shape[1], dtype=torch.float64)
    assert J.shape[1] == sum(p.numel() for p in parameters)
    with torch.no_grad():
        dense, products = (kind(blocks, record, free, 0 * free, None) for kind in (Dense, Products))
        torch.testing.assert_close(dense.matrix, expected, rtol=1e-8, atol=1e-10)
        for vector in J[:3]:
            torch.testing.assert_close(products.times(vector), expected @ vector, rtol=1e-8, atol=1e-10)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_all_parameters_learn(name, kind):
    model, (x, y) = made(name), rows()
    if kind is KFAC and name in REFUSED_BY_KFAC:
        with pytest.raises(ValueError, match="1, a ParametrizedKANLayer, is not linear in its parameters"):
            KFAC(model)
        return
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer = kind(model)
    closure = closure_for(optimizer, model, x, y)
    losses = [float(optimizer.step(closure).detach()) for _ in range(6)]
    assert losses[-1] < losses[0]
    unchanged = [n for n, p in model.named_parameters() if torch.equal(p, before[n])]
    assert unchanged == [n for n, p in model.named_parameters() if not p.grad.any()]


def test_a_model_without_linear_maps_takes_steps_of_adam():
    x, y = rows()
    models = [made("convolution alone") for _ in range(2)]
    optimizers = [KFAC(models[0], adam_lr=0.01), torch.optim.Adam(models[1].parameters(), lr=0.01, betas=(0.9, 0.95))]
    for model, optimizer in zip(models, optimizers, strict=True):
        for _ in range(5):
            optimizer.step(closure_for(optimizer, model, x, y))
    for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_layers_that_are_called_in_some_steps_only(kind):
    x, y = rows()
    torch.manual_seed(0)
    extra, rest = nn.Linear(3, 3).double(), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()

    class Sometimes(nn.Module):
        is_on = False

        def __init__(self):
            super().__init__()
            self.extra, self.rest = extra, rest

        def forward(self, x):
            return self.rest(x + self.extra(x) if self.is_on else x)

    model = Sometimes()
    optimizer = kind(model)
    closure = closure_for(optimizer, model, x, y)
    before = extra.weight.detach().clone()
    for step in range(9):
        model.is_on = step >= 6
        loss = float(optimizer.step(closure))
        assert torch.equal(extra.weight, before) == (step < 6)
    with torch.no_grad():
        assert float(closure()) < loss


def test_what_the_layers_say():
    torch.manual_seed(0)
    kinds = {name: [type(linear).__name__ for linear in maps_of(made(name))] for name in MODULES}
    assert kinds["convolution"] == ["LinearMap"]
    assert kinds["group norm"] == ["ElementwiseMap", "LinearMap"]
    assert kinds["weight norm"] == kinds["pruned"] == kinds["what only looks linear"] == ["LinearMap"]
    assert kinds["two layers with one weight"] == ["LinearMap"]
    assert kinds["a layer that says what it is"] == ["ScaledMap", "LinearMap"]
    names = [type(linear).__name__ for linear in maps_of(KAN(3, 2, hidden_layer_sizes=(4,), interactions="product"))]
    assert names == ["EdgeMap", "ProductMap", "ProductMap"] * 2 + ["ElementwiseMap"]
    assert [type(norm.linear_maps()[0]) for norm in (LayerNorm((3,)), BatchNorm((3,)))] == [ElementwiseMap] * 2
    for layer in (KANLayer(3, 2, n_members=2), KANLayer(3, 2, scaled=True)):
        assert layer.linear_maps() == []
    assert maps_of(ConstrainedKAN(2, 1, directions=[1, 0])) == []
    frozen = nn.Linear(3, 2)
    frozen.bias.requires_grad_(False)
    assert maps_of(frozen) == []


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (lambda: KANLayer(3, 2, n_members=2), "model, a KANLayer"),
        (lambda: KAN(3, 2, scaled=True), r"layers\.0, a KANLayer"),
        (lambda: nn.Sequential(nn.Linear(3, 2), ConstrainedKAN(2, 2, directions=[1, 0])), r"1\.layers\.0, a Param"),
    ],
)
def test_kfac_names_the_layer_that_is_not_linear(model, name):
    with pytest.raises(ValueError, match=f"^{name}.* is not linear in its parameters"):
        KFAC(model())


class Mixing(nn.Module):
    """A parameter that takes part in a model of two tensors."""

    def __init__(self):
        super().__init__()
        self.last, self.share = nn.Linear(3, 2), nn.Parameter(torch.ones(1))

    def forward(self, x, shift=0.0):
        return self.last(x * self.share + shift)


class Rounding(torch.autograd.Function):
    """Has a derivative by backward passes, and no other."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, g):
        return g


class Rounded(Mixing):
    def forward(self, x):
        return self.last(Rounding.apply(x * self.share))


@pytest.mark.parametrize(
    ("model", "inputs", "match"),
    [
        (Mixing, 2, r"parameters of model \(The model was not called on one tensor of rows"),
        (lambda: Wrapped(Rounded()), 1, r"parameters of inner \("),
    ],
)
@pytest.mark.parametrize("max_dense", [5000, 0])
def test_gauss_newton_names_what_it_cannot_take_and_changes_nothing(model, inputs, match, max_dense):
    x, y = rows()
    model = model().double()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = GaussNewton(model, max_dense=max_dense)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(*[x, x][:inputs]), y)
        loss.backward()
        return loss

    with pytest.raises(ValueError, match=match):
        optimizer.step(closure)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert not any(module._forward_hooks for module in model.modules())
    for p in model.parameters():
        p.requires_grad_(p.ndim == 2 or len(p) == 2)  # all but the share
    optimizer = GaussNewton(model, max_dense=max_dense)
    first = float(optimizer.step(closure_for(optimizer, model, x, y)))
    assert float(F.mse_loss(model(x), y).detach()) < first


class Wrapped(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("outputs", [lambda z: (z, z), lambda z: {"a": z}, lambda z: z[:, 0], lambda z: z[None]])
def test_outputs_that_are_no_table(kind, outputs):
    class Other(Wrapped):
        def forward(self, x):
            return outputs(self.inner(x))

    model = Other(nn.Linear(3, 2))
    optimizer = kind(model)
    with pytest.raises(ValueError, match=r"The model's output has .* Let it be a tensor \(n_rows, n_outputs\)"):
        optimizer.step(lambda: model(torch.zeros(4, 3)))


# At rest


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("params", [{}, {"damping": 0.0}, {"penalty": 0.1}])
def test_no_step_where_the_gradient_is_zero(kind, params):
    x, _ = rows()
    torch.manual_seed(0)
    model = nn.Sequential(KANLayer(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)).double()
    for p in model.parameters():
        nn.init.zeros_(p)
    optimizer = kind(model, **params)
    closure = closure_for(optimizer, model, x, torch.zeros(len(x), 2, dtype=torch.float64))
    assert [float(optimizer.step(closure)) for _ in range(3)] == [0.0] * 3
    assert not any(p.any() for p in model.parameters())
    assert not optimizer.is_stuck
    if kind is GaussNewton:  # and steps again once there is something to learn
        closure = closure_for(optimizer, model, x, torch.ones(len(x), 2, dtype=torch.float64))
        assert [float(optimizer.step(closure)) for _ in range(8)][-1] < 1e-4


def test_a_fit_that_begins_at_rest():
    for alpha in (0.0, 1.0):
        model = KANRegressor((3,), solver="gauss_newton", alpha=alpha, max_iter=5, random_state=0)
        assert model.fit([[1.0, 2.0]], [3.0]).predict([[1.0, 2.0]]) == pytest.approx([3.0])


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1e150])
def test_gradients_of_any_size(size):
    x, y = rows()
    torch.manual_seed(0)
    model = nn.Linear(3, 2).double()
    optimizer = GaussNewton(model)

    def closure():
        optimizer.zero_grad()
        loss = size * F.mse_loss(model(x), y)
        if loss.requires_grad:
            loss.backward()
        return loss

    losses = [float(optimizer.step(closure)) for _ in range(5)]
    assert losses[-1] <= losses[0]
    assert all(p.isfinite().all() for p in model.parameters())
