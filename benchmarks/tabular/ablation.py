"""Claim: each part of the default recipe lowers the loss on real tables, from a plain network to the default.

Each row adds one part to the row before. Learned factors are switched off by their learning rate.

    python -m benchmarks.tabular.ablation --suite FOLDER --seeds 0 1 2
"""

from functools import partial
from unittest.mock import patch

from benchmarks.tabular.suite import RESULTS, arguments, run
from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.training import _phases

PARTS = {
    "plain KAN: one network, uniform knots, constant rate": {
        "n_members": 1, "knots": "uniform", "norm": "none", "learning_rate": "constant", "alpha": 0.0,
        "interactions": None, "fine_knots": None,
    },
    "+ layer norm": {"norm": "layer"},
    "+ warm-up and cosine": {"learning_rate": "cosine"},
    "+ weight decay": {"alpha": 2.0},
    "+ quantile knots": {"knots": "quantile"},
    "+ factors of columns": {},
    "+ 16 members, validation rows of their own": {"n_members": 16},
    "the default: + 16 knots in half of the members, above 2,000 rows": {"fine_knots": "auto"},
}  # fmt: skip


def recipes():
    """Models by the last part that they have: parameters add up."""
    params, has_factors, methods = {}, False, {}
    for name, part in PARTS.items():
        params, has_factors = params | part, has_factors or "factors" in name
        methods[name] = partial(Recipe, params, has_factors)
    return methods


class Recipe:
    """A model that is fitted with or without factors of columns."""

    def __init__(self, params, has_factors, is_regression, categorical, seed):
        self.model = (KANRegressor if is_regression else KANClassifier)(random_state=seed, **params)
        self.has_factors = has_factors

    def fit(self, X, y):
        with patch.object(_phases, "FACTOR_RATE", _phases.FACTOR_RATE if self.has_factors else 0.0):
            return self.model.fit(X, y)


if __name__ == "__main__":
    methods = recipes()
    asked = arguments(__doc__, methods, "ablation")
    chosen = {name: methods[name] for name in asked.methods}
    run(__doc__.split("\n")[0], chosen, asked.suite, asked.seeds, RESULTS / f"{asked.name}.json")
