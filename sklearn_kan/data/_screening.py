"""Which columns of a wide table are worth learning from: tests of each column by itself."""

import numpy as np
from scipy.stats import f as f_distribution
from scipy.stats import rankdata

WIDE = 500  # columns, beyond which a table is screened, and which are kept at most
FEWEST = 4  # columns that are kept, even if no test is significant
FALSE_SHARE = 0.1  # of the kept columns, expected to be significant by chance (Benjamini & Hochberg 1995)
MOST_ROWS = 5_000  # that tests look at
COLUMNS_AT_ONCE = 256
LEAST_NORM = 1e-10  # of what is left of a regressor beside those before it, below which it says nothing


def screened(columns, y, weight):
    """The columns of a wide table that targets depend on, by themselves.

    A numeric column is tested by a parabola in its ranks and by where it is missing, a categorical one by its levels'
    means: an F test for each output, the most significant of which counts. Columns that matter only together with
    others are not seen.

    Parameters
    ----------
    columns : list of Column
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Places of classes, or numbers.
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    selected : ndarray of shape (n_columns,), bool
    """
    rows = np.random.RandomState(0).permutation(len(y))[:MOST_ROWS]
    weight = weight[rows]
    root = np.sqrt(weight / weight.mean())
    targets = centered(as_targets(y[rows]), root)
    n_rows = weight.sum() ** 2 / np.square(weight).sum()
    logarithms = np.zeros(len(columns))
    numeric = [place for place, column in enumerate(columns) if not column.is_categorical]
    for start in range(0, len(numeric), COLUMNS_AT_ONCE):
        places = numeric[start : start + COLUMNS_AT_ONCE]
        values = np.stack([columns[place].values[rows] for place in places], axis=1)
        logarithms[places] = of_numbers(values, targets, root, n_rows)
    for place, column in enumerate(columns):
        if column.is_categorical:
            logarithms[place] = of_levels(column.values[rows], targets, root, n_rows)
    order = np.argsort(logarithms, kind="stable")
    bound = np.log(FALSE_SHARE * np.arange(1, len(columns) + 1) / len(columns))
    significant = np.flatnonzero(logarithms[order] <= bound)
    n_kept = np.clip(significant[-1] + 1 if len(significant) else 0, FEWEST, WIDE)
    selected = np.zeros(len(columns), dtype=bool)
    selected[order[:n_kept]] = True
    return selected


def as_targets(y):
    """Targets to test for, (n, n_targets): ranks of numbers, or each class against the others."""
    return (y[:, None] == np.unique(y)) * 1.0 if y.ndim == 1 else rankdata(y, axis=0)


def centered(values, root):
    """Columns times the roots of the weights, less their weighted means."""
    return root[:, None] * (values - np.average(values, axis=0, weights=np.square(root)))


def of_numbers(values, targets, root, n_rows):
    """Logarithms of the smallest p-values of numeric columns (n, n_columns), over targets."""
    missing = np.isnan(values)
    filled = np.where(missing, np.inf, values)  # ranks of the others stay in order
    ranks = rankdata(filled, axis=0)
    n_present = np.maximum((~missing).sum(0), 1)
    ranks = np.where(missing, 0.0, (ranks - 0.5) / n_present - 0.5)
    explained = np.zeros((values.shape[1], targets.shape[1]))
    n_free = np.zeros(values.shape[1])
    basis: list[np.ndarray] = []
    for regressor in (ranks, np.square(ranks), missing * 1.0):
        left = centered(regressor, root)
        for unit in basis:
            left = left - unit * (unit * left).sum(0)
        norm = np.linalg.norm(left, axis=0)
        says = norm > LEAST_NORM * len(root)
        basis.append(np.where(says, left / np.where(says, norm, 1.0), 0.0))
        explained, n_free = explained + np.square(basis[-1].T @ targets), n_free + says
    return log_p_values(explained, n_free[:, None], targets, n_rows)


def of_levels(labels, targets, root, n_rows):
    """The same of a categorical column, whose missing values are a level."""
    number = {label: place for place, label in enumerate(dict.fromkeys(labels.tolist()))}
    places = np.array([number[label] for label in labels.tolist()])
    mass = np.bincount(places, np.square(root), minlength=len(number))
    sums = np.stack([np.bincount(places, root * target, minlength=len(number)) for target in targets.T], axis=1)
    explained = (np.square(sums) / mass[:, None]).sum(0)
    return log_p_values(explained[None], np.array([[len(number) - 1]]), targets, n_rows)[0]


def log_p_values(explained, n_free, targets, n_rows):
    """Logarithms of F tests' p-values, the smallest over targets: ``(n_columns, n_targets) -> (n_columns,)``."""
    total = np.maximum(np.square(targets).sum(0), np.finfo(float).tiny)
    share = np.clip(explained / total, 0, 1 - np.finfo(float).eps)
    n_left = n_rows - 1 - n_free
    can_tell = (n_free > 0) & (n_left > 0)
    free, left = np.where(can_tell, n_free, 1), np.where(can_tell, n_left, 1)
    logarithms = f_distribution.logsf(share / free / ((1 - share) / left), free, left)
    return np.where(can_tell, logarithms, 0.0).min(1)
