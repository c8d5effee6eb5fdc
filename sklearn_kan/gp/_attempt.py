"""One link with what is learned first under it, for the data to choose from."""

import math
from typing import NamedTuple

from ._link import Link
from ._units import Units, units_of
from .inference._choice import Solvers, solvers_for
from .learning._fit import Fit
from .learning._models import learn_first


class Attempt(NamedTuple):
    """A link; the units and solvers of what is learned under it; and the first fit, with its criterion for targets.

    Parameters
    ----------
    link : Link
    units : Units
    solvers : Solvers
    log_slope : float
        Log density of targets less that of what is learned of them.
    first : Fit, optional
    """

    link: Link
    units: Units
    solvers: Solvers
    log_slope: float
    first: Fit | None = None

    @classmethod
    def of(cls, link, rows, estimator, device):
        slope = link.log_slope(rows)
        rows = rows._replace(y=link.learned(rows.y))
        units = units_of(rows, estimator.normalize_y)
        solvers = solvers_for(units.learned(rows), estimator.solver, estimator.spectrum, device)
        return cls(link, units, solvers, slope - float(rows.weight.sum()) * math.log(units.scale[0]))

    def begun(self, settings, trend_degree, random_state):
        """With the first fit."""
        return self._replace(first=learn_first(self.solvers, settings, trend_degree, random_state))

    @property
    def criterion(self):
        """That of the first fit, for targets in their own units."""
        return self.log_slope + self.first.criterion if self.first else 0.0
