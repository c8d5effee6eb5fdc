"""Learning the spectrum: starts from the data, priors, optimisation, and the choice of components.

Two starts, and the better one stays: none at all, and sines that stand out of white noise (matching pursuit on the
periodogram). From each the mixture grows, by a season with harmonics or by single waves, where the slope of the
likelihood says that power is missing, for as long as an information criterion (Schwarz 1978) agrees, and sheds what it
does not need.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from .._combs import FALSE_ALARM, likeliest_comb
from .._spectrum import HALF_WIDTH, peaks_of_score
from ..covariance._mixture import SpectralMixture
from ..covariance._product import ProductMixture
from ..inference._evidence import NotPositiveDefiniteError
from ._starts import SMOOTH_LENGTH, moved, shorter, smooth_start, with_known

COMPONENTS_PER_ROUND = 3  # that a mixture may grow by
PERIODIC_LENGTH = 2.0  # prior median in spans, of components that are not at frequency zero
LOG_LENGTH_STD = 1.5  # of the prior
LOG_LONG_STD = 4.0  # the same above the median, of smooth components of several features, many of which do not matter
NOISE_MEDIAN, LOG_NOISE_STD = 1e-2, 3.0  # of the prior, in variances of the target: nothing is free of noise
NOISE_RANGE, WEIGHT_RANGE = (1e-6, 10.0), (1e-10, 1e3)  # in variances of the target
NEW_WEIGHT = 1e-4  # of a new component at the least, in variances of the target
MOST_CYCLES_OFF = 2.0  # over the span, that a frequency may move from its start, or the highest of its harmonics
HOPELESS_LOSS = 30.0  # of the criterion, from which refitting does not make up for a dropped component
MATERN_LENGTH = 3**0.5  # of a Matern 3/2 that begins to fall like a Gaussian, over the latter's
LONG_SKETCH = 0.4  # in spans; a longer wave may be as long as any
REFINING_STEPS, SINE_STEPS = 10, 30  # from a sketch, and where it lacked a sine
DISTINCT_ROWS = 1_000_000  # from which points are taken to be distinct
IMPOSSIBLE = 1e100  # negative log posterior where there is none


class Scales(NamedTuple):
    """Range of each feature, mean distance of its neighbours, and the target's variance."""

    span: np.ndarray
    step: np.ndarray
    variance: float

    def along(self, features):
        """The scales of some features."""
        return Scales(self.span[features], self.step[features], self.variance)


def scales_of(X, variance):
    """The scales of points ``(n, n_features)``; a constant feature has span one."""
    span = np.ptp(X, axis=0)
    span[span == 0] = 1.0
    is_big = len(X) > DISTINCT_ROWS
    n_gaps = np.array([max(1, (len(X) if is_big else len(np.unique(column))) - 1) for column in X.T])
    return Scales(span, span / n_gaps, variance)


class Settings(NamedTuple):
    """What an estimator's parameters say about learning."""

    spectrum: str
    nu: float
    n_components: int
    max_iter: int
    n_restarts: int
    verbose: int
    known: tuple = ()  # frequencies of known seasons, along the only feature


class Fit(NamedTuple):
    """A kernel, its log posterior density up to a constant, that less the price of its parameters, and iterations."""

    kernel: SpectralMixture
    value: float
    criterion: float
    n_iter: int


