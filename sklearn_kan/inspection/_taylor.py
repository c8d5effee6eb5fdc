"""Polynomials that a fitted network is, near a row of the table."""

from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ..data._encoding import CLIP
from ..data._targets import LOG_LINK, Classes
from ..network._layer import linear
from ..network._norms import LayerNorm
from ._reading import reading, squeezed

MOST_TERMS = 5_000
MOST_ORDER = 4


class Polynomial(NamedTuple):
    """A polynomial of numeric columns around a row.

    Parameters
    ----------
    names : list of str
        Of the columns.
    center : ndarray of shape (n_columns,)
    exponents : ndarray of shape (n_terms, n_columns)
        The constant first.
    coefficients : ndarray of shape (n_terms,) or (n_terms, n_outputs)
        Of the products of ``(x - center) ** exponents``.
    """

    names: list[str]
    center: np.ndarray
    exponents: np.ndarray
    coefficients: np.ndarray

    def __call__(self, x) -> np.ndarray:
        """Values at places ``(n_samples, n_columns)``: ``(n_samples,)`` or ``(n_samples, n_outputs)``."""
        offset = np.asarray(x, dtype=np.float64) - self.center
        return np.prod(offset[:, None, :] ** self.exponents[None], axis=2) @ self.coefficients


def taylor_expansion(model, x0, order=2) -> Polynomial:
    """The Taylor polynomial of a fitted network around a row, in the numeric columns and their own units.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
    x0 : dataframe or array-like of shape (1, n_features)
        The row. Categorical columns and dates stay as they are there.
    order : int, default=2
        From 0 to 4. Splines of degree d are polynomials between their knots; beyond the nearest ones, and derivatives
        above d, say nothing.

    Returns
    -------
    Polynomial
        Of `predict` of a regression, or log-odds of a classification.

    Raises
    ------
    ValueError
        If `x0` has several rows, a numeric value is missing, or there would be more than 5,000 terms.

    References
    ----------
    Dyer & Gur-Ari (2020), and Halverson, Maiti & Stoner (2020), arXiv:2008.08601: expansions of networks. Derivatives
    are exact, by repeated reverse differentiation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import taylor_expansion
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = KANRegressor((4,), random_state=0, max_iter=20).fit(X, X[:, 0] * X[:, 1])
    >>> polynomial = taylor_expansion(model, X[:1])
    >>> bool(abs(polynomial(X[:1]) - model.predict(X[:1]))[0] < 1e-6)
    True
    """
    if len(x0) != 1:
        raise ValueError(f"x0 has {len(x0)} rows. Pass one, such as X.iloc[[0]] or X[:1].")
    if not 0 <= order <= MOST_ORDER:
        raise ValueError(f"order={order!r} is not usable. Choose 0 to {MOST_ORDER}.")
    rows = reading(model, x0)
    terms = getattr(rows.response.model, "terms", None)
    if terms is not None and terms.is_edited:
        raise ValueError("model has been edited: it is no longer its network. Expand the model from before.")
    numeric = [place for place, column in enumerate(rows.columns) if column.kind == "number"]
    center = np.array([rows.columns[place].values[0] for place in numeric], dtype=np.float64)
    if np.isnan(center).any():
        missing = [rows.names[rows.selected[place]] for place in np.array(numeric)[np.isnan(center)]]
        raise ValueError(f"x0 has missing values in {missing}. Pass a row without.")
    tuples = [t for n in range(order + 1) for t in combinations_with_replacement(range(len(numeric)), n)]
    if len(tuples) > MOST_TERMS:
        raise ValueError(f"order={order} of {len(numeric)} columns has {len(tuples)} terms. Choose a lower order.")
    outputs = derivatives(rows, numeric, center, tuples)
    exponents = np.array([[t.count(i) for i in range(len(numeric))] for t in tuples]).reshape(len(tuples), -1)
    factorials = np.prod([[np.prod(np.arange(1, n + 1)) for n in row] for row in exponents], axis=1)
    names = [str(rows.names[rows.selected[place]]) for place in numeric]
    return Polynomial(names, center, exponents, squeezed(outputs / factorials[:, None]))


