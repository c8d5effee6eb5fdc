"""Reading `monotonic_cst` and `interaction_cst`: columns that a model rises or falls in, columns that may interact."""

from itertools import combinations
from numbers import Integral

import numpy as np

from .._compat import check_monotonic_cst
from ..data._table import describe

AUTOMATIC = "auto"


def read_constraints(estimator, columns, selected):
    """Check `monotonic_cst` and `interaction_cst` of an estimator that has seen the columns of a table.

    Parameters
    ----------
    estimator : KANClassifier or KANRegressor
    columns : list of Column
        As `read_table` gives them.
    selected : ndarray of shape (n_features,), bool
        The columns that the network gets.

    Returns
    -------
    directions : ndarray of shape (n_selected,)
        1, 0 or -1 for each selected column.
    groups : list of set of int, or None
        Selected columns that may interact; every one is in at least one of the sets.

    Raises
    ------
    ValueError
        Naming the parameter or column and the remedy.
    """
    directions, groups = read_directions(estimator, columns)[selected], read_groups(estimator, selected)
    if estimator.interactions == "product" and (directions.any() or groups is not None):
        name = "monotonic_cst" if directions.any() else "interaction_cst"
        raise ValueError(
            f"interactions={estimator.interactions!r} multiplies columns, which {name} cannot hold to. Set one of them "
            "to None."
        )
    return directions, groups


def on_inputs(directions, groups, encoder):
    """The same for the columns of an encoded table, as lists: a direction for each numeric input, groups of inputs."""
    owner = encoder.column_of_input_
    groups = [set(range(len(directions)))] if groups is None else groups
    inputs = [[i for i, column in enumerate(owner) if column in group] for group in groups]
    return directions[owner[: encoder.n_numeric_]].tolist(), inputs


def read_directions(estimator, columns):
    """For each column 1, 0 or -1, int8 of shape (n_features,)."""
    monotonic_cst = estimator.monotonic_cst
    if not isinstance(monotonic_cst, dict) and monotonic_cst is not None and np.ndim(monotonic_cst) != 1:
        raise ValueError(
            f"monotonic_cst has shape {np.shape(monotonic_cst)}. Pass one of -1, 0 and 1 for each of the "
            f"{estimator.n_features_in_} features, or a dict by their names."
        )
    directions = check_monotonic_cst(estimator, monotonic_cst)
    refused = [column.name for column, way in zip(columns, directions, strict=True) if column.is_categorical and way]
    if refused:
        raise ValueError(
            f"{describe(refused[0])} of X is categorical and cannot have a monotonic constraint. Set its entry of "
            "monotonic_cst to 0, or pass the column as numbers."
        )
    return directions


def read_groups(estimator, selected):
    """Sets of selected columns that may interact, by their places among those; None for no constraint."""
    interaction_cst, n_features = estimator.interaction_cst, int(selected.sum())
    if interaction_cst is None:
        return None
    if is_searched(interaction_cst):  # pairs are found later
        return [{column} for column in range(n_features)]
    if isinstance(interaction_cst, str):
        size = {"pairwise": 2, "no_interactions": 1}[interaction_cst]
        groups = [set(group) for group in combinations(range(n_features), min(size, n_features))]
    else:
        place = {int(column): new for new, column in enumerate(np.flatnonzero(selected))}
        named = [read_group(group, estimator) for group in interaction_cst]
        groups = [group for group in ({place[i] for i in group if i in place} for group in named) if group]
    rest = set(range(n_features)).difference(*groups)
    return groups + [rest] if rest else groups


def is_searched(interaction_cst):
    """Whether pairs of columns are to be found rather than given."""
    return isinstance(interaction_cst, dict) or (isinstance(interaction_cst, str) and interaction_cst == AUTOMATIC)


def check_searched(interaction_cst, hidden_layer_sizes):
    """Raise unless a dict says how many pairs there are to be, and there are units for them."""
    if isinstance(interaction_cst, dict):
        n_pairs = interaction_cst.get("pairs")
        is_number = isinstance(n_pairs, Integral) and not isinstance(n_pairs, bool) and int(n_pairs) >= 0
        if set(interaction_cst) != {"pairs"} or not is_number:
            raise ValueError(
                f"interaction_cst={interaction_cst!r} is not usable. Pass {{'pairs': 10}}, or another number "
                "from 0, or 'auto'."
            )
    if is_searched(interaction_cst) and not hidden_layer_sizes:
        raise ValueError(
            f"hidden_layer_sizes=() has no units for the pairs that interaction_cst={interaction_cst!r} looks for. "
            "Name a size, or choose 'no_interactions'."
        )


def read_group(group, estimator):
    """One set of columns, named or numbered, as a set of places."""
    n_features, names = estimator.n_features_in_, list(getattr(estimator, "feature_names_in_", []))
    features = [] if isinstance(group, str) or not hasattr(group, "__iter__") else list(group)
    if not features:
        raise ValueError(
            f"interaction_cst holds {group!r}. Pass a sequence of sets, lists or tuples of features, such as "
            "[{0, 1}, {2}]."
        )
    for feature in features:
        is_place = isinstance(feature, Integral) and 0 <= int(feature) < n_features
        if not is_place and feature not in names:
            named = f", or names among {names[:5]}{' and more' * (len(names) > 5)}" if names else ""
            raise ValueError(
                f"interaction_cst holds {feature!r}, which is not a feature. Pass integers from 0 to {n_features - 1}"
                f"{named}."
            )
    return {names.index(feature) if feature in names else int(feature) for feature in features}


def in_order(interaction_cst):
    """The same with sets as sorted lists: equal sets of names may print in different orders."""
    if not isinstance(interaction_cst, list | tuple):
        return interaction_cst
    return [sorted(group, key=str) if isinstance(group, set | frozenset) else group for group in interaction_cst]
