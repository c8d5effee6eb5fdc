"""The log-odds of classes, as formulas."""

from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from .._adoption import adopt
from .._compat import StrOptions, fit_context
from .._surroundings import trainable, without_spinning
from ..data._targets import read_classes, read_weight, weigh_classes
from ._base import FormulaEstimator, constants_of
from ._columns import read_again, read_first
from ._expressions import evaluate
from ._log_odds import discover_log_odds
from ._rows import merge

LARGEST_LOG_ODDS = 500.0
MOST_COUNTED = 1e12  # rows of a class: with more its probability would be one


class KANSymbolicClassifier(ClassifierMixin, FormulaEstimator):
    """Finds a formula for the log-odds of a class.

    Sums of simple functions of columns, and of a few of their products, grow term by term by their likelihood. A small
    network is fitted to the classes as well, and the law behind its log-odds is looked for as `KANSymbolicRegressor`
    does. The constants of all formulas are then fitted by likelihood, and Schwarz's criterion chooses.

    Parameters
    ----------
    max_seconds : float or None, default=60
        Seconds of computing after which the best formula so far is taken, all classes together. It counts the time of
        the calling thread.
    max_steps : int or None, default=None
        Formulas and networks that are fitted at most. A fit with ``max_seconds=None`` and `max_steps` is reproducible
        to the last digit.
    class_weight : dict, "balanced" or None, default=None
        As in scikit-learn.
    random_state : int, RandomState instance or None, default=None
    library : sequence of str or sympy.Expr, default=()
        Further functions of one variable that formulas may have, such as ``["besselj(0, t)"]``.
    verbose : int, default=0
        1 shows a bar with the best formula so far, 2 prints a line for each better one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    formula_ : sympy.Expr or list of sympy.Expr
        Log-odds of the second of two classes. Of more classes a list: the log-odds of each against all others.
    front_ : DataFrame
        Formulas that are simpler or better than others: ``formula``, ``complexity`` (nodes, constants count twice),
        ``held_out_log_loss``, ``log_loss`` and ``bic``; for more than two classes with the ``class``.
    constants_ : DataFrame or list of DataFrame
        Constants that were fitted and not replaced by nice numbers: ``value``, ``standard_error``, ``low``, ``high``
        of a 95 % interval. A list for more than two classes.
    surrogate_log_loss_ : float or list of float
        Of the network, at held-out rows.
    n_steps_ : int
        Formulas and networks that were fitted.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If `X` has names.

    See Also
    --------
    KANSymbolicRegressor : The law behind a table of numbers.
    sklearn_kan.KANClassifier : Without a formula, and more accurate.

    Notes
    -----
    Numbers must not be missing. Each frequent level of a category or a text, in a dataframe, is a symbol such as
    ``kind=up``, which is 1 or 0. Formulas are fitted to probabilities that are a little inside of 0 and 1 [1]_, so that
    classes which can be told apart without an error have finite constants. Probabilities of more than two classes are
    those of each class against all others, scaled to a sum of one. Where a formula has no value, the share of the class
    is predicted.

    References
    ----------
    .. [1] Platt (1999), *Probabilistic outputs for support vector machines and comparisons to regularized likelihood
       methods*, Advances in Large Margin Classifiers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan.symbolic import KANSymbolicClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(1, 3, (400, 2))
    >>> y = 8 * X[:, 0] / X[:, 1] - 8 + rng.logistic(size=400) > 0
    >>> law = KANSymbolicClassifier(max_steps=20, random_state=0).fit(X, y)
    >>> sorted(map(str, law.formula_.free_symbols))
    ['x0', 'x1']
    >>> law.predict_proba(X[:3]).shape
    (3, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{name: kinds for name, kinds in FormulaEstimator._parameter_constraints.items() if name != "n_jobs"},
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self, max_seconds=60, *, max_steps=None, class_weight=None, random_state=None, library=(), verbose=0
    ) -> None:
        self.max_seconds = max_seconds
        self.max_steps = max_steps
        self.class_weight = class_weight
        self.random_state = random_state
        self.library = library
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None) -> Self:
        """Search for the formula.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels of at least two classes.
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
        columns, numbers = read_first(reader, X)
        places, classes = read_classes(y, len(numbers))
        weight = np.ones(len(numbers)) if sample_weight is None else read_weight(sample_weight, len(numbers))
        classes.check_several(places[weight > 0], streams=False)
        if self.class_weight is not None:
            weight = weigh_classes(self.class_weight, classes.labels, places, weight)
        labels = classes.labels
        ones = [1] if len(labels) == 2 else range(len(labels))
        settings = self._settings(None, len(ones))
        with trainable(), without_spinning():
            laws: list = []
            for one in ones:
                if laws and laws[-1].is_interrupted:
                    raise KeyboardInterrupt("Not all classes have a formula yet.")
                laws.append(law_of(columns.names, numbers, places == one, weight, settings))
        return adopt(self, reader, _laws=laws, _columns=columns, classes_=labels)

    def decision_function(self, X) -> np.ndarray:
        """Log-odds.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Of the second of two classes; of each class against all others.
        """
        check_is_fitted(self)
        X = read_again(self, X, self._columns)
        found = np.stack([log_odds_of(law, X) for law in self._laws], 1)
        return found[:, 0] if len(self.classes_) == 2 else found

    def predict_proba(self, X) -> np.ndarray:
        """Probabilities of classes.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        odds = self.decision_function(X)
        if odds.ndim == 1:
            return np.stack([expit(-odds), expit(odds)], 1)
        shares = expit(odds)
        return shares / shares.sum(1, keepdims=True)

    def predict(self, X) -> np.ndarray:
        """The likeliest classes.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        odds = self.decision_function(X)
        return self.classes_[(odds > 0).astype(int) if odds.ndim == 1 else odds.argmax(1)]

    @property
    def front_(self):
        import pandas as pd

        rows = [
            {"class": label, "formula": entry.formula, "complexity": entry.complexity,
             "held_out_log_loss": entry.held_out**2 / 2, "log_loss": entry.error**2 / 2, "bic": entry.bic}
            for law, label in zip(self._laws, self.classes_[-len(self._laws) :], strict=True) for entry in law.front
        ]  # fmt: skip
        front = pd.DataFrame(rows)
        return front.drop(columns="class") if len(self._laws) == 1 else front

    @property
    def constants_(self):
        found = [constants_of(law) for law in self._laws]
        return found[0] if len(found) == 1 else found

    @property
    def surrogate_log_loss_(self):
        found = [law.surrogate_error for law in self._laws]
        return found[0] if len(found) == 1 else found


def law_of(names, numbers, is_one, weight, settings):
    """The law of a class against all others."""
    rows = merge(names, numbers, is_one.astype(float), weight, 0.0)
    of_one, of_others = (min(MOST_COUNTED, weight[part].sum()) for part in (is_one, ~is_one))
    inside = np.where(rows.y > 0, (of_one + 1) / (of_one + 2), 1 / (of_others + 2))
    return discover_log_odds(rows, inside, settings)


def log_odds_of(law, X):
    """A law's values at rows, the log-odds of the class's share where it has none."""
    with np.errstate(all="ignore"):
        values = evaluate(law.formula, law.symbols, X)
    return np.clip(np.where(np.isfinite(values), values, law.mean), -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
