"""What the classifier and the regressor share: parameters in, fitted attributes out."""

import math
import warnings
from abc import ABCMeta, abstractmethod
from copy import deepcopy
from functools import wraps

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._devices import resolve_device
from ..data._encoding import TableEncoder
from ..data._table import read_table
from ..data._targets import read_weight
from ..network._constrained import make_network
from ..network._kan import KAN
from ..training._calibration import member_weights
from ..training._evaluation import held_out_outputs
from ..training._holdout import bagged, folds_of
from ..training._losses import combined, fisher_root, squared_error
from ..training._net import Net, limited_threads
from ..training._phases import SINGLE, STREAMING, phases_for
from ..training._refit import check_can_refit, refit_last_layer
from ..training._roughness import check_can_be_smoothed
from ..training._rows import Rows, merged
from ..training._train import finished_net, train
from ._constraints import on_inputs, read_constraints
from ._parameters import Parameters

EXACT_ROWS = 2_000  # tables up to this size are learned in float64 if they hold it, equal rows merged into one
FINE_KNOTS = 16  # of fine_knots="auto", on larger tables
EARLY_STOPPING_ROWS = 300  # tables from this size can spare a validation split
SMOOTH = 0.03  # share of a target's variance, on held-out rows, below which solver="auto" looks for more digits
SMOOTH_ROWS, SMOOTH_PARAMETERS = 5_000, 3_000  # up to which it does
PREDICTION_CELLS = 2**22  # of encoded table and hidden activations, held at once in prediction


def lowest_loss(training):
    """The lowest validation loss of a training; infinite without validation."""
    return min((epoch.get("valid_loss", math.inf) for epoch in training.history), default=math.inf)


def all_or_nothing(method):
    """Let a method that raises leave the estimator's attributes as they were."""

    @wraps(method)
    def guarded(self, *args, **kwargs):
        before = vars(self).copy()
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return guarded


def trouble(optimizers, is_refit):
    """One message for all that failed in a fit."""
    messages = []
    if optimizers:
        messages.append(
            f"{' and '.join(dict.fromkeys(optimizers))} diverged: a loss or gradient became non-finite, or the loss "
            "ended higher than it began. Training went back to the best state before. Lower learning_rate_init, or "
            "look for extreme targets."
        )
    if is_refit:
        messages.append(
            "The refit of the last layer failed: numbers became non-finite, or a factorisation did not converge. What "
            "was trained is kept. Look for extreme targets, or set refit=None."
        )
    return " ".join(messages)


def plain_attributes(module):
    """What a module holds besides tensors, such as what a user's basis took from the data."""
    return {name: value for name, value in vars(module).items() if name[0] != "_" and name != "training"}


def cloned(generator):
    """A generator of its own in the same state."""
    clone = torch.Generator()
    clone.set_state(generator.get_state())
    return clone


