"""Private names of other packages, each with the reason why there is no way round it.

A private name may go with any release: `pyproject.toml` has an upper bound for each of these packages.
"""

import torch

# Parameters are validated by what _parameter_constraints of a class says, once, before its fit.
from sklearn.base import _fit_context as fit_context

# What scikit-learn's searches have in common: results, predictions by the best estimator, metadata routing, callbacks.
# Of its methods we call _get_scorers, _get_routed_params_for_fit, _init_callback_context, _format_results,
# _select_best_index and _check_refit_for_multimetric, and look at its _skl_callbacks and its scorers' _scorers.
from sklearn.model_selection._search import BaseSearchCV

# Folds with the routing, error_score, timing, verbosity and callbacks of scikit-learn's own searches.
from sklearn.model_selection._validation import _fit_and_score as fit_and_score
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures as warn_or_raise_about_fit_failures
from sklearn.utils._param_validation import Interval, Options, StrOptions

# Parameters that scikit-learn's gradient boosting has too are read as it reads them.
from sklearn.utils.validation import _check_categorical_features as check_categorical_features
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_monotonic_cst as check_monotonic_cst
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

# Functions see through a tensor of ours to what it holds, in the functions of torch that it handles itself.
from torch._C import DisableTorchFunctionSubclass as WithoutOwnFunctions

# Random operations get a generator of ours, whoever calls them: a mode sees them all.
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = [
    "BaseSearchCV",
    "Interval",
    "Options",
    "StrOptions",
    "TorchDispatchMode",
    "WithoutOwnFunctions",
    "are_hooked",
    "check_categorical_features",
    "check_method_params",
    "check_monotonic_cst",
    "check_sample_weight",
    "fit_and_score",
    "fit_context",
    "has_argument",
    "holdings_of",
    "is_hooked",
    "is_transformed",
    "levinson",
    "overload_of",
    "parameters_of",
    "trial_id",
    "versions_of",
    "warn_or_raise_about_fit_failures",
]

try:  # The recursion is compiled, and tells what SciPy's public function keeps: the coefficient of each order.
    from scipy.linalg._solve_toeplitz import levinson
except ImportError:  # of another SciPy: ours, over NumPy's vectors, takes its place
    levinson = None


def is_transformed():
    """Whether torch does something else with operations than compute them, such as trace or differentiate them forward.

    Kernels that torch does not know would be missed then. There is no public way to ask; a torch that cannot be asked
    does without kernels.
    """
    try:
        return bool(
            torch._C._len_torch_dispatch_stack()
            or torch._C._functorch.maybe_current_level()
            or torch.autograd.forward_ad._current_level >= 0
        )
    except AttributeError:
        return True


def overload_of(operation):
    """Which of its forms an operation of a dispatch mode has, such as ``"default"``."""
    return str(operation).rpartition(".")[2]


def has_argument(operation, name):
    """Whether an operation of a dispatch mode takes an argument of this name, as far as it tells."""
    schema = getattr(operation, "_schema", None)
    return schema is not None and any(argument.name == name for argument in schema.arguments)


def trial_id(trial):
    """By which Optuna goes on with a trial of a study; by itself it gives new ones only."""
    return trial._trial_id


def holdings_of(module):
    """The dictionaries in which a module and its parts hold parameters, buffers and parts.

    The public iterators leave out what occurs twice, and for one row that takes longer than the prediction.
    """
    yield module._parameters
    yield module._buffers
    yield module._modules
    for child in module._modules.values():
        yield from holdings_of(child)


def parameters_of(module):
    """All parameters of a module, what occurs twice twice: ten times as fast as the public iterator."""
    for parameter in module._parameters.values():
        if parameter is not None:
            yield parameter
    for child in module._modules.values():
        yield from parameters_of(child)


def versions_of(tensors):
    """How many times each was changed in place: by which a copy knows that it is out of date."""
    return [tensor._version for tensor in tensors]


def are_hooked(modules, tensors):
    """Whether somebody wants to be called when one of these is used."""
    return any(
        m._forward_hooks or m._forward_pre_hooks or m._backward_hooks or m._backward_pre_hooks for m in modules
    ) or any(tensor._backward_hooks for tensor in tensors)


def is_hooked(module):
    """Whether somebody wants to be called when a module, or a part of it, is used."""
    own = are_hooked([module], [p for p in module._parameters.values() if p is not None])
    return own or any(map(is_hooked, module._modules.values()))
