"""The closed form of a fitted network, in the columns of its table."""

import copy
from typing import Any

import numpy as np
import sympy as sp
import torch

from ..data._encoding import CLIP
from ..data._targets import LOG_LINK
from ..network._norms import BatchNorm, LayerNorm, NoNorm
from ._families import edge_expressions, silu

MOST_UNITS = 64  # of a hidden layer: larger networks have closed forms that nobody reads


def to_sympy(estimator) -> Any:
    """The closed form of a fitted network, from the table's columns to predictions.

    Splines are piecewise polynomials, other families are what they are; encoding of columns and scaling of the target
    are part of the formula, inside and outside the range of the training rows.

    Parameters
    ----------
    estimator : KANRegressor or KANClassifier
        Fitted, a single network (``n_members=1``) of few units. Columns are numbers or categories, without missing
        values.

    Returns
    -------
    sympy.Expr or list of sympy.Expr
        In symbols with the columns' names, ``x0``, ``x1``, ... for arrays. A list for several outputs. A classifier
        of two classes gives the log-odds of the second, others the logits of each. A level of a categorical column
        has a symbol of its own, such as ``kind=up``, which is 1 or 0.

    Raises
    ------
    TypeError
        If the estimator has no network.
    ValueError
        If it has members, or columns that a formula cannot have.

    See Also
    --------
    KANSymbolicRegressor : The simplest law that predicts as well.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.symbolic import to_sympy
    >>> X = np.random.default_rng(0).uniform(size=(100, 1))
    >>> model = KANRegressor((), n_members=1, max_iter=5, random_state=0).fit(X, X[:, 0] ** 2)
    >>> formula = to_sympy(model)
    >>> bool(abs(float(formula.subs("x0", 0.3)) - model.predict([[0.3]])[0]) < 1e-6)
    True
    """
    if not hasattr(estimator, "model_"):
        raise TypeError(
            f"{type(estimator).__name__} has no fitted network. Pass a fitted KANRegressor or KANClassifier."
        )
    model = estimator.model_
    module = copy.deepcopy(model.module).double().cpu().eval()
    check(module, model.encoder)
    names = getattr(estimator, "feature_names_in_", None)
    names = [f"x{i}" for i in range(estimator.n_features_in_)] if names is None else [str(name) for name in names]
    used = np.flatnonzero(estimator.selected_features_)
    symbols = [sp.Symbol(names[place]) for place in used]
    with torch.no_grad():
        raw = network_expressions(module, *encoded(model.encoder, symbols))
    return decoded(raw, model, estimator)


def check(module, encoder):
    """Raise if there is no formula, or none that is of use."""
    if module.n_members is not None:
        raise ValueError("The network is an ensemble of members. Fit with n_members=1.")
    widest = max((layer.out_features for layer in list(module.layers)[:-1]), default=0)
    if widest > MOST_UNITS:
        raise ValueError(f"A hidden layer has {widest} units, more than {MOST_UNITS}. Fit with fewer, such as (8,).")
    if any(kind in ("date", "duration") for kind in encoder.kinds_):
        raise ValueError("The table has dates or durations, which formulas cannot have. Turn them into numbers first.")
    if len(encoder.missing_) or any(levels.has_missing for levels in encoder.levels_):
        raise ValueError(
            "Columns had missing values in training, which formulas cannot have. Fill them before fitting."
        )


def encoded(encoder, symbols):
    """The network's numeric inputs, and for each code column pairs of a code and an expression that is 1 or 0.

    For fine inputs, a column's symbol and its knots.
    """
    numeric = []
    owners = encoder.column_of_input_
    for i in range(encoder.n_numeric_):
        x = symbols[owners[i]]
        z = float(encoder.rate_[i]) * (x - float(encoder.center_[i]))
        if not encoder.rate_[i]:
            numeric.append(sp.Integer(0))
        elif i not in encoder.bends_:
            numeric.append(squeezed(z))
        else:  # hundreds of pieces, which sympy must not try to simplify
            inner = sp.Symbol("_z", real=True)
            with sp.evaluate(False):
                bent = sp.Mul(0.5, sp.Add(z, interpolated(x, *encoder.bends_[i])))
                numeric.append(squeezed(inner).xreplace({inner: bent}))
    codes: list[Any] = []
    for place, levels in enumerate(encoder.levels_):
        x = symbols[owners[encoder.n_numeric_ + place]]
        labels = [label for label in levels.labels if label is not None]
        numbers = levels.encode(np.array(labels, dtype=object)).astype(int)
        codes.append([(int(n), sp.Symbol(f"{x}={label}")) for n, label in zip(numbers, labels, strict=True)])
    for i, atoms in encoder.atoms_.items():
        codes.append([(n, indicator(symbols[owners[i]], float(atom))) for n, atom in enumerate(atoms, start=1)])
    codes += [(symbols[owners[i]], places) for i, places in encoder.places_.items()]
    return numeric, codes


def squeezed(z):
    return z / sp.sqrt(1 + (z / sp.Integer(int(CLIP))) ** 2)


