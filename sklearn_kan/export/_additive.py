"""Glass boxes as sums of curves and tables: what readable source code is printed from."""

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch

from ..data._encoding import CLIP
from ..data._table import Column
from ..data._targets import LOG_LINK, Classes
from ..model._effect import in_units
from ..model._terms import centred
from ..network._shares import group_outputs, of_inputs
from ..training._losses import MAX_LOG_MEAN, Tweedie, cross_entropy
from ._outputs import classes_of, columns_of, is_flat, steps_of
from ._pieces import Curve, pieced

MOST_CELLS = 5_000  # of a pair; databases take long to read more
ACCURACY = 5e-8  # of a curve, in the strongest term's standard deviations


class Numeric(NamedTuple):
    """A function of a numeric column.

    Parameters
    ----------
    column : str or int
    center, rate : float
        The curve's argument is ``t / sqrt(1 + (t / 3)**2)`` with ``t = (x - center) * rate``.
    curve : Curve
    special : list of (float, ndarray)
        Values of single places, which are not the curve's.
    missing : ndarray of shape (n_outputs,)
    """

    column: Any
    center: float
    rate: float
    curve: Curve
    special: list
    missing: np.ndarray


class Product(NamedTuple):
    """A function of two numeric columns: the sum of products of their functions.

    Parameters
    ----------
    first : Numeric
        With ``n * n_outputs`` values.
    second : Numeric
        With ``n`` values.
    """

    first: Numeric
    second: Numeric


class Choice(NamedTuple):
    """A function of a categorical column, and of another one if values are functions of it.

    Parameters
    ----------
    column : str or int
    cases : list of (label, value)
        Values are arrays (n_outputs,), or `Numeric` or `Choice`.
    missing, unknown : value
    """

    column: Any
    cases: list
    missing: Any
    unknown: Any


class Additive(NamedTuple):
    """A prediction as a sum of functions.

    Parameters
    ----------
    names : list of str
        Of the terms.
    terms : list of Numeric, Choice or Product
    intercept : ndarray of shape (n_outputs,)
    link : {"identity", "log", "logit", "softmax"}
        What the sum is.
    most : float or None
        Bound of a logarithm.
    outputs : list
        Classes, or numbers from 0 on.
    is_flat : bool
        Whether the prediction is one number.
    kind : str
        The estimator's.
    """

    names: list[str]
    terms: list
    intercept: np.ndarray
    link: str
    most: float | None
    outputs: list
    is_flat: bool
    kind: str


class NotAdditiveError(ValueError):
    """A model that is no sum of curves and tables."""


def additive(model):
    """A glass box as a sum of curves and tables, in double precision.

    Raises
    ------
    NotAdditiveError
        If the model is no glass box, has a pair of numeric columns that is not tabulated, dates with cycles, or several
        quantiles.
    """
    steps_of(model)  # checks
    fitted = model.model_
    if fitted.terms is None:
        raise NotAdditiveError(
            "model is not a sum of functions of one or two columns. Fit it with interaction_cst='no_interactions' or "
            "'auto', or use to_c or to_python, which take every network."
        )
    if getattr(fitted.target, "n_quantiles", 0):
        raise NotAdditiveError("model predicts several quantiles, which are sorted. Fit a model for each of them.")
    own = Functions(model)
    fields = [column for column in columns_of(model) if column["used"]]
    names = [" & ".join(str(fields[column]["name"]) for column in term.columns) for term in own.terms.terms]
    terms = [own.term(number, fields) for number in range(len(names))]
    intercept = in_units(fitted, own.terms.intercept, is_level=True)[0]
    classes, _ = classes_of(model)
    loss = fitted.loss
    is_log = not isinstance(fitted.target, Classes) and fitted.target.scaler.loss in LOG_LINK
    link = "identity" if loss is not cross_entropy else "logit" if len(classes) == 2 else "softmax"
    most = loss.max_log_mean if isinstance(loss, Tweedie) else MAX_LOG_MEAN
    return Additive(
        names, terms, intercept, "log" if is_log else link, most + logarithm(fitted) if is_log else None,
        list(range(len(intercept))) if classes is None else classes, is_flat(model), type(model).__name__,
    )  # fmt: skip


