"""Gaussian process regression that finds the frequencies of its target by itself."""

from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

from sklearn.utils import check_random_state

from .._compat import Interval, Options, StrOptions, fit_context
from .._devices import check_device, resolve_device
from ._attempt import Attempt
from ._base import BaseSpectralProcess, threads_for
from ._blend import Blend, Share, shares_of
from ._link import links_for
from ._periods import known_frequencies
from ._reading import read, read_grid
from .covariance._mixture import SMOOTHNESS
from .inference._choice import SOLVERS
from .learning._fit import Settings


class GPSpectralRegressor(BaseSpectralProcess):
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
        (the spectral mixture kernel). ``"auto"`` averages: along a single feature over a Student-t with smoothness 3/2
        and one with 1/2, of several features over a Student-t, Gaussians, and both on the ranks of features. It is a
        Student-t with smoothness 3/2 where there are waves across several features and on grids, and a Gaussian if
        the solver turns out to be ``"fourier"``. If `trend_degree` is given too, predictions are those of ``kernel_``.
    nu : {0.5, 1.5, 2.5}, default=1.5
        Smoothness of the Matérn envelope if ``spectrum="student_t"``.
    trend_degree : {"auto"} or int or None, default="auto"
        Degree of the polynomial trend, 0 for a constant, None for mean zero. ``"auto"`` averages over
        degrees 0 and 1.
    alpha : float or array-like of shape (n_samples,), default=0.0
        Known variance of each target on top of the learned noise, in the target's units.
    normalize_y : bool, default=True
        Centre targets and scale them to unit variance before fitting; the kernel is then on that scale.
    link : {"auto", "identity", "log"}, default="auto"
        ``"log"`` learns the logarithm of targets that are never negative: intervals stay above zero, and seasons grow
        with the level. Zeros, as in counts, are taken for half the smallest target above zero. Predictions are then
        medians, with half the width of the central 68 % as ``std``. ``"auto"`` averages over both along a single
        feature, if all targets are above zero, from 20 to 5,000 rows; else it is ``"identity"``.
    periods : list or None, default=None
        Known seasons, such as ``[12]`` for months or ``[7, 365.25]`` for days. Along a column of dates a number counts
        days, and durations and pandas' offsets do too: ``["7D", pandas.DateOffset(years=1)]``. Each is a comb of up to
        ten harmonics, whose weights are learned and whose period stays as given; one cycle is enough. Other frequencies
        are still looked for. Needs a single feature.
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
    frequency_units_ : list of str, one for each feature
        "per day" for dates and durations, whose ℓ are in days; else "per unit".
    weights_ : ndarray of shape (n_components_,)
        Variances w of the components.
    noise_ : float
        Variance of the noise, for normalised targets.
    n_components_ : int
    trend_degree_ : int or None
        Of the most probable trend.
    models_ : list of Model
        What predictions average over: for each the ``degree`` of its trend, its ``kernel``, its ``probability``,
        ``draws`` of the kernel's parameters, and whether it is of the ranks of features (``is_ranked``), between 0 and
        1, which are then the units of its length scales.
    continuation_ : list of Innovations
        After the end of a series at even steps of one feature, predictions also average over models of how it goes on:
        exponential smoothing with a drift or a damped slope, a season and a short memory, each with its `probability`
        and parameters. Empty for other data, or if `spectrum` or `trend_degree` is given.
    link_ : {"identity", "log"}
        What was learned of the targets; under "auto" the more probable one, which other attributes describe.
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
    2019). Of several features they count by how well their mixture predicts left-out rows, of a thousand if there are
    more (Yao et al. 2018). Up to 150 rows their parameters are averaged over by Laplace's approximation.

    After the end of a series at even steps the average includes exponential smoothing (Hyndman, Koehler, Ord & Snyder
    2008), whose level, slope and season move for good, with at most half of the weight: less where the process is far
    likelier. Their season is found by Fisher's F of its means. Predictions within the data are those of the process.

    A row with weight w counts as w rows. Rows with the same features are merged exactly, so they do not harm the
    conditioning.

    References
    ----------
    Fang, Cooley, Long, Li, Kirby, Zhe (2024), *Solving high frequency and multi-scale PDEs with Gaussian processes*,
    arXiv:2311.04465.

    Hyndman, Koehler, Ord, Snyder (2008), *Forecasting with exponential smoothing: the state space approach*, Springer.

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

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 0, None, closed="left")],
        "spectrum": [StrOptions({"auto", "student_t", "gaussian"})],
        "nu": [Options(Real, set(SMOOTHNESS))],
        "trend_degree": [StrOptions({"auto"}), Interval(Integral, 0, 10, closed="both"), None],
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "normalize_y": ["boolean"],
        "link": [StrOptions({"auto", "identity", "log"})],
        "periods": "no_validation",  # known_frequencies looks closer
        "n_restarts_optimizer": [Interval(Integral, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(self, n_components=8, *, spectrum="auto", nu=1.5, trend_degree="auto", alpha=0.0,
                 normalize_y=True, link="auto", periods=None, n_restarts_optimizer=0, max_iter=200, solver="auto",
                 device="auto", random_state=None, verbose=0) -> None:  # fmt: skip
        self.n_components = n_components
        self.spectrum = spectrum
        self.nu = nu
        self.trend_degree = trend_degree
        self.alpha = alpha
        self.normalize_y = normalize_y
        self.link = link
        self.periods = periods
        self.n_restarts_optimizer = n_restarts_optimizer
        self.max_iter = max_iter
        self.solver = solver
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None) -> Self:
        """Find the spectrum.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Several targets share the kernel, but for their variance and noise.
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
        reader = copy(self)  # validate_data notes what it saw, and fit may still fail
        rows = read(reader, X, y, sample_weight, self.alpha)
        known = known_frequencies(self.periods, rows)
        links = links_for(self.link, rows, self.normalize_y)
        settings = Settings(
            self.spectrum, self.nu, self.n_components, self.max_iter, self.n_restarts_optimizer, self.verbose,
            known,
        )  # fmt: skip
        device, random_state = resolve_device(self.device), check_random_state(self.random_state)
        tries = [Attempt.of(link, rows, self, device) for link in links]
        with threads_for(len(rows.y)):
            learned = [each.learned(settings, self.trend_degree, random_state) for each in tries]
        shares = shares_of([each.criterion for each in learned], len(rows.y))
        blend = Blend([
            Share(float(share), each.process, each.link)
            for share, each in sorted(zip(shares, learned, strict=True), key=lambda pair: -pair[0])
        ])  # fmt: skip
        return self._adopt(reader, blend.shares[0].process, max(each.n_iter for each in learned), blend)

    def fit_grid(self, axes, Y, sample_weight=None) -> Self:
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
        X, y, weight = read_grid(axes, Y, sample_weight)
        return self.fit(X, y, sample_weight=weight)
