"""What lies between a user's numbers and those that are learned on, whose targets have a size of about one."""

from typing import NamedTuple

import numpy as np

from .inference._points import rounded

LARGEST_TARGET = 1e150  # whose kernel can be told in its own units; the smallest is its inverse
LARGEST_SPAN = 1e304  # of a feature; what lies a thousand times below or above is a float too
LARGEST_ALPHA = 1e100  # in variances of the target; a row with more says no less


class Units(NamedTuple):
    """Points are ``center + learned points``, targets ``shift + scale * learned targets``.

    Parameters
    ----------
    axes : list of Axis
        How features are numbers.
    center : ndarray of shape (n_features,)
    shift, scale : ndarray of shape (n_outputs,)
    kernel_scale : float
        Square root of the factor between a kernel that users see and the learned one, 1 if it is for normalised
        targets.
    is_flat : bool
        Whether targets are in one dimension.
    """

    axes: list
    center: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    kernel_scale: float
    is_flat: bool

    def learned(self, rows):
        """Points centred, targets and known variances on the scale that is learned on."""
        unit, mean_scale = power_of_two(np.maximum(np.abs(self.shift), self.scale)), np.mean(self.scale)
        y = (rows.y / unit - self.shift / unit) / (self.scale / unit)
        unit = power_of_two(mean_scale)
        with np.errstate(over="ignore"):
            alpha = np.minimum(rows.alpha / unit / unit / (mean_scale / unit) ** 2, LARGEST_ALPHA)
        return rows._replace(X=rows.X - self.center, y=y, alpha=alpha)


def units_of(rows, normalize_y):
    """The units that suit some rows."""
    low, high = rows.X.min(0) / 2, rows.X.max(0) / 2
    with np.errstate(over="ignore"):
        spans = np.ptp(rows.X, axis=0)
    if spans.max() > LARGEST_SPAN:
        raise ValueError("X has a column whose range is beyond float64. Scale it down.")
    if ((spans > 0) & (spans < 1 / LARGEST_SPAN)).any():
        raise ValueError("X has a column whose range is below float64. Scale it up.")
    if normalize_y:
        shift, scale = normalisation(rows.y, rows.weight)
        return Units(rows.axes, low + high, shift, scale, 1.0, rows.is_flat)
    size, n_outputs = np.abs(rows.y).max(), rows.y.shape[1]
    if size and not 1 / LARGEST_TARGET < size < LARGEST_TARGET:
        raise ValueError(f"y has values up to {size:.0e}: their variance is beyond float64. Pass normalize_y=True.")
    scale = float(power_of_two(np.sqrt(np.mean(np.square(rows.y)))))
    return Units(rows.axes, low + high, np.zeros(n_outputs), np.full(n_outputs, scale), scale, rows.is_flat)


def power_of_two(size):
    """The next below, 1 for size 0; dividing by it is exact."""
    return np.ldexp(1.0, np.where(size == 0, 0, np.frexp(size)[1] - 1))


def normalisation(y, weight):
    """Mean and standard deviation of each target; one for a constant target. Safe for huge and tiny numbers."""
    largest = np.abs(y).max(0)
    unit = np.where(largest > 0, largest, 1.0)
    z = y / unit
    mean = np.average(z, axis=0, weights=weight)
    std = np.sqrt(np.average(np.square(z - mean), axis=0, weights=weight))
    scale = np.where(std > 10 * np.finfo(float).eps, std, 1.0) * unit
    return rounded(mean * unit), rounded(np.where(scale > np.finfo(float).tiny, scale, 1.0))
