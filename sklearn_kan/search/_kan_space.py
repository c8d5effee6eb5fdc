"""The default space of networks: basis, its knots and own parameters, then what all bases share."""

from typing import Any

import numpy as np

from .._equality import plain
from ..bases import BASES, BSpline, get_basis
from ..network._architecture import Architecture
from ..network._constrained import Constraints
from ..network._layer import check_has_knots
from ..training._phases import STREAMING
from ..training._roughness import check_can_be_smoothed
from ..training._settings import FULL_BATCH_ROWS
from ._ranges import default_of, free_ranges, is_free, suggest

SHARED = {"n_knots", "degree", "knots", "smoothness"}  # a family's parameters that are the estimator's too
RANGES = {
    "alpha": (0.03, 30.0),
    "learning_rate_init": (1e-3, 3e-2),
    "interactions": [None, "mixed", "product"],
    "n_members": [1, 4, 16],
}
SMOOTHNESS = [0.0, 1.0, 10.0]  # of B-splines
N_HIDDEN_LAYERS, WIDTH = (0, 2), (16, 128)
SOLVERS = ["auto", "hybrid"]  # for tables so small that Adam too takes all rows at once: L-BFGS costs no more there


def kan_space(model, prefix, bases, n_samples):
    """How to draw parameters, and the model's own ones.

    Parameters that the model does not have, or not at their default value, are taken as decided, and left alone. What
    does not go with them is left out.
    """
    families = candidates(model, bases)
    common = common_ranges(model, n_samples)
    is_listed = any(isinstance(value, list | tuple) for value in (model.basis, model.basis_params))
    has_free_size = is_free(model, "hidden_layer_sizes") and not is_listed
    branches = {name: family_ranges(model, family) for name, family in families.items()}
    first = name_of(model.basis) if name_of(model.basis) in families else next(iter(families), None)

    def draw(trial):
        params: dict[str, Any] = {}
        if families:
            name = trial.suggest_categorical(f"{prefix}basis", list(families)) if len(families) > 1 else first
            own = {key: suggest(trial, f"{prefix}{name}__{key}", values) for key, values in branches[name].items()}
            inner = {key: value for key, value in own.items() if key not in SHARED}
            params |= {"basis": families[name]} if "basis" in model.get_params() else {}
            params |= {key: value for key, value in own.items() if key in SHARED}
            params |= {"basis_params": inner} if inner else {}
        if has_free_size:
            depth = trial.suggest_int(f"{prefix}n_hidden_layers", *N_HIDDEN_LAYERS)
            width = suggest(trial, f"{prefix}width", WIDTH) if depth else 0
            params["hidden_layer_sizes"] = (width,) * depth
        params |= {key: suggest(trial, prefix + key, values) for key, values in common.items()}
        return {prefix + key: value for key, value in params.items()}

    own = {f"{prefix}{key}": plain(getattr(model, key)) for key in common}
    if families:
        own |= {f"{prefix}basis": first} if len(families) > 1 else {}
        own |= {f"{prefix}{first}__{key}": own_value(model, families[first], key) for key in branches[first]}
    if has_free_size:
        sizes = model.hidden_layer_sizes
        own |= {f"{prefix}n_hidden_layers": len(sizes), f"{prefix}width": plain(sizes[0])}
    return draw, own


def common_ranges(model, n_samples):
    """Ranges that do not depend on the basis."""
    ranges = free_ranges(model, RANGES)
    if is_constrained(model):  # such networks have no products and no members
        ranges = {key: values for key, values in ranges.items() if key not in ("interactions", "n_members")}
    for key, other in (("alpha", "learning_rate_init"), ("learning_rate_init", "alpha")):
        if key in ranges and other not in ranges and getattr(model, other) > 0:
            low, high = ranges.pop(key)
            high = min(high, 1 / getattr(model, other))  # above, steps of Adam would flip signs
            ranges |= {key: (low, high)} if low < high else {}
    if is_free(model, "solver") and n_samples <= FULL_BATCH_ROWS:
        ranges["solver"] = SOLVERS
    return ranges


def candidates(model, bases):
    """Families to choose from, by name; none where the model's own are given layer by layer."""
    if isinstance(model.basis, list | tuple) or isinstance(model.basis_params, list | tuple):
        if bases is not None:
            raise ValueError(f"bases={bases!r} cannot replace basis={model.basis!r}, one for each layer. Leave it out.")
        return {}
    if bases is None:
        is_open = is_free(model, "basis") and model.basis_params is None
        bases = [basis for basis in sorted(BASES) if can_be_fitted(model, basis)] if is_open else [model.basis]
    elif "basis" not in model.get_params():
        raise ValueError(
            f"bases={bases!r} cannot replace the basis of {model!r}, which is not a parameter. Leave it out."
        )
    elif not bases:
        raise ValueError("bases=[] leaves nothing to choose from. Name at least one basis, or leave it out.")
    elif model.basis_params is not None and [get_basis(basis) for basis in bases] != [get_basis(model.basis)]:
        raise ValueError(
            f"basis_params={model.basis_params!r} belong to basis={model.basis!r}, and bases={bases!r} has others. "
            "Leave out one of them."
        )
    return {name_of(basis): basis for basis in bases}


def can_be_fitted(model, basis, **basis_params):
    """Whether networks of this basis can hold what the model has decided."""
    constraints = Constraints([1], [[0]], [1]) if is_monotone(model) else None
    try:
        module = Architecture(
            1, 1, hidden_layer_sizes=(), basis=basis, n_knots=model.n_knots, degree=model.degree,
            basis_params=basis_params, constraints=constraints,
        ).build()  # fmt: skip
        if model.smoothness:
            check_can_be_smoothed(module.layers[0])
        if model._refinements() or not isinstance(model.knots, str):
            check_has_knots(get_basis(basis))
    except ValueError:
        return False
    return True


def is_monotone(model):
    """Whether the model has to rise or fall in a column."""
    directions = model.monotonic_cst
    directions = list(directions.values()) if isinstance(directions, dict) else directions
    return directions is not None and bool(np.any(directions))


def is_constrained(model):
    return is_monotone(model) or model.interaction_cst is not None


def name_of(basis):
    """The name that a family goes by in a study."""
    names = {family: name for name, family in BASES.items()}
    return names.get(basis, getattr(basis, "__name__", None)) if isinstance(basis, type) else str(basis)


def family_ranges(model, family):
    """Ranges of a family's parameters that are not decided."""
    ranges = get_basis(family).search_space
    shared = {key: values for key, values in ranges.items() if key in SHARED}
    if model.refine_knots is not None or not isinstance(model.knots, str):
        shared.pop("n_knots", None)  # they are where refinement starts, or given
    if get_basis(family) is BSpline and model.solver in ("auto", *STREAMING) and not is_constrained(model):
        shared["smoothness"] = SMOOTHNESS
    if not is_free(model, "basis_params"):
        return free_ranges(model, shared)
    return free_ranges(model, shared) | own_ranges(model, family)


def own_ranges(model, family):
    """Ranges of the parameters that a family alone has; choices that cannot be fitted are left out."""
    ranges = {key: values for key, values in get_basis(family).search_space.items() if key not in SHARED}
    choices = {
        key: [choice for choice in values if can_be_fitted(model, family, **{key: choice})]
        for key, values in ranges.items()
        if isinstance(values, list)
    }
    return {key: choices.get(key, values) for key, values in ranges.items() if len(choices.get(key, [0, 1])) > 1}


def own_value(model, family, key):
    """The value that a family's parameter has in a model."""
    return plain(getattr(model, key)) if key in SHARED else default_of(get_basis(family), key)
