"""Models as plain Python source."""

from ._lowering import Call, Loop, Set, lowered
from ._outputs import OUTPUTS, classes_of, is_flat, steps_of
from ._rows import fields_of, sizes_of

PREAMBLE = """
import math
import struct
from math import cos, erf, fabs, floor, inf, nan, sin, sqrt


def maximum(a, b):
    return a if a > b or a != a else b


def minimum(a, b):
    return a if a < b or a != a else b


def where(c, a, b):
    return a if c else b


def is_nan(a):
    return a != a


def equal(a, b):
    return a == b


def at_least(a, b):
    return a >= b


def relu(a):
    return a if a > 0.0 else 0.0


def exp(a):
    return math.exp(a) if a < 709.0 else inf


def log(a):
    return math.log(a) if a > 0.0 else -inf


def sigmoid(a):
    return 0.5 * (1.0 + math.tanh(0.5 * a))


def softplus(a):
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


def rounded(a):
    return struct.unpack("f", struct.pack("f", a))[0]


def whole(a):
    return int(a)


def interpolate(x, places, values, n):
    if x != x:
        return x
    if x <= places[0]:
        return values[0]
    if x >= places[n - 1]:
        return values[n - 1]
    low, high = 0, n - 1
    while high - low > 1:
        middle = (low + high) // 2
        if x >= places[middle]:
            low = middle
        else:
            high = middle
    return values[low] + (values[high] - values[low]) / (places[high] - places[low]) * (x - places[low])


def sort_into(out, values, n):
    out[:] = sorted(values)


def number(row, name):
    value = row[name]
    return nan if value is None else float(value)


def code(row, name, codes, missing):
    value = row[name]
    if value is None or value != value:
        return missing
    return codes.get((isinstance(value, str), value), 0)

"""


def to_python(model):
    """A fitted network as Python source that imports the standard library only.

    The source has ``predict(row)``, and ``predict_proba(row)`` of a classifier, for one row as a dict of its columns;
    None or NaN are missing values, dates and durations are in days, dates since 1970-01-01. Computation is in double
    precision.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted; glass boxes may have been edited.

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If the model is another estimator, a basis is not one of the package's, or labels are neither texts nor numbers.
    ValueError
        If the model is not fitted.

    See Also
    --------
    to_c, to_sql, to_json : The same in other languages.
    to_numpy : Predictions for whole tables.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.export import to_python
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(interaction_cst="no_interactions", max_iter=5, random_state=0).fit(X, y)
    >>> module = {}
    >>> exec(to_python(model), module)
    >>> row = X.iloc[0].to_dict()
    >>> abs(module["predict"](row) - model.predict(X.iloc[:1])[0]) < 1e-6
    np.True_
    """
    fields, do = fields_of(model), steps_of(model)
    n_numbers, n_codes = sizes_of(fields)
    program, (classes, _) = lowered(do, n_numbers, n_codes, OUTPUTS), classes_of(model)
    parts = [
        f'"""A {type(model).__name__} of sklearn_kan, for rows as dicts of their columns."""', PREAMBLE,
        f"COLUMNS = {[field.name for field in fields]!r}",
        *([] if classes is None else [f"CLASSES = {classes!r}"]),
        *(f"{name} = {listed(values)}" for name, values in program.constants.items()), *tables_of(fields),
    ]  # fmt: skip
    body = ["", "", "def outputs_of(row):", *read(fields)]
    body += [f"    {name} = [0.0] * {size}" for name, size in program.tables.items()]
    body += [*statements(program.statements, 1), f"    return {OUTPUTS}"]
    return "\n".join([*parts, *body, "", "", *asked(classes, is_flat(model)), ""])


def asked(classes, is_one_number):
    """The functions that users call."""
    if classes is None:
        result = f"{OUTPUTS}[0]" if is_one_number else OUTPUTS
        return ["def predict(row):", f"    {OUTPUTS} = outputs_of(row)", f"    return {result}"]
    return [
        "def predict_proba(row):", "    return dict(zip(CLASSES, outputs_of(row)))", "", "",
        "def predict(row):", "    proba = predict_proba(row)", "    return max(proba, key=proba.get)",
    ]  # fmt: skip


def tables_of(fields):
    """Codes of labels."""
    lines = []
    for place, field in enumerate(fields):
        if field.kind == "category":
            codes = {(isinstance(label, str), label): code for label, code in field.codes}
            lines.append(f"LABELS_{place} = {codes!r}")
    return lines


def read(fields):
    """Statements from a row to numbers and codes."""
    lines = ["    numbers, codes = [], []"]
    for place, field in enumerate(fields):
        if field.kind == "category":
            lines.append(f"    codes.append(code(row, {field.name!r}, LABELS_{place}, {field.missing}))")
            continue
        lines += [f"    x = number(row, {field.name!r})", "    numbers.append(x)"]
        for period in field.turns:
            lines.append(f"    numbers += [f(2.0 * math.pi * (x / {period!r} % 1.0)) for f in (sin, cos)]")
        if field.week is not None:
            known, missing = field.week
            lines.append(f"    codes.append({missing} if x != x else {known!r}[int((floor(x) + 3) % 7)])")
    return lines


def statements(body, depth):
    """Statements as indented lines."""
    indent, lines = "    " * depth, []
    for statement in body:
        if isinstance(statement, Loop):
            lines.append(f"{indent}for {statement.variable} in range({statement.size}):")
            lines += statements(statement.body, depth + 1)
        elif isinstance(statement, Call):
            lines.append(f"{indent}{statement.text}")
        else:
            assert isinstance(statement, Set)
            lines.append(f"{indent}{statement.target} = {statement.value}")
    return lines


def listed(values):
    texts = [repr(value) for value in values.tolist()]
    lines = [", ".join(texts[start : start + 8]) for start in range(0, len(texts), 8)]
    return "[\n    " + ",\n    ".join(lines) + ",\n]"
