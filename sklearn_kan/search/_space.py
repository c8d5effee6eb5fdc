"""What a search may change: conditional spaces of our estimators, and those that a user gives.

A space is a function ``trial -> parameters``. Optuna's names are the parameters' own; those of one family or spectrum
carry its name in front, so that each branch is learned by itself.
"""

import inspect
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FixedTrial, create_trial

from .._equality import is_equal, plain
from ..bases import BASES, BSpline, get_basis
from ..estimators._base import BaseKAN
from ..gp import GPSpectralRegressor
from ..training._phases import STREAMING
from ..training._settings import FULL_BATCH_ROWS

# A family's parameters that are the estimator's too; others are basis_params.
SHARED = {"n_knots", "degree", "knots", "smoothness"}
KAN_RANGES = {
    "alpha": (0.03, 30.0),
    "learning_rate_init": (1e-3, 3e-2),
    "interactions": [None, "mixed", "product"],
    "n_members": [1, 4, 16],
}
SMOOTHNESS = [0.0, 1.0, 10.0]  # of B-splines
N_HIDDEN_LAYERS, WIDTH = (0, 2), (16, 128)
SOLVERS = ["adam", "hybrid"]  # for tables so small that Adam too takes all rows at once: L-BFGS costs no more there
GP_RANGES = {"n_components": (0, 16), "trend_degree": ["auto", 0, 1], "n_restarts_optimizer": [0, 2]}
SPECTRA: dict[str, dict[str, Any]] = {"auto": {}, "student_t": {"nu": [0.5, 1.5, 2.5]}, "gaussian": {}}
LOG_RATIO = 4  # of the ends of a range from which it is searched on the scale of logarithms


class Space(NamedTuple):
    """How to draw parameters, and what an estimator's own setting is called in that.

    Parameters
    ----------
    draw : callable
        ``trial -> {parameter: value}``.
    own : dict or None
        Optuna's parameters of the estimator's own setting; None if the space does not hold it.
    """

    draw: Callable[[Any], dict[str, Any]]
    own: dict[str, Any] | None


def space_for(estimator, space, bases, n_samples):
    """The space of a search.

    Parameters
    ----------
    estimator : estimator
    space : dict of Optuna distributions, callable or None
    bases : list of str or subclass of Basis, or None
    n_samples : int

    Raises
    ------
    ValueError, TypeError
        If there is no space for such an estimator, or it has no such parameters.
    """
    if space is None:
        return default_space(estimator, bases, n_samples)
    if bases is not None:
        raise ValueError(f"bases={bases!r} belongs to the default space. Leave out bases, or space.")
    if callable(space):
        return Space(space, own_setting(space, estimator))
    unknown = sorted(set(space) - set(estimator.get_params()))
    if unknown:
        raise ValueError(f"space has {unknown}, which are not parameters of {estimator!r}. See estimator.get_params().")
    for name, distribution in space.items():
        if not isinstance(distribution, BaseDistribution):
            raise TypeError(f"space[{name!r}]={distribution!r} is not an Optuna distribution. Pass one, or a callable.")

    def draw(trial):
        return {name: drawn(trial, name, distribution) for name, distribution in space.items()}

    return Space(draw, own_setting(draw, estimator))


def own_setting(draw, estimator):
    """An estimator's own values under the names that a space asks for; None if the space does not hold them."""
    own = {name: plain(value) for name, value in estimator.get_params().items()}
    trial = FixedTrial(own)
    try:
        with warnings.catch_warnings(action="ignore"):
            params = draw(trial)
        create_trial(params=trial.params, distributions=trial.distributions, value=0.0)  # raises if one is outside
    except (ValueError, TypeError):
        return None
    is_own = all(is_equal(own.get(name), value) for name, value in params.items())
    return dict(trial.params) if is_own else None


def drawn(trial, name, distribution):
    """A parameter by its distribution."""
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    suggest_number = trial.suggest_int if isinstance(distribution, IntDistribution) else trial.suggest_float
    return suggest_number(name, distribution.low, distribution.high, step=distribution.step, log=distribution.log)


def default_space(estimator, bases, n_samples):
    """The space of the one estimator of ours that is there, alone or in a pipeline."""
    parts = {"": estimator, **estimator.get_params()}
    ours = {name: part for name, part in parts.items() if isinstance(part, BaseKAN | GPSpectralRegressor)}
    if len(ours) != 1:
        found = f"has {len(ours)} ({', '.join(ours)})" if ours else "has none"
        raise ValueError(
            f"The default space is for one KANClassifier, KANRegressor or GPSpectralRegressor; estimator={estimator!r} "
            f"{found}. Pass space=, a dict of Optuna distributions or a callable trial -> parameters."
        )
    ((name, model),) = ours.items()
    prefix = f"{name}__" if name else ""
    if isinstance(model, GPSpectralRegressor):
        if bases is not None:
            raise ValueError(f"bases={bases!r} are for KANs, and {model!r} has none. Leave it out.")
        return gp_space(model, prefix)
    return kan_space(model, prefix, bases, n_samples)


