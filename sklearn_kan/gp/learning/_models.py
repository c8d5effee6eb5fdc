"""Which trends and shapes of peaks predictions average over, and learning a kernel beside each."""

from ._averaging import weighed
from ._fit import Fit, Objective, learn, scales_of
from ._outputs import own_factors

MATERN, ROUGH, GAUSSIAN = ("student_t", 1.5), ("student_t", 0.5), ("gaussian", 1.5)  # shapes of peaks
FEWEST_ROWS = 3  # up to which a line would fit all too well
WAVY_FEATURES = 3  # up to which waves matter more than roughness


def shapes_for(solver, n, n_features):
    """Degrees of trends and shapes of peaks (spectrum, nu) that suit some data."""
    is_short = n <= solver.averaged_rows
    if solver.is_gaussian:
        return [(1, GAUSSIAN)]
    if solver.has_factors:
        return [(0, MATERN)]
    if n_features == 1 and n <= FEWEST_ROWS:
        return [(0, MATERN)]
    if n_features == 1:
        return [(1, MATERN), (0, MATERN), *[(1, ROUGH), (0, ROUGH)] * is_short]
    if n_features <= WAVY_FEATURES or not solver.leaves_out:
        return [(1, MATERN)]
    return [(1, ROUGH), (0, ROUGH), (1, GAUSSIAN)]


def candidates(solvers, settings, trend_degree):
    """Those that suit the data, or those asked for: degrees of trends, each with the settings for a shape of peaks."""
    pairs = shapes_for(solvers.kind, *solvers.data.X.shape)
    if trend_degree != "auto":
        pairs = [(trend_degree, shape) for _, shape in pairs]
    if settings.spectrum != "auto":
        pairs = [(degree, (settings.spectrum, settings.nu)) for degree, _ in pairs]
    return [(degree, settings._replace(spectrum=shape[0], nu=shape[1])) for degree, shape in dict.fromkeys(pairs)]


def learn_models(solvers, settings, trend_degree, random_state):
    """Models that predictions average over, the most probable first; the most steps that one of them took; and the
    criteria of all candidates.
    """
    scales = scales_of(solvers.data.X, solvers.variance)
    degrees: list[int | None] = []
    fits: list[Fit] = []
    for degree, shaped in candidates(solvers, settings, trend_degree):
        like = fits[0].kernel if fits else None
        degrees.append(degree)
        fits.append(learn(solvers(degree), scales, shaped, random_state, like))
    objectives = [Objective(solvers(degree), fit.kernel, scales) for degree, fit in zip(degrees, fits, strict=True)]
    is_plain = trend_degree != "auto" and settings.spectrum != "auto"
    models = weighed(degrees, fits, objectives, is_plain)
    models = [model._replace(factors=own_factors(solvers, model.degree, model.kernel)) for model in models]
    return models, max(1, *(fit.n_iter for fit in fits)), [fit.criterion for fit in fits]
