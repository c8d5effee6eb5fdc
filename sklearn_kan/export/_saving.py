"""Models in files that run no code: save and load."""

import json
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import sklearn
import torch

from .._devices import resolve_device
from ..estimators._fitted import FittedAttributes
from ..estimators._state import from_stored, to_stored
from ..gp import GPSpectralRegressor
from ._file import DamagedFileError, from_bytes, to_bytes, write_whole
from ._tree import Reader, Writer

FORMAT = "sklearn_kan model"
VERSION = 1  # of the format; a change that older readers would misread raises it
PACKAGE = __package__.partition(".")[0]
COLUMNS = "n_features_in_", "feature_names_in_"


def save(model, path) -> None:
    """Write a fitted model to a file that holds numbers and texts, and no code.

    The file is in the safetensors format, with a checksum. It is written under a temporary name, flushed to the disk
    and renamed: a full disk or a killed process leaves what was there before.

    Parameters
    ----------
    model : KANClassifier, KANRegressor or GPSpectralRegressor
        Fitted.
    path : str or path-like

    Raises
    ------
    TypeError
        If the model is another estimator, or has something that is code: a basis given as a class, callbacks.
    ValueError
        If the model is not fitted.

    See Also
    --------
    load : The way back.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_kan import KANClassifier, load, save
    >>> X, y = load_iris(return_X_y=True)
    >>> model = KANClassifier(max_iter=5, random_state=0).fit(X, y)
    >>> path = os.path.join(tempfile.mkdtemp(), "iris.kan")
    >>> save(model, path)
    >>> (load(path).predict_proba(X) == model.predict_proba(X)).all()
    np.True_
    """
    check_saveable(model)
    writer = Writer()
    is_process = isinstance(model, GPSpectralRegressor)
    state = (model._averaged(), model.n_iter_) if is_process else to_stored(model._state)
    tree = {
        "estimator": type(model).__name__,
        "parameters": {
            name: writer.tree(value, f"{name} of the model") for name, value in model.get_params(deep=False).items()
        },
        "columns": {name: writer.tree(getattr(model, name), name) for name in COLUMNS if hasattr(model, name)},
        "state": writer.tree(state, "the fitted state"),
    }
    texts = {
        "format": FORMAT, "format_version": str(VERSION), "model": json.dumps(tree, separators=(",", ":")),
        "versions": json.dumps(versions()),
    }  # fmt: skip
    write_whole(path, to_bytes(writer.arrays, texts))


def load(path) -> Any:
    """Read a model that `save` wrote, on the device that its parameter `device` names, or the CPU.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    model : KANClassifier, KANRegressor or GPSpectralRegressor
        Fitted; predicts what the saved one predicts.

    Raises
    ------
    ValueError
        If the file is cut off or damaged, holds something else, or is of a later version's format.

    See Also
    --------
    save : With an example.
    """
    arrays, texts = from_bytes(Path(path).read_bytes(), str(path))
    if texts.get("format") != FORMAT:
        raise DamagedFileError(f"{path} is not a file of a model. Pass one that sklearn_kan.save wrote.")
    if int(texts["format_version"]) > VERSION:
        raise ValueError(
            f"{path} has format {texts['format_version']}, of sklearn_kan {json.loads(texts['versions'])[PACKAGE]}, "
            f"and this is {versions()[PACKAGE]}, which reads formats up to {VERSION}. Upgrade sklearn_kan."
        )
    tree, reader = json.loads(texts["model"]), Reader(arrays)
    kind = saveable()[tree["estimator"]]
    model = kind(**{name: reader.value(value) for name, value in tree["parameters"].items()})
    columns, state = {name: reader.value(value) for name, value in tree["columns"].items()}, reader.value(tree["state"])
    if isinstance(model, GPSpectralRegressor):
        blend, n_iter = state
        return model._adopt(SimpleNamespace(**columns), blend.shares[0].process, n_iter, blend)
    vars(model).update(columns)
    model._state = from_stored(state, resolve_device(model.device, fallback=True))
    return model


def check_saveable(model):
    """Raise unless a model is one of the package's estimators, and fitted."""
    remedy = "saved. Save a pipeline's last step or a search's best_estimator_ by itself, or use pickle."
    check_fitted(model, saveable(), remedy)


def check_exportable(model):
    """Raise unless a model is one of the package's networks, and fitted."""
    remedy = "exported. Export a pipeline's last step by itself, or to ONNX by skl2onnx; see register_onnx."
    check_fitted(model, estimators(), remedy)


def check_fitted(model, known, remedy):
    if known.get(type(model).__name__) is not type(model):
        raise TypeError(f"model is of type {type(model).__name__}, and only {', '.join(sorted(known))} can be {remedy}")
    if not is_fitted(model):
        raise ValueError(f"model is a {type(model).__name__} that is not fitted. Call fit first.")


def is_fitted(model):
    return hasattr(model, "_process") if isinstance(model, GPSpectralRegressor) else model.__sklearn_is_fitted__()


def saveable():
    """The estimators that can be saved, by name."""
    return estimators() | {GPSpectralRegressor.__name__: GPSpectralRegressor}


def estimators():
    """The estimators that are networks, by name."""
    found, waiting = {}, [FittedAttributes]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith(f"{PACKAGE}.") and not kind.__abstractmethods__:
            found[kind.__name__] = kind
    return found


def versions():
    """Of what a model depends on."""
    return {PACKAGE: version("sklearn-kan"), "scikit-learn": sklearn.__version__, "torch": torch.__version__,
            "numpy": np.__version__}  # fmt: skip
