"""What skorch's scoring callbacks see of a net: predictions by the members that rows count for, probabilities, tags."""

from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from skorch import NeuralNet
from torch import nn

from ._losses import combined, cross_entropy
from ._rows import Rows


class ScoredNet(NeuralNet):
    """A skorch net over `Rows` that predicts as estimators of scikit-learn do, on the learned scale.

    Attributes
    ----------
    fitting, validation : Rows or None
    batch : tuple or None
        What callbacks are being told of.
    """

    fitting: Rows | None
    validation: Rows | None
    batch: Any

    def as_predicted(self, raw, weight=None):
        """Outputs as callbacks expect them, whatever the number of members: of those that rows count for.

        Training rows count for the members that learn from them, validation rows for those that hold them out.
        """
        raw = raw.detach()
        if raw.ndim < 3:
            return raw
        is_alike = weight is None or weight.shape[1] == 1
        return combined(self.criterion, raw, None if is_alike else (weight > 0).to(raw))

    def evaluation_step(self, batch, training=False):
        _, target = batch
        weight = target[1] if isinstance(target, tuple) else None
        return self.as_predicted(super().evaluation_step(batch, training), weight)

    def get_dataset(self, X, y=None):
        """Rows for some inputs; those that a callback has been given are recognised, and keep their folds."""
        if self.batch is not None and X is self.batch[0]:
            return [self.batch]
        if self.fitting is not None and X is self.fitting.all[0]:
            return self.fitting
        if self.validation is not None and is_same(X, self.validation):
            return self.validation
        return super().get_dataset(X, y)

    @property
    def is_classifier(self):
        return self.criterion is cross_entropy

    @property
    def classes_(self):
        """Classes as numbers."""
        if not self.is_classifier:
            raise AttributeError("Outputs are no classes.")
        network: Any = getattr(self.module_, "network", self.module_)
        return np.arange(network.layers[-1].out_features)

    def predict(self, X):
        """Classes as numbers, or outputs on the learned scale: for skorch's scoring callbacks."""
        raw = super().predict_proba(X)
        return raw.argmax(1) if self.is_classifier else raw

    @available_if(lambda net: net.is_classifier)
    def predict_proba(self, X):
        """Probabilities of classes, of shape (n_rows, n_classes)."""
        return softmax(super().predict_proba(X), axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.is_classifier else "regressor"
        tags.classifier_tags = ClassifierTags() if self.is_classifier else None
        tags.regressor_tags = None if self.is_classifier else RegressorTags()
        return tags


class Criterion(nn.Module):
    """A loss as skorch's checkpoints want it: with a state, which is empty."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, raw, y):
        return self.loss(raw, y)


def is_same(X, rows):
    """Whether an array or tensor holds the inputs of some rows."""
    is_table = isinstance(X, np.ndarray | torch.Tensor) and X.shape == (len(rows), rows.all[0].shape[1])
    return is_table and torch.equal(torch.as_tensor(X, dtype=rows.dtype, device=rows.device), rows.X)
