"""The law behind a table, as a formula."""

import warnings
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from .._adoption import adopt
from .._compat import fit_context
from .._surroundings import trainable, without_spinning
from ..data._targets import read_numbers, read_weight
from ._base import FormulaEstimator, constants_of, steps_of
from ._columns import check_size, read_again, read_first
from ._discovery import discover, jacobian
from ._expressions import evaluate, rounded
from ._rows import merge


class KANSymbolicRegressor(RegressorMixin, FormulaEstimator):
    """Finds the law behind a table of numbers, and writes it down as a formula.

    A small network is fitted by Gauss-Newton. Its values and derivatives say how the law is built: which columns enter
    only through a product or a difference, which stand apart. The table is transformed exactly, the network is fitted
    again, and a step is kept if the error at held-out rows falls. What is left are functions of one variable and sums
    of products, which are read off in closed form; all constants are fitted together and replaced by rationals and
    multiples of pi where data cannot tell the difference.

    Parameters
    ----------
    max_seconds : float or None, default=60
        Seconds of computing after which the best formula so far is taken. It counts the time of the calling thread,
        so that a busy machine changes nothing.
    max_steps : int or None, default=None
        Formulas and networks that are fitted at most. A fit with ``max_seconds=None`` and `max_steps` is reproducible
        to the last digit.
    random_state : int, RandomState instance or None, default=None
    library : sequence of str or sympy.Expr, default=()
        Further functions of one variable that formulas may have, such as ``["besselj(0, t)"]``.
    units : dict of str to str, default=None
        Units of columns, and of the target under ``"target"``, such as ``{"m": "kg", "v": "m/s", "target": "J"}``.
        Columns are added only if their units agree, and the law is also looked for in dimensionless groups. Names that
        SI does not know are units by themselves.
    n_jobs : int or None, default=None
        Searches with different seeds, side by side in processes.
    verbose : int, default=0
        1 shows a bar with the best formula so far, 2 prints a line for each better one.

    Attributes
    ----------
    formula_ : sympy.Expr
        The best formula by Schwarz's criterion, in symbols with the columns' names (``x0``, ``x1``, ... for arrays).
        A simpler one is preferred that is hardly worse by it, and better on rows held out.
    front_ : DataFrame
        Formulas that are simpler or better than others: ``formula``, ``complexity`` (nodes, constants count twice),
        ``held_out_error`` and ``error`` (in standard deviations of the target), ``bic``.
    steps_ : list of dict
        How the formula was found: each ``step`` with the network's held-out error ``before`` and ``after``.
    is_exact_ : bool
        Whether the formula reproduces all rows up to rounding, also those farthest out when its constants are fitted
        to the others. Never with noise, in which a small term may be hidden.
    checks_ : dict
        What was checked for that, and what came out. ``"residuals are white"`` is what noisy tables can show.
    constants_ : DataFrame
        Constants that were fitted and not replaced by nice numbers: ``value``, ``standard_error``, ``low``, ``high``
        of a 95 % interval.
    surrogate_error_ : float
        Held-out error of the best network. Infinite if none was needed.
    n_steps_ : int
        Formulas and networks that were fitted.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If `X` has names.

    See Also
    --------
    to_sympy : The closed form of a fitted network.

    Notes
    -----
    Numbers must not be missing. Each frequent level of a category or a text, in a dataframe, is a symbol such as
    ``kind=up``, which is 1 or 0; levels that are unknown or missing have none. Ctrl-C ends the search, not the fit. A
    known part of a law is taken off the target by the caller: ``fit(X, y - known(X))``. Where a formula has no value,
    such as a root of a negative number, `predict` gives the mean of the target and warns.

    Where there is no law, sums of simple functions of columns, and of a few of their products, grow term by term as
    long as Schwarz's criterion falls [1]_.

    References
    ----------
    .. [1] Friedman (1991), *Multivariate adaptive regression splines*, Annals of Statistics.

    Udrescu, Tegmark (2020), *AI Feynman: a physics-inspired method for symbolic regression*, Science Advances.

    Liu et al. (2024), *KAN 2.0: Kolmogorov-Arnold Networks Meet Science*, arXiv:2408.10205.

    Golub, Pereyra (1973), *The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
    separate*, SIAM Journal on Numerical Analysis.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan.symbolic import KANSymbolicRegressor
    >>> X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    >>> law = KANSymbolicRegressor(random_state=0).fit(X, 3 * X[:, 0] / X[:, 1] ** 2)
    >>> law.formula_
    3*x0/x1**2
    >>> law.is_exact_
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **FormulaEstimator._parameter_constraints,
        "units": [dict, None],
    }

    def __init__(self, max_seconds=60, *, max_steps=None, random_state=None, library=(), units=None, n_jobs=None,
                 verbose=0) -> None:  # fmt: skip
        self.max_seconds = max_seconds
        self.max_steps = max_steps
        self.random_state = random_state
        self.library = library
        self.units = units
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None) -> Self:
        """Search for the law.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            A row of weight 2 counts as two rows; those of weight zero are left out.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data cannot be used; nothing has been fitted then.
        """
        reader = copy(self)  # reading notes what it saw, and the fit may still fail
        settings = self._settings(self.units)
        columns, rows = read_rows(reader, X, y, sample_weight)
        with trainable(), without_spinning():
            law = discover(rows, settings)
        return adopt(self, reader, _laws=[law], _columns=columns)

    def predict(self, X, return_std=False) -> Any:
        """Values of the formula.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to also return the standard deviation of an observation: noise, and what is not known of the
            constants. It takes the formula for right.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        std : ndarray of shape (n_samples,)
            If `return_std`.
        """
        check_is_fitted(self)
        X, law = read_again(self, X, self._columns), self._laws[0]
        with np.errstate(all="ignore"):
            values = evaluate(law.formula, law.symbols, X)
        missing = ~np.isfinite(values)
        if missing.any():
            warnings.warn(
                f"The formula {rounded(law.formula)} has no value at {missing.sum()} of {len(X)} rows, for which the "
                "mean of y is predicted.",
                UserWarning,
                stacklevel=2,
            )
            values[missing] = law.mean
        if not return_std:
            return values
        J = np.nan_to_num(jacobian(law.formula, law.symbols, X))
        variance = np.einsum("ni,ij,nj->n", J, law.covariance, J)
        return values, np.sqrt(law.noise**2 + np.maximum(variance, 0))

    @property
    def front_(self):
        import pandas as pd

        front = self._laws[0].front
        return pd.DataFrame({
            "formula": [entry.formula for entry in front],
            "complexity": [entry.complexity for entry in front],
            "held_out_error": [entry.held_out for entry in front],
            "error": [entry.error for entry in front],
            "bic": [entry.bic for entry in front],
        })  # fmt: skip

    @property
    def constants_(self):
        return constants_of(self._laws[0])

    @property
    def steps_(self):
        return steps_of(self._laws[0])

    @property
    def is_exact_(self):
        return self._laws[0].is_exact

    @property
    def checks_(self):
        return dict(self._laws[0].findings)

    @property
    def surrogate_error_(self):
        return self._laws[0].surrogate_error


def read_rows(reader, X, y, sample_weight):
    """Check a table and a target; `reader` notes the columns."""
    columns, X = read_first(reader, X)
    given = np.asarray(y)
    y, _ = read_numbers(y, len(X))
    if y.shape[1] > 1:
        raise ValueError(f"y has {y.shape[1]} outputs. Fit a formula to each of them.")
    check_size("y", y)
    weight = np.ones(len(X)) if sample_weight is None else read_weight(sample_weight, len(X))
    rounding = float(np.finfo(given.dtype).eps) if given.dtype.kind == "f" else float(np.finfo(np.float64).eps)
    return columns, merge(columns.names, X, y[:, 0], weight, rounding)
