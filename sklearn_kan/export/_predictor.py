"""Predictions of a fitted network with NumPy and nothing else: this file and an .npz are all that it takes.

Copied next to a model, it is imported by itself:

    import kan_predictor
    model = kan_predictor.load("model.npz")
    model.predict(rows)

A network is a list of steps, each an operator of the ONNX standard with its inputs and what it writes to, over tables
of numbers. Rows may be an array, a dataframe, or a dict of columns.
"""

import json
import math
from typing import Any

import numpy as np

VERSION = 2
ROWS_AT_ONCE = 128  # tables of members stay in the nearer caches
PERIODS = {"year": 365.2425, "day": 1.0}  # in days
FIRST_DAY = 3  # 1970-01-01 was a Thursday, and weeks begin on Monday

erf = np.vectorize(math.erf, otypes=[float])


def exp(x):
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(x)


OPERATORS: dict[str, Any] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "MatMul": np.matmul,
    "Max": np.maximum, "Min": np.minimum, "Where": np.where, "Equal": np.equal, "IsNaN": np.isnan,
    "Greater": np.greater, "GreaterOrEqual": np.greater_equal, "Less": np.less, "And": np.logical_and,
    "Exp": exp, "Log": np.log, "Sqrt": np.sqrt, "Sin": np.sin, "Cos": np.cos, "Floor": np.floor, "Erf": erf,
    "Abs": np.abs, "Neg": np.negative,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
    "Softplus": lambda x: np.logaddexp(0, x),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "Reshape": lambda x, shape: x.reshape([size if size else x.shape[i] for i, size in enumerate(shape.tolist())]),
    "Transpose": lambda x, perm: x.transpose(perm),
    "Unsqueeze": lambda x, axes: np.expand_dims(x, tuple(axes.tolist())),
    "Squeeze": lambda x, axes: np.squeeze(x, tuple(axes.tolist())),
    "Gather": lambda x, index, axis: np.take(x, index, axis),
    "ReduceSum": lambda x, axes, keepdims: x.sum(tuple(axes.tolist()), keepdims=bool(keepdims)),
    "ReduceMax": lambda x, axes, keepdims: x.max(tuple(axes.tolist()), keepdims=bool(keepdims)),
    "ReduceMean": lambda x, axes, keepdims: x.mean(tuple(axes.tolist()), keepdims=bool(keepdims)),
    "ArgMax": lambda x, axis, keepdims: x.argmax(axis),
    "Sorted": lambda x: np.sort(x, -1),
    "Interpolate": lambda x, places, values: np.interp(x, places, values),
    "Rounded": lambda x: x.astype(np.float32).astype(float),
    "Kept": lambda x: x,
    "Precise": lambda x: x,
    "Whole": lambda x: x.astype(np.int64),
    "Real": lambda x: x.astype(float),
}  # fmt: skip


def run(steps, tables):
    """Carry out steps, from named tables to all tables that they write."""
    for operator, inputs, output, attributes in steps:
        tables[output] = OPERATORS[operator](*[tables[name] for name in inputs], **attributes)
    return tables


