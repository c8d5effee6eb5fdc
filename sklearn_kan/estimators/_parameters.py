"""What a user sets: which values there are, what follows from them, and what cannot be combined."""

from abc import ABCMeta, abstractmethod
from copy import deepcopy
from inspect import signature
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

from sklearn.base import BaseEstimator

from .._compat import Interval, StrOptions
from .._devices import check_device, resolve_device
from .._equality import is_equal
from ..bases import get_basis
from ..network._kan import for_layers, layer_sizes
from ..network._layer import check_has_knots
from ..network._norms import NORMS
from ..training._callbacks import check_callbacks
from ..training._phases import SINGLE, SOLVERS, STREAMING
from ..training._settings import Settings
from ._cst import check_searched, in_order

NETWORK = "hidden_layer_sizes", "basis", "n_knots", "degree", "knots", "basis_params", "interactions", "norm"


class Parameters(BaseEstimator, metaclass=ABCMeta):
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
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "refit": [StrOptions({"last_layer"}), None],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_categories": [Interval(Integral, 1, None, closed="left"), None],
        "monotonic_cst": ["array-like", dict, None],
        "interaction_cst": [list, tuple, dict, StrOptions({"auto", "pairwise", "no_interactions"}), None],
        "device": [str],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "callbacks": [list, tuple, None],
    }

    @abstractmethod
    def __init__(self, hidden_layer_sizes, *, basis, n_knots, fine_knots, degree, knots, refine_knots, basis_params,
                 interactions, n_members, norm, solver, alpha, smoothness, batch_size, learning_rate,
                 learning_rate_init, max_iter, early_stopping, validation_fraction, n_iter_no_change, tol, refit,
                 categorical_features, max_categories, monotonic_cst, interaction_cst, device, dtype, warm_start,
                 random_state, verbose, callbacks):  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.basis = basis
        self.n_knots = n_knots
        self.fine_knots = fine_knots
        self.degree = degree
        self.knots = knots
        self.refine_knots = refine_knots
        self.basis_params = basis_params
        self.interactions = interactions
        self.n_members = n_members
        self.norm = norm
        self.solver = solver
        self.alpha = alpha
        self.smoothness = smoothness
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.refit = refit
        self.categorical_features = categorical_features
        self.max_categories = max_categories
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.device = device
        self.dtype = dtype
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks

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
        check_searched(self.interaction_cst, self._hidden_sizes())
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

    def _check_continuation(self, settled, architecture):
        """Raise if a network of this architecture, settled so, cannot go on with these parameters."""
        is_other = architecture.n_members is not None or (architecture.scaled and self.solver == "kfac")
        if self.solver in SINGLE and is_other:
            raise ValueError(f"solver={self.solver!r} cannot continue with a network of members. Set warm_start=False.")
        for name, value in settled_by(self)._asdict().items():
            if not is_equal(value, getattr(settled, name)):
                raise ValueError(
                    f"{name}={value!r} differs from the fitted network's {getattr(settled, name)!r}. "
                    "Keep it to go on training, or set warm_start=False and fit afresh."
                )

    def _hidden_sizes(self):
        """Units of each hidden layer; without interactions there is none."""
        is_additive = isinstance(self.interaction_cst, str) and self.interaction_cst == "no_interactions"
        return () if is_additive else layer_sizes(self.hidden_layer_sizes)

    def _refinements(self):
        """How many knots to go on with, once for each time that knots are added in training."""
        if self.refine_knots is None:
            return (2 * self.n_knots,) if isinstance(self.knots, str) and self.knots == "adaptive" else ()
        return refinements(self.refine_knots)

    def _settings(self):
        """How the network is trained."""
        own = "solver", "random_state", "device", "refine_knots", "callbacks", "is_free", "is_quick"
        shared = {name: getattr(self, name) for name in Settings._fields if name not in own}
        is_constrained = self.monotonic_cst is not None or self.interaction_cst is not None
        solver = "adam" if self.solver == "auto" and is_constrained else self.solver
        return Settings(
            **shared, solver=solver, refine_knots=self._refinements(), random_state=self.random_state,
            device=resolve_device(self.device), callbacks=self.callbacks or (), is_free=self._leaves_network_to_fit(),
            is_quick=self.dtype == "auto",
        )  # fmt: skip

    def _leaves_network_to_fit(self):
        """Whether nothing is said of a network's size and kind."""
        defaults = signature(type(self)).parameters
        return all(is_equal(getattr(self, name), defaults[name].default) for name in NETWORK if name in defaults)


class Settled(NamedTuple):
    """Parameters that a fitted network cannot change."""

    hidden_layer_sizes: Any
    fine_knots: Any
    basis: Any
    n_knots: Any
    degree: Any
    knots: Any
    basis_params: Any
    interactions: Any
    norm: Any
    dtype: Any
    loss: Any
    quantile: Any
    power: Any
    categorical_features: Any
    max_categories: Any
    monotonic_cst: Any
    n_members: Any
    interaction_cst: Any


def settled_by(estimator):
    """What an estimator's parameters settle."""
    values = {name: deepcopy(getattr(estimator, name, None)) for name in Settled._fields}
    return Settled(**values)._replace(
        hidden_layer_sizes=estimator._hidden_sizes(),
        fine_knots=estimator.fine_knots if has_fixed_knots(estimator) else None,
        interaction_cst=in_order(estimator.interaction_cst),
    )


def has_fixed_knots(estimator):
    """Whether knots stay where they are placed first."""
    is_placed = isinstance(estimator.knots, str) and estimator.knots != "adaptive"
    return is_placed and estimator.refine_knots is None


def refinements(refine_knots):
    """Numbers of knots to refine to as a tuple."""
    numbers = list(refine_knots)
    if not all(isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= 2 for n in numbers):
        raise ValueError(f"refine_knots={refine_knots!r} is not usable. Pass integers of at least 2, such as [12, 24].")
    return tuple(int(n) for n in numbers)
