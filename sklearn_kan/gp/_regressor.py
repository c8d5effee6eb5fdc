"""Gaussian process regression that finds the frequencies of its target by itself."""

from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from .._validation import check_device, read_weight, read_y, resolve_device
from ._data import may_be_grid, merged, normalisation, rounded, together
from ._fit import Search, fit_product, scales_of, smooth_start
from ._inference import Data, factorise
from ._kernels import SMOOTHNESS, SpectralMixture
from ._kronecker import ProductMixture
from ._solvers import DENSE_ROWS, SOLVERS, solver_for
from ._trend import Trend

SERIES_DEGREES, TABLE_DEGREES = (0, 1), (1,)  # of trends that trend_degree="auto" averages over
SMOOTH_NU, ROUGH_NU = 1.5, 0.5  # smoothness of the Student-t mixture that spectrum="auto" means
FEW = 3  # features up to which it is the former
LEAST_PROBABILITY = 1e-3  # of a model that predictions are averaged over
ROWS_AT_ONCE = 4096


class Model(NamedTuple):
    """One trend with the kernel that was learned beside it."""

    degree: int | None
    kernel: SpectralMixture | ProductMixture
    probability: float


class GPSpectralRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Gaussian process whose power spectrum is a mixture of peaks that are found in the data.

    The covariance is ``Σ_q w_q Π_d ρ(τ_d / ℓ_qd) cos(2π μ_qd τ_d)``. Components at frequency zero are ordinary smooth
    regression with a length scale for each feature; components at other frequencies are added where the likelihood asks
    for them, for up to three features along each. A polynomial trend is integrated out.

    Parameters
    ----------
    n_components : int, default=8
        The most periodic components.
    spectrum : {"auto", "student_t", "gaussian"}, default="auto"
        Shape of the peaks. ``"student_t"`` has a Matérn envelope ρ of smoothness `nu`, ``"gaussian"`` a Gaussian one
        (the spectral mixture kernel). ``"auto"`` is a Student-t with smoothness 3/2 for up to three features
        and 1/2 for more, and a Gaussian if ``solver`` comes to be ``"fourier"``.
    nu : {0.5, 1.5, 2.5}, default=1.5
        Smoothness of the Matérn envelope if ``spectrum="student_t"``.
    trend_degree : {"auto"} or int or None, default="auto"
        Degree of the polynomial trend, 0 for a constant, None for mean zero. ``"auto"`` averages along a single
        feature over constant and line, each by its marginal likelihood, and is 1 in several.
    alpha : float or array-like of shape (n_samples,), default=0.0
        Known variance of each target on top of the learned noise, in the target's units.
    normalize_y : bool, default=True
        Centre targets and scale them to unit variance before fitting; the kernel is then on that scale.
    n_restarts_optimizer : int, default=0
        More starts of the smooth components, drawn at random; the best likelihood wins.
    max_iter : int, default=200
        Steps of L-BFGS-B from each start.
    solver : {"auto", "cholesky", "toeplitz", "kronecker", "fourier"}, default="auto"
        How to compute the likelihood. ``"cholesky"`` is exact, O(n³). ``"toeplitz"`` is the same on an evenly spaced
        axis, O(n²). ``"kronecker"`` is exact on a full grid, for a kernel that is a product of mixtures along each
        axis. ``"fourier"`` takes many points in one or two features to equispaced Fourier features, up to
        length scales of half or a quarter of the range. ``"auto"`` takes the fastest that suits the data.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``; ``"auto"`` takes a GPU where there is one.
    random_state : int, RandomState instance or None, default=None
        Of restarts.
    verbose : int, default=0

    Attributes
    ----------
    kernel_ : SpectralMixture
        Of the most probable trend; for normalised targets.
    frequencies_, length_scales_ : ndarray of shape (n_components_, n_features_in_)
        μ and ℓ, in cycles per unit and in units of the features.
    weights_ : ndarray of shape (n_components_,)
        Variances w of the components.
    noise_ : float
        Variance of the noise, for normalised targets.
    n_components_ : int
    trend_degree_ : int or None
        Of the most probable trend.
    models_ : list of Model
        Trends, kernels and probabilities that predictions average over.
    log_marginal_likelihood_value_ : float
        Of ``kernel_``.
    solver_ : str
        How the likelihood was computed.
    n_iter_ : int
        Steps of the optimiser, at the most.
    jitter_ : float
        Variance that had to be added to the diagonal to make the covariance positive definite.
    n_features_in_ : int

    See Also
    --------
    sklearn.gaussian_process.GaussianProcessRegressor : With a kernel that you choose.

    Notes
    -----
    A row with weight w counts as w rows. Rows with the same features are merged exactly, so they do no harm to the
    conditioning.

    References
    ----------
    Fang, Cooley, Long, Li, Kirby, Zhe (2024), *Solving high frequency and multi-scale PDEs with Gaussian processes*,
    arXiv:2311.04465.

    Wilson, Adams (2013), *Gaussian process kernels for pattern discovery and extrapolation*, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import GPSpectralRegressor
    >>> t = np.arange(120.0)[:, None]
    >>> y = np.sin(2 * np.pi * t[:, 0] / 12) + 0.1 * np.random.default_rng(0).normal(size=120)
    >>> model = GPSpectralRegressor().fit(t[:100], y[:100])
    >>> (1 / model.frequencies_[model.frequencies_ > 0]).round(1)
    array([12.])
    >>> mean, std = model.predict(t[100:], return_std=True)
    >>> bool(abs(mean - np.sin(2 * np.pi * t[100:, 0] / 12)).max() < 0.1)
    True
    """

    _shift: np.ndarray  # of targets, before they are scaled
    _scale: np.ndarray
    _data: Data
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 0, None, closed="left")],
        "spectrum": [StrOptions({"auto", "student_t", "gaussian"})],
        "nu": [Options(Real, set(SMOOTHNESS))],
        "trend_degree": [StrOptions({"auto"}), Interval(Integral, 0, 10, closed="both"), None],
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "normalize_y": ["boolean"],
        "n_restarts_optimizer": [Interval(Integral, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(self, n_components=8, *, spectrum="auto", nu=1.5, trend_degree="auto", alpha=0.0,
                 normalize_y=True, n_restarts_optimizer=0, max_iter=200, solver="auto", device="auto",
                 random_state=None, verbose=0):  # fmt: skip
        self.n_components = n_components
        self.spectrum = spectrum
        self.nu = nu
        self.trend_degree = trend_degree
        self.alpha = alpha
        self.normalize_y = normalize_y
        self.n_restarts_optimizer = n_restarts_optimizer
        self.max_iter = max_iter
        self.solver = solver
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Find the spectrum.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Several targets share the kernel.
        sample_weight : array-like of shape (n_samples,), optional
            Divides the noise of each row; rows of weight zero are left out.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used.
        """
        check_device(self.device)
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=1)
        self._read(X, y, sample_weight)
        self.device_ = resolve_device(self.device)
        random_state = check_random_state(self.random_state)
        scales = scales_of(self._data.X, self._variance)
        fits = []
        spectrum, nu = self._shape()
        for degree in self._degrees():
            solver = self._solver(degree)
            if solver.method == "kronecker":
                settings = self.n_components, self.max_iter, self.verbose
                fits.append((degree, fit_product(solver, scales, spectrum, nu, *settings)))
                continue
            search = Search(solver, scales, self.n_components, self.max_iter, self.verbose)
            start = smooth_start(scales, spectrum, nu)
            starts = [start, *(start.with_theta(start.theta + random_state.normal(size=len(start.theta)))
                               for _ in range(self.n_restarts_optimizer))]  # fmt: skip
            fit = max((search.best(start) for start in starts), key=lambda fit: fit.criterion)
            fits.append((degree, fit))
        self._keep(fits)
        return self

    def fit_grid(self, axes, Y, sample_weight=None):
        """Fit values on a full grid.

        Parameters
        ----------
        axes : sequence of array-like, each of shape (n_d,)
            Coordinates along each feature.
        Y : array-like of shape (n_1, ..., n_D) or (n_1, ..., n_D, n_outputs)
        sample_weight : array-like of shape (n_1, ..., n_D), optional

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the shapes of axes and values differ.
        """
        axes = [np.asarray(axis, dtype=np.float64).ravel() for axis in axes]
        Y, shape = np.asarray(Y, dtype=np.float64), tuple(len(axis) for axis in axes)
        if Y.shape[: len(axes)] != shape or Y.ndim > len(axes) + 1:
            raise ValueError(f"Y has shape {Y.shape}, and the axes have lengths {shape}. Pass one value for each cell.")
        X = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
        weight = None if sample_weight is None else np.ravel(sample_weight)
        return self.fit(X, Y.reshape(len(X), *Y.shape[len(axes) :]), sample_weight=weight)

    def _read(self, X, y, sample_weight):
        """Targets, weights and known variances; distinct points, on the scale that is learned on."""
        y = read_y(y, len(X), numeric=True)
        if y.ndim > 2 or y.shape[-1] == 0:
            raise ValueError(f"y has shape {y.shape}. Pass (n_samples,) or (n_samples, n_outputs).")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._is_flat, y = y.ndim == 1, y.reshape(len(X), -1)
        weight = np.ones(len(X)) if sample_weight is None else read_weight(sample_weight, len(X))
        alpha = np.asarray(self.alpha, dtype=np.float64)
        if (alpha.ndim and alpha.shape != (len(X),)) or not np.all(np.isfinite(alpha)) or (alpha < 0).any():
            raise ValueError(
                f"alpha={self.alpha!r} is not usable. Pass a number >= 0, or one for each of {len(X)} rows."
            )
        used = weight > 0
        X, y, weight, alpha = X[used], y[used], weight[used], np.broadcast_to(alpha, used.shape)[used]
        unit = np.zeros(y.shape[1]), np.ones(y.shape[1])
        self._shift, self._scale = normalisation(y, weight) if self.normalize_y else unit
        self._center = (X / 2).min(0) + (X / 2).max(0)
        y, alpha = (y - self._shift) / self._scale, alpha / np.mean(self._scale) ** 2
        self._variance = float(rounded(np.average(np.square(y).mean(1), weights=weight)))
        is_big = len(X) > DENSE_ROWS and self.solver in ("auto", "fourier") and not alpha.any()
        is_scattered = X.shape[1] == 1 or (X.shape[1] == 2 and not may_be_grid(X))
        self._data = (together if is_big and is_scattered else merged)(X - self._center, y, weight, alpha)
        self._made = {}
        self._method = solver_for(self._data, self.solver, self.spectrum)

    def _degrees(self):
        if self.trend_degree != "auto":
            return (self.trend_degree,)
        if self._method in ("kronecker", "fourier"):
            return (0,) if self._method == "kronecker" else (1,)
        return SERIES_DEGREES if self._data.X.shape[1] == 1 and len(self._data.X) > 2 else TABLE_DEGREES

    def _shape(self):
        """Shape of the peaks, and smoothness of the Matérn envelope."""
        if self.spectrum != "auto":
            return self.spectrum, self.nu
        if self._method == "fourier":
            return "gaussian", SMOOTH_NU
        return "student_t", SMOOTH_NU if self._data.X.shape[1] <= FEW else ROUGH_NU

    def _trend(self, degree):
        return Trend(degree, self._data.X, np.sqrt(self._variance or 1.0))

    def _solver(self, degree):
        """How to compute likelihoods with a trend; kept, since making it may cost more than using it."""
        if degree not in self._made:
            self._made[degree] = self._new_solver(degree)
        return self._made[degree]

    def _new_solver(self, degree):
        data = self._data._replace(H=self._trend(degree)(self._data.X))
        return SOLVERS[self._method](data, self.device_)

    def _keep(self, fits):
        """Set what was learned: models by their probability, the best one's attributes, posteriors."""
        criteria = np.array([fit.criterion for _, fit in fits])
        probabilities = np.exp(criteria - criteria.max())
        probabilities[probabilities < LEAST_PROBABILITY * probabilities.sum()] = 0
        models = [
            Model(degree, fit.kernel, float(probability))
            for (degree, fit), probability in zip(fits, probabilities / probabilities.sum(), strict=True)
            if probability
        ]
        self.models_ = sorted(models, key=lambda model: -model.probability)
        self.trend_degree_, self.kernel_, _ = self.models_[0]
        self.frequencies_, self.length_scales_ = self.kernel_.frequencies, self.kernel_.length_scales
        self.weights_, self.noise_ = self.kernel_.weights, self.kernel_.noise
        self.n_components_ = len(self.weights_)
        solver = self._solver(self.trend_degree_)
        self.solver_ = solver.method
        self.log_marginal_likelihood_value_ = solver.evidence(self.kernel_).value
        self.n_iter_ = max(1, *(fit.n_iter for _, fit in fits))
        self._condition()

    def _condition(self):
        self._posteriors = [self._solver(model.degree).posterior(model.kernel) for model in self.models_]
        self.jitter_ = max(posterior.jitter for posterior in self._posteriors)

    def predict(self, X, return_std=False, return_cov=False):
        """Mean of the latent function, and its uncertainty.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        return_std : bool, default=False
            Also the standard deviation of an observation, noise included.
        return_cov : bool, default=False
            Also the covariance of observations.

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
            If both uncertainties are asked for.
        """
        if return_std and return_cov:
            raise ValueError("return_std=True and return_cov=True exclude each other. Set one of them to False.")
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False) - self._center
        moment = "variance" if return_std else "covariance" if return_cov else None
        step = len(X) if return_cov else ROWS_AT_ONCE
        parts = [self._moments(X[start : start + step], moment) for start in range(0, len(X), step)]
        mean = np.concatenate([mean for mean, _ in parts]) * self._scale + self._shift
        mean = mean[:, 0] if self._is_flat else mean
        if moment is None:
            return mean
        spread = np.concatenate([spread for _, spread in parts]) * np.square(self._scale)
        spread = spread[..., 0] if self._is_flat else spread
        return mean, np.sqrt(spread) if return_std else spread

    def _moments(self, X, moment):
        """Mean and variance or covariance of the mixture of models; with an axis of outputs at the end."""
        means, spreads = [], []
        for model, posterior in zip(self.models_, self._posteriors, strict=True):
            mean, spread = posterior.predict(X, self._trend(model.degree)(X), moment)
            means.append(mean)
            if moment == "variance":
                spreads.append((spread + model.kernel.noise)[:, None] + np.square(mean))
            elif moment == "covariance":
                noisy = spread + model.kernel.noise * np.eye(len(X))
                spreads.append(noisy[:, :, None] + mean[:, None] * mean)
        probabilities = [model.probability for model in self.models_]
        mean = np.tensordot(probabilities, means, 1)
        if moment is None:
            return mean, None
        outer = np.square(mean) if moment == "variance" else mean[:, None] * mean
        return mean, np.tensordot(probabilities, spreads, 1) - outer

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
        random_state = check_random_state(random_state)
        X = validate_data(self, X, dtype=np.float64, reset=False) - self._center
        counts = random_state.multinomial(n_samples, [model.probability for model in self.models_])
        draws = []
        for model, posterior, count in zip(self.models_, self._posteriors, counts, strict=True):
            mean, cov = posterior.predict(X, self._trend(model.degree)(X), "covariance")
            L, _ = factorise(torch.from_numpy(cov + model.kernel.noise * np.eye(len(X))))
            normal = random_state.normal(size=(len(X), mean.shape[1] * count))
            draws.append(mean[:, :, None] + (L.numpy() @ normal).reshape(*mean.shape, count))
        y = np.concatenate(draws, axis=-1) * self._scale[:, None] + self._shift[:, None]
        return y[:, 0] if self._is_flat else y

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
        evidence = self._solver(self.trend_degree_).evidence(kernel)
        return (evidence.value, evidence.gradient) if eval_gradient else evidence.value

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_posteriors", "_made")}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "models_" in state:
            self.device_, self._made = resolve_device(self.device_, fallback=True), {}
            self._condition()
