"""The package's own types that a file of a model may hold, by name. Nothing else is ever made from a file."""

from typing import Any

import numpy as np
from sklearn.preprocessing import OrdinalEncoder

from ..data._encoding import TableEncoder
from ..data._levels import UNSEEN, Levels
from ..data._scales import Bend
from ..data._table import Column
from ..data._targets import Classes, Numbers, TargetScaler
from ..estimators._design import Data, Design, Seen
from ..estimators._parameters import Settled
from ..estimators._state import Stored
from ..gp._blend import Blend, Share
from ..gp._link import Link
from ..gp._process import Process
from ..gp._reading import Axis as FeatureAxis
from ..gp._units import Units
from ..gp.covariance._mixture import SpectralMixture
from ..gp.covariance._product import ProductMixture
from ..gp.covariance._ties import Ties
from ..gp.inference._choice import Solvers
from ..gp.inference._points import Data as Points
from ..gp.learning._averaging import Model
from ..gp.series._innovations import Innovations
from ..model._arrays import Arrays
from ..model._axes import Axis
from ..model._terms import Term, Terms
from ..network._architecture import Architecture
from ..network._constrained import Constraints
from ..training._intervals import HeldOutErrors
from ..training._losses import Pinball, Tweedie, absolute_error, cross_entropy, huber, poisson, squared_error

RECORDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Architecture, Arrays, Axis, Bend, Classes, Column, Constraints, Data, Design, HeldOutErrors, Numbers, Seen,
        Settled, Stored, Term, Terms,
    )
}  # fmt: skip
STATES: dict[str, Any] = {kind.__name__: kind for kind in (Pinball, TableEncoder, TargetScaler, Tweedie)}
RECORDS |= {f"gp.{kind.__name__}": kind for kind in (FeatureAxis, Innovations, Link, Model, Points, Share, Ties, Units)}
STATES |= {f"gp.{kind.__name__}": kind for kind in (Blend, Process, ProductMixture, Solvers, SpectralMixture)}
NAMES = {kind: name for name, kind in [*RECORDS.items(), *STATES.items()]}
FUNCTIONS = {function.__name__: function for function in (absolute_error, cross_entropy, huber, poisson, squared_error)}
LEVELS = Levels


def levels_to(levels):
    """Levels as labels: what scikit-learn holds inside changes with its versions."""
    encoder = levels.encoder
    infrequent = None if encoder.max_categories is None else encoder.infrequent_categories_[0]
    return {
        "labels": encoder.categories_[0], "infrequent": [] if infrequent is None else infrequent.tolist(),
        "max_categories": encoder.max_categories, "has_missing": levels.has_missing,
    }  # fmt: skip


def levels_from(stored):
    """Levels again, by an encoder fitted to labels of which those that are not infrequent come twice."""
    labels, infrequent = stored["labels"], set(stored["infrequent"])
    frequent = np.array([label for label in labels.tolist() if label not in infrequent], dtype=labels.dtype)
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=UNSEEN, max_categories=stored["max_categories"]
    )
    rows = np.concatenate([labels, frequent]) if infrequent else labels
    return Levels(encoder.fit(rows.reshape(-1, 1)), stored["has_missing"])
