"""Whether anything is left in a formula's residuals."""

import numpy as np

from ._expressions import evaluate
from ._structures import structures
from ._surrogate import fit_surrogate, split

MOST_COLUMNS = 12  # that are looked at
WHITE = 0.08  # share of the residuals' variance that a network finds at held-out rows by chance


def is_white(formula, table, seed=0):
    """Whether residuals look like noise: a stop rule, not a proof."""
    residuals = table.y - evaluate(formula, table.symbols, table.X)
    if not np.isfinite(residuals).all() or residuals.std() == 0:
        return bool(np.isfinite(residuals).all())
    X = correlated(table.X, residuals)
    fit = fit_surrogate(X, residuals, table.weight, n_units=6, n_knots=4, penalty=1e-2, n_steps=15, patience=5,
                        seed=seed + 1)  # fmt: skip
    spread = residuals.std()

    def judge(predictions, rows=slice(None)):
        return float(np.sqrt(np.mean(np.square((predictions - residuals[rows]) / spread))))

    found = structures(X, residuals, table.weight, judge, outers=("id",), n_knots=(4,), kinds=())
    _, held_out = split(len(residuals), seed + 1)
    # what the mean of the other rows misses there: by chance a fifth of the rows may vary less than all of them
    plain = np.average(np.square((residuals[held_out] - fit.center) / fit.scale), weights=table.weight[held_out])
    return 1 - fit.error**2 / plain < WHITE and (not found or found[0].error > 0.98)


def correlated(X, residuals):
    """Some columns of a wide table: those whose values or distances from the middle go with the residuals most."""
    if X.shape[1] <= MOST_COLUMNS:
        return X
    z = (X - X.mean(0)) / np.where(np.ptp(X, axis=0) > 0, X.std(0), 1.0)
    gains = np.maximum(np.abs(residuals @ z), np.abs((residuals - residuals.mean()) @ np.abs(z)))
    return X[:, np.sort(np.argsort(-gains, kind="stable")[:MOST_COLUMNS])]