def kan_space(model, prefix, bases, n_samples):
    """Basis, its knots and own parameters, then what all bases share.

    Parameters that do not have their default value are taken as decided, and left alone.
    """
    families = candidates(model, bases)
    common = free_ranges(model, KAN_RANGES)
    if is_free(model, "solver") and n_samples <= FULL_BATCH_ROWS:
        common["solver"] = SOLVERS
    is_listed = any(isinstance(value, list | tuple) for value in (model.basis, model.basis_params))
    has_free_size = is_free(model, "hidden_layer_sizes") and not is_listed
    branches = {name: family_ranges(model, family) for name, family in families.items()}
    first = name_of(model.basis) if name_of(model.basis) in families else next(iter(families), None)

    def draw(trial):
        params = {}
        if families:
            name = trial.suggest_categorical(f"{prefix}basis", list(families)) if len(families) > 1 else first
            params["basis"] = families[name]
            own = {key: suggest(trial, f"{prefix}{name}__{key}", values) for key, values in branches[name].items()}
            params |= {key: value for key, value in own.items() if key in SHARED}
            inner = {key: value for key, value in own.items() if key not in SHARED}
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
    return Space(draw, own)


def candidates(model, bases):
    """Families to choose from, by name; none where the model's own are given layer by layer."""
    if isinstance(model.basis, list | tuple) or isinstance(model.basis_params, list | tuple):
        if bases is not None:
            raise ValueError(f"bases={bases!r} cannot replace basis={model.basis!r}, one for each layer. Leave it out.")
        return {}
    if bases is None:
        is_open = is_free(model, "basis") and model.basis_params is None
        bases = sorted(BASES) if is_open else [model.basis]
        if model._refinements() or not isinstance(model.knots, str):
            bases = [basis for basis in bases if hasattr(get_basis(basis), "refine_knots")]
    elif not bases:
        raise ValueError("bases=[] leaves nothing to choose from. Name at least one basis, or leave it out.")
    elif model.basis_params is not None and [get_basis(basis) for basis in bases] != [get_basis(model.basis)]:
        raise ValueError(
            f"basis_params={model.basis_params!r} belong to basis={model.basis!r}, and bases={bases!r} has others. "
            "Leave out one of them."
        )
    return {name_of(basis): basis for basis in bases}


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
    is_constrained = model.monotonic_cst is not None or model.interaction_cst is not None
    if get_basis(family) is BSpline and model.solver in STREAMING and not is_constrained:
        shared["smoothness"] = SMOOTHNESS
    own = {key: values for key, values in ranges.items() if key not in SHARED and model.basis_params is None}
    return free_ranges(model, shared) | own


def own_value(model, family, key):
    """The value that a family's parameter has in a model."""
    return plain(getattr(model, key)) if key in SHARED else default_of(get_basis(family), key)


def gp_space(model, prefix):
    """Components, spectrum and what its shape has, trend, starts."""
    common = free_ranges(model, GP_RANGES)
    spectra = SPECTRA if is_free(model, "spectrum") else {model.spectrum: SPECTRA[model.spectrum]}
    branches = {name: free_ranges(model, ranges) for name, ranges in spectra.items()}

    def draw(trial):
        params = {}
        name = trial.suggest_categorical(f"{prefix}spectrum", list(spectra)) if len(spectra) > 1 else model.spectrum
        params["spectrum"] = name
        params |= {key: suggest(trial, f"{prefix}{name}__{key}", values) for key, values in branches[name].items()}
        params |= {key: suggest(trial, prefix + key, values) for key, values in common.items()}
        return {prefix + key: value for key, value in params.items()}

    own = {f"{prefix}{key}": plain(getattr(model, key)) for key in common}
    own |= {f"{prefix}spectrum": model.spectrum} if len(spectra) > 1 else {}
    own |= {f"{prefix}{model.spectrum}__{key}": plain(getattr(model, key)) for key in branches[model.spectrum]}
    return Space(draw, own)


def suggest(trial, name, values):
    """Draw from a list of choices, or from a range ``(low, high)`` of integers or floats."""
    if isinstance(values, list):
        return trial.suggest_categorical(name, values)
    low, high = values
    log = low > 0 and high / low >= LOG_RATIO
    suggest_number = trial.suggest_int if isinstance(low, int) else trial.suggest_float
    return suggest_number(name, low, high, log=log)


def free_ranges(model, ranges):
    """Ranges of the parameters that a model has and that nobody has decided."""
    return {key: values for key, values in ranges.items() if key in model.get_params() and is_free(model, key)}


def is_free(model, name):
    """Whether a parameter has its default value."""
    return is_equal(getattr(model, name), default_of(type(model), name))


def default_of(cls, name):
    return inspect.signature(cls.__init__).parameters[name].default