def interpolated(x, places, ranks):
    """A piecewise linear map, constant outside its places."""
    pieces = [(float(ranks[0]), x <= float(places[0]))]
    for left, right, low, high in zip(places[:-1], places[1:], ranks[:-1], ranks[1:], strict=True):
        slope = float((high - low) / (right - left))
        pieces.append((float(low) + slope * (x - float(left)), x <= float(right)))
    return sp.Piecewise(*pieces, (float(ranks[-1]), True))


def indicator(x, value):
    return sp.Piecewise((1, sp.Eq(x, value)), (0, True))


def network_expressions(module, numeric, codes):
    """Outputs of a network for expressions of its inputs.

    Each layer is written in symbols of its own, into which the one before is put as it stands: sympy would try to
    simplify nested pieces, for hours.
    """
    h = numeric
    for number, layer in enumerate(module.layers):
        symbols = [sp.Symbol(f"_h{number}_{i}", real=True) for i in range(len(h))]
        following = layer_expressions(layer, symbols, is_nested=number > 0 or any(z.has(sp.Piecewise) for z in h))
        if number == 0 and module.lookup is not None:
            following = [
                y + extra for y, extra in zip(following, lookup_expressions(module.lookup, codes), strict=True)
            ]
        with sp.evaluate(False):
            h = placed(following, symbols, h)
        if number < len(module.norms):
            symbols = [sp.Symbol(f"_n{number}_{i}", real=True) for i in range(len(h))]
            following = normalised(module.norms[number], symbols)
            with sp.evaluate(False):
                h = placed(following, symbols, h)
    return h


def placed(expressions, symbols, values):
    return [expression.xreplace(dict(zip(symbols, values, strict=True))) for expression in expressions]


def layer_expressions(layer, columns, is_nested):
    bias, weight = layer.bias.tolist(), layer.scaled_weight
    edges = edge_expressions(layer.basis, weight, columns, is_nested) if columns else [[] for _ in bias]
    outputs = [sp.Add(b, *own) for b, own in zip(bias, edges, strict=True)]
    if layer.base_weight is not None and columns:
        base = layer.scaled(layer.base_weight.T).T.tolist()
        smooth = [silu(z) for z in columns]
        outputs = [y + sp.Add(*[v * s for v, s in zip(own, smooth, strict=True)])
                   for y, own in zip(outputs, base, strict=True)]  # fmt: skip
    if layer.factor is not None and columns:
        pairs = zip(outputs, layer.factor.tolist(), layer.cofactor.tolist(), strict=True)
        outputs = [y + linear(f, columns) * linear(g, columns) for y, f, g in pairs]
    return outputs


def linear(weights, columns):
    return sp.Add(*[w * z for w, z in zip(weights, columns, strict=True)])


def lookup_expressions(lookup, codes):
    """What levels and fine inputs add to each unit."""
    n_units = lookup.table.shape[1]
    totals = [sp.Integer(0)] * n_units
    for place, indicators in enumerate(codes):
        if isinstance(indicators, tuple):
            x, places = indicators
            rows = torch.zeros(len(places), len(codes), dtype=torch.float64)
            rows[:, place] = torch.arange(1, len(places) + 1)
            for unit, values in enumerate(lookup(rows).T.tolist()):
                totals[unit] += interpolated(x, places, values)
            continue
        for number, is_there in indicators:
            row = torch.zeros(1, len(codes), dtype=torch.float64)
            row[0, place] = number
            for unit, value in enumerate(lookup(row)[0].tolist()):
                totals[unit] += value * is_there
    return totals


def normalised(norm, h):
    """A normalisation in evaluation."""
    if isinstance(norm, NoNorm):
        return h
    weight, bias = norm.weight.tolist(), norm.bias.tolist()
    if isinstance(norm, LayerNorm):
        mean = sp.Add(*h) / len(h)
        spread = sp.sqrt(sp.Add(*[(x - mean) ** 2 for x in h]) / len(h) + norm.eps)
        return [w * (x - mean) / spread + b for x, w, b in zip(h, weight, bias, strict=True)]
    if isinstance(norm, BatchNorm):
        rate = (norm.running_var + norm.eps).rsqrt().tolist()
        middle = norm.running_mean.tolist()
        return [(x - m) * r * w + b for x, m, r, w, b in zip(h, middle, rate, weight, bias, strict=True)]
    raise ValueError(f"The network's {type(norm).__name__} has no closed form here. Fit with norm='none' or 'batch'.")


def decoded(raw, model, estimator):
    """Predictions from raw outputs: on the target's scale, or as logits."""
    scaler = getattr(model.target, "scaler", None)
    if scaler is None:
        logits = [z / float(model.temperature) for z in raw]
        return logits[1] - logits[0] if len(logits) == 2 else logits
    centers, scales = np.broadcast_to(scaler.center_, len(raw)), np.broadcast_to(scaler.scale_, len(raw))
    if estimator.loss in LOG_LINK:
        found = [float(s) * sp.exp(z) for z, s in zip(raw, scales, strict=True)]
    else:
        found = [float(c) + float(s) * z for z, c, s in zip(raw, centers, scales, strict=True)]
    return found[0] if len(found) == 1 else found
