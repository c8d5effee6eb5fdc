"""Laws that stay the same when three columns are rescaled together, so that two products are enough.

Where ``y(c**v_i x_i, c**v_j x_j, c**v_k x_k) = y`` for all c, as with ``exp(-g t) cos(w t)``, the elasticities satisfy
``v_i x_i G_i + v_j x_j G_j + v_k x_k G_k = 0`` (Euler), and ``x_j x_i**(-v_j / v_i)`` and its like with k remain.
"""

from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import sympy as sp

NICE = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)  # ratios of weights
MOST_COLUMNS = 7


class Invariance(NamedTuple):
    """Replace three columns by two products of powers, of each of the others with the first."""

    place: int
    others: tuple  # pairs of a place and the first column's power in its product

    def apply(self, state, context):
        columns, X = state.without(*self.places)
        x, symbol = state.X[:, self.place], state.columns[self.place]
        values, expressions = [], []
        for j, power in self.others:
            with np.errstate(all="ignore"):
                values.append(state.X[:, j] * x ** float(power))
            expressions.append(state.columns[j] * symbol**power)
        if not np.isfinite(values).all():
            return []
        names = ", ".join(str(state.columns[j]) for j in self.places)
        step = f"{names} only through {' and '.join(map(str, expressions))}"
        columns, X = [*columns, *expressions], np.column_stack([X, *values])
        return [state._replace(columns=columns, X=X, steps=(*state.steps, step))]

    @property
    def places(self):
        return (self.place, *(j for j, _ in self.others))


def invariances(X, G, is_tiny):
    """Pairs of a residual and an invariance, for all triples of columns with an effect."""
    E = X * G
    chosen = np.flatnonzero(~is_tiny)
    if len(chosen) > MOST_COLUMNS:
        return
    for triple in combinations(chosen.tolist(), 3):
        found = invariance_of(E[:, triple], triple, (X > 0).all(0))
        if found is not None:
            yield found


def invariance_of(E, triple, positive):
    """The simple weights that satisfy Euler's equation best, as an invariance, with what is left of the equation."""
    weights = np.array([(1.0, *pair) for pair in product(NICE, repeat=2)])
    sizes = np.median(np.abs(E) @ np.abs(weights.T), axis=0) + 1e-300
    left = np.median(np.abs(E @ weights.T), axis=0) / sizes
    best = int(left.argmin())
    options = []
    for pivot in range(3):
        powers = [(triple[i], -sp.nsimplify(weights[best, i] / weights[best, pivot])) for i in range(3) if i != pivot]
        if positive[triple[pivot]] or all(power.is_integer for _, power in powers):
            options.append(Invariance(triple[pivot], tuple(powers)))
    if not options:
        return None
    return float(left[best]), max(options, key=lambda one: sum(power == 1 for _, power in one.others))
