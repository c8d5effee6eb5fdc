"""What several tests need: small models and tables, settings in pairs, errors by formulas of scikit-learn and SciPy."""

from itertools import combinations, product

import numpy as np
import scipy.special
import torch
from sklearn.base import is_classifier
from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.training._losses import HUBER_DELTA

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
FEW = {"hidden_layer_sizes": (4,), "n_knots": 4, "max_iter": 3, "random_state": 0, "device": "cpu"}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0, dtype=torch.float64):
    """Normal numbers, the same in every precision."""
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def randomise(module, seed=5):
    """Move every parameter, so that none is still at a special start such as zero."""
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p += 0.3 * random(*p.shape, seed=seed + k, dtype=p.dtype)
    return module


def table(n, n_columns=2, seed=0):
    """Normal numbers as users have them."""
    return np.random.default_rng(seed).normal(size=(n, n_columns))


def target(estimator, signal, above=0.0):
    """The signal, or for a classifier whether it is above a number."""
    return signal > above if estimator is KANClassifier else signal


def small(estimator=KANRegressor, **params):
    """An estimator that is fitted in no time."""
    return estimator(**{**FEW, **params})


def outputs(model, X):
    """What a model predicts, in numbers."""
    return model.predict_proba(X) if is_classifier(model) else model.predict(X)


def every_pair(is_allowed, **choices):
    """A few settings in which every two choices that some allowed setting has meet: a covering array of strength two.

    Parameters
    ----------
    is_allowed : callable
        ``(**setting) -> bool``.
    **choices : sequences
        Of each parameter.

    Returns
    -------
    settings : list of dict
        Each taken, greedily, for the most pairs that were not there before.
    """

    def setting(places):
        return {name: choices[name][place] for name, place in zip(choices, places, strict=True)}

    rows = [places for places in product(*map(range, map(len, choices.values()))) if is_allowed(**setting(places))]
    pairs = {places: set(combinations(enumerate(places), 2)) for places in rows}
    left, chosen = dict.fromkeys(pair for places in rows for pair in sorted(pairs[places])), []
    while left:
        first = next(iter(left))
        best = max((places for places in rows if first in pairs[places]), key=lambda row: len(pairs[row] & left.keys()))
        chosen.append(setting(best))
        for pair in pairs[best]:
            left.pop(pair, None)
    return chosen


ERRORS = {
    "squared_error": lambda y, raw, weight: 0.5 * mean_squared_error(y, raw, sample_weight=weight),
    "huber": lambda y, raw, weight: np.average(scipy.special.huber(HUBER_DELTA, raw - y)[:, 0], weights=weight),
    "poisson": lambda y, mean, weight: 0.5 * mean_poisson_deviance(y, mean, sample_weight=weight),
    "log_loss": lambda y, p, weight: log_loss(y, p, sample_weight=weight, labels=range(p.shape[1])),
}
LINKS = {"poisson": np.exp, "log_loss": lambda raw: scipy.special.softmax(raw, axis=-1)}


@torch.no_grad()
def error_on(module, rows, loss, *, of_each_member=False):
    """Error of a network over rows: of what its members predict together, or the mean of each member's own."""
    X, (y, weight) = rows.batch()
    raw = module.eval()(X.to(next(module.parameters()).dtype)).double().numpy()
    raw = raw[:, None] if raw.ndim == 2 else raw
    predicted, y = LINKS.get(loss, np.asarray)(raw), y.numpy()
    weights = np.broadcast_to(weight.double().numpy().reshape(len(y), -1), predicted.shape[:2])
    if of_each_member:
        return np.mean([ERRORS[loss](y, predicted[:, k], column) for k, column in enumerate(weights.T)])
    together = np.einsum("nmk,nm->nk", predicted, weights / weights.sum(1, keepdims=True))
    return ERRORS[loss](y, together, weights.max(1))


def held_out_error(model):
    """Error of a fitted model over the rows that its training held out, on the scale that is learned."""
    loss = "log_loss" if is_classifier(model) else model.loss
    return error_on(model.module_, model.net_.validation, loss)
