"""How a regression reads its target: numbers, on the scale of their loss."""

from ..data._targets import read_numbers
from ._objective import Objective
from ._streaming import StreamingKAN


class NumbersKAN(StreamingKAN):
    """Base of `KANRegressor`."""

    def _check_parameters(self):
        super()._check_parameters()
        Objective.of(self)

    def _read_target(self, y, n_samples, known):
        y, target = read_numbers(y, n_samples, known)
        return y, Objective.of(self).of_target(target)

    def _learn_target(self, target, y, weight):
        return target._replace(scaler=Objective.of(self).scaler().fit(y, weight))

    def _check_rows(self, y, target, streams):
        Objective.of(self).check_targets(y, streams)

    def _loss(self):
        return Objective.of(self).loss()
