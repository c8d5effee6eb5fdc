"""Groups of rows that share an operator, and what they are to first order around a solution."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ._conditioning import Rows
from ._values import linearise


class Group(NamedTuple):
    """Rows that say ``residual(x, u) = target``."""

    name: str
    residual: Callable
    points: np.ndarray  # (n, D)
    target: np.ndarray  # (n,)
    hard: bool


class LinearRows(NamedTuple):
    """A group linearised around a solution: ``Σ coefficients ∂u = target``."""

    points: np.ndarray
    coefficients: dict  # derivative to (n,)
    target: np.ndarray  # (n,)
    error: np.ndarray  # (n,), what the solution that it was linearised around leaves
    hard: bool
    terms: float  # the largest term around the solution that it was linearised around

    @property
    def has_source(self):
        """Whether zero does not solve the rows."""
        return bool(np.abs(self.target).max(initial=0) > 1e-9 * self.terms)

    def design(self, waves):
        """Rows on the coefficients of waves."""
        keys = list(self.coefficients)
        columns = waves(self.points, keys)
        total = np.zeros((len(self.points), len(waves.amplitudes)))
        for key, matrix in zip(keys, columns, strict=True):
            total += self.coefficients[key][:, None] * matrix
        return Rows(total, self.target, self.hard)

    def symbol(self, frequencies):
        """What the operator makes of ``exp(i ω·x)``, over that wave: (n, m)."""
        total = np.zeros((len(self.points), len(frequencies)), dtype=complex)
        for key, coefficient in self.coefficients.items():
            total += coefficient[:, None] * symbol_of(key, frequencies)
        return total

    def smallest(self, frequency):
        """Size of the operator's answer to a wave of a frequency, all terms counted positive."""
        return sum(
            np.abs(c).mean() * np.abs(symbol_of(key, frequency[None])[0]) for key, c in self.coefficients.items()
        )


def symbol_of(key, frequencies):
    """What a derivative makes of ``exp(i ω·x)``, over that wave; (m,)."""
    if key and key[0] == "riesz":
        return -(np.linalg.norm(frequencies, axis=1) ** key[1])
    return np.prod([1j * frequencies[:, axis] for axis in key], axis=0) if key else np.ones(len(frequencies))


def linear_rows(group, field, parameters):
    """A group around a solution; `field` gives derivatives at points."""
    value, slopes = linearise(group.residual, group.points, lambda key: field(group.points, key), parameters)
    terms = [slope * field(group.points, key) for key, slope in slopes.items()]
    moved = sum(terms, start=np.zeros(len(value)))
    error = group.target - value
    bad = ~np.isfinite(error) | ~np.isfinite(moved)
    if bad.any():
        raise ValueError(
            f"The residual of {group.name!r} is not finite at {group.points[bad.argmax()]}. Check the source and the "
            "coefficients there."
        )
    return LinearRows(group.points, slopes, error + moved, error, group.hard,
                      max((np.abs(term).max(initial=0) for term in terms), default=0.0))  # fmt: skip


def nothing(points, key):
    """The solution before the first step."""
    return np.zeros(len(points))


def same_operator(rows, moved):
    """Whether the coefficients are the same around two solutions: the equation is linear."""
    return all(
        one.coefficients.keys() == two.coefficients.keys()
        and all(np.allclose(one.coefficients[k], two.coefficients[k], rtol=1e-12, atol=0) for k in one.coefficients)
        for one, two in zip(rows, moved, strict=True)
    )