def prior_of(kernel, scales, solver):
    """Of a mixture's theta but the noise: unit, median and precision below and above it of a prior, and bounds.

    The prior is flat in log weights (Jeffreys) and in frequencies, and normal in log length scales, with a standard
    deviation on either side of the median. Frequencies are counted in cycles over the span. Harmonics have the
    parameters of their leaders.
    """
    leads, n_weights = kernel.ties.leads, len(kernel.weights)
    frequencies = kernel.frequencies[leads]
    shape, is_periodic = frequencies.shape, frequencies != 0
    highest = np.array([kernel.ties.multiple[kernel.ties.leader == lead].max() for lead in leads])
    free = np.where(kernel.ties.known[leads], 0.0, MOST_CYCLES_OFF / highest)[:, None]
    free = np.broadcast_to(free, shape)[is_periodic]
    span, step = np.broadcast_to(scales.span, shape), np.broadcast_to(scales.step, shape)
    median = np.where(is_periodic.any(1, keepdims=True), PERIODIC_LENGTH, SMOOTH_LENGTH * math.sqrt(shape[1])) * span
    mu, unit = frequencies[is_periodic], 1 / span[is_periodic]
    n_lengths, n_frequencies = median.size, len(mu)
    lowest, highest = np.maximum(step / 4, solver.shortest * span), solver.longest * span
    lowest = np.maximum(lowest, np.finfo(float).tiny)
    may_be_long = np.broadcast_to(~is_periodic.any(1, keepdims=True), shape).ravel() & (shape[1] > 1)
    above = np.where(may_be_long, LOG_LONG_STD, LOG_LENGTH_STD) ** -2.0
    bounds = [
        np.tile(np.log(np.multiply(WEIGHT_RANGE, scales.variance or 1.0)), (n_weights, 1)),
        np.log(np.stack([lowest.ravel(), highest.ravel()], 1)),
        np.stack([mu - np.minimum(free * unit, 0.5 * mu), mu + free * unit], 1),
    ]
    return (
        np.concatenate([np.ones(n_weights + n_lengths), unit]),
        np.concatenate([np.zeros(n_weights), np.log(median).ravel(), mu]),
        np.repeat([0.0, LOG_LENGTH_STD**-2, 0.0], [n_weights, n_lengths, n_frequencies]),
        np.concatenate([np.zeros(n_weights), above, np.zeros(n_frequencies)]),
        np.concatenate(bounds),
    )


class Objective:
    """Negative log posterior of a kernel's theta, by coordinates ``z = theta / unit``."""

    def __init__(self, solver, kernel, scales):
        self.solver, self.kernel = solver, kernel
        priors = (prior_of(mixture, scales.along(features), solver) for mixture, features in kernel.parts)
        unit, median, below, above, bounds = zip(*priors, strict=True)
        noise = np.log(np.multiply([NOISE_RANGE], scales.variance or 1.0))
        self.unit = np.concatenate([*unit, [1.0]])
        self.median = np.concatenate([*median, [np.log(NOISE_MEDIAN * (scales.variance or 1.0))]])
        self.below, self.above = (np.concatenate([*sides, [LOG_NOISE_STD**-2]]) for sides in (below, above))
        self.limits = np.concatenate([*bounds, noise]).T / self.unit
        self.start = np.clip(kernel.theta / self.unit, *self.limits)

    def kernel_at(self, z):
        return self.kernel.with_theta(z * self.unit)

    def __call__(self, z):
        theta = z * self.unit
        try:
            evidence = self.solver.evidence(self.kernel_at(z))
        except NotPositiveDefiniteError:
            return IMPOSSIBLE, np.zeros_like(z)
        precision = np.where(theta > self.median, self.above, self.below)
        offset = np.where(precision > 0, theta - self.median, 0.0)  # frequencies may have no square
        value = evidence.value - 0.5 * np.sum(precision * offset**2)
        gradient = (evidence.gradient - precision * offset) * self.unit
        if not (math.isfinite(value) and np.isfinite(gradient).all()):
            return IMPOSSIBLE, np.zeros_like(z)
        return -value, -gradient

    def fit(self, max_iter, verbose=0):
        """The kernel at a maximum of the posterior."""
        options = {"maxiter": max_iter, "maxcor": 20, "ftol": self.solver.tolerance, "gtol": self.solver.tolerance}
        first = self(self.start)
        if max_iter == 0:
            return self.finished(self.start, -first[0], 0)
        unit = max(1.0, np.abs(first[1]).max())  # first steps of L-BFGS-B are as long as the gradient

        def scaled(z):
            value, gradient = first if np.array_equal(z, self.start) else self(z)
            return value / unit, gradient / unit

        result = minimize(scaled, self.start, jac=True, method="L-BFGS-B", bounds=self.limits.T, options=options)
        fit = self.finished(result.x, -unit * result.fun, result.nit)
        if verbose:
            print(f"[gp] {len(result.x)} parameters, log posterior {fit.value:.2f}, {fit.n_iter} iterations")
        return fit

    def finished(self, z, value, n_iter):
        price = 0.5 * np.sum(self.limits[1] > self.limits[0]) * math.log(self.solver.data.y.size)
        return Fit(self.kernel_at(z), value, value - price, n_iter)


