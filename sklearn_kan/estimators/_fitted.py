"""Fitted attributes: views of the state that a fit leaves."""

from abc import abstractmethod
from typing import Any

import numpy as np

from .._adoption import adopt
from .._devices import resolve_device
from .._documented import Documented
from ..data._targets import Classes
from ..model._effect import in_units
from ..model._importances import shares_of_columns
from ..model._response import response_of
from ..model._summary import summary_of
from ..network._stored import shown
from ._parameters import Parameters
from ._state import State, from_stored, to_stored


class FittedAttributes(Documented, Parameters):
    """Parameters, and what a fit has made of them."""

    _state: State

    @abstractmethod
    def _fitted_model(self):
        """The network with what it takes to use it."""

    def _adopt(self, reader, state):
        """Take over what a fit has found: the only place that sets fitted attributes."""
        return adopt(self, reader, _state=state)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_state")

    @property
    def model_(self):
        shown(self._state.network.module)
        return self._state.model

    @property
    def encoder_(self):
        return self._state.design.encoder

    @property
    def module_(self):
        return shown(self._state.network.module)

    @property
    def member_weights_(self):
        return self._state.network.member_weights

    @property
    def solver_(self):
        return self._state.network.solver

    @property
    def net_(self):
        shown(self._state.network.module)
        return self._state.net

    @property
    def device_(self):
        return self._state.device

    @property
    def loss_curve_(self):
        return [epoch["train_loss"] for epoch in self._state.epochs]

    @property
    def validation_scores_(self):
        return [-epoch["valid_loss"] for epoch in self._state.epochs if "valid_loss" in epoch] or None

    @property
    def selected_features_(self):
        return self._state.design.selected

    @property
    def fine_knots_(self):
        encoder, n_knots = self.encoder_, np.zeros(len(self.selected_features_), dtype=int)
        n_knots[self.selected_features_] = [encoder.resolution(i) for i in range(len(encoder.kinds_))]
        return n_knots

    @property
    def feature_importances_(self):
        model, selected = self._fitted_model(), self.selected_features_
        importances = np.zeros(len(selected))
        importances[selected] = shares_of_columns(
            response_of(model, "predict_proba" if isinstance(model.target, Classes) else "predict"), self._state.sample
        )
        return importances

    def summary(self) -> Any:
        """What the fitted network is made of: layers, shapes, edges, parameters, multiplications for a row.

        Returns
        -------
        Summary
            Its text is a table; ``layers``, ``n_members``, ``n_parameters`` and ``n_multiplications`` are numbers.
        """
        return summary_of(self._fitted_model().module)

    @property
    def best_iteration_(self):
        return self._state.best_iteration

    @property
    def best_score_(self):
        best = self._state.best_iteration
        return None if best is None else -self._state.epochs[best - 1]["valid_loss"]

    @property
    def terms_(self):
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))[self.selected_features_].tolist()
        return [tuple(names[column] for column in term.columns) for term in self._terms.terms]

    @property
    def term_importances_(self):
        return np.sqrt(np.square(self._terms.strengths).mean(1))

    @property
    def intercept_(self):
        model = self.model_
        level = in_units(model, self._terms.averaged(model.member_weights).intercept[0], is_level=True)
        return float(level[0]) if len(level) == 1 else level

    @property
    def _terms(self):
        if self._state.terms is None:
            raise AttributeError(
                f"The network is no sum of functions of one or two columns: interaction_cst={self.interaction_cst!r}, "
                "or it was trained further by partial_fit. Fit with interaction_cst='auto'."
            )
        return self._state.terms

    @property
    def n_iter_(self):
        return len(self._state.epochs)

    def __getstate__(self):
        state = super().__getstate__().copy()
        if "_state" in state:
            state["_state"] = to_stored(self._state)
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "_state" in state:
            self._state = from_stored(state["_state"], resolve_device(self.device, fallback=True))
