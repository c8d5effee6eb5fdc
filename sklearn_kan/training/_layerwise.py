"""A start layer by layer (Wang, Nichani & Lee 2023, *Learning Hierarchical Polynomials with Three-Layer Networks*)."""

from contextlib import contextmanager

from torch import nn


class FirstLayers(nn.Module):
    """The first layers of a network, with a linear read-out in place of the others.

    The read-out starts at zero, which draws nothing from a generator.

    Parameters
    ----------
    network : KAN
        Without members.
    depth : int
        How many layers; all of them need no read-out.
    """

    def __init__(self, network, depth):
        super().__init__()
        self.network, self.depth = network, depth
        layers = network.layers
        self.read_out = None
        if depth < len(layers):
            read_out = nn.utils.skip_init(nn.Linear, layers[depth].in_features, layers[-1].out_features)
            self.read_out = read_out.to(layers[0].edge_weight)
            nn.init.zeros_(self.read_out.weight)
            nn.init.zeros_(self.read_out.bias)

    @property
    def n_outputs(self):
        return self.network.n_outputs

    def forward(self, x, sample_weight=None):
        h = self.network(x, sample_weight, depth=self.depth)
        return h if self.read_out is None else self.read_out(h)


@contextmanager
def frozen_before(network, depth):
    """Inside, only the last of the first `depth` layers, its norm and what belongs to it are trained."""
    parameters = list(network.parameters())
    wanted = [p.requires_grad for p in parameters]
    trained = {id(p) for part in parts(network, depth - 1) for p in part.parameters()}
    try:
        for p in parameters:
            p.requires_grad_(id(p) in trained)
        yield
    finally:
        for p, flag in zip(parameters, wanted, strict=True):
            p.requires_grad_(flag)


def parts(network, number):
    """The modules that belong to one layer."""
    yield network.layers[number]
    if number == 0 and network.lookup is not None:
        yield network.lookup
    if number < len(network.norms):
        yield network.norms[number]
