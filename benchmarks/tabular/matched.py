"""Claim: which tables edges of splines learn better than weights with SiLU, all else equal, and which worse.

The protocol of the critical assessments (Shukla et al. 2024 and Yu et al. 2024, arXiv 2407.11075 and 2407.16674): the
same encoder, members, optimizer, schedule, decay, validation and calibration for both; only the basis differs. A plain
network is a KAN whose first basis is the input itself, and whose hidden one is SiLU.

    python -m benchmarks.tabular.matched --suite FOLDER --seeds 0 1 2
"""

from functools import partial

import torch
import torch.nn.functional as F

from benchmarks.tabular.suite import RESULTS, arguments, run
from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.bases import Basis


class Identity(Basis):
    """The input: the first layer of a plain network."""

    has_base = False

    def __init__(self, in_features):
        super().__init__(in_features, n_basis=1)

    def forward(self, x):
        return x[..., None]

    def contract_members(self, x, coef):
        return torch.einsum("nmi,moi->nmo", self(x)[..., 0], coef[..., 0].unflatten(0, (x.shape[1], -1))).flatten(1)


class SiLU(Identity):
    """Hidden layers of a plain network."""

    def forward(self, x):
        return F.silu(x)[..., None]


def kan(is_regression, categorical, seed, **params):
    return (KANRegressor if is_regression else KANClassifier)(random_state=seed, **params)


mlp = partial(kan, basis=[Identity, SiLU])
deep = partial(kan, basis=[Identity, SiLU, SiLU])
METHODS = {
    "KAN, 32 units": kan,
    "MLP, 32 units": partial(mlp, hidden_layer_sizes=(32,)),
    "MLP, 288 units": partial(mlp, hidden_layer_sizes=(288,)),
    "MLP, two layers of 96": partial(deep, hidden_layer_sizes=(96, 96)),
}


if __name__ == "__main__":
    asked = arguments(__doc__, METHODS, "matched")
    chosen = {name: METHODS[name] for name in asked.methods}
    run(__doc__.split("\n")[0], chosen, asked.suite, asked.seeds, RESULTS / f"{asked.name}.json")