def load(path):
    """The predictor in an .npz file."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    described = json.loads(arrays.pop("described").tobytes().decode())
    if described["version"] > VERSION:
        raise ValueError(
            f"{path} has version {described['version']}, and this file reads versions up to {VERSION}. "
            "Take the file kan_predictor.py that was saved with the model."
        )
    return Predictor(described, arrays)


class Predictor:
    """A fitted network that needs NumPy only.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Of a classifier only.
    columns : list of dict
        Of the table that it was fitted to: ``name``, ``kind``, whether it is ``used``, and what becomes of it.
    """

    def __init__(self, described, arrays) -> None:
        self.described, self.arrays = described, arrays
        self.columns = described["columns"]
        if described["classes"] is not None:
            self.classes_ = np.array(described["classes"], dtype=described["dtype_of_classes"])
        self.codes = {
            column["name"]: {key(label): code for label, code in column["codes"]}
            for column in self.columns if column["kind"] == "category" and column["used"]
        }  # fmt: skip

    def predict(self, X) -> np.ndarray:
        """Predicted targets, or classes: ndarray of shape (n_samples,) or (n_samples, n_outputs)."""
        if self.described["classes"] is not None:
            return self.classes_[self.predict_proba(X).argmax(1)]
        y = self.outputs(X)
        return y[:, 0] if self.described["is_flat"] else y

    def predict_proba(self, X) -> np.ndarray:
        """Probabilities of the classes: ndarray of shape (n_samples, n_classes)."""
        if self.described["classes"] is None:
            raise AttributeError("The model is a regression, which has no probabilities. Call predict.")
        return self.outputs(X)

    def outputs(self, X):
        """What the last step writes, some rows at a time."""
        numbers, codes = self.read(X)
        found = []
        for start in range(0, len(numbers), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            tables = run(self.described["steps"], {**self.arrays, "numbers": numbers[part], "codes": codes[part]})
            found.append(tables["outputs"])
        return np.concatenate(found)

    def read(self, X):
        """Numbers (n_samples, n_numeric) and codes (n_samples, n_categorical) of a table."""
        numbers, codes = [], []
        for column, values in zip(self.columns, taken_apart(X, self.columns), strict=True):
            if not column["used"]:
                continue
            if column["kind"] == "category":
                table, missing = self.codes[column["name"]], column["missing"]
                codes.append([missing if is_missing(value) else table.get(key(value), 0) for value in values.tolist()])
                continue
            parts = parts_of(as_numbers(values, column), column["cycles"])
            numbers += parts[0]
            codes += parts[1]
        n_samples = len(values)
        block = np.stack(numbers, 1) if numbers else np.zeros((n_samples, 0))
        return block, np.array(codes, dtype=np.int64).reshape(-1, n_samples).T

    def save(self, path) -> None:
        """Write an .npz, and next to it ``kan_predictor.py``, which loads it.

        Parameters
        ----------
        path : str or path-like
            Ends in ``.npz``.
        """
        path = str(path)
        if not path.endswith(".npz"):
            raise ValueError(f"path={path!r} does not end in '.npz'. Pass one that does.")
        described = np.frombuffer(json.dumps(self.described).encode(), np.uint8)
        with open(path, "wb") as file:
            np.savez_compressed(file, described=described, **self.arrays)
        folder = path[: len(path) - len(path.replace("\\", "/").rpartition("/")[2])]
        with open(__file__, encoding="utf-8") as own:
            text = own.read()
        with open(folder + "kan_predictor.py", "w", encoding="utf-8") as copy:
            copy.write(text)

    def __repr__(self):
        return f"Predictor({len(self.columns)} columns, {sum(array.size for array in self.arrays.values())} numbers)"


def taken_apart(X, columns):
    """A table's columns as arrays: by name from a dict or dataframe, by place from anything else."""
    if hasattr(X, "keys") or hasattr(X, "columns"):
        names = set(X.keys() if hasattr(X, "keys") else X.columns)
        lacking = [column["name"] for column in columns if column["name"] not in names]
        if lacking:
            raise ValueError(f"X lacks the columns {lacking}. Pass all columns that the model was fitted to.")
        taken = {column["name"]: as_array(X[column["name"]]) for column in columns}
        n_samples = next(iter(taken.values())).size
        for name, values in taken.items():
            if values.shape != (n_samples,):
                raise ValueError(
                    f"Column {name!r} of X has shape {values.shape}. Pass one value for each row, in a list."
                )
        return list(taken.values())
    X = as_array(X)
    if X.ndim != 2 or X.shape[1] != len(columns):
        raise ValueError(f"X has shape {X.shape}. Pass (n_samples, {len(columns)}), or a dict of columns.")
    return list(X.T)


def as_array(values):
    """An array; lists keep their items, which NumPy would turn into texts if some are."""
    return np.asarray(values, dtype=object if isinstance(values, list | tuple) else None)


def key(label):
    """What a label is looked up by: texts are not numbers, and 1 is 1.0."""
    return (isinstance(label, str), label)


def is_missing(value):
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def as_numbers(values, column):
    """A column as float64, NaN where missing; days for dates and durations."""
    name, kind = column["name"], column["kind"]
    if kind in ("date", "duration"):
        code = "datetime64" if kind == "date" else "timedelta64"
        if values.dtype.kind == "O":
            values = np.array([None if is_missing(value) else np.array(value, f"{code}[us]") for value in values],
                              dtype=f"{code}[us]")  # fmt: skip
        if values.dtype.kind not in "mM":
            raise TypeError(f"Column {name!r} of X has dtype {values.dtype}, and fit had {kind}s. Convert it.")
        whole = values.astype(f"{code}[D]")
        rest = (values - whole) / np.timedelta64(1, "D")
        return np.where(np.isnat(values), np.nan, whole.astype(np.int64) + rest)
    if values.dtype.kind == "O":
        values = np.array([np.nan if is_missing(value) else value for value in values.tolist()], dtype=object)
    try:
        numbers = values.astype(float)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Column {name!r} of X cannot be read as numbers: {error}.") from error
    if np.isinf(numbers).any():
        raise ValueError(f"Column {name!r} of X contains infinity. Replace it by a finite number, or by NaN.")
    return numbers


def parts_of(days, cycles):
    """What stands for a column: numbers, and codes of weekdays if it has such."""
    numbers, codes = [days], []
    for cycle in cycles:
        if cycle["name"] == "week":
            weekday = np.mod(np.floor(days) + FIRST_DAY, 7)
            table = dict(cycle["codes"])
            codes.append([cycle["missing"] if day != day else table.get(day, 0) for day in weekday.tolist()])
        else:
            turn = 2 * np.pi * np.mod(days / PERIODS[cycle["name"]], 1)
            numbers += [np.sin(turn), np.cos(turn)]
    return numbers, codes