class Search:
    """What growing and pruning a mixture share.

    Parameters
    ----------
    solver : Solver
    scales : Scales
    settings : Settings
    has_seasons : bool, default=True
        Whether there may be combs of harmonics.
    """

    def __init__(self, solver, scales, settings, has_seasons=True):
        self.solver, self.scales, self.settings, self.has_seasons = solver, scales, settings, has_seasons
        self.n_components = settings.n_components  # the most periodic ones
        self.grid = solver.frequencies() if self.n_components else np.empty((0, solver.data.X.shape[1]))

    def optimise(self, kernel):
        return Objective(self.solver, kernel, self.scales).fit(self.settings.max_iter, self.settings.verbose)

    def best(self, start):
        """The best mixture that is reached from a start, by the criterion."""
        fits = [self.grow(self.optimise(start))]
        has_season = len(fits[0].kernel.ties.leads) < len(fits[0].kernel.weights)
        if len(self.grid) and not has_season and (peaks := self.solver.sines(self.n_components)):
            fits.append(self.grow(self.optimise(self.extended(start, peaks))))
        best = max((self.prune(fit) for fit in fits), key=lambda fit: fit.criterion)
        return max(best, self.optimise(self.unbound(best.kernel)), key=lambda fit: fit.criterion)

    def unbound(self, kernel):
        """The mixture whose seasons of whole steps may last a little longer or shorter."""
        known = kernel.ties.known & np.isin(kernel.frequencies[kernel.ties.leader, 0], self.settings.known)
        return kernel.replaced(ties=kernel.ties._replace(known=known))

    def from_short(self, start, fit):
        """The fit, or a better one from the likeliest of shorter length scales, if that is likelier as it stands.

        From long ones what is fine in all directions looks like noise.
        """
        likeliest = max(shorter(start), key=lambda kernel: Objective(self.solver, kernel, self.scales).fit(0).value)
        if Objective(self.solver, likeliest, self.scales).fit(0).value <= fit.value:
            return fit
        return max(fit, self.best(likeliest), key=lambda each: each.criterion)

    def again(self, start, like):
        """The mixture that is reached from another, together with the slowest component of a start."""
        slow = np.argmax(start.length_scales.sum(1))
        kernel = like.replaced(spectrum=start.spectrum, nu=start.nu)
        kernel = kernel.with_component(start.weights[slow], start.length_scales[slow], start.frequencies[slow])
        return self.prune(self.grow(self.optimise(kernel)))

    def refined(self, sketch):
        """A few steps from a mixture that was learned from a sketch, or beside another trend."""
        kernel = sketch.replaced(spectrum=self.settings.spectrum, nu=self.settings.nu)
        if sketch.spectrum == "gaussian" != kernel.spectrum:
            lengths = MATERN_LENGTH * kernel.length_scales
            is_long = kernel.frequencies.any(1, keepdims=True) & (kernel.length_scales > LONG_SKETCH * self.scales.span)
            kernel = kernel.replaced(length_scales=np.where(is_long, PERIODIC_LENGTH * self.scales.span, lengths))
        return Objective(self.solver, kernel, self.scales).fit(min(REFINING_STEPS, self.settings.max_iter))

    def with_sines(self, fit):
        """The fit, or a better one with sines that the smooth Gaussian peak of a sketch has hidden."""
        if not len(self.grid):
            return fit
        found = fit.kernel.frequencies
        peaks = [
            (frequency, weight) for frequency, weight in self.solver.sines(self.n_components)
            if not (np.abs(found - frequency) * self.scales.span < HALF_WIDTH).all(1).any()
        ]  # fmt: skip
        if not peaks:
            return fit
        bigger = Objective(self.solver, self.extended(fit.kernel, peaks), self.scales)
        return max(fit, bigger.fit(min(SINE_STEPS, self.settings.max_iter)), key=lambda each: each.criterion)

    def continued(self, fit):
        """From what was learned from a sample of the rows; the solver suits the kernel before and after."""
        self.solver.adapt(fit.kernel)
        if self.solver.believes_sample and not len(self.grid):
            return fit  # nothing grows, and one likelihood of all rows may take seconds
        n_steps = 0 if self.solver.believes_sample else self.settings.max_iter
        fit = Objective(self.solver, fit.kernel, self.scales).fit(n_steps, self.settings.verbose)
        self.solver.adapt(fit.kernel)
        return self.grow(fit)

    def extended(self, kernel, peaks):
        least = NEW_WEIGHT * self.scales.variance
        for frequency, weight in peaks:
            kernel = kernel.with_component(max(weight, least), self.scales.span, frequency)
        return kernel

    def grow(self, fit):
        """Add components where the likelihood's slope by power is significant."""
        while len(self.grid):
            leading = fit.kernel.frequencies[fit.kernel.ties.leads]
            n_found = np.sum(leading.any(1)) - len(self.settings.known)
            n_more = max(0, min(COMPONENTS_PER_ROUND, self.n_components - n_found))
            power, norm = self.solver.score(fit.kernel, self.grid)
            season = self.with_season(fit.kernel, power, norm) if n_more and self.has_seasons else None
            if season is not None and (bigger := self.optimise(season)).criterion > fit.criterion:
                fit = bigger
                continue
            peaks = peaks_of_score(power, norm, self.grid, self.scales.span, n_more)
            bigger = self.optimise(self.extended(fit.kernel, peaks)) if peaks else fit
            if not bigger.criterion > fit.criterion:
                break
            fit = bigger
        return fit

    def with_season(self, kernel, power, norm):
        """The mixture with the comb of harmonics that the slope is least likely to have by chance, if any."""
        if self.grid.shape[1] > 1:
            return None
        span, frequencies = float(self.scales.span[0]), self.grid[:, 0]
        comb = likeliest_comb(power, norm, frequencies, span, frequencies[-1])
        if comb is None or comb.alarm > FALSE_ALARM:
            return None
        weights = np.maximum(comb.weights, NEW_WEIGHT * self.scales.variance)
        return kernel.with_comb(weights, self.scales.span, comb.frequency, comb.multiples, known=comb.is_whole)

    def prune(self, fit):
        """Drop components one at a time, the weakest first, while the criterion allows."""
        while len(fit.kernel.weights) > 1:
            smaller = (self.without(fit, q) for q in np.argsort(fit.kernel.weights))
            better = (other for other in smaller if other is not None and other.criterion >= fit.criterion)
            fit, last = next(better, fit), fit
            if fit is last:
                break
        return fit

    def without(self, fit, q):
        """The fit without a component: refitted if it is worse as it stands, None if it is much worse."""
        kernel = fit.kernel.select(np.arange(len(fit.kernel.weights)) != q)
        plain = Objective(self.solver, kernel, self.scales).fit(0)
        if plain.criterion >= fit.criterion or plain.criterion < fit.criterion - HOPELESS_LOSS:
            return plain if plain.criterion >= fit.criterion else None
        return self.optimise(kernel)


