"""Steps for glass boxes that were edited: tables of terms, next to what is left of the network."""

import numpy as np

from ..model._axes import Axis
from ..network._shares import bias, inputs_of_parts


def kept_parts(model):
    """Which parts of a network terms still have: ndarray of bool, of shape (n_parts,)."""
    kept = np.zeros(len(inputs_of_parts(model.module, len(model.encoder.column_of_input_))), dtype=bool)
    kept[[part for term in model.terms.terms for part in term.parts]] = True
    return kept


def edited(do, model, x, codes, raw):
    """Raw outputs of the parts that are kept, with the tables and constants of terms: ``(n, n_raw)``."""
    terms, share = model.terms.averaged(model.member_weights), model.member_weights / model.member_weights.sum()
    axes: dict[tuple, Axis] = {}
    tables: dict[tuple, np.ndarray] = {}
    grids = []
    constant = terms.intercept[0] - share @ bias(model.module).detach().double().cpu().numpy()
    for term in terms.terms:
        constant = constant + term.shift[0]
        keys = [(axis.column, axis.size) for axis in term.bases]
        axes |= dict(zip(keys, term.bases, strict=True))
        for key, table in zip(keys, term.tables, strict=False):  # a grid has taken the place of tables
            tables[key] = tables.get(key, 0) + table[0]
        if term.grid is not None:
            grids.append((keys, term.grid[0]))
    needed = {*tables, *(key for keys, _ in grids for key in keys)}
    hats = {key: hats_of(do, model.encoder, axes[key], x, codes) for key in axes if key in needed}
    parts = [raw, *(do("MatMul", hats[key], table) for key, table in tables.items())]
    for (first, second), grid in grids:
        rows = do("MatMul", hats[first], grid.reshape(len(grid), -1))
        rows = do("Mul", do.shaped(rows, 0, *grid.shape[1:]), do.expanded(hats[second], -1))
        parts.append(do.reduced("ReduceSum", rows, 1, keepdims=0))
    return do("Add", do.total(parts), constant)


def hats_of(do, encoder, axis, x, codes):
    """The functions of an axis, as `Axis.hats` has them: (n, size)."""
    first = axis.inputs[0]
    if not len(axis.knots):
        return do("Gather", np.eye(axis.size + 1, axis.size, -1), codes[first - encoder.n_numeric_].table, axis=0)
    own, n_knots = do("Gather", x, np.array([first]), axis=1), len(axis.knots)
    if n_knots == 1:
        level, change = np.eye(1, axis.size), np.zeros((1, axis.size))
        ramps = do("Mul", own, np.float64(0))
    else:
        rising = do("Div", do("Sub", own, axis.knots[:-1]), np.diff(axis.knots))
        ramps = do.clipped(rising, 0, 1)
        level, change = np.eye(1, axis.size), np.diff(np.eye(n_knots, axis.size), axis=0)
    hats = do("Add", do("MatMul", ramps, change), level)
    if len(axis.inputs) == 1:
        return hats
    mark, missing = codes[axis.inputs[1] - encoder.n_numeric_].table, np.eye(1, axis.size, axis.size - 1)
    present = do("Mul", hats, do("Sub", np.ones(1), mark))
    return do("Add", present, do("Mul", mark, missing))
