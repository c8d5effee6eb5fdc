"""What a regression minimises: reading `loss`, `quantile` and `power`."""

from typing import NamedTuple

import numpy as np

from ..data._targets import LOG_LINK, TargetScaler
from ..training._losses import OF_POWER, regression_loss


class Objective(NamedTuple):
    """What a regression minimises.

    Parameters
    ----------
    name : str
        Of the loss, by which it goes where Tweedie's has another one.
    quantile : float or tuple of float
        Levels of several quantiles of one target are a tuple.
    power : float
    """

    name: str
    quantile: float | tuple[float, ...]
    power: float

    @classmethod
    def of(cls, estimator):
        """That of a KANRegressor; raises a ValueError for what cannot be."""
        loss, quantile, power = estimator.loss, estimator.quantile, estimator.power
        if loss == "tweedie" and 0 < power < 1:
            raise ValueError(f"power={power} has no distribution. Choose 0, or a number from 1 to 3.")
        if np.ndim(quantile) > 0:
            levels = np.array(quantile)
            is_usable = levels.ndim == 1 and levels.dtype.kind == "f" and len(levels) and (np.diff(levels) > 0).all()
            if not (is_usable and levels[0] > 0 and levels[-1] < 1):
                raise ValueError(f"quantile={quantile!r} is not usable. Pass increasing levels between 0 and 1.")
            quantile = tuple(levels.tolist())
        return cls(OF_POWER.get(power, loss) if loss == "tweedie" else loss, quantile, power)

    @property
    def has_levels(self):
        return self.name == "quantile" and isinstance(self.quantile, tuple)

    def loss(self):
        """The loss function ``(raw, y) -> (n,)``."""
        return regression_loss(self.name, self.quantile, self.power)

    def scaler(self):
        """What puts targets on the scale that the loss is learned on."""
        return TargetScaler(self.name, float(np.median(self.quantile)) if self.has_levels else self.quantile)

    def of_target(self, target):
        """The kind of target, with how many quantiles there are."""
        if not isinstance(self.quantile, tuple) or not self.has_levels:
            return target
        if target.n_outputs > 1:
            raise ValueError(
                f"quantile={self.quantile} has several levels, which need one target, and y has {target.n_outputs}. "
                "Pass one level, or fit one model for each target."
            )
        return target._replace(n_quantiles=len(self.quantile))

    def check_targets(self, y, streams):
        """Raise if targets are out of the loss's range; `streams` if more will come."""
        lowest, is_tweedie = y.min(), self.name == "tweedie"
        is_positive = self.name == "gamma" or (is_tweedie and self.power > 2)
        is_refused = lowest <= 0 if is_positive else lowest < 0 or not (streams or y.any())
        if self.name in LOG_LINK and is_refused:
            needed = "> 0" if is_positive else ">= 0 that are not all zero"
            power = f" with power={self.power}" if is_tweedie else ""
            raise ValueError(
                f"loss={self.name!r}{power} needs targets {needed}, got a minimum of {lowest:g}. "
                "Choose another loss, or correct y."
            )
