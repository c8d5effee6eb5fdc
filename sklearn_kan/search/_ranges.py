"""Ranges of parameters: drawing from them, and leaving alone what an estimator has decided."""

import inspect

from .._equality import is_equal

LOG_RATIO = 4  # of the ends of a range from which it is searched on the scale of logarithms


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
    return {key: values for key, values in ranges.items() if is_free(model, key)}


def is_free(model, name):
    """Whether there is such a parameter, and it has its default value."""
    return name in model.get_params() and is_equal(getattr(model, name), default_of(type(model), name))


def default_of(cls, name):
    return inspect.signature(cls.__init__).parameters[name].default