def derivatives(rows, numeric, center, tuples):
    """Derivatives of all outputs by tuples of columns: ``(n_tuples, n_outputs)``."""
    module = rows.response.model.module
    dtype = next(module.parameters()).dtype
    module.eval().double()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            x = torch.tensor(center, requires_grad=True)
            outputs = read(rows, plain(module, encoded_at(rows, numeric, x)[None]))
            return np.stack([all_derivatives(output, x, tuples) for output in outputs], 1)
    finally:
        module.to(dtype)


def all_derivatives(output, x, tuples):
    """Derivatives of one output, each from one of a lower order."""
    known = {(): output}
    for index in tuples:
        if index and index not in known:
            gradient = None
            below = known[index[:-1]]
            if below.requires_grad:
                (gradient,) = torch.autograd.grad(below, x, create_graph=True, allow_unused=True)
            for last in range(index[-2] if len(index) > 1 else 0, len(x)):
                known[*index[:-1], last] = x.new_zeros(()) if gradient is None else gradient[last]
    return np.array([float(known[index].detach()) for index in tuples])


def plain(module, x):
    """Outputs of a network by elementary operations: kernels and torch's layer norm have two derivatives alone."""
    first = module.layers[0]
    h = x[:, : first.in_features]
    for number, layer in enumerate(module.layers):
        h = plain_sums(layer, h)
        if number == 0 and module.lookup is not None:
            h = h + module.lookup(x[:, first.in_features :]).unflatten(1, h.shape[1:])
        h = plain_norm(module.norms[number], h) if number < len(module.norms) else h
    return h


def plain_norm(norm, h):
    """A normalisation of hidden activations."""
    if type(norm) is not LayerNorm:
        return norm(h)
    centered = h - h.mean(-1, keepdim=True)
    return centered * (centered.square().mean(-1, keepdim=True) + norm.eps).rsqrt() * norm.weight + norm.bias


def plain_sums(layer, x):
    """Sums over the edges of a layer: ``(n, [n_members,] in_features) -> (n, [n_members,] out_features)``."""
    if x.ndim == 2:
        y = layer.edge_functions(x).sum(2)
    else:
        out = layer.out_features
        by_member = [layer.edge_functions(own)[:, k * out : (k + 1) * out].sum(2) for k, own in enumerate(x.unbind(1))]
        y = torch.cat(by_member, 1)
    y = y + layer.bias
    if layer.factor is not None:
        n_others = layer.n_units - len(layer.factor)
        own = x if x.ndim == 2 else x[:, n_others // layer.out_features :]
        y = y + F.pad(linear(own, layer.factor) * linear(own, layer.cofactor), (n_others, 0))
    return y if layer.n_members is None else y.unflatten(1, (layer.n_members, layer.out_features))


def encoded_at(rows, numeric, x):
    """An encoded row as a function of its numeric columns."""
    encoder, encoded = rows.response.model.encoder, torch.from_numpy(rows.encoded[0].astype(np.float64))
    parts = list(encoded)
    for i, column in enumerate(encoder.column_of_input_[: encoder.n_numeric_].tolist()):
        if column not in numeric:
            continue
        value = x[numeric.index(column)]
        z = (value - encoder.center_[i]) * encoder.rate_[i]
        if i in encoder.bends_:
            z = (z + on_line(value, *encoder.bends_[i])) / 2
        parts[i] = z / (1 + (z / CLIP) ** 2).sqrt()
    return torch.stack(parts)


def on_line(value, places, levels):
    """Linear interpolation between the nearest places; constant outside."""
    at = int(np.searchsorted(places, float(value.detach()), side="right"))
    if at in (0, len(places)):
        return value * 0 + levels[0 if at == 0 else -1]
    slope = (levels[at] - levels[at - 1]) / (places[at] - places[at - 1])
    return levels[at - 1] + slope * (value - places[at - 1])


def read(rows, raw):
    """Outputs as they are predicted, one tensor for each."""
    model = rows.response.model
    raw = model.averaged(raw)[0]
    if isinstance(model.target, Classes):
        logits = raw / model.temperature
        return [logits[1] - logits[0]] if len(logits) == 2 else list(logits.log_softmax(0))
    scaler = model.target.scaler
    scale, center = torch.from_numpy(scaler.scale_), torch.from_numpy(scaler.center_)
    return list(scale * raw.exp() if scaler.loss in LOG_LINK else center + scale * raw)
