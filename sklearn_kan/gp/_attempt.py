"""One link with what is learned under it, for predictions to average over."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ._link import Link
from ._process import Process
from ._units import Units, units_of
from .inference._choice import Solvers, solvers_for
from .learning._averaging import Model
from .learning._models import learn_models
from .series._choice import continued
from .series._innovations import Innovations


class Attempt(NamedTuple):
    """A link; the units and solvers of what is learned under it; and then the models.

    Parameters
    ----------
    link : Link
    units : Units
    solvers : Solvers
    log_slope : float
        Log density of targets less that of what is learned of them.
    models : sequence of Model
    continuation : sequence of Innovations
        How a series goes on after its end, besides.
    criterion : float
        Of the first candidate, for targets in their own units.
    n_iter : int
    """

    link: Link
    units: Units
    solvers: Solvers
    log_slope: float
    models: Sequence[Model] = ()
    continuation: Sequence[Innovations] = ()
    criterion: float = 0.0
    n_iter: int = 0

    @classmethod
    def of(cls, link, rows, estimator, device):
        slope = link.log_slope(rows)
        rows = rows._replace(y=link.learned(rows.y))
        units = units_of(rows, estimator.normalize_y)
        solvers = solvers_for(units.learned(rows), estimator.solver, estimator.spectrum, device)
        return cls(link, units, solvers, slope - float(rows.weight.sum()) * math.log(units.scale[0]))

    def learned(self, settings, trend_degree, random_state):
        """With models."""
        models, n_iter, criteria = learn_models(self.solvers, settings, trend_degree, random_state)
        is_chosen = trend_degree != "auto" or settings.spectrum != "auto"
        after = [] if is_chosen else continued(self.solvers.data, settings.known, max(criteria))
        return self._replace(models=models, continuation=after, n_iter=n_iter, criterion=self.log_slope + criteria[0])

    @property
    def process(self):
        """What was learned."""
        return Process(self.units, self.solvers, self.models, self.continuation)
