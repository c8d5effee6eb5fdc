"""Modules of torch and of users on rows of three numbers, with two outputs."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from sklearn_kan import KANLayer
from sklearn_kan.optim import LinearMap


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


class Paired(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.last = nn.Bilinear(3, 3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.inner(x, x.flip(1)))


def behind(first, width=4):
    return nn.Sequential(first, nn.Tanh(), nn.Linear(width, 2))


def convolved(norm):
    return nn.Sequential(column(1, 3), nn.Conv1d(1, 4, 2), norm, nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))


def pruned(layer):
    return prune.l1_unstructured(layer, "weight", 0.3)


def positive_bias(layer):
    return parametrize.register_parametrization(layer, "bias", nn.Softplus())


def weight_normed(layer):
    return parametrizations.weight_norm(layer, "edge_weight")


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
    "bilinear": Paired,
    "two layers with one weight": Tied,
    "what only looks linear": lambda: behind(Nonnegative(3, 4)),
    "what only looks like a norm": lambda: nn.Sequential(nn.Linear(3, 3), Curved(), nn.Linear(3, 2)),
    "an input by name": Named,
    "a layer that says what it is": lambda: behind(Scaled()),
}


def made(name):
    torch.manual_seed(0)
    return MODULES[name]().double()
