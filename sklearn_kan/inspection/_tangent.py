"""The neural tangent kernel of a fitted network, and what it would learn first."""

from typing import NamedTuple

import numpy as np
import torch

from ._reading import reading

NUMBERS_AT_ONCE = 2**25  # of gradients


class TangentSpectrum(NamedTuple):
    """Eigenvalues of a tangent kernel over some rows, and how much of a target lies along each eigenvector.

    Parameters
    ----------
    eigenvalues : ndarray of shape (n_samples,)
        The largest first, over their sum.
    shares : ndarray of shape (n_samples,) or None
        Of the centred target's sum of squares. Gradient descent learns what lies along large eigenvalues first.
    """

    eigenvalues: np.ndarray
    shares: np.ndarray | None


def neural_tangent_kernel(model, X, Y=None) -> np.ndarray:
    """The neural tangent kernel of a fitted network: how much a step of training on one row moves another's output.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
    X : dataframe or array-like of shape (n_samples_X, n_features)
    Y : dataframe or array-like of shape (n_samples_Y, n_features), optional
        By default `X`.

    Returns
    -------
    kernel : ndarray of shape (n_samples_X, n_samples_Y), float64
        Inner products of the gradients of the network's raw outputs by all parameters, averaged over members and
        outputs.

    Notes
    -----
    Each row and output takes a backward pass. Edges of degree 0 are constant between their knots, and so have no
    gradient by what is before them.

    References
    ----------
    Jacot, Gabriel & Hongler (2018), *Neural Tangent Kernel: Convergence and Generalization in Neural Networks*.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import neural_tangent_kernel
    >>> X = np.linspace(-1, 1, 30)[:, None]
    >>> model = KANRegressor((4,), random_state=0, max_iter=3).fit(X, X[:, 0] ** 2)
    >>> neural_tangent_kernel(model, X[:5]).shape
    (5, 5)
    """
    rows = reading(model, X)
    module = rows.response.model.module
    other = rows if Y is None else reading(model, Y)
    module.eval()
    parameters = [p for p in module.parameters() if p.requires_grad]
    n_outputs = module.layers[-1].out_features
    step = max(1, NUMBERS_AT_ONCE // sum(p.numel() for p in parameters))
    kernel = np.zeros((len(rows.encoded), len(other.encoded)))
    for output in range(n_outputs):
        for start in range(0, len(rows.encoded), step):
            one = gradients(module, parameters, rows.encoded[start : start + step], output)
            for begin in range(0, len(other.encoded), step):
                is_same = Y is None and begin == start
                two = one if is_same else gradients(module, parameters, other.encoded[begin : begin + step], output)
                kernel[start : start + step, begin : begin + step] += (one @ two.T).numpy()
    return kernel / (n_outputs * (module.n_members or 1))


def gradients(module, parameters, encoded, output):
    """Gradients of an output, row by row: ``(n_samples, n_parameters)``.

    Members share no parameters but vectors of labels, so that the gradient of their sum holds those of all of them.
    """
    x = torch.from_numpy(encoded).to(parameters[0])
    found = torch.empty(len(x), sum(p.numel() for p in parameters), dtype=torch.float64)
    with torch.inference_mode(False), torch.enable_grad():
        for place in range(len(x)):
            value = module(x[place : place + 1].clone())[..., output].sum()
            parts = torch.autograd.grad(value, parameters, allow_unused=True)
            flat = [(torch.zeros_like(p) if g is None else g).flatten() for p, g in zip(parameters, parts, strict=True)]
            found[place] = torch.cat(flat).double().cpu()
    return found


def tangent_spectrum(model, X, y=None) -> TangentSpectrum:
    """Eigenvalues of the tangent kernel over some rows, and what part of a target is learned along each.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
    X : dataframe or array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,), optional
        Numbers: a target, or residuals.

    Returns
    -------
    TangentSpectrum

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import tangent_spectrum
    >>> X = np.linspace(-1, 1, 30)[:, None]
    >>> model = KANRegressor((4,), random_state=0, max_iter=3).fit(X, X[:, 0] ** 2)
    >>> spectrum = tangent_spectrum(model, X, X[:, 0] ** 2)
    >>> bool(abs(spectrum.shares.sum() - 1) < 1e-9)
    True
    """
    values, vectors = np.linalg.eigh(neural_tangent_kernel(model, X))
    values, vectors = values[::-1].clip(min=0), vectors[:, ::-1]
    total = values.sum() or 1.0
    if y is None:
        return TangentSpectrum(values / total, None)
    y = np.asarray(y, dtype=np.float64).ravel()
    if len(y) != len(vectors):
        raise ValueError(f"X has {len(vectors)} rows and y has {len(y)}. Pass one number for each row.")
    y = y - y.mean()
    return TangentSpectrum(values / total, np.square(vectors.T @ y) / (np.square(y).sum() or 1.0))
