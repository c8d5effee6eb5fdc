"""A problem that is left after exact transformations of columns and target, and the steps that lead to one."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from ._curves import fit_curve
from ._expressions import compiled, is_usable, rounded
from ._library import T
from ._outer import as_weight, mapped
from ._structures import split_scale

LARGEST_TARGET = 1e12
NICE_WITHIN = 0.02  # relative distance in which a constant inside is taken to be a simple number


class State(NamedTuple):
    """Columns and a target, with the way back to the original ones.

    Parameters
    ----------
    columns : list of sympy.Expr
        In the original columns' symbols.
    X : ndarray of shape (n_samples, n_columns)
    y, weight : ndarray of shape (n_samples,)
        Weights count squared errors of `y` as errors of the original target.
    wrap : callable
        From an expression of `y` to one of the original target.
    back : callable
        ``(values, rows)``, the same for values at some rows, a slice or an array.
    steps : tuple of str
        What has been done so far.
    """

    columns: list
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    wrap: Callable
    back: Callable
    steps: tuple = ()

    def without(self, *places):
        """The columns that are left, and their values."""
        kept = [j for j in range(len(self.columns)) if j not in places]
        return [self.columns[j] for j in kept], self.X[:, kept]

    def key(self):
        size = np.abs(self.y[0]) + 1e-12
        return str(sorted(map(str, self.columns))) + str(np.round(self.y[:3] / size, 6))

    def is_usable(self):
        whole = np.isfinite(self.y).all() and np.isfinite(self.X).all()
        return bool(whole and np.abs(self.y).max() < LARGEST_TARGET)


def divided(state, columns, X, values, expression, step):
    """The state whose target is ``y / values``."""
    return State(
        columns, X, state.y / values, state.weight * as_weight(np.abs(values)),
        lambda e: state.wrap(e * expression), lambda g, rows: state.back(g * values[rows], rows), (*state.steps, step),
    )  # fmt: skip


def subtracted(state, columns, X, outer, values, expression, step):
    """The state whose target is ``u(y) - values``."""
    target = mapped(outer, state.y)
    return State(
        columns, X, target.values - values, state.weight * target.weight,
        lambda e: state.wrap(target.symbolic(e + expression)),
        lambda g, rows: state.back(target.inverse(g + values[rows]), rows), (*state.steps, step),
    )  # fmt: skip


class Drop(NamedTuple):
    """Leave out columns that have no effect."""

    places: tuple

    def apply(self, state, context):
        columns, X = state.without(*self.places)
        names = ", ".join(str(state.columns[i]) for i in self.places)
        step = f"{names} left out"
        return [state._replace(columns=columns, X=X, steps=(*state.steps, step))]


class Power(NamedTuple):
    """Divide by a power of a column, ``y / x**p``, and leave it out."""

    place: int
    power: Any

    def apply(self, state, context):
        columns, X = state.without(self.place)
        with np.errstate(all="ignore"):
            factor = state.X[:, self.place] ** float(self.power)
        if not np.isfinite(factor).all() or (factor == 0).any():
            return []
        term = state.columns[self.place] ** self.power
        return [divided(state, columns, X, factor, term, f"divided by {term}")]

    @property
    def places(self):
        return (self.place,)


class Group(NamedTuple):
    """Put columns together to one: a product of powers, a weighted sum, or one of squares."""

    kind: str
    members: tuple  # pairs of a place and an exponent or weight

    def apply(self, state, context):
        terms = [(state.X[:, j], state.columns[j], q) for j, q in self.members]
        with np.errstate(all="ignore"):
            if self.kind == "product":
                values = np.prod([x ** float(q) for x, _, q in terms], axis=0)
                expression = sp.Mul(*[c**q for _, c, q in terms])
            elif self.kind == "sum":
                values = sum(float(q) * x for x, _, q in terms)
                expression = sp.Add(*[q * c for _, c, q in terms])
            else:
                values = sum(float(q) * x**2 for x, _, q in terms)
                expression = sp.Add(*[q * c**2 for _, c, q in terms])
        columns, X = state.without(*self.places)
        step = f"{', '.join(str(c) for _, c, _ in terms)} only through {expression}"
        columns, X = [*columns, expression], np.column_stack([X, values])
        return [state._replace(columns=columns, X=X, steps=(*state.steps, step))]

    @property
    def places(self):
        return tuple(j for j, _ in self.members)


class Scaled(NamedTuple):
    """Divide by a power of a column that is also part of a product, ``y = x**p g(x z**q, ...)``."""

    place: int
    other: int
    power: Any
    ratio: Any

    def apply(self, state, context):
        columns, X = state.without(self.place, self.other)
        x, z = state.X[:, self.place], state.X[:, self.other]
        with np.errstate(all="ignore"):
            factor, values = x ** float(self.power), x * z ** float(self.ratio)
        if not (np.isfinite(factor).all() and np.isfinite(values).all() and factor.all()):
            return []
        term = state.columns[self.place] ** self.power
        group = state.columns[self.place] * state.columns[self.other] ** self.ratio
        columns, X = [*columns, group], np.column_stack([X, values])
        return [divided(state, columns, X, factor, term, f"divided by {term}, the rest only through {group}")]

    @property
    def places(self):
        return self.place, self.other


class Shift(NamedTuple):
    """Take a column off that moves the target with it, ``y = x_i + g(x_j - x_i, ...)``."""

    place: int
    other: int

    def apply(self, state, context):
        columns, X = state.without(self.place, self.other)
        x, column = state.X[:, self.place], state.columns[self.place]
        apart = state.columns[self.other] - column
        columns, X = [*columns, apart], np.column_stack([X, state.X[:, self.other] - x])
        step = f"{column} taken off, the rest only through {apart}"
        return [subtracted(state, columns, X, "id", x, column, step)]

    @property
    def places(self):
        return self.place, self.other


class Together(NamedTuple):
    """Several powers and groups of different columns at once, and columns left out."""

    parts: tuple

    def apply(self, state, context):
        names, now = state.columns, state
        for part in self.parts:
            place = {column: j for j, column in enumerate(now.columns)}  # places change as columns go
            if isinstance(part, Drop):
                moved: Any = Drop(tuple(place[names[j]] for j in part.places))
            elif isinstance(part, Power):
                moved = part._replace(place=place[names[part.place]])
            else:
                moved = part._replace(members=tuple((place[names[j]], q) for j, q in part.members))
            following = moved.apply(now, context)
            if not following:
                return []
            now = following[0]
        return [now._replace(steps=(*state.steps, "; ".join(now.steps[len(state.steps) :])))]


class Separate(NamedTuple):
    """Take a function of one column off, ``u(y) - f(x)`` or ``y / f(x)``, f read off a curve."""

    place: int
    outer: str
    is_factor: bool
    t: np.ndarray
    f: np.ndarray

    def apply(self, state, context):
        columns, X = state.without(self.place)
        x, column = state.X[:, self.place], state.columns[self.place]
        for fit in fit_curve(context.library, self.t, self.f, tolerance=context.tolerance, top=2):
            formula = without_offset(fit.formula, self.is_factor)
            if formula.is_number or not is_usable(formula):
                continue
            values = np.asarray(compiled([T], formula)(x), float) + 0 * x
            expression = formula.xreplace({T: column})
            if not np.isfinite(values).all():
                continue
            if self.is_factor:
                if np.abs(values).min() > 1e-9 * np.abs(values).max():
                    step = f"divided by {rounded(expression)}"
                    yield divided(state, columns, X, values, expression, step)
            elif mapped(self.outer, state.y) is not None:
                step = f"{rounded(expression)} taken off {named(self.outer)}"
                yield subtracted(state, columns, X, self.outer, values, expression, step)

    @property
    def places(self):
        return (self.place,)


class Affine(NamedTuple):
    """Take a term ``B(others) f(x)`` off; B is a smaller problem, on values of the network."""

    place: int
    outer: str
    t: np.ndarray
    f: np.ndarray

    def apply(self, state, context):
        target = mapped(self.outer, state.y)
        if target is None:
            return
        columns, X = state.without(self.place)
        x, column = state.X[:, self.place], state.columns[self.place]
        for fit in fit_curve(context.library, self.t, self.f, tolerance=context.tolerance, top=2, price=0.06):
            formula = without_offset(fit.formula, is_factor=False, is_scaled=True)
            if formula.is_number or not is_usable(formula):
                continue
            function = compiled([T], formula)
            coefficients = context.coefficients_of(self.place, self.outer, self.t, np.asarray(function(self.t), float))
            if coefficients is None:
                continue
            for slope in context.subproblem(*coefficients, columns):
                values = slope(X) * np.asarray(function(x), float)
                expression = slope.formula * formula.xreplace({T: column})
                if np.isfinite(values).all() and expression != 0:
                    step = f"{rounded(expression)} taken off {named(self.outer)}"
                    yield subtracted(state, columns, X, self.outer, values, expression, step)

    @property
    def places(self):
        return (self.place,)


def named(outer):
    return {"id": "the target", "inv": "1/target", "sq": "target**2", "isq": "1/target**2", "sqrt": "sqrt(target)"}.get(
        outer, f"{outer}(target)"
    )


def without_offset(formula, is_factor, is_scaled=False):
    """A curve's formula without the scale or the constant that another part of the law has."""
    if is_factor:
        return tidied(split_scale(formula)[1])
    terms = sp.Add(*[term for term in sp.Add.make_args(formula) if not term.is_number])
    if is_scaled and not isinstance(terms, sp.Add):
        terms = split_scale(terms)[1]
    return tidied(terms)


def tidied(formula):
    """Constants that are close to simple numbers made simple: data are transformed exactly only by exact constants."""
    for total in formula.atoms(sp.Add):
        small = [a for a in total.args if isinstance(a, sp.Float) and abs(float(a)) < 0.03]
        if small and T in total.args:
            formula = formula.xreplace({total: total - small[0]})
    replaced = {}
    for constant in formula.atoms(sp.Float):
        for denominator in (1, 2, 3, 4):
            near = round(float(constant) * denominator) / denominator
            if near and abs(float(constant) - near) < NICE_WITHIN * abs(near):
                replaced[constant] = sp.Float(near, 17)
                break
    formula = formula.xreplace(replaced)
    whole = {p: p.base ** int(p.exp) for p in formula.atoms(sp.Pow) if p.exp.is_Float and p.exp == int(p.exp)}
    return formula.xreplace(whole)
