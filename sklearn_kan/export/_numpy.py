"""Predictors that need NumPy only."""

from ._outputs import classes_of, columns_of, is_flat, steps_of
from ._predictor import VERSION, Predictor


def to_numpy(model):
    """A fitted network's predictions without torch and scikit-learn.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted.

    Returns
    -------
    Predictor
        With ``predict``, ``predict_proba`` of a classifier, and ``save(path)``, which writes an ``.npz`` and next to it
        a file ``kan_predictor.py``. These two and NumPy are all that it takes to predict elsewhere. Tables may be
        arrays, dataframes, or dicts of columns.

    Raises
    ------
    TypeError
        If the model is another estimator, a basis is not one of the package's, or labels are neither texts nor numbers.
    ValueError
        If the model is not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_kan import KANClassifier
    >>> from sklearn_kan.export import to_numpy
    >>> X, y = load_iris(return_X_y=True)
    >>> model = KANClassifier(max_iter=5, random_state=0).fit(X, y)
    >>> bool(np.allclose(to_numpy(model).predict_proba(X), model.predict_proba(X)))
    True
    """
    do = steps_of(model)
    classes, dtype = classes_of(model)
    described = {
        "version": VERSION, "steps": do.steps, "columns": columns_of(model), "classes": classes,
        "dtype_of_classes": dtype, "is_flat": is_flat(model),
    }  # fmt: skip
    return Predictor(described, do.arrays)
