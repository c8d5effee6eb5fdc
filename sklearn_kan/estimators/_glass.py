"""Glass boxes: additive models with the few pairs of columns that held-out rows ask for."""

from itertools import combinations

import numpy as np
from sklearn.utils import check_random_state

from ..model._effect import strengths
from ..model._model import Model
from ..model._pairs import held_out_losses, mixed_differences
from ..model._terms import learn_terms, sampled
from ..training._evaluation import held_out_outputs
from ..training._losses import averaged, cross_entropy
from ..training._observation import observed_by
from ..training._plan import fit_network
from ._cst import AUTOMATIC, on_inputs
from ._design import members_within

SCREENING = {"n_members": 4, "n_units": 16, "max_iter": 15}  # the network that shows candidates
TRIAL = {"n_members": 7, "max_iter": 20}  # the sum of all candidates; each row is held out by one member
LEAST_CANDIDATES, CANDIDATES_A_COLUMN, MOST_CANDIDATES = 10, 2, 24
LEAST_ROWS = 50  # for any pair
LEAST_GAIN = 2.0  # in the loss of held-out rows, in standard errors, for any pair


def with_pairs(estimator, design, data, rows, settings, validation):
    """A design whose network has the pairs that an estimator's `interaction_cst` asks for.

    A quick network without constraints shows candidates by mixed differences. A quick sum of functions of all columns
    and candidates is fitted, and its terms are purified. Pairs stay, the strongest first, as long as the loss of
    held-out rows falls, if it falls below that of an additive model.

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
        return design_of(design, ())
    if n_wanted == n_all:
        return design_of(design, combinations(range(n_columns), 2))
    n_usual = min(MOST_CANDIDATES, max(LEAST_CANDIDATES, CANDIDATES_A_COLUMN * n_columns))
    n_candidates = n_usual if n_wanted is None else max(n_usual, 2 * n_wanted)
    settings = settings._replace(
        early_stopping=True,
        callbacks=(),
        verbose=0,
        refit=None,
        refine_knots=(),
        solver="adam",
        random_state=check_random_state(settings.random_state).randint(np.iinfo(np.int32).max),
    )
    n_passes = settings.passes(estimator.n_members, 1 + len(design.architecture.hidden_layer_sizes))
    briefly = settings._replace(max_iter=n_passes)
    with observed_by(unnoticed):
        candidates = screened_pairs(design, rows, briefly, validation)[:n_candidates]
        losses = None if n_wanted is not None else additive_losses(design, rows, settings, validation)
        pairs, n_useful = judged_pairs(design_of(design, candidates), data, rows, briefly, validation, losses)
    return design_of(design, pairs[: n_useful if n_wanted is None else n_wanted])


def unnoticed(valid_loss, n_passes):
    """What preliminary fits tell whoever watches the fit; Ctrl-C ends them at once."""


def screened_pairs(design, rows, settings, validation):
    """Pairs of columns in the order of their mixed differences by a quick network without constraints."""
    architecture = design.architecture._replace(
        constraints=None, scaled=True, n_members=SCREENING["n_members"],
        hidden_layer_sizes=(SCREENING["n_units"],) * len(design.architecture.hidden_layer_sizes),
    )  # fmt: skip
    settings = settings._replace(max_iter=min(SCREENING["max_iter"], settings.max_iter))
    module = fit_network(architecture, rows, design.loss, settings, validation=validation).network.module.eval()
    X, _, weight = rows.all
    device = next(module.parameters()).device
    owner = design.encoder.column_of_input_
    found = mixed_differences(
        lambda table: comparable(module(table.to(device)).mean(1), design.loss),
        X,
        weight,
        owner,
        len(design.encoder.kinds_),
    )
    return list(found)


def comparable(raw, loss):
    """Raw outputs; those of classes without what they have in common."""
    return raw - raw.mean(1, keepdim=True) if loss is cross_entropy else raw


def additive_losses(design, rows, settings, validation):
    """Losses of held-out rows, (n_rows,), by a model without pairs.

    A sum whose pairs are left out may be worse: fitted without them, its functions of columns would be others.
    """
    architecture = design_of(design, ()).architecture._replace(n_members=TRIAL["n_members"])
    settings = settings._replace(max_iter=settings.passes(TRIAL["n_members"], 1))
    net = fit_network(architecture, rows, design.loss, settings, validation=validation).net
    raw, y, weight = held_out_outputs(net, net.validation)
    raw = averaged(design.loss, raw, np.ones(raw.shape[1]), weight, is_sum=True)
    return design.loss(raw, y).cpu().numpy()


def judged_pairs(trial, data, rows, settings, validation, losses_without=None):
    """The pairs of a design, the strongest first, and how many of them held-out rows ask for.

    `losses_without`, of shape (n_rows,), are those of a model without pairs that holds out the same rows: what pairs
    bring is counted from them, if they are lower than those of the design without its pairs.
    """
    architecture = trial.architecture._replace(n_members=TRIAL["n_members"])
    settings = settings._replace(max_iter=min(TRIAL["max_iter"], settings.max_iter))
    fitted = fit_network(architecture, rows, trial.loss, settings, validation=validation)
    module = fitted.network.module
    terms = terms_of(module, trial, data, rows)
    model = Model(
        trial.encoder, trial.target, trial.loss, architecture, module, np.ones(architecture.n_members), terms=terms
    )  # fmt: skip
    size = strengths(model, terms, *sampled(rows)).sum(1)
    pairs = [place for place in np.argsort(-size, kind="stable") if len(terms.terms[place].columns) == 2]
    losses, weight = held_out_losses(module, trial.loss, terms, pairs, fitted.net.validation)
    if losses_without is not None and weight @ losses_without < weight @ losses[0]:
        losses[0] = losses_without
    return [terms.terms[place].columns for place in pairs], n_to_keep(losses, weight)


def n_to_keep(losses, weight):
    """How many terms, in their order, bring held-out rows the lowest loss; none where that may be chance.

    Parameters
    ----------
    losses : ndarray of shape (n_terms + 1, n_rows)
    weight : ndarray of shape (n_rows,)
    """
    best = int((losses @ weight).argmin())
    gain = losses[0] - losses[best]
    mean = weight @ gain
    error = np.sqrt(np.square(weight) @ np.square(gain - mean))
    return best if mean > LEAST_GAIN * error else 0


def terms_of(module, design, data, rows):
    """The terms of a design's network; None if it is no sum of functions of one or two columns."""
    columns = design.columns_of(data)
    return learn_terms(module, design.encoder, columns, data.weight, rows, design.loss is cross_entropy)


