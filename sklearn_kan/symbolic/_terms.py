"""The terms of a glass box as formulas."""

from itertools import islice
from typing import Any

import numpy as np
import sympy as sp

from ..model._effect import model_effects
from ._budget import Budget
from ._curves import fit_curve
from ._expressions import Table, complexity, error_of, number, refit
from ._growth import larger_and_larger
from ._library import T, make_library

MOST_STEPS = 60  # of the growth of a term's formula
MOST_ROWS = 800  # of a term's grid
LEFT = 1.3  # what a formula may leave, in units of what the best one leaves, where none is faithful enough
N_CURVES = 12
COARSE = 0.05  # error up to which curves are told apart by size


def term_formulas(estimator, fidelity=0.99) -> Any:
    """Each term of a glass box as its simplest formula.

    Parameters
    ----------
    estimator : KANClassifier or KANRegressor
        Fitted with `interaction_cst`, such as ``"auto"`` or ``"no_interactions"``: it has ``terms_``.
    fidelity : float, default=0.99
        Share of a term's variance over the training rows that its formula has to explain. If none does, the simplest
        is given of those that leave at most 30 % more than the best one.

    Returns
    -------
    DataFrame
        A row for each term: ``term``, the names of its columns; ``formula``, a sympy.Expr in these names, in which a
        level of a category is a symbol such as ``kind=up``, 1 or 0; ``fidelity``, the share that it explains;
        ``complexity``, nodes of the formula. With several outputs there is a row for each ``output``. With
        ``intercept_`` the formulas add up to about the prediction, or to log-odds or logarithms as terms do.

    Raises
    ------
    TypeError
        If the estimator is no glass box.
    ValueError
        If `fidelity` is not between 0 and 1.

    See Also
    --------
    to_sympy : The exact closed form, which is for computing.

    Notes
    -----
    Missing values have no part in a formula.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.symbolic import term_formulas
    >>> X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    >>> glass = KANRegressor(interaction_cst="no_interactions", n_members=2, max_iter=20, random_state=0)
    >>> table = term_formulas(glass.fit(X, np.log(X[:, 0]) - X[:, 1]))
    >>> list(table.columns)
    ['term', 'formula', 'fidelity', 'complexity']
    """
    import pandas as pd

    if not hasattr(estimator, "terms_"):
        raise TypeError(
            f"{type(estimator).__name__} is no glass box, and has no terms. Fit it with interaction_cst, such as "
            "interaction_cst='auto'."
        )
    if not 0 < fidelity < 1:
        raise ValueError(f"fidelity={fidelity!r} is not between 0 and 1. Pass a share such as 0.99.")
    names = getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(estimator.n_features_in_)])
    rows = []
    for term, effect in zip(estimator.terms_, model_effects(estimator), strict=True):
        for output in range(effect.values.shape[-1]):
            formula, explained = formula_of(effect, [str(names[place]) for place in effect.columns], output, fidelity)
            rows.append({"term": term, "output": output, "formula": formula, "fidelity": explained,
                         "complexity": complexity(formula)})  # fmt: skip
    table = pd.DataFrame(rows)
    return table.drop(columns="output") if table["output"].max() == 0 else table


def formula_of(effect, names, output, fidelity):
    """The simplest formula of a term, and the share that it explains."""
    table = table_of(effect, names, output)
    if table.spread <= 1e-12 * np.abs(table.y).max() or not table.spread:
        return number(np.average(table.y, weights=table.weight)), 1.0
    found: list = []
    for formula in candidates(table):
        fit = refit(formula, table, max_steps=20, least_scale=0.0)
        found.append((1 - error_of(fit.formula, table) ** 2, fit.formula))
    if max(share for share, _ in found) < fidelity:
        found += [(1 - grown.error**2, grown.formula) for grown in larger_and_larger(table, Budget(None, MOST_STEPS))]
    most = max(share for share, _ in found)
    good = [pair for pair in found if pair[0] >= min(fidelity, 1 - LEFT * (1 - most))]
    share, formula = min(good, key=lambda pair: (complexity(pair[1]), -pair[0]))
    plain = {symbol: sp.Symbol(symbol.name) for symbol in table.symbols}
    return formula.xreplace(plain), float(share)


def candidates(table):
    """A constant, a plane, and for one column the library's curves."""
    mean = float(np.average(table.y, weights=table.weight))
    A = np.column_stack([np.ones(len(table.y)), table.X])
    root = np.sqrt(table.weight)
    coef, *_ = np.linalg.lstsq(A * root[:, None], table.y * root, rcond=None)
    yield number(mean)
    yield sp.Add(number(coef[0]), *[number(c) * s for c, s in zip(coef[1:], table.symbols, strict=True)])
    if table.X.shape[1] == 1:
        with np.errstate(all="ignore"):
            fits = fit_curve(make_library(), table.X[:, 0], table.y, tolerance=COARSE, top=N_CURVES,
                             weight=table.weight)  # fmt: skip
        yield from (fit.formula.xreplace({T: table.symbols[0]}) for fit in islice(fits, N_CURVES))


def table_of(effect, names, output):
    """A term's values at the places of its columns, weighted by the rows there."""
    axes = [axis_of(places, name) for places, name in zip(effect.places, names, strict=True)]
    grid = np.meshgrid(*[np.flatnonzero(used) for used, _, _ in axes], indexing="ij")
    chosen = tuple(part.ravel() for part in grid)
    weight = effect.density[chosen]
    used = np.flatnonzero(weight > 0)
    if len(used) > MOST_ROWS:
        used = np.sort(np.random.default_rng(0).choice(used, MOST_ROWS, replace=False))
    chosen = tuple(part[used] for part in chosen)
    weight = weight[used] / weight[used].mean()
    X = np.column_stack([values[part] for (_, values, _), part in zip(axes, chosen, strict=True)])
    names = [name for _, _, own in axes for name in own]
    symbols = tuple(sp.Symbol(name, positive=True) if (x > 0).all() else sp.Symbol(name, real=True)
                    for name, x in zip(names, X.T, strict=True))  # fmt: skip
    y = effect.values[(*chosen, output)]
    spread = float(np.sqrt(np.average(np.square(y - np.average(y, weights=weight)), weights=weight)))
    return Table(symbols, X, y, weight, spread)


def axis_of(places, name):
    """Which places of a column have values, the numbers that formulas know of there, and their names."""
    if places.dtype.kind == "O":
        labels = [label for label in places if label is not None]
        values = np.array([[float(label == other) for other in labels] for label in places])
        return np.array([label is not None for label in places]), values, [f"{name}={label}" for label in labels]
    places = places.astype(float)
    return np.isfinite(places), places[:, None], [name]