class BaseKAN(Parameters, metaclass=ABCMeta):
    """What fits in one go and predicts."""

    net_: Net
    module_: KAN
    loss_curve_: list[float]
    _generator: torch.Generator

    @_fit_context(prefer_skip_nested_validation=True)
    @all_or_nothing
    def fit(self, X, y, sample_weight=None):
        """Fit the network to a table.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
            Numbers, categories, booleans; missing values are allowed.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes, or numbers (several outputs only for regression).
        sample_weight : array-like of shape (n_samples,), optional
            Not negative; rows of weight zero are left out.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data cannot be used; nothing has been trained then.
        """
        continues = self.warm_start and hasattr(self, "module_")
        columns, y, weight = self._read(X, y, sample_weight, reset=not continues)
        if continues:
            self.module_, self._generator = deepcopy(self.module_), cloned(self._generator)
            self.device_ = resolve_device(self.device)
        else:
            self._start(columns, y, weight)
        if self.refit is not None:
            check_can_refit(self.module_, self._loss())
        rows = self._rows(columns, y, weight)
        if not continues:
            self._place_knots(rows)
        rows = rows.with_unit_weights()
        fitting, validation = self._split(rows)
        self._check_parallel(len(fitting))
        schedule = () if continues else self._refinements()
        training = self._train(fitting, validation, schedule, begins=not continues)
        if self.solver == "auto" and not (continues or schedule) and self._is_smooth(training):
            training, validation = self._solve_exactly(rows, training, validation)
        if training.interrupted:
            warnings.warn("Training was interrupted; the best state so far is kept.", stacklevel=4)
        is_refitted = self.refit is not None and not training.interrupted
        is_failed = is_refitted and refit_last_layer(training.net, fitting, validation, self._decay())
        if training.failed or is_failed:
            warnings.warn(trouble(training.failed, is_failed), ConvergenceWarning, stacklevel=4)
        self._record(training.net, training.history, reset=not continues)
        if validation is not None:
            raw, y, weight = held_out_outputs(training.net, validation)
            if raw.ndim == 3:
                self.member_weights_ = member_weights(self._loss(), raw, y, weight, self.module_.kinds)
                raw, weight = self._averaged(raw, weight), weight.amax(1)
            self._calibrate(raw, y, weight)
        return self

    def _calibrate(self, raw, y, weight):
        """Correct predictions by outputs (n, k) for validation rows, their targets and weights."""

    def _averaged(self, raw, weight=1.0):
        """What members predict together: ``(n, members, k) -> (n, k)``."""
        weights = torch.from_numpy(self.member_weights_).to(raw) * weight
        return combined(self.net_.criterion, raw, weights.expand(raw.shape[:2]))

    def _train(self, rows, validation, schedule, begins):
        """Train, in equal parts between which knots are added as the schedule says."""
        alpha = self._decay() if self.solver_ == self.solver or self.solver_ == "adam" else 0.0
        phases = phases_for(
            self.solver_, n_samples=len(rows), max_iter=-(-self.max_iter // (1 + len(schedule))),
            batch_size=self._batch_size(len(rows)), learning_rate=self.learning_rate,
            learning_rate_init=self.learning_rate_init, alpha=alpha, smoothness=self.smoothness,
            fisher=fisher_root(self._loss()), n_layers=len(self.module_.layers),
        )  # fmt: skip
        history, failed = [], []
        for n_knots in (None, *schedule):
            if n_knots is not None:
                X, (_, weight) = rows.batch()
                self.module_.refine_knots(n_knots, X, weight if weight.ndim == 1 else weight.mean(1))  # over members
                self._config |= {"n_knots": self.module_.n_knots, "knots": "uniform"}
            if n_knots is not None or not begins:
                phases = [phase for phase in phases if phase.depth is None]
            training = train(
                self.module_, rows, self._loss(), phases, validation=validation, generator=self._generator,
                n_iter_no_change=self.n_iter_no_change, tol=self.tol, callbacks=self.callbacks or (),
                verbose=self.verbose, device=self.device_, n_parts=1 + len(schedule),
            )  # fmt: skip
            history += training.history
            failed += training.failed
            if training.interrupted:
                break
        return training._replace(history=history, failed=failed)

    def _is_smooth(self, training):
        """Whether Adam found a function that leaves next to nothing on held-out rows, of a table small enough."""
        is_plain = self._loss() is squared_error and not {"directions", "groups"} & self._config.keys()
        return is_plain and not training.interrupted and lowest_loss(training) < 0.5 * SMOOTH

    def _solve_exactly(self, rows, training, validation):
        """Fit a single network by Gauss-Newton, and keep it if it is better on held-out rows.

        An ensemble's rows are held out from some of its members only: of a single network half the error is asked.
        """
        before = vars(self).copy()
        share = 1.0 if self._config["n_members"] is None else 0.25
        self._config = self._config | {"n_members": None, "scaled": False}
        self.member_weights_ = np.ones(1)
        self._generator, self.solver_ = cloned(self._generator), "gauss_newton"
        module = self._network(int(torch.randint(2**31, (1,), generator=self._generator)))
        self.module_ = module.to(dtype=next(self.module_.parameters()).dtype)
        fitting, held_out = self._split(rows)
        if len(fitting) <= SMOOTH_ROWS and sum(p.numel() for p in self.module_.parameters()) <= SMOOTH_PARAMETERS:
            self._place_knots(rows)
            exact = self._train(fitting, held_out, (), begins=True)
            if lowest_loss(exact) < share * lowest_loss(training):
                return exact._replace(history=training.history + exact.history), held_out
        self.__dict__.update(before)
        return training, validation

    @abstractmethod
    def _read_target(self, y, n_samples, reset):
        """Check a target and its length; returns class indices, or floats of shape (n_samples, n_outputs)."""

    @abstractmethod
    def _start_target(self, y, weight):
        """Learn the scale of a target; returns the number of network outputs."""

    @abstractmethod
    def _target_tensor(self, y):
        """The target on the scale that the loss is learned on."""

    @abstractmethod
    def _loss(self):
        """Loss function ``(raw, y) -> (n,)``."""

    def _row_weight(self, y, weight):
        return weight

    def _output_directions(self, n_raw):
        """Signs with which monotonic constraints hold for the network's outputs."""
        return [1] * n_raw

    def _read(self, X, y, sample_weight, reset, streams=False, **target):
        """Check parameters and data: columns, target, weights; rows of weight zero are gone."""
        self._check_parameters()
        if not reset:
            self._check_continuation()
        known = None if reset else self.encoder_.categorical_
        columns = read_table(self, X, reset=reset, categorical=known)
        n_samples = len(columns[0][1])
        y = self._read_target(y, n_samples, reset, **target)
        weight = np.ones(n_samples) if sample_weight is None else read_weight(sample_weight, n_samples)
        weight = self._row_weight(y, weight)
        used = np.flatnonzero(weight)
        if len(used) < n_samples:
            columns = [(name, values[used], is_categorical) for name, values, is_categorical in columns]
            y, weight = y[used], weight[used]
        self._check_rows(y, streams)
        return columns, y, weight

    def _start(self, columns, y, weight, streams=False):
        """Build everything that training needs: encoder, target's scale, generator, network."""
        directions, groups = read_constraints(self, columns)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        self.device_ = resolve_device(self.device)
        self.encoder_ = TableEncoder().fit(columns, weight)
        self._generator = torch.Generator().manual_seed(seed)
        n_raw = self._start_target(y, weight)
        sizes = {"in_features": self.encoder_.n_numeric_, "out_features": n_raw, "n_levels": self.encoder_.n_levels_}
        self._config, self._settings = sizes | self._architecture(), self._settled()
        self.solver_ = "adam" if self.solver == "auto" else self.solver
        is_ensemble = self.n_members > 1 and self.solver_ not in SINGLE
        self._config["n_members"] = self.n_members if is_ensemble else None
        if self._config["fine_knots"] == "auto":
            can_be_weighed = self.early_stopping is not False and self.n_members > folds_of(self.validation_fraction)
            is_wanted = len(y) > EXACT_ROWS and self.n_knots < FINE_KNOTS and can_be_weighed and not streams
            self._config["fine_knots"] = FINE_KNOTS if is_wanted else None
        self._config["scaled"] = self.solver_ in STREAMING  # factors need the rates that Adam gives them
        if directions.any() or groups is not None:
            self._check_can_be_constrained()
            self._config |= on_inputs(directions, groups, self.encoder_) | {"n_members": None, "scaled": False}
            self._config["output_directions"] = self._output_directions(n_raw) if directions.any() else None
        self.member_weights_ = np.ones(self._config["n_members"] or 1)
        self._unit_weight = weight.mean()
        if not isinstance(self.knots, str):
            knots = self.encoder_.encode_knots(self.knots)
            n_knots = [knots.shape[1]] + [self.n_knots] * len(self._config["hidden_layer_sizes"])
            self._config |= {"knots": knots, "n_knots": n_knots}
        self.module_ = self._network(seed).to(dtype=self._choose_dtype(columns))

    def _network(self, seed):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # the CPU's alone
            module = make_network(self._config, self._generator)
        if self.smoothness:
            for layer in module.layers:
                check_can_be_smoothed(layer)
        return module

    def _place_knots(self, rows):
        """Place the first layer's knots on training rows."""
        X, (_, sample_weight) = rows.batch()
        self.module_.place_knots(X, sample_weight)

    def _choose_dtype(self, columns):
        if self.dtype != "auto":
            return getattr(torch, self.dtype)
        is_single = all(values.dtype == np.float32 for _, values, is_categorical in columns if not is_categorical)
        return torch.float32 if is_single or len(columns[0][1]) > EXACT_ROWS else torch.float64

    def _split(self, rows):
        """Rows to fit and to validate on; the latter None without early stopping."""
        n_rows = len(rows)
        wanted = n_rows >= EARLY_STOPPING_ROWS if self.early_stopping == "auto" else self.early_stopping
        if not wanted or n_rows < 2:
            return rows, None
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        if self._config["n_members"] is not None:
            return bagged(rows, self._config["n_members"], self.validation_fraction, seed)
        n_validation = int(np.clip(round(n_rows * self.validation_fraction), 1, n_rows - 1))
        fitting, validation = self._hold_out(np.arange(n_rows), rows.y.numpy(), n_validation, seed)
        return rows[fitting], rows[validation]

    def _hold_out(self, rows, y, n_validation, seed):
        return train_test_split(rows, test_size=n_validation, random_state=seed)

    def _rows(self, columns, y, weight):
        """Encoded table, target and weights as tensors."""
        dtype = next(self.module_.parameters()).dtype
        X = torch.from_numpy(self.encoder_.transform(columns, dtype=str(dtype).removeprefix("torch.")))
        rows = Rows(X, self._target_tensor(y), torch.from_numpy(weight))
        return merged(rows) if len(y) <= EXACT_ROWS else rows

    def _record(self, net, history, reset):
        if reset:
            self.loss_curve_, self.validation_scores_ = [], None
        epochs = [epoch for epoch in history if "train_loss" in epoch]
        self.net_ = net
        self.loss_curve_ = self.loss_curve_ + [epoch["train_loss"] for epoch in epochs]
        self.n_iter_ = len(self.loss_curve_)
        scores = [-epoch["valid_loss"] for epoch in epochs if "valid_loss" in epoch]
        if scores:
            self.validation_scores_ = (self.validation_scores_ or []) + scores

    def _raw_predict(self, X, members=False):
        """Network outputs, ndarray of shape (n_samples, n_raw), or of each member, (n_samples, n_members, n_raw).

        Memory beside the table is bounded.
        """
        check_is_fitted(self)
        columns = read_table(self, X, reset=False, categorical=self.encoder_.categorical_)
        parameter = next(self.module_.parameters())
        dtype = str(parameter.dtype).removeprefix("torch.")
        n_samples, width = len(columns[0][1]), len(columns) + self.module_.widest
        chunk = max(1, PREDICTION_CELLS // width)
        outputs = []
        if self.module_.training:
            self.module_.eval()
        with torch.inference_mode(), limited_threads(min(chunk, n_samples) * width):
            for start in range(0, n_samples, chunk):
                part = [(name, values[start : start + chunk], flag) for name, values, flag in columns]
                encoded = torch.from_numpy(self.encoder_.transform(part, dtype=dtype)).to(parameter.device)
                raw = self.module_(encoded)
                outputs.append((raw if raw.ndim < 3 or members else self._averaged(raw)).cpu().numpy())
        return np.concatenate(outputs)

    def __getstate__(self):
        """Weights as numpy arrays: a model fitted on a GPU loads on a machine without one, and skops can store it."""
        state = super().__getstate__().copy()
        if "module_" in state:
            state["module_"] = {name: tensor.cpu().numpy() for name, tensor in self.module_.state_dict().items()}
            state["_attributes"] = [plain_attributes(layer.basis) for layer in self.module_.layers]
            state["_generator"] = self._generator.get_state().numpy()
            state["net_"] = [dict(epoch) for epoch in self.net_.history]
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "module_" not in state:
            return
        weights = {name: torch.from_numpy(np.array(array)) for name, array in state["module_"].items()}
        self._generator = torch.Generator()
        self._generator.set_state(torch.from_numpy(np.array(state["_generator"])))
        with torch.random.fork_rng(devices=[]):
            module = make_network(self._config)
        dtype = next(tensor.dtype for tensor in weights.values() if tensor.is_floating_point())
        self.device_ = resolve_device(self.device, fallback=True)
        for layer, attributes in zip(module.layers, self.__dict__.pop("_attributes"), strict=True):
            vars(layer.basis).update(attributes)
        self.module_ = module.to(self.device_, dtype)
        self.module_.load_state_dict(weights)
        self.net_ = finished_net(self.module_, self._loss(), state["net_"], self.device_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