def design_of(design, pairs):
    """A design whose network has these pairs, and a function of each column; no hidden layer if there are none."""
    architecture, pairs = design.architecture, [set(pair) for pair in pairs]
    if not pairs:
        return design._replace(architecture=additive(architecture))
    n_columns = len(design.encoder.kinds_)
    is_direct = not (isinstance(architecture.knots, str) and architecture.knots == "adaptive")  # whose number varies
    if not is_direct:
        pairs += [{column} for column in range(n_columns)]
    _, inputs = on_inputs(np.zeros(n_columns), pairs, design.encoder)
    constraints = architecture.constraints._replace(groups=inputs, direct=is_direct)
    n_members = members_within(architecture, len(inputs))
    return design._replace(architecture=architecture._replace(constraints=constraints, n_members=n_members))


def additive(architecture):
    """An architecture without hidden layers, where parameters are not given layer by layer."""
    given = architecture.basis, architecture.basis_params
    if any(isinstance(parameter, list | tuple) for parameter in given):
        return architecture
    n_knots = architecture.n_knots
    first = n_knots[:1] if isinstance(n_knots, list) else n_knots
    return architecture._replace(hidden_layer_sizes=(), n_knots=first)


def with_terms(state, data, rows):
    """A state with the terms of its network, if that is a sum of functions of one or two columns."""
    design = state.design
    if not design.architecture.is_sum:
        return state
    terms = terms_of(state.network.module, design, data, rows)
    if terms is None:
        return state
    return state._replace(terms=terms._replace(strengths=strengths(state.model, terms, *sampled(rows))))
