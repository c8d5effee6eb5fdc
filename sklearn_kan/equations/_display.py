"""Pictures of a solved equation: the solution, what the equation leaves, and the spectrum."""

from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

BLUE, RED, GREY = "#1f6f9f", "#c0504d", "#8c8c8c"
N_LINE, N_MAP, N_SPECTRUM = 1000, 120, 2048
SMALLEST = 1e-8  # of the largest amplitude, that is drawn


class EquationDisplay:
    """Solution of a differential equation with its standard deviation, residual and spectrum.

    Parameters
    ----------
    points : list of ndarray, one for each of the one or two axes that are drawn
    solution, std, residual : ndarray, of the grid of points
    spectra : list of (frequencies, amplitudes)
        Of the solution along each axis, in cycles per unit.
    peaks : list of ndarray
        Frequencies that the solver has found, along each axis.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (3,)
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn_kan.GPEquationSolver : The estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import GPEquationSolver
    >>> from sklearn_kan.equations import EquationDisplay
    >>> solver = GPEquationSolver(lambda x, u: u[0, 0] + 900 * np.sin(30 * x[:, 0]))
    >>> solver = solver.fit_grid((np.linspace(0, 1, 60),), boundary=[0, np.sin(30)])
    >>> display = EquationDisplay.from_estimator(solver)
    """

    def __init__(self, points, solution, std, residual, spectra, peaks) -> None:
        self.points, self.solution, self.std, self.residual = points, solution, std, residual
        self.spectra, self.peaks = spectra, peaks

    @classmethod
    def from_estimator(cls, estimator, *, axes=None) -> Self:
        """Draw a fitted solver.

        Parameters
        ----------
        estimator : GPEquationSolver
            Fitted. With more than two axes the first two are drawn, in the middle of the others.
        axes : sequence of three matplotlib Axes, optional
            By default a new figure.

        Returns
        -------
        EquationDisplay
        """
        check_is_fitted(estimator)
        low, high = estimator.domain_.T
        n_axes = min(len(low), 2)
        n = N_LINE if n_axes == 1 else N_MAP
        # half a step inside: conditions are met at the edges, and the equation need not hold there
        inner = (high - low) / (2 * n)
        points = [np.linspace(low[d] + inner[d], high[d] - inner[d], n) for d in range(n_axes)]
        X = placed(points, (low + high) / 2)
        mean, std = estimator.predict(X, return_std=True)
        shape = (n,) * n_axes
        spectra = [spectrum_along(estimator, d, low, high) for d in range(n_axes)]
        found = np.abs(estimator.frequencies_)
        peaks = [np.unique(found[found[:, d] > 0, d]) for d in range(n_axes)]
        display = cls(points, mean.reshape(shape), std.reshape(shape), estimator.residuals(X).reshape(shape), spectra,
                      peaks)  # fmt: skip
        return display.plot(axes=axes)

    def plot(self, *, axes=None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, optional

        Returns
        -------
        self : EquationDisplay

        Raises
        ------
        ValueError
            If there are fewer than three axes.
        """
        import matplotlib.pyplot as plt

        if axes is None:
            _, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
        axes = np.ravel(axes)
        if len(axes) < 3:
            raise ValueError(f"axes has {len(axes)} axes, and there are 3 pictures. Pass one for each.")
        if len(self.points) == 1:
            self._lines(axes)
        else:
            self._maps(axes)
        self._spectrum(axes[2])
        for axis in axes[:3]:
            axis.spines[["top", "right"]].set_visible(False)
            axis.tick_params(labelsize=8)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _lines(self, axes):
        x = self.points[0]
        spread = 1.96 * self.std
        axes[0].fill_between(x, self.solution - spread, self.solution + spread, color=BLUE, alpha=0.25,
                             linewidth=0, label="95 % interval")  # fmt: skip
        axes[0].plot(x, self.solution, color=BLUE, linewidth=0.9, label="solution")
        axes[0].legend(fontsize=8)
        axes[0].set(xlabel="x0", ylabel="u", title="solution")
        axes[1].plot(x, self.residual, color=RED, linewidth=0.7)
        axes[1].axhline(0, color=GREY, linewidth=0.6)
        axes[1].set(xlabel="x0", title="what the equation leaves")

    def _maps(self, axes):
        for axis, values, title in ((axes[0], self.solution, "solution"),
                                    (axes[1], self.residual, "what the equation leaves")):  # fmt: skip
            reach = np.quantile(np.abs(values), 0.995) or 1.0  # a few corners must not hide the rest
            mesh = axis.pcolormesh(*self.points, values.T, cmap="RdBu_r", vmin=-reach, vmax=reach, shading="nearest",
                                   rasterized=True)  # fmt: skip
            axis.figure.colorbar(mesh, ax=axis, shrink=0.9).ax.tick_params(labelsize=7)
            axis.set(xlabel="x0", ylabel="x1", title=title)

    def _spectrum(self, axis):
        top = max(amplitudes.max() for _, amplitudes in self.spectra) or 1.0
        for d, ((frequencies, amplitudes), peaks) in enumerate(zip(self.spectra, self.peaks, strict=True)):
            colour = (BLUE, RED)[d]
            shown = np.maximum(amplitudes, SMALLEST * top)
            axis.plot(frequencies, shown, color=colour, linewidth=0.9, label=f"solution along x{d}")
            for k, peak in enumerate(peaks):
                axis.axvline(peak, color=colour, linestyle=":", linewidth=0.9, label="found" if k == 0 else None)
        axis.set(yscale="log", ylim=(SMALLEST * top, 3 * top), xlabel="cycles per unit", title="spectrum")
        axis.set_xlim(0, max(last_frequency(*spectrum) for spectrum in self.spectra))
        axis.legend(fontsize=8)


def placed(points, middle):
    """Points of a grid along the first axes, in the middle of the others."""
    grid = np.stack(np.meshgrid(*points, indexing="ij"), -1).reshape(-1, len(points))
    return np.hstack([grid, np.tile(middle[len(points) :], (len(grid), 1))])


def spectrum_along(estimator, d, low, high):
    """Amplitudes of the solution's waves along an axis, root mean square over lines, windowed."""
    n_lines = 1 if len(low) == 1 else 9
    at = np.linspace(low[d], high[d], N_SPECTRUM)
    shares = (np.arange(n_lines) + 0.5) / n_lines
    lines = np.repeat((low + shares[:, None] * (high - low)), N_SPECTRUM, axis=0)
    lines[:, d] = np.tile(at, n_lines)
    values = estimator.predict(lines).reshape(n_lines, N_SPECTRUM)
    window = np.blackman(N_SPECTRUM)
    waves = np.abs(np.fft.rfft(values * window, axis=1)) * 2 / window.sum()
    return np.fft.rfftfreq(N_SPECTRUM, at[1] - at[0]), np.sqrt(np.mean(waves**2, axis=0))


def last_frequency(frequencies, amplitudes):
    """Where the drawn part ends: a little behind the last amplitude of a ten-thousandth of the largest."""
    last = np.flatnonzero(amplitudes > 1e-4 * amplitudes.max())
    return 1.3 * frequencies[min(last[-1] + 5, len(frequencies) - 1)]
