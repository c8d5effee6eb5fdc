"""What a search may change: conditional spaces of our estimators, and those that a user gives.

A space is a function ``trial -> parameters``. Optuna's names are the parameters' own; those of one family or spectrum
carry its name in front, so that each branch is learned by itself.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FixedTrial, create_trial

from .._equality import is_equal, plain
from ..estimators._base import BaseKAN
from ..gp import GPSpectralRegressor
from ._gp_space import gp_space
from ._kan_space import kan_space


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
        return Space(*gp_space(model, prefix))
    return Space(*kan_space(model, prefix, bases, n_samples))
