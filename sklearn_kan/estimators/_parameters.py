"""What a user sets: which values there are, what follows from them, and what cannot go together."""

import math
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from .._devices import check_device
from ..bases import get_basis
from ..network._kan import for_layers
from ..network._layer import check_has_knots
from ..network._norms import NORMS
from ..training._callbacks import check_callbacks
from ..training._parallel import n_processes
from ..training._phases import SINGLE, SOLVERS, STREAMING
from ._constraints import in_order

FULL_BATCH_ROWS = 256  # tables up to this size are trained on all rows at once
KFAC_FULL_ROWS, KFAC_BATCH_ROWS = 5_000, 2_048  # all rows at once, or batches large enough for curvature


class Parameters(BaseEstimator):
    """The parameters of both estimators."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "basis": [str, type, list, tuple],
        "n_knots": [Interval(Integral, 2, None, closed="left")],
        "fine_knots": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left"), None],
        "degree": [Interval(Integral, 0, None, closed="left")],
        "knots": [StrOptions({"uniform", "quantile", "adaptive"}), "array-like"],
        "refine_knots": ["array-like", None],
        "basis_params": [dict, list, tuple, None],
        "interactions": [StrOptions({"product", "mixed"}), None],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "norm": [StrOptions(set(NORMS))],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "smoothness": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"cosine", "constant"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "refit": [StrOptions({"last_layer"}), None],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "monotonic_cst": ["array-like", dict, None],
        "interaction_cst": [list, tuple, StrOptions({"pairwise", "no_interactions"}), None],
        "device": [str],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "callbacks": [list, tuple, None],
    }
    _config: dict[str, Any]  # the network's arguments
    _settings: dict[str, Any]  # parameters that a fitted network cannot change

    def _check_parameters(self):
        """What a single parameter's constraint cannot say."""
        n_layers = len(self._hidden_sizes()) + 1
        families = [get_basis(basis) for basis in for_layers(n_layers, basis=self.basis)]
        for_layers(n_layers, basis_params=self.basis_params)
        is_given = not isinstance(self.knots, str)
        for family in families if self._refinements() else families[:is_given]:
            check_has_knots(family)
        check_callbacks(self.callbacks)
        check_device(self.device)
        if self.smoothness and self.solver in ("kfac", "gauss_newton"):
            raise ValueError(
                f"smoothness={self.smoothness} has a curvature that solver={self.solver!r} does not know. Choose "
                "'adam', 'lbfgs' or 'hybrid', or set smoothness=0."
            )
        if self.solver in ("auto", *STREAMING) and self.alpha * self.learning_rate_init > 1:
            raise ValueError(
                f"alpha={self.alpha} times learning_rate_init={self.learning_rate_init} is above 1: each step would "
                "flip the sign of every coefficient. Lower one of them."
            )

    def _check_rows(self, y, streams):
        """Raise if the rows of positive weight are too few to learn from; `streams` if more will come."""
        if self.early_stopping is True and not streams and len(y) * self.validation_fraction < 1:
            raise ValueError(
                f"early_stopping=True with validation_fraction={self.validation_fraction} leaves no validation row "
                f"of n_samples={len(y)}. Raise validation_fraction, or set early_stopping=False."
            )

    def _check_can_be_constrained(self):
        """Raise if a solver would not see that coefficients are made of others."""
        if self.solver == "kfac":
            raise ValueError("solver='kfac' cannot hold monotonic_cst or interaction_cst. Choose another solver.")
        if self.smoothness:
            raise ValueError(
                f"smoothness={self.smoothness} cannot be combined with monotonic_cst or interaction_cst, whose "
                "coefficients are made of others. Set smoothness=0."
            )

    def _check_continuation(self):
        """Raise if a fitted network cannot go on with these parameters."""
        is_other = self._config["n_members"] is not None or (self._config["scaled"] and self.solver == "kfac")
        if self.solver in SINGLE and is_other:
            raise ValueError(f"solver={self.solver!r} cannot go on with a network of members. Set warm_start=False.")
        if self.solver != "auto":
            self.solver_ = self.solver
        for name, value in self._settled().items():
            if repr(value) != repr(self._settings[name]):
                raise ValueError(
                    f"{name}={value!r} differs from the fitted network's {self._settings[name]!r}. "
                    "Keep it to go on training, or set warm_start=False and fit afresh."
                )

    def _check_parallel(self, n_samples):
        """Raise if processes that share the work would not agree on it."""
        if n_processes() == 1:
            return
        if not isinstance(self.random_state, Integral):
            raise ValueError(
                f"random_state={self.random_state!r} differs between the processes of data_parallel(). Pass an integer."
            )
        if self.norm == "batch":
            raise ValueError("norm='batch' cannot be shared by the processes of data_parallel(). Choose norm='layer'.")
        is_full = self.solver in ("lbfgs", "gauss_newton")
        n_batches = 1 if is_full else math.ceil(n_samples / self._batch_size(n_samples))
        size = n_samples // n_batches
        if size < n_processes():
            raise ValueError(
                f"Batches of {size} rows cannot be shared by {n_processes()} processes. Raise batch_size, or fit "
                "outside of data_parallel()."
            )

    def _hidden_sizes(self):
        """Units of each hidden layer; without interactions there is none."""
        is_additive = isinstance(self.interaction_cst, str) and self.interaction_cst == "no_interactions"
        return () if is_additive else layer_sizes(self.hidden_layer_sizes)

    def _architecture(self):
        """The parameters that make the network what it is."""
        names = "basis", "n_knots", "degree", "knots", "basis_params", "interactions", "norm"
        is_fixed = isinstance(self.knots, str) and self.knots != "adaptive" and self.refine_knots is None
        sizes = {"hidden_layer_sizes": self._hidden_sizes(), "fine_knots": self.fine_knots if is_fixed else None}
        return sizes | {name: deepcopy(getattr(self, name)) for name in names}

    def _settled(self):
        """The parameters that a fitted network cannot change."""
        others = "dtype", "loss", "quantile", "categorical_features", "monotonic_cst", "n_members"
        names = [name for name in others if hasattr(self, name)]
        settled = self._architecture() | {name: deepcopy(getattr(self, name)) for name in names}
        return settled | {"interaction_cst": in_order(self.interaction_cst)}

    def _refinements(self):
        """How many knots to go on with, once for each time that knots are added in training."""
        if self.refine_knots is None:
            return (2 * self.n_knots,) if isinstance(self.knots, str) and self.knots == "adaptive" else ()
        return refinements(self.refine_knots)

    def _batch_size(self, n_samples):
        if self.batch_size != "auto":
            return min(self.batch_size, n_samples)
        if self.solver == "kfac":
            return n_samples if n_samples <= KFAC_FULL_ROWS else KFAC_BATCH_ROWS
        return min(n_samples, int(np.clip(2 ** round(np.log2(n_samples / 20)), FULL_BATCH_ROWS, 1024)))

    def _decay(self):
        """Regularisation: additive and monotone models have no norms that would scale up again what decay shrinks."""
        is_scaled_up = self._hidden_sizes() and not any(self._config.get("directions", ()))
        return self.alpha if is_scaled_up else self.alpha / 100


def layer_sizes(hidden_layer_sizes):
    """The sizes of hidden layers as a tuple."""
    sizes = [hidden_layer_sizes] if isinstance(hidden_layer_sizes, Integral) else hidden_layer_sizes
    if not all(isinstance(size, Integral) and not isinstance(size, bool) and int(size) >= 1 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes={hidden_layer_sizes!r} is not usable. Pass integers of at least 1, "
            "or () for an additive model."
        )
    return tuple(int(size) for size in sizes)


def refinements(refine_knots):
    """Numbers of knots to refine to as a tuple."""
    numbers = list(refine_knots)
    if not all(isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= 2 for n in numbers):
        raise ValueError(f"refine_knots={refine_knots!r} is not usable. Pass integers of at least 2, such as [12, 24].")
    return tuple(int(n) for n in numbers)
