"""Which way of inference suits which data."""

import math
from functools import cached_property

import numpy as np

from ..._devices import resolve_device
from .._ranks import Ranks
from .._trend import Trend
from ._dense import Dense
from ._fourier import Fourier
from ._gaps import Gaps
from ._inducing import Inducing
from ._kronecker import Kronecker
from ._points import may_be_grid, merged, rounded, together
from ._toeplitz import Toeplitz

SOLVERS = {solver.name: solver for solver in (Dense, Toeplitz, Kronecker, Gaps, Fourier, Inducing)}
EXACT_ROWS, EXACT_ROWS_GPU = 5_000, 15_000  # up to which inference is exact
SCATTERED_ROWS = {1: 300, 2: 300}  # the same for scattered points by the number of features, with Fourier features
TABLE_ROWS = 1_000  # the same of several features with inducing points: some models are learned
GRID_ROWS, GAPPY_ROWS = 400, 1_000  # from which a grid, or one with gaps, is treated as one


class Solvers:
    """One way of inference for some data, beside trends of any degree.

    Each solver is kept, since making it may cost more than using it; pickles leave them out.

    Parameters
    ----------
    kind : subclass of Solver
    data : Data
        Without a trend.
    variance : float
        Of the targets.
    device : str
    """

    def __init__(self, kind, data, variance, device):
        self.kind, self.data, self.variance, self.device = kind, data, variance, device
        self.made = {}

    @cached_property
    def ranks(self):
        """What maps points to their ranks."""
        return Ranks(self.data.X, self.data.weight)

    @cached_property
    def by_rank(self):
        """Those for the same targets at the ranks of points."""
        return Solvers(self.kind, self.data._replace(X=self.ranks(self.data.X)), self.variance, self.device)

    def suited(self, model):
        """Those for the points that a model is of."""
        return self.by_rank if model.is_ranked else self

    def trend(self, degree):
        return Trend(degree, self.data.X, np.sqrt(self.variance or 1.0))

    def of_output(self, k):
        """Those of one of several outputs; what observations of the same point differ by is shared by all."""
        data, n_outputs = self.data, self.data.y.shape[1]
        alone = data._replace(y=data.y[:, [k]], spread=data.spread / n_outputs)
        return Solvers(self.kind, alone, self.variance, self.device)

    def __call__(self, degree):
        """The solver beside the trend of a degree."""
        if degree not in self.made:
            data = self.data._replace(H=self.trend(degree)(self.data.X))
            self.made[degree] = self.kind(data, self.device)
        return self.made[degree]

    def __getstate__(self):
        return {"name": self.kind.name, "data": self.data, "variance": self.variance, "device": self.device}

    def __setstate__(self, state):
        self.kind, self.data, self.variance = SOLVERS[state["name"]], state["data"], state["variance"]
        self.device, self.made = resolve_device(state["device"], fallback=True), {}


def solvers_for(rows, name, spectrum, device):
    """Solvers for rows on the scale that is learned on, of the fastest kind that suits them or the one asked for."""
    _, X, y, weight, alpha, _ = rows
    data = gathered(X, y, weight, alpha, name)
    variance = float(rounded(np.average(np.square(y).mean(1), weights=weight)))
    return Solvers(kind_for(data, name, spectrum, device), data, variance, device)


def gathered(X, y, weight, alpha, name):
    """Data as they are learned from: distinct points, unless there are so many that finding them is the work."""
    is_big = len(X) > EXACT_ROWS and name in ("auto", Fourier.name) and not alpha.any()
    is_scattered = X.shape[1] == 1 or (X.shape[1] == 2 and not may_be_grid(X))
    return (together if is_big and is_scattered else merged)(X, y, weight, alpha)


def kind_for(data, name, spectrum, device="cpu"):
    """A subclass of Solver."""
    if name != "auto":
        kind = SOLVERS[name]
        if not kind.suits(data, spectrum):
            raise ValueError(f"solver={name!r} does not suit these data: {kind.needs}. Choose solver='auto'.")
        return kind
    dense_rows = EXACT_ROWS_GPU if device.startswith("cuda") else EXACT_ROWS
    n, n_features = data.X.shape
    has_few_features = n_features <= 2 and Fourier.is_there()
    if not device.startswith("cuda"):
        if has_few_features and Fourier.suits(data, spectrum):
            dense_rows = SCATTERED_ROWS[n_features]
        elif n_features > 1:
            dense_rows = TABLE_ROWS
    preferred = [  # (solver, more rows than, at the most)
        (Kronecker, GRID_ROWS, math.inf), (Gaps, GAPPY_ROWS, math.inf), (Fourier, EXACT_ROWS, math.inf),
        (Toeplitz, 0, EXACT_ROWS_GPU), (Dense, 0, dense_rows),
        (Fourier, dense_rows if has_few_features else math.inf, math.inf),
        (Inducing, 0, math.inf),
    ]  # fmt: skip
    return next(kind for kind, above, most in preferred if above < n <= most and kind.suits(data, spectrum))
