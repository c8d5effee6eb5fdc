"""What an estimator over a Gaussian process offers once it is fitted."""

from contextlib import nullcontext
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._adoption import adopt
from .._documented import Documented
from .._surroundings import on_one_thread
from ._blend import Blend, Share
from ._forecast import points_after
from ._link import Link
from ._process import Process
from ._reading import read_points

SMALL_ROWS = 1_000  # up to which threads wait for each other more than they work


def threads_for(n_rows):
    """A context with as many threads as suit the matrices of so many rows."""
    return on_one_thread() if n_rows <= SMALL_ROWS else nullcontext()


def check_level(name, level):
    """Raise unless a level is a probability."""
    if not (isinstance(level, Real) and 0 < float(level) < 1):
        raise ValueError(f"{name}={level!r} is not usable. Pass a number between 0 and 1.")


def tails(level):
    """Probabilities below the ends of a central interval of this level."""
    return (1 - level) / 2, (1 + level) / 2


class BaseSpectralProcess(Documented, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Predictions, draws and evidence of a `Process` that `fit` has learned."""

    _process: Process

    _link = Link()
    _blend: Blend | None = None

    def _averaged(self):
        """What predictions average over: the process, under its link, unless `fit` said more."""
        return self._blend or Blend([Share(1.0, self._process, self._link)])

    def _adopt(self, reader, process, n_iter, blend=None):
        """Set what was learned; nothing is set before."""
        link = blend.shares[0].link if blend else Link()
        best = process.models[0]
        value = process.evidence(best.kernel).value
        kernel, units = best.kernel, [axis.frequency_unit for axis in process.units.axes]
        return adopt(
            self, reader, _process=process, _link=link, _blend=blend, link_=link.name, models_=process.models,
            continuation_=process.continuation, n_iter_=n_iter, solver_=process.solvers.kind.name,
            trend_degree_=best.degree, kernel_=kernel, frequencies_=kernel.frequencies,
            length_scales_=kernel.length_scales, frequency_units_=units, weights_=kernel.weights, noise_=kernel.noise,
            n_components_=len(kernel.weights), log_marginal_likelihood_value_=value, jitter_=process.jitter,
        )  # fmt: skip

    def predict(self, X, return_std=False, return_cov=False, return_interval=None) -> Any:
        """Mean of observations, and its uncertainty; medians where logarithms were learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to also return the standard deviation of an observation, noise included.
        return_cov : bool, default=False
            Whether to also return the covariance of observations.
        return_interval : float, optional
            Whether to also return an interval that holds an observation with this probability, such as 0.9, with the
            same probability on either side of it.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        std : ndarray of the same shape
            If `return_std`.
        cov : ndarray of shape (n_samples, n_samples) or (n_samples, n_samples, n_outputs)
            If `return_cov`.
        interval : ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper ends, if `return_interval`.

        Raises
        ------
        ValueError
            If `return_std` and `return_cov` are both asked for, `return_interval` is no probability, or covariances are
            beyond float64.
        """
        if return_std and return_cov:
            raise ValueError("return_std=True and return_cov=True exclude each other. Set one of them to False.")
        if return_interval is not None:
            check_level("return_interval", return_interval)
        check_is_fitted(self)
        X = read_points(self, X, self._process.units.axes)
        with threads_for(len(self._process.solvers.data.X)):
            moment = "variance" if return_std else "covariance" if return_cov else None
            mean, spread = self._averaged().predict(X, moment)
            found = [mean] if moment is None else [mean, spread]
            if return_interval is not None:
                found.append(np.stack(self._averaged().quantiles(X, tails(return_interval)), axis=-1))
        return tuple(found) if len(found) > 1 else mean

    def forecast(self, horizon, level=0.95) -> Any:
        """Continue a regular series.

        Parameters
        ----------
        horizon : int
            Number of steps after the last one of fit.
        level : float, default=0.95
            Probability of the interval.

        Returns
        -------
        forecast : pandas.DataFrame of shape (horizon, 3)
            Columns ``mean``, ``lower`` and ``upper``, of observations; for several outputs each has one of these for
            each output. The index continues that of fit, with dates in UTC.

        Raises
        ------
        ValueError
            If the training data are not a regular series of a single feature.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from sklearn_kan import GPSpectralRegressor
        >>> months = pd.DataFrame({"month": pd.date_range("2020-01-01", periods=60, freq="MS")})
        >>> sales = 100 + 20 * (np.arange(60) % 12 == 11) + np.random.default_rng(0).normal(size=60)
        >>> GPSpectralRegressor().fit(months, sales).forecast(12).round(-1)["mean"].idxmax()
        Timestamp('2025-12-01 00:00:00')
        """
        import pandas

        check_is_fitted(self)
        if not isinstance(horizon, Integral) or horizon < 1:
            raise ValueError(f"horizon={horizon!r} is not usable. Pass an integer >= 1.")
        check_level("level", level)
        if self.n_features_in_ != 1:
            raise ValueError(
                f"forecast needs a single feature, the time, and fit had {self.n_features_in_}. Pass the new rows to "
                "predict(X, return_std=True)."
            )
        units = self._process.units
        new = points_after(units.axes[0], self._process.solvers.data.X[:, 0] + units.center[0], int(horizon))
        blend = self._averaged()
        mean, _ = blend.predict(new.X)
        lower, upper = blend.quantiles(new.X, tails(level))
        columns = {"mean": mean, "lower": lower, "upper": upper}
        names = getattr(self, "feature_names_in_", [None])
        index = pandas.Index(new.labels, name=names[0])
        if mean.ndim == 1:
            return pandas.DataFrame(columns, index=index)
        parts = {(name, k): values[:, k] for name, values in columns.items() for k in range(mean.shape[1])}
        return pandas.DataFrame(parts, index=index)

    def sample_y(self, X, n_samples=1, random_state=0) -> Any:
        """Draw observations from the posterior.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features)
        n_samples : int, default=1
        random_state : int, RandomState instance or None, default=0

        Returns
        -------
        y : ndarray of shape (n_samples_X, n_samples) or (n_samples_X, n_outputs, n_samples)
        """
        check_is_fitted(self)
        X = read_points(self, X, self._process.units.axes)
        return self._averaged().sample(X, n_samples, check_random_state(random_state))

    def log_marginal_likelihood(self, theta=None, eval_gradient=False) -> Any:
        """Log marginal likelihood of the normalised targets, with the most probable trend.

        Parameters
        ----------
        theta : array-like of shape (n_parameters,), optional
            As ``kernel_.theta``, which is the default.
        eval_gradient : bool, default=False

        Returns
        -------
        value : float
        gradient : ndarray of shape (n_parameters,)
            By theta, if `eval_gradient`.
        """
        check_is_fitted(self)
        kernel = self.kernel_ if theta is None else self.kernel_.with_theta(theta)
        evidence = self._process.evidence(kernel)
        return (evidence.value, evidence.gradient) if eval_gradient else evidence.value
