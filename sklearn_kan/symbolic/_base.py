"""What estimators of formulas have in common: reading tables, and formulas as code."""

from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import sympy as sp
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval
from .._documented import Documented
from . import _code
from ._discovery import Settings
from ._expressions import rounded
from ._library import T


class FormulaEstimator(Documented, BaseEstimator):
    """Base of estimators that find formulas. Subclasses have `_laws` and `_columns`."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "max_steps": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "library": [list, tuple],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }
    _laws: list
    _columns: Any

    def _settings(self, units, n_laws=1):
        """How laws are searched for, each with its share of the time.

        Raises
        ------
        ValueError
            If the search has no end, or a function cannot be read.
        """
        if self.max_seconds is None and self.max_steps is None:
            raise ValueError("max_seconds=None and max_steps=None set no end to the search. Set one of them.")
        library = tuple(read_function(function) for function in self.library)
        seed = int(check_random_state(self.random_state).randint(2**31 - 2**10))
        seconds = None if self.max_seconds is None else self.max_seconds / n_laws
        steps = None if self.max_steps is None else max(1, self.max_steps // n_laws)
        return Settings(seconds, steps, library, units, getattr(self, "n_jobs", None), self.verbose, seed)

    def latex(self) -> Any:
        """The formula in LaTeX, constants to four digits.

        Returns
        -------
        str or list of str
            A list for several formulas.
        """
        return self._each(lambda law, symbols: sp.latex(rounded(law.formula, 4)))

    def to_python(self, name="law") -> Any:
        """The formula as a Python function of numbers, for which the standard library suffices.

        Levels of categories are arguments of their own, 1 or 0.

        Parameters
        ----------
        name : str, default="law"

        Returns
        -------
        str or list of str
            A list for several formulas.
        """
        return self._each(lambda law, symbols: _code.to_python(law.formula, symbols, name))

    def to_c(self, name="law") -> Any:
        """The formula as a function of C99; levels of categories are arguments of their own, 1 or 0.

        Parameters
        ----------
        name : str, default="law"

        Returns
        -------
        str or list of str
            A list for several formulas.
        """
        return self._each(lambda law, symbols: _code.to_c(law.formula, symbols, name))

    def to_sql(self) -> Any:
        """The formula as an expression of SQL, with columns in double quotes.

        Returns
        -------
        str or list of str
            A list for several formulas.
        """
        return self._each(lambda law, symbols: _code.to_sql(law.formula, symbols, self._columns.indicators))

    def _each(self, translate):
        check_is_fitted(self)
        found = [translate(law, self._columns.symbols) for law in self._laws]
        return found[0] if len(found) == 1 else found

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_laws")

    @property
    def formula_(self):
        formulas = [law.formula for law in self._laws]
        return formulas[0] if len(formulas) == 1 else formulas

    @property
    def n_steps_(self):
        return sum(law.n_steps for law in self._laws)


def constants_of(law):
    """Fitted constants of a law, with their intervals, as a DataFrame."""
    import pandas as pd

    values = np.array([float(a) for a in floats_of(law.formula)])
    deviation = np.sqrt(np.maximum(np.diag(law.covariance), 0))[: len(values)]
    reach = 1.96 * deviation
    return pd.DataFrame({"value": values, "standard_error": deviation, "low": values - reach, "high": values + reach})


def steps_of(law):
    """The way to a law."""
    return [{"step": text, "before": before, "after": after} for (_, before), (text, after) in pairwise(law.steps)]


def floats_of(formula):
    """Fitted constants, in the order in which they are fitted."""
    if isinstance(formula, sp.Float):
        return [formula]
    return [constant for part in formula.args for constant in floats_of(part)]


def read_function(function):
    """A user's function of one variable, in the library's symbol."""
    try:
        expression = sp.sympify(function)
    except (sp.SympifyError, SyntaxError, TypeError) as error:
        raise ValueError(
            f"library has {function!r}, which sympy cannot read. Write it like 'besselj(0, t)'."
        ) from error
    symbols = expression.free_symbols if isinstance(expression, sp.Basic) else ()
    if len(symbols) != 1:
        raise ValueError(f"library has {function!r}, which is no function of one variable. Write it like 'exp(-t**2)'.")
    return expression.xreplace({next(iter(symbols)): T})
