"""Which columns act together: mixed differences of a network, and what held-out rows lose without a pair."""

from itertools import combinations

import numpy as np
import torch

from ..training._losses import cross_entropy

PROBES = 256  # pairs of rows that differences are averaged over
MOST_COLUMNS = 24  # whose pairs are looked at: those that move predictions most
PROBED_AT_ONCE = 8_192


@torch.no_grad()
def mixed_differences(outputs, X, weight, owner, n_columns):
    """How strongly pairs of columns act together, by an unconstrained network.

    For two rows a and b, ``f(a) - f(a with i of b) - f(a with j of b) + f(a with i and j of b)`` is zero for every
    function without an interaction of columns i and j (Friedman & Popescu 2008, sec. 8.1, rest on the same). Its mean
    square over random rows is twice a Sobol index of the pair, up to higher orders, if columns are independent.

    Parameters
    ----------
    outputs : callable
        ``(n, n_inputs) -> (n, n_raw)``.
    X : Tensor of shape (n_samples, n_inputs)
        Encoded rows.
    weight : Tensor of shape (n_samples,)
    owner : ndarray of shape (n_inputs,)
        Column of each input.
    n_columns : int

    Returns
    -------
    dict of (int, int) to float
        The strongest first.
    """
    generator = torch.Generator("cpu").manual_seed(0)
    rows = torch.multinomial(weight.double().cpu(), 2 * PROBES, replacement=True, generator=generator)
    first, second = X[rows[:PROBES]], X[rows[PROBES:]]
    inputs = [torch.from_numpy(np.flatnonzero(owner == column)) for column in range(n_columns)]

    def swapped(*columns):
        table = first.clone()
        for column in columns:
            table[:, inputs[column]] = second[:, inputs[column]]
        return table

    def all_outputs(sets):
        at_once = max(1, PROBED_AT_ONCE // PROBES)
        parts = [
            outputs(torch.cat([swapped(*columns) for columns in sets[start : start + at_once]]))
            for start in range(0, len(sets), at_once)
        ]
        return torch.cat(parts).double().cpu().unflatten(0, (len(sets), PROBES)) if parts else parts

    (alone,) = all_outputs([()])
    single = all_outputs([(column,) for column in range(n_columns)])
    effect = (single - alone).square().mean((1, 2))
    chosen = sorted(effect.argsort(descending=True, stable=True)[:MOST_COLUMNS].tolist())
    pairs = list(combinations(chosen, 2))
    both = all_outputs(pairs)
    found = {
        pair: float((alone - single[pair[0]] - single[pair[1]] + own).square().mean())
        for pair, own in zip(pairs, both, strict=True)
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


@torch.no_grad()
def held_out_losses(module, loss, terms, order, rows):
    """Loss of held-out rows by a sum without some of its terms, to which these come back one after the other.

    Parameters
    ----------
    module : ConstrainedKAN
    loss : callable
    terms : Terms
    order : sequence of int
        Places of terms.
    rows : Rows
        Held out, by all or some members; those predict together.

    Returns
    -------
    losses : ndarray of shape (len(order) + 1, n_rows)
        With none, one, ... of the terms in `order`, and all others.
    weight : ndarray of shape (n_rows,)
        Of the rows, one in total.
    """
    X, (y, weight) = rows.batch()
    X, weight = X.cpu(), weight.double().cpu()
    device = next(module.parameters()).device
    values = terms.values(terms.parts(module, X.to(device)), X.double().numpy())
    share = np.broadcast_to((weight > 0).numpy(), values.shape[:2]).astype(float)
    share /= share.sum(1, keepdims=True)
    together = np.einsum("nmto,nm->nto", values, share)
    y = y.cpu() if loss is cross_entropy else y.double().cpu()
    row_weight = weight.amax(1).numpy()
    raw = share @ terms.intercept + np.delete(together, list(order), axis=1).sum(1)
    losses = [loss(torch.from_numpy(raw), y).numpy()]
    for number in order:
        raw = raw + together[:, number]
        losses.append(loss(torch.from_numpy(raw), y).numpy())
    return np.stack(losses), row_weight / row_weight.sum()