def logarithm(fitted):
    """What the logarithm of a prediction has in addition to a network's output."""
    return float(np.log(fitted.target.scaler.scale_).max())


class Functions:
    """The terms of a glass box, to be asked for their values."""

    def __init__(self, model):
        fitted = model.model_
        self.model = fitted._replace(module=deepcopy(fitted.module).double().cpu().eval())
        self.encoder, self.terms = fitted.encoder, fitted.terms.averaged(fitted.member_weights)
        strongest = np.nanmax(fitted.terms.strengths) if len(fitted.terms.terms) else 1.0
        self.tolerance = ACCURACY * float(strongest or 1.0)

    def values(self, term, *columns):
        """A term at rows of its columns: (n, n_outputs)."""
        encoded = sum(self.encoder.transform_column(column) for column in columns)
        own = self.parts(term, encoded).sum(1)[:, None, None]
        raw = term._replace(parts=(0,)).values(own, [axis.hats(encoded) for axis in term.bases])
        return in_units(self.model, raw[:, 0])

    @torch.no_grad()
    def parts(self, term, encoded):
        """What the network's parts of a term put out, members averaged: (n, n_parts, n_raw)."""
        if not term.parts:
            return np.zeros((len(encoded), 0, self.model.target.n_raw))
        module, x = self.model.module, torch.from_numpy(encoded)
        direct, wanted = getattr(module, "direct", None), np.array(term.parts)
        if direct is not None and (wanted >= len(module.groups)).all():  # hidden layers take most of the time
            found, wanted = of_inputs(direct, x), wanted - len(module.groups)
        else:
            found = group_outputs(module, x)
        weights = self.model.member_weights
        found = np.einsum("nmpo,m->npo", found[:, :, wanted].numpy(), weights / weights.sum())
        return centred(found) if self.terms.has_classes else found

    def term(self, number, fields):
        """A term as curves and tables."""
        term = self.terms.terms[number]
        own = [fields[column] for column in term.columns]
        for field in own:
            if field["cycles"]:
                raise NotAdditiveError(
                    f"Column {field['name']!r} has cycles of dates, which are no curve. Use to_c or to_python, or turn "
                    "the column into numbers before fitting."
                )
        order = sorted(range(len(own)), key=lambda i: own[i]["kind"] != "category")
        kinds = [own[i]["kind"] for i in order]
        if len(own) == 2 and "category" not in kinds:
            if term.parts:
                raise NotAdditiveError(
                    f"The pair {tuple(field['name'] for field in own)} is a network of two numbers. Tabulate it with "
                    "inspection.round_terms(model, decimals), leave it out with inspection.remove_terms, or use to_c "
                    "or to_python, which take it as it is."
                )
            return self.grid(term, own)
        return self.function(term, [(term.columns[i], own[i]) for i in order], [])

    def function(self, term, columns, given):
        """The function of the columns that are not given."""
        (place, field), *others = columns

        def at(value):
            column = Column(place, np.array([value], dtype=object if field["kind"] == "category" else float),
                            field["kind"])  # fmt: skip
            return self.function(term, others, [*given, column]) if others else self.values(term, *given, column)[0]

        if field["kind"] == "category":
            known = [(label, at(label)) for label, _ in field["codes"]]
            return Choice(field["name"], known, at(None), at(Unknown()))
        return self.numeric(term, place, field, given)

    def numeric(self, term, place, field, given):
        def function(column):
            rows = [other._replace(values=other.values.repeat(len(column.values))) for other in given]
            return self.values(term, *rows, column)

        return self.curve(term, place, field, function)

    def curve(self, term, place, field, function):
        """A function of a column of numbers, ``Column of n rows -> (n, n_outputs)``."""
        encoder = self.encoder
        i = int(np.flatnonzero(encoder.column_of_input_ == place)[0])
        center, rate = float(encoder.center_[i]), float(encoder.rate_[i])

        def values(x):
            return function(Column(place, x, field["kind"]))

        special = [(float(atom), values(np.array([atom]))[0]) for atom in encoder.atoms_.get(i, ())]
        if not rate:  # a constant column
            curve = Curve([], [0.0], [values(np.array([center]))])
        else:
            breaks = squeezed(np.array(self.breaks(term, place, i)), center, rate)
            low, high = -CLIP * (1 - 1e-9), CLIP * (1 - 1e-9)
            curve = pieced(lambda t: values(stretched(t, center, rate)), low, high, breaks, self.tolerance)
        return Numeric(field["name"], center, rate, curve, special, values(np.array([np.nan]))[0])

    def breaks(self, term, place, i):
        """Places of the column where its functions have no third derivative."""
        encoder, found = self.encoder, []
        seen = [axis.knots for axis in term.bases if axis.column == place]
        modules = self.model.module, getattr(self.model.module, "direct", None)
        for module in modules if term.parts else ():  # tables alone have no knots
            for basis, _ in module.layers[0].basis.parts(module.layers[0].n_units) if module is not None else ():
                knots = getattr(basis, "knots", None)
                if knots is not None and knots.ndim == 2 and len(knots) > i:
                    seen.append(knots[i].detach().numpy())
        found += unencoded(encoder, i, np.unique(np.concatenate(seen)) if seen else np.empty(0)).tolist()
        found += encoder.bends_[i].places.tolist() if i in encoder.bends_ else []
        found += encoder.atoms_.get(i, np.empty(0)).tolist()
        return found + encoder.places_.get(i, np.empty(0)).tolist()

    def grid(self, term, fields):
        """A pair of numbers that is linear between the places of both."""
        in_both = in_units(self.model, term.grid[0]).reshape(len(term.grid[0]), -1)

        def hats(number):
            axis = term.bases[number]
            return lambda column: axis.hats(self.encoder.transform_column(column))

        first = self.curve(term, term.columns[0], fields[0], lambda column: hats(0)(column) @ in_both)
        second = self.curve(term, term.columns[1], fields[1], hats(1))
        n_cells = len(first.curve.centers) * len(second.curve.centers)
        if n_cells > MOST_CELLS:
            raise NotAdditiveError(
                f"The pair {tuple(field['name'] for field in fields)} has {n_cells} cells, more than {MOST_CELLS}. Use "
                "to_c or to_python, or leave it out with inspection.remove_terms."
            )
        return Product(first._replace(special=[]), second._replace(special=[]))


class Unknown:
    """A label that no column has."""


def squeezed(x, center, rate):
    with np.errstate(over="ignore"):
        t = np.clip((x - center) * rate, -1e100, 1e100)
    return t / np.sqrt(1 + np.square(t / CLIP))


def stretched(z, center, rate):
    return z / np.sqrt((1 - z / CLIP) * (1 + z / CLIP)) / rate + center


def unencoded(encoder, i, z):
    """Where a numeric input has encoded values, by bisection on the squeezed axis."""
    center, rate = float(encoder.center_[i]), float(encoder.rate_[i])
    if i not in encoder.bends_:
        return stretched(z[np.abs(z) < CLIP], center, rate) if rate else np.empty(0)
    low, high = np.full(len(z), -CLIP * (1 - 1e-12)), np.full(len(z), CLIP * (1 - 1e-12))
    for _ in range(60):
        middle = (low + high) / 2
        block = np.repeat(stretched(middle, center, rate)[:, None], encoder.n_numeric_, 1)
        is_below = encoder.encode_numeric(block)[:, i] < z
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return stretched((low + high) / 2, center, rate)
