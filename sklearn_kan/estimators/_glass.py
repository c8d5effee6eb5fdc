"""Glass boxes: additive models with the few pairs of columns that held-out rows ask for."""

from itertools import combinations

import numpy as np

from ..model._effect import strengths
from ..model._pairs import held_out_gains, mixed_differences
from ..model._terms import learn_terms, sampled
from ..training._losses import cross_entropy
from ..training._observation import observed_by
from ..training._plan import fit_network
from ._cst import AUTOMATIC, on_inputs

SCREENING = {"n_members": 4, "hidden_layer_sizes": (16,), "max_iter": 15}  # the network that shows candidates
TRIAL = {"n_members": 4, "max_iter": 20}  # the sum of all candidates, on whose held-out rows they are judged
LEAST_CANDIDATES, CANDIDATES_A_COLUMN, MOST_CANDIDATES = 10, 2, 24
LEAST_ROWS = 50  # for any pair
LEAST_GAIN = 1.0  # of held-out rows' loss, in its standard errors, for which a pair stays


def with_pairs(estimator, design, data, rows, settings, validation):
    """A design whose network has the pairs that an estimator's `interaction_cst` asks for.

    A quick network without constraints shows candidates by mixed differences. A quick sum of functions of all columns
    and candidates is fitted, and its terms are purified; what held-out rows lose without a pair decides.

    Parameters
    ----------
    estimator : KANClassifier or KANRegressor
    design : Design
        Of a network without pairs.
    data : Data
    rows : Rows
        Of `data`.
    settings : Settings
    validation : Rows or None

    Returns
    -------
    Design
    """
    n_columns, asked = len(design.encoder.kinds_), estimator.interaction_cst
    n_all = n_columns * (n_columns - 1) // 2
    n_wanted = None if asked == AUTOMATIC else min(int(asked["pairs"]), n_all)
    if n_wanted == 0 or n_all == 0 or len(rows) < LEAST_ROWS:
        return design
    if n_wanted == n_all:
        return design_of(design, combinations(range(n_columns), 2))
    n_usual = min(MOST_CANDIDATES, max(LEAST_CANDIDATES, CANDIDATES_A_COLUMN * n_columns))
    n_candidates = n_usual if n_wanted is None else max(n_usual, 2 * n_wanted)
    settings = settings._replace(
        early_stopping=settings.early_stopping or True, callbacks=(), verbose=0, refit=None, refine_knots=(),
        solver="adam",
    )  # fmt: skip
    with observed_by(unnoticed):
        candidates = screened_pairs(design, rows, settings, validation)[:n_candidates]
        trial = design_of(design, candidates)
        pairs, gains = judged_pairs(trial, data, rows, settings, validation)
    order = np.argsort(-gains[:, 0], kind="stable")
    if n_wanted is None:
        order = [place for place in order if gains[place, 0] > LEAST_GAIN * gains[place, 1]]
    return design_of(design, [pairs[place] for place in order[:n_wanted]])


def unnoticed(valid_loss, n_passes):
    """What preliminary fits tell whoever watches the fit; Ctrl-C ends them at once."""


def screened_pairs(design, rows, settings, validation):
    """Pairs of columns in the order of their mixed differences by a quick network without constraints."""
    single = ("n_members", "hidden_layer_sizes")
    architecture = design.architecture._replace(
        constraints=None, fine_knots=None, **{name: SCREENING[name] for name in single}
    )
    settings = settings._replace(max_iter=SCREENING["max_iter"])
    module = fit_network(architecture, rows, design.loss, settings, validation=validation).network.module.eval()
    X, _, weight = rows.all
    device = next(module.parameters()).device
    owner = design.encoder.column_of_input_
    found = mixed_differences(
        lambda table: comparable(module(table.to(device)).mean(1), design.loss), X, weight, owner, len(design.encoder.kinds_)
    )
    return list(found)


def comparable(raw, loss):
    """Raw outputs; those of classes without what they have in common."""
    return raw - raw.mean(1, keepdim=True) if loss is cross_entropy else raw


def judged_pairs(trial, data, rows, settings, validation):
    """The pairs of a design, and what held-out rows gain by each: its mean and standard error."""
    architecture = trial.architecture._replace(n_members=TRIAL["n_members"])
    settings = settings._replace(max_iter=TRIAL["max_iter"])
    fitted = fit_network(architecture, rows, trial.loss, settings, validation=validation)
    module = fitted.network.module
    terms = learn_terms(module, trial.encoder, selected_of(trial, data), data.weight, rows)
    gains = held_out_gains(module, trial.loss, terms, fitted.net.validation)
    places = [place for place, term in enumerate(terms.terms) if len(term.columns) == 2]
    return [terms.terms[place].columns for place in places], gains[places]


def selected_of(design, data):
    """The columns that a design's network gets."""
    return [column for column, is_used in zip(data.columns, design.selected, strict=True) if is_used]


def design_of(design, pairs):
    """A design whose network has these pairs, and columns without one by themselves."""
    pairs = [set(pair) for pair in pairs]
    n_columns = len(design.encoder.kinds_)
    groups = pairs + [{column} for column in range(n_columns) if not any(column in pair for pair in pairs)]
    constraints = design.architecture.constraints
    _, inputs = on_inputs(np.zeros(n_columns), groups, design.encoder)
    return design._replace(
        architecture=design.architecture._replace(constraints=constraints._replace(groups=inputs))
    )  # fmt: skip


def with_terms(state, data, rows):
    """A state with the terms of its network, if that is a sum of functions of one or two columns."""
    design = state.design
    if not design.architecture.is_sum:
        return state
    terms = learn_terms(state.network.module, design.encoder, selected_of(design, data), data.weight, rows)
    if terms is None:
        return state
    return state._replace(terms=terms._replace(strengths=strengths(state.model, terms, *sampled(rows))))
