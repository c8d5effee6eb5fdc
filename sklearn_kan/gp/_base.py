"""What an estimator over a Gaussian process offers once it is fitted."""

from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._adoption import adopt
from .._documented import Documented
from ._process import Process
from ._reading import read_points


class BaseSpectralProcess(Documented, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Predictions, draws and evidence of a `Process` that `fit` has learned."""

    _process: Process

    def _adopt(self, reader, process, n_iter):
        """Set what was learned; nothing is set before."""
        best = process.models[0]
        value = process.evidence(best.kernel).value
        kernel, units = best.kernel, [axis.frequency_unit for axis in process.units.axes]
        return adopt(
            self, reader, _process=process, models_=process.models, n_iter_=n_iter,
            solver_=process.solvers.kind.name, trend_degree_=best.degree, kernel_=kernel,
            frequencies_=kernel.frequencies, length_scales_=kernel.length_scales, frequency_units_=units,
            weights_=kernel.weights, noise_=kernel.noise, n_components_=len(kernel.weights),
            log_marginal_likelihood_value_=value, jitter_=process.jitter,
        )  # fmt: skip

    def predict(self, X, return_std=False, return_cov=False):
        """Mean of the latent function, and its uncertainty.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to also return the standard deviation of an observation, noise included.
        return_cov : bool, default=False
            Whether to also return the covariance of observations.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        std : ndarray of the same shape
            If `return_std`.
        cov : ndarray of shape (n_samples, n_samples) or (n_samples, n_samples, n_outputs)
            If `return_cov`.

        Raises
        ------
        ValueError
            If both uncertainties are asked for, or covariances are beyond float64.
        """
        if return_std and return_cov:
            raise ValueError("return_std=True and return_cov=True exclude each other. Set one of them to False.")
        check_is_fitted(self)
        X = read_points(self, X, self._process.units.axes)
        mean, spread = self._process.predict(X, "variance" if return_std else "covariance" if return_cov else None)
        return (mean, spread) if return_std or return_cov else mean

    def sample_y(self, X, n_samples=1, random_state=0):
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
        return self._process.sample(X, n_samples, check_random_state(random_state))

    def log_marginal_likelihood(self, theta=None, eval_gradient=False):
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
