"""Pictures of the spectrum that a Gaussian process has learned."""

from typing import Self

import numpy as np

from ..gp._spectrum import periodogram
from ..gp.covariance._density import peak
from ._drawing import BLUE, short, tidy
from ._finding import fitted_part, names_of, place_of

N_FREQUENCIES = 2000
SMALLEST = 1e-8  # density that is drawn, of the largest
MOST_ROWS = 5000  # that the periodogram is drawn from


class SpectrumDisplay:
    """Learned power spectrum of a Gaussian process along one feature, against the periodogram of its training data.

    Parameters
    ----------
    frequencies : ndarray of shape (n_frequencies,)
        Cycles per unit of the feature.
    density : ndarray of shape (n_frequencies,)
        Learned spectral density, on both sides of zero; shares of the target's variance per frequency.
    periodogram : ndarray of shape (n_frequencies,)
        Share of the target's variance that a sine of each frequency explains.
    name : str
        The feature.
    unit : str, default="per unit"
        Of its frequencies.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (2,)
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn_kan.GPSpectralRegressor : The estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import GPSpectralRegressor
    >>> from sklearn_kan.inspection import SpectrumDisplay
    >>> t = np.arange(100.0)[:, None]
    >>> model = GPSpectralRegressor().fit(t, np.sin(t[:, 0]))
    >>> display = SpectrumDisplay.from_estimator(model)
    """

    def __init__(self, frequencies, density, periodogram, name, unit="per unit") -> None:
        self.frequencies, self.density, self.periodogram = frequencies, density, periodogram
        self.name, self.unit = name, unit

    @classmethod
    def from_estimator(cls, estimator, feature=0, *, axes=None) -> Self:
        """Draw a fitted estimator's spectrum.

        Parameters
        ----------
        estimator : GPSpectralRegressor
            Fitted; by itself, as the last step of a pipeline, or as the best estimator of a search.
        feature : int or str, default=0
            Column, by index or name.
        axes : sequence of two matplotlib Axes, optional
            By default a new figure.

        Returns
        -------
        SpectrumDisplay

        Raises
        ------
        ValueError
            If there is no such column.
        TypeError
            If there is no such estimator.
        """
        estimator = fitted_part(estimator, "frequencies_")
        names = names_of(estimator)
        place = place_of(feature, names, "feature")
        data, kernel = estimator._process.solvers.data, estimator.kernel_.expanded
        rows = np.linspace(0, len(data.X) - 1, min(len(data.X), MOST_ROWS)).astype(int)
        x, span = data.X[rows, place], np.ptp(data.X[:, place]) or 1.0
        learned = np.abs(kernel.frequencies[:, place])
        highest = 1.25 * learned.max() if learned.any() else 25 / span
        frequencies = np.arange(1, N_FREQUENCIES + 1) * (highest / N_FREQUENCIES)
        powers = [periodogram(x, y, data.weight[rows], frequencies) for y in data.y[rows].T]
        components = zip(kernel.weights, kernel.length_scales[:, place], kernel.frequencies[:, place], strict=True)
        density = sum(
            0.5 * weight * peak(frequencies - sign * mean, length, kernel.spectrum, kernel.nu)
            for weight, length, mean in components
            for sign in (1, -1)
        )
        unit = estimator.frequency_units_[place]
        return cls(frequencies, density, np.mean(powers, axis=0), name_of(names[place]), unit).plot(axes=axes)

    def plot(self, *, axes=None) -> Self:
        """Draw both.

        Parameters
        ----------
        axes : sequence of two matplotlib Axes, optional

        Returns
        -------
        self
        """
        import matplotlib.pyplot as plt

        if axes is None:
            _, axes = plt.subplots(2, 1, sharex=True, figsize=(8, 5), layout="constrained")
        self.axes_ = np.ravel(axes)
        self.figure_ = self.axes_[0].figure
        upper, lower = self.axes_
        upper.semilogy(self.frequencies, self.density, color=BLUE, linewidth=1)
        highest = self.density.max()
        if highest > 0:
            upper.set_ylim(max(self.density.min(), highest * SMALLEST) / 2, highest * 5)
        upper.set_ylabel("learned density\n(share per frequency)", fontsize=9)
        lower.plot(self.frequencies, self.periodogram, color=BLUE, linewidth=1)
        lower.set_ylabel("periodogram\n(share of variance)", fontsize=9)
        lower.set_xlabel(f"frequency of {short(self.name, 30)} (cycles {self.unit})", fontsize=9)
        for axis in self.axes_:
            tidy(axis)
        return self


def name_of(column):
    """A column's name; one without is known by its place."""
    return column if isinstance(column, str) else f"column {column}"
