"""What every way of inference offers to those who learn and predict with it.

Everywhere ``K`` is the kernel's matrix plus noise, ``H`` (n, r) the trend's columns times their prior standard
deviation, and the covariance of the targets ``C = K + H Hᵀ``: the trend is integrated out (Rasmussen & Williams 2006,
sec. 2.7). Several targets share the covariance.
"""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from .._spectrum import pursue


class Solver(ABC):
    """Likelihoods of kernels, and predictions, for some data beside a trend.

    Parameters
    ----------
    data : Data
    device : str, default="cpu"

    Attributes
    ----------
    name : str
        By which users ask for it.
    needs : str
        What data have to be like, for an error.
    tolerance : float
        Of the optimiser, relative.
    shortest, longest : float
        Limits of length scales, in spans of the data.
    averaged_rows : float
        Up to how many rows of a single feature it is fast enough to learn rough models too.
    sketched_rows : float
        From how many rows of a single feature on a kernel is first learned from a sketch of its waves.
    is_gaussian : bool
        Whether it can only compute with Gaussian peaks.
    has_factors : bool
        Whether its kernels are products of a mixture along each axis; then it has `along_axes`.
    leaves_out : bool
        Whether it can say how well left-out rows are predicted.
    believes_sample : bool
        Whether a kernel that was learned `on_sample` is not refitted to all rows.
    """

    name: ClassVar[str]
    needs: ClassVar[str] = ""
    tolerance: float = 1e-7
    shortest: float = 0.0
    longest: float = 1e3
    averaged_rows: ClassVar[float] = 150
    sketched_rows: ClassVar[float] = math.inf
    is_gaussian: ClassVar[bool] = False
    has_factors: ClassVar[bool] = False
    leaves_out: ClassVar[bool] = False
    believes_sample: bool = False

    def __init__(self, data, device="cpu"):
        self.data, self.device = data, device

    @staticmethod
    def suits(data, spectrum):
        """Whether it can compute with some data, and peaks of a shape."""
        return True

    @abstractmethod
    def evidence(self, kernel):
        """The log marginal likelihood of a kernel, and its gradient: an `Evidence`."""

    @abstractmethod
    def posterior(self, kernel):
        """Predictions under a kernel: a `Posterior`."""

    def frequencies(self):
        """Points of frequency where `score` may be asked for, ``(m, n_features)``."""
        return np.empty((0, self.data.X.shape[1]))

    def score(self, kernel, frequencies):
        """How far the data want more power at points of frequency, an array (m, n_features).

        For a wave e: ``|eᴴ C⁻¹ y|²`` and ``eᴴ C⁻¹ e``. Under the kernel their ratio is exponential with mean one, and
        half their difference is the slope of the likelihood by the weight of a component at that frequency.
        """
        raise NotImplementedError

    def sines(self, n_most):
        """Sines along the only feature that stand out of white noise: a list of (frequency (1,), power)."""
        if self.data.X.shape[1] > 1:
            return []
        frequencies, powers = pursue(self.data, n_most)
        return list(zip(frequencies[:, None], powers, strict=True))

    def on_sample(self):
        """A cheaper solver, for some of the rows or a sketch of all, from which a kernel is learned first; or None."""
        return

    def left_out(self, kernel):
        """Log density of observations given all others, where it `leaves_out`: an array of one for each row."""
        raise NotImplementedError

    def adapt(self, kernel):
        """The solver, prepared for kernels like this one."""
        return self


class Posterior(ABC):
    """Predictions under one kernel.

    Attributes
    ----------
    jitter : float
        Variance that had to be added to the diagonal.
    """

    jitter = 0.0

    @abstractmethod
    def predict(self, X, H, moment=None):
        """Mean (m, n_outputs), and the latent variance (m,) or covariance (m, m) of one output if asked for."""
