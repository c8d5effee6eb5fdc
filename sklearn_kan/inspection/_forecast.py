"""Pictures of forecasts of a series."""

from typing import Self

import numpy as np

from ..gp._forecast import labels_of
from ._drawing import BLUE, GREY, axes_of, short, tidy
from ._finding import fitted_part, names_of

CYCLES_OF_FORECAST = 4  # as much of the history is drawn, in horizons
SHADES = 0.45, 0.15  # opacity of the innermost and the outermost band


class ForecastDisplay:
    """A series, what is expected after it, and how sure that is.

    Parameters
    ----------
    history : tuple of ndarrays of shape (n,)
        Times and values that were learned from.
    forecasts : dict of float to pandas.DataFrame
        By level, as of ``GPSpectralRegressor.forecast``.
    name : str
        Of the time.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn_kan.GPSpectralRegressor.forecast : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import GPSpectralRegressor
    >>> from sklearn_kan.inspection import ForecastDisplay
    >>> t = np.arange(60.0)[:, None]
    >>> y = np.sin(t[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=60)
    >>> display = ForecastDisplay.from_estimator(GPSpectralRegressor().fit(t, y), 20)
    """

    def __init__(self, history, forecasts, name) -> None:
        self.history, self.forecasts, self.name = history, forecasts, name

    @classmethod
    def from_estimator(cls, estimator, horizon, *, levels=(0.5, 0.9), n_history=None, ax=None) -> Self:
        """Draw a fitted estimator's forecast.

        Parameters
        ----------
        estimator : GPSpectralRegressor
            Fitted to one series of one output; by itself, as the last step of a pipeline, or of a search.
        horizon : int
            Steps after the last one of fit.
        levels : sequence of float, default=(0.5, 0.9)
            Probabilities of the bands.
        n_history : int, optional
            Last values of the series that are drawn; by default four times the horizon, or fifty.
        ax : matplotlib Axes, optional
            By default a new figure.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        ValueError
            If the series is not regular, or has several outputs.
        TypeError
            If there is no such estimator.
        """
        estimator = fitted_part(estimator, "frequencies_")
        forecasts = {level: estimator.forecast(horizon, level=level) for level in sorted(levels)}
        units, data = estimator._process.units, estimator._process.solvers.data
        if not units.is_flat:
            raise ValueError(
                "ForecastDisplay draws one output, and fit had several. Fit one of them, with y in one dimension."
            )
        x, rows = np.unique(data.X[:, 0], return_index=True)
        most = max(50, CYCLES_OF_FORECAST * horizon) if n_history is None else n_history
        x, rows = x[-most:], rows[-most:]
        values = estimator._link.observations(data.y[rows] * units.scale + units.shift)[:, 0]
        history = labels_of(units.axes[0], x + units.center[0]), values
        name = names_of(estimator)[0]
        return cls(history, forecasts, name if isinstance(name, str) else "time").plot(ax=ax)

    def plot(self, *, ax=None) -> Self:
        """Draw history, mean and bands.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        self
        """
        self.ax_, self.figure_ = axes_of(ax, (8, 3.5))
        ax = self.ax_
        times, values = self.history
        ax.plot(times, values, color=GREY, linewidth=1, label="observed")
        shades = np.linspace(*SHADES, num=len(self.forecasts))
        for (level, frame), shade in zip(self.forecasts.items(), shades, strict=True):
            bounds = frame["lower"].to_numpy(), frame["upper"].to_numpy()
            ax.fill_between(frame.index.to_numpy(), *bounds, color=BLUE, alpha=shade, linewidth=0, label=f"{level:.0%}")
        frame = next(iter(self.forecasts.values()))
        ax.plot(frame.index.to_numpy(), frame["mean"].to_numpy(), color=BLUE, linewidth=1.5, label="expected")
        ax.set_xlabel(short(self.name, 30), fontsize=9)
        ax.legend(fontsize=8, frameon=False, loc="upper left")
        tidy(ax)
        return self
