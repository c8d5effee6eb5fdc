"""What a display is asked for: the estimator within another one, and columns by name, index or mask."""

from numbers import Integral

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

OF_PROCESSES = (
    " Of a Gaussian process, SpectrumDisplay draws the frequencies, and ForecastDisplay what is expected. For effects "
    "of its columns use sklearn.inspection.partial_dependence."
)
WRAPPED = "best_estimator_", "regressor_"  # attributes of fitted searches, and of estimators that transform targets


def fitted_part(estimator, attribute):
    """The fitted estimator that has an attribute, by itself or as the last one of a pipeline or a search.

    Raises
    ------
    NotFittedError, TypeError
        If it is not fitted, or there is none.
    """
    check_is_fitted(estimator)
    part = estimator
    while not hasattr(part, attribute):
        inner = [part[-1]] if isinstance(part, Pipeline) else [getattr(part, n) for n in WRAPPED if hasattr(part, n)]
        if not inner:
            hint = OF_PROCESSES if hasattr(part, "frequencies_") else ""
            raise TypeError(f"estimator={estimator!r} is not drawn by this display, and holds nothing that is.{hint}")
        (part,) = inner
    return part


def names_of(estimator):
    """Names of an estimator's columns, or their places if they have none."""
    return np.asarray(getattr(estimator, "feature_names_in_", np.arange(estimator.n_features_in_))).tolist()


def places_of(features, names):
    """Places of columns: one or several, each by name or place, or a mask of all."""
    features = [features] if isinstance(features, str | Integral) else list(features)
    if features and all(isinstance(feature, bool | np.bool_) for feature in features):
        if len(features) != len(names):
            raise ValueError(f"features is a mask of {len(features)} columns, and there are {len(names)}.")
        return np.flatnonzero(features).tolist()
    return [place_of(feature, names) for feature in features]


def place_of(feature, names, parameter="features"):
    """Place of a column, given by name or by place."""
    if not isinstance(feature, bool | np.bool_):
        if feature in names:
            return names.index(feature)
        if isinstance(feature, Integral) and 0 <= int(feature) < len(names):
            return int(feature)
    raise ValueError(f"{parameter} holds {feature!r}, which is not a column. Choose from {names}.")
