"""How a classification reads its target: classes, by their places."""

from ..data._targets import read_classes, weigh_classes
from ..training._losses import cross_entropy
from ._streaming import StreamingKAN


class ClassesKAN(StreamingKAN):
    """Base of `KANClassifier`."""

    def _read_target(self, y, n_samples, known, classes=None):
        return read_classes(y, n_samples, known, classes)

    def _learn_target(self, target, y, weight):
        return target

    def _loss(self):
        return cross_entropy

    def _row_weight(self, y, weight, target):
        return weight if self.class_weight is None else weigh_classes(self.class_weight, target.labels, y, weight)

    def _check_rows(self, y, target, streams):
        target.check_several(y, streams)

    def _output_directions(self, n_raw):
        if n_raw > 2:
            raise ValueError(
                f"monotonic_cst={self.monotonic_cst!r} has constraints, and y has {n_raw} classes, whose "
                "probabilities cannot all rise. Choose two classes, or set monotonic_cst=None."
            )
        return [-1, 1]
