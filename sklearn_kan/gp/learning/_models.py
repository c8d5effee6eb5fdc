"""Which trends and shapes of peaks predictions average over, and learning a kernel beside each."""

from typing import NamedTuple

from ._averaging import weighed
from ._fit import Fit, Objective, learn, scales_of
from ._outputs import own_factors

MATERN, ROUGH, GAUSSIAN = ("student_t", 1.5), ("student_t", 0.5), ("gaussian", 1.5)  # shapes of peaks
FEWEST_ROWS = 3  # up to which a line would fit all too well
WAVY_FEATURES = 3  # up to which waves matter more than roughness


class Candidate(NamedTuple):
    """A model to learn: the degree of its trend, the shape of its peaks, and whether it is of the ranks of features."""

    degree: int | None
    shape: tuple[str, float]
    is_ranked: bool = False


def candidates_for(solver, n, n_features):
    """Those that suit some data."""
    is_short = n <= solver.averaged_rows
    if solver.is_gaussian:
        return [Candidate(1, GAUSSIAN)]
    if solver.has_factors:
        return [Candidate(0, MATERN)]
    if n_features == 1 and n <= FEWEST_ROWS:
        return [Candidate(0, MATERN)]
    if n_features == 1:
        return [Candidate(1, MATERN), Candidate(0, MATERN), *[Candidate(1, ROUGH), Candidate(0, ROUGH)] * is_short]
    first = Candidate(1, MATERN if n_features <= WAVY_FEATURES else ROUGH)
    if not solver.leaves_out:
        return [first]
    ranked = [Candidate(1, GAUSSIAN, is_ranked=True), Candidate(0, ROUGH, is_ranked=True)]
    return [first, Candidate(1, GAUSSIAN), Candidate(0, GAUSSIAN), *ranked]


def candidates(solvers, settings, trend_degree):
    """Those that suit the data, or those asked for."""
    chosen = candidates_for(solvers.kind, *solvers.data.X.shape)
    if trend_degree != "auto":
        chosen = [each._replace(degree=trend_degree) for each in chosen]
    if settings.spectrum != "auto":
        shape = settings.spectrum, settings.nu
        chosen = [each._replace(shape=shape) for each in chosen if not each.is_ranked]
    return list(dict.fromkeys(chosen))


def learn_models(solvers, settings, trend_degree, random_state):
    """Models that predictions average over, the most probable first; the most steps that one of them took; and the
    criteria of all candidates.
    """
    learned: list[Candidate] = []
    fits: list[Fit] = []
    objectives: list[Objective] = []
    for each in candidates(solvers, settings, trend_degree):
        like = fits[0].kernel if fits else None
        is_table = bool(fits) and solvers.data.X.shape[1] > 1
        if is_table and fits[0].kernel.frequencies.any():
            break  # a wave matters more than how rough the rest is
        suited = solvers.suited(each)
        scales, solver = scales_of(suited.data.X, suited.variance), suited(each.degree)
        shaped = settings._replace(
            spectrum=each.shape[0], nu=each.shape[1], n_components=0 if is_table else settings.n_components
        )
        learned.append(each)
        fits.append(learn(solver, scales, shaped, random_state, None if is_table else like))
        objectives.append(Objective(solver, fits[-1].kernel, scales))
    is_plain = trend_degree != "auto" and settings.spectrum != "auto"
    models = weighed(learned, fits, objectives, is_plain)
    models = [
        model._replace(factors=own_factors(solvers.suited(model), model.degree, model.kernel)) for model in models
    ]
    return models, max(1, *(fit.n_iter for fit in fits)), [fit.criterion for fit in fits]
