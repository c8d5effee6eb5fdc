"""Gaussian process regression that finds the frequencies of its target by itself."""

from itertools import product
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._compat import Interval, Options, StrOptions, fit_context
from .._devices import check_device, resolve_device
from ._reading import normalisation, read
from ._trend import Trend
from .covariance._mixture import SMOOTHNESS
from .inference._choice import SOLVERS, gathered, solver_for
from .inference._points import Data, rounded
from .learning._averaging import Average, weighed
from .learning._fit import Fit, Objective, Settings, learn, scales_of

MATERN, ROUGH, SMOOTH = ("student_t", 1.5), ("student_t", 0.5), ("gaussian", 1.5)  # shapes of peaks
FEW = 3  # features up to which waves matter more than roughness
AVERAGED_ROWS = 1_000  # unless they are a series with even steps, up to which several models are averaged over
ROWS_AT_ONCE = 4096


class GPSpectralRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Gaussian process whose power spectrum is a mixture of peaks that are found in the data.

    The covariance is ``Σ_q w_q Π_d ρ(τ_d / ℓ_qd) cos(2π μ_qd τ_d)``. Components at frequency zero are ordinary smooth
    regression with a length scale for each feature; components at other frequencies are added where the likelihood asks
    for them, for up to three features along each. A polynomial trend is integrated out.

    Parameters
    ----------
    n_components : int, default=8
        Maximum number of periodic components.
    spectrum : {"auto", "student_t", "gaussian"}, default="auto"
        Shape of the peaks. ``"student_t"`` has a Matérn envelope ρ of smoothness `nu`, ``"gaussian"`` a Gaussian one
        (the spectral mixture kernel). ``"auto"`` is a Student-t with smoothness 3/2; along a single feature it
        averages over that and a Gaussian, in more than three features over smoothness 1/2 and a Gaussian. It is a
        Gaussian if the solver turns out to be ``"fourier"``. If `trend_degree` is given too, predictions are those of
        ``kernel_``.
    nu : {0.5, 1.5, 2.5}, default=1.5
        Smoothness of the Matérn envelope if ``spectrum="student_t"``.
    trend_degree : {"auto"} or int or None, default="auto"
        Degree of the polynomial trend, 0 for a constant, None for mean zero. ``"auto"`` averages along a single
        feature over degrees 0, 1 and 2, and over 0 and 1 in more than three.
    alpha : float or array-like of shape (n_samples,), default=0.0
        Known variance of each target on top of the learned noise, in the target's units.
    normalize_y : bool, default=True
        Centre targets and scale them to unit variance before fitting; the kernel is then on that scale.
    n_restarts_optimizer : int, default=0
        Further starts of the smooth components, drawn at random. The start with the best likelihood wins.
    max_iter : int, default=200
        Steps of L-BFGS-B from each start.
    solver : {"auto", "cholesky", "toeplitz", "kronecker", "gaps", "fourier", "inducing"}, default="auto"
        How to compute the likelihood. ``"cholesky"`` is exact, O(n³). ``"toeplitz"`` is the same on an evenly spaced
        axis, O(n²). ``"kronecker"`` is exact on a full grid, for a kernel that is a product of mixtures along each
        axis; ``"gaps"`` does the same for a grid with missing cells. ``"fourier"`` maps many points in one or two
        features to equispaced Fourier features, up to length scales of half or a quarter of the range. ``"inducing"``
        summarises many rows of any kind by at most 1,000 inducing points. ``"auto"`` takes the fastest that suits the
        data.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``; ``"auto"`` takes a GPU where there is one.
    random_state : int, RandomState instance or None, default=None
        Of restarts.
    verbose : int, default=0

    Attributes
    ----------
    kernel_ : SpectralMixture
        The kernel of the model with the most probable trend, for normalised targets.
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
        What predictions average over: for each the ``degree`` of its trend, its ``kernel``, its ``probability``, and
        ``draws`` of the kernel's parameters.
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
    Along a single feature models count by their likelihood to the power ``1 / (1 + n_samples / 20)`` (Miller & Dunson
    2019). In more than three features and up to 1,000 rows they count by how well their mixture predicts left-out rows
    (Yao et al. 2018), and their parameters are averaged over by Laplace's approximation.

    A row with weight w counts as w rows. Rows with the same features are merged exactly, so they do not harm the
    conditioning.

    References
    ----------
    Fang, Cooley, Long, Li, Kirby, Zhe (2024), *Solving high frequency and multi-scale PDEs with Gaussian processes*,
    arXiv:2311.04465.

    Miller, Dunson (2019), *Robust Bayesian inference via coarsening*, Journal of the American Statistical Association.

    Wilson, Adams (2013), *Gaussian process kernels for pattern discovery and extrapolation*, ICML.

    Yao, Vehtari, Simpson, Gelman (2018), *Using stacking to average Bayesian predictive distributions*, Bayesian
    Analysis.

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

    @fit_context(prefer_skip_nested_validation=True)
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
        self.device_ = resolve_device(self.device)
        self._read(X, y, sample_weight)
        random_state = check_random_state(self.random_state)
        scales = scales_of(self._data.X, self._variance)
        settings = Settings(*MATERN, self.n_components, self.max_iter, self.n_restarts_optimizer, self.verbose)
        candidates = self._candidates()
        fits: list[Fit] = []
        for degree, (spectrum, nu) in candidates:
            like = fits[0].kernel if fits else None
            shaped = settings._replace(spectrum=spectrum, nu=nu)
            fits.append(learn(self._solver(degree), scales, shaped, random_state, like))
        degrees = [degree for degree, _ in candidates]
        objectives = [Objective(self._solver(g), fit.kernel, scales) for g, fit in zip(degrees, fits, strict=True)]
        self._keep(weighed(degrees, fits, objectives), max(1, *(fit.n_iter for fit in fits)))
        return self

    def fit_grid(self, axes, Y, sample_weight=None):
        """Fit values on a full grid.

        Parameters
        ----------
        axes : sequence of array-like, each of shape (n_d,)
            Coordinates along each feature.
        Y : array-like of shape (n_1, ..., n_D) or (n_1, ..., n_D, n_outputs)
            NaN where a cell is missing.
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
        values = Y.reshape(len(X), *Y.shape[len(axes) :])
        seen = ~np.isnan(values.reshape(len(X), -1)).any(1)
        weight = None if sample_weight is None else np.ravel(sample_weight)[seen]
        return self.fit(X[seen], values[seen], sample_weight=weight)

    def _read(self, X, y, sample_weight):
        """Targets, weights and known variances; distinct points, on the scale that is learned on."""
        X, y, weight, alpha, self._is_flat = read(X, y, sample_weight, self.alpha)
        unit = np.zeros(y.shape[1]), np.ones(y.shape[1])
        self._shift, self._scale = normalisation(y, weight) if self.normalize_y else unit
        self._center = (X / 2).min(0) + (X / 2).max(0)
        y, alpha = (y - self._shift) / self._scale, alpha / np.mean(self._scale) ** 2
        self._variance = float(rounded(np.average(np.square(y).mean(1), weights=weight)))
        self._data = gathered(X - self._center, y, weight, alpha, self.solver)
        self._made = {}
        self._method = solver_for(self._data, self.solver, self.spectrum, self.device_)

    def _candidates(self):
        """Degrees of trends and shapes of peaks (spectrum, nu) that predictions average over."""
        n, n_features = self._data.X.shape
        is_short = n <= AVERAGED_ROWS or self._method == "toeplitz"
        if self._method == "fourier":
            pairs = [(1, SMOOTH)]
        elif self._method in ("kronecker", "gaps"):
            pairs = [(0, MATERN)]
        elif n_features == 1 and n > 2:
            pairs = list(product((1, 0, 2) if is_short else (1, 0), (MATERN, SMOOTH) if is_short else (MATERN,)))
        elif n_features <= FEW or self._method == "inducing":
            pairs = [(1, MATERN)]
        else:
            pairs = [(1, ROUGH), (0, ROUGH), (1, SMOOTH)] if is_short else [(1, ROUGH)]
        if self.trend_degree != "auto":
            pairs = [(self.trend_degree, shape) for _, shape in pairs]
        if self.spectrum != "auto":
            pairs = [(degree, (self.spectrum, self.nu)) for degree, _ in pairs]
        return list(dict.fromkeys(pairs))

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

    def _keep(self, models, n_iter):
        """Set what was learned: models by their probability, the best one's attributes, posteriors."""
        self.models_, self.n_iter_ = models, n_iter
        self.trend_degree_, self.kernel_ = models[0].degree, models[0].kernel
        self.frequencies_, self.length_scales_ = self.kernel_.frequencies, self.kernel_.length_scales
        self.weights_, self.noise_ = self.kernel_.weights, self.kernel_.noise
        self.n_components_ = len(self.weights_)
        self.solver_ = self._method
        self.log_marginal_likelihood_value_ = self._solver(self.trend_degree_).evidence(self.kernel_).value
        self._condition()

    def _condition(self):
        self._average = Average(self.models_, self._solver, self._trend)
        self.jitter_ = self._average.jitter

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
            If both uncertainties are asked for.
        """
        if return_std and return_cov:
            raise ValueError("return_std=True and return_cov=True exclude each other. Set one of them to False.")
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False) - self._center
        moment = "variance" if return_std else "covariance" if return_cov else None
        step = len(X) if return_cov else ROWS_AT_ONCE
        parts = [self._average.moments(X[start : start + step], moment) for start in range(0, len(X), step)]
        mean = np.concatenate([mean for mean, _ in parts]) * self._scale + self._shift
        mean = mean[:, 0] if self._is_flat else mean
        if moment is None:
            return mean
        spread = np.concatenate([spread for _, spread in parts]) * np.square(self._scale)
        spread = spread[..., 0] if self._is_flat else spread
        return mean, np.sqrt(spread) if return_std else spread

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
        y = self._average.sample(X, n_samples, random_state) * self._scale[:, None] + self._shift[:, None]
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
        return {name: value for name, value in state.items() if name not in ("_average", "_made")}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "models_" in state:
            self.device_, self._made = resolve_device(self.device_, fallback=True), {}
            self._condition()