def learn(solver, scales, settings, random_state, like=None):
    """The best fit, in the way that suits the solver; with the waves of a kernel that was learned before, if given."""
    if solver.has_factors:
        return learn_factors(solver, scales, settings)
    search, sample = Search(solver, scales, settings), solver.on_sample()
    if sample is not None and sample.is_gaussian and not solver.is_gaussian:
        if like is not None:
            return search.refined(like)
        like = learn(sample, scales, settings._replace(spectrum="gaussian"), random_state).kernel
        return search.with_sines(search.refined(like))
    if sample is not None:
        return search.continued(learn(sample, scales, settings, random_state, like))
    start = with_known(smooth_start(scales, settings), settings.known, solver.data.X[:, 0], scales)
    if like is not None and like.n_features == 1:
        return search.again(start, like)
    starts = [start, *(moved(start, random_state) for _ in range(settings.n_restarts))]
    fits = [search.best(kernel) for kernel in starts]
    best = max(fits, key=lambda fit: fit.criterion)
    return best if len(scales.span) == 1 else search.from_short(start, best)


def learn_factors(solver, scales, settings):
    """A product of mixtures for a grid: each is learned along its axis from some lines, then all together."""
    fits = []
    for d, line_solver in enumerate(solver.along_axes()):
        along = scales.along([d])
        fits.append(Search(line_solver, along, settings, has_seasons=False).best(smooth_start(along, settings)))
    variance = scales.variance or 1.0
    factors = [fit.kernel.replaced(weights=fit.kernel.weights / fit.kernel.weights.sum()) for fit in fits]
    factors[0] = factors[0].replaced(weights=factors[0].weights * variance)
    noise = max(min(fit.kernel.noise for fit in fits), NOISE_RANGE[0] * variance)
    return Objective(solver, ProductMixture(factors, noise), scales).fit(settings.max_iter, settings.verbose)
