"""Claim: which tables edges of splines learn better than weights with SiLU, all else equal, and which worse.

The protocol of the critical assessments (Shukla et al. 2024 and Yu et al. 2024, arXiv 2407.11075 and 2407.16674): the
same encoder, members, optimizer, schedule, decay, validation and calibration for both; only the basis differs. A plain
network is a KAN whose first basis is the input itself, and whose hidden one is SiLU. Its layers are as wide as they can
be with as many parameters as the KAN, or with as many CPU seconds of a pass, measured on the same table before.

    python -m benchmarks.tabular.matched --suite FOLDER --seeds 0 1 2
"""

import time
from functools import partial

import torch
import torch.nn.functional as F

from benchmarks.tabular.suite import RESULTS, arguments, kan, run
from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.bases import Basis

WIDTHS = [round(16 * 2 ** (k / 4)) for k in range(29)]  # 16 to 2,048
TRIAL_PASSES = 3


class Identity(Basis):
    """The input: the first layer of a plain network."""

    has_base = False

    def __init__(self, in_features):
        super().__init__(in_features, n_basis=1)

    def forward(self, x):
        return x[..., None]

    def contract_members(self, x, weight):
        return torch.einsum("nmi,imo->nmo", self(x)[..., 0], weight[:, 0].unflatten(1, (x.shape[1], -1))).flatten(1)


class SiLU(Identity):
    """Hidden layers of a plain network."""

    def forward(self, x):
        return F.silu(x)[..., None]


class Plain:
    """A plain network of `n_layers` hidden layers, as wide as the default KAN's `cost` allows."""

    def __init__(self, cost, n_layers, is_regression, categorical, seed):
        self.cost, self.n_layers, self.seed = cost, n_layers, seed
        self.kind = KANRegressor if is_regression else KANClassifier

    def network(self, width, **params):
        basis = [Identity] + [SiLU] * self.n_layers
        sizes = (width,) * self.n_layers
        return self.kind(basis=basis, hidden_layer_sizes=sizes, random_state=self.seed, **params)

    def choose(self, X, y):
        """The widest network that costs no more, found by bisection."""
        most = self.cost(self.kind(random_state=self.seed), X, y)
        low, high = 0, len(WIDTHS)
        while high - low > 1:
            middle = (low + high) // 2
            is_cheap = self.cost(self.network(WIDTHS[middle]), X, y) <= most
            low, high = (middle, high) if is_cheap else (low, middle)
        return self.network(WIDTHS[low])


def n_parameters(model, X, y):
    return sum(int(p.count_nonzero()) for p in model.set_params(max_iter=1).fit(X, y).module_.parameters())


def seconds(model, X, y):
    """CPU seconds of a few passes, the least of two."""
    runs = []
    for _ in range(2):
        start = time.process_time()
        model.set_params(max_iter=TRIAL_PASSES).fit(X, y)
        runs.append(time.process_time() - start)
    return min(runs)


METHODS = {
    "KAN, 32 units": kan,
    "MLP, as many parameters": partial(Plain, n_parameters, 1),
    "MLP, as much time": partial(Plain, seconds, 1),
    "MLP, two hidden layers, as much time": partial(Plain, seconds, 2),
}


if __name__ == "__main__":
    asked = arguments(__doc__, METHODS, "matched")
    chosen = {name: METHODS[name] for name in asked.methods}
    run(__doc__.split("\n")[0], chosen, asked.suite, asked.seeds, RESULTS / f"{asked.name}.json")
