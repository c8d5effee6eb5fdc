"""Models as C source."""

from ._lowering import Call, Loop, Set, lowered
from ._outputs import OUTPUTS, classes_of, steps_of
from ._rows import fields_of, sizes_of

PREAMBLE = """\
#include <math.h>
#include <stddef.h>
#include <string.h>

#define inf INFINITY

static inline double maximum(double a, double b) { return a > b || a != a ? a : b; }
static inline double minimum(double a, double b) { return a < b || a != a ? a : b; }
static inline double where(double c, double a, double b) { return c != 0.0 ? a : b; }
static inline double is_nan(double a) { return a != a; }
static inline double equal(double a, double b) { return a == b; }
static inline double at_least(double a, double b) { return a >= b; }
static inline double relu(double a) { return a > 0.0 ? a : 0.0; }
static inline double sigmoid(double a) { return 0.5 * (1.0 + tanh(0.5 * a)); }
static inline double softplus(double a) { return (a > 0.0 ? a : 0.0) + log1p(exp(-fabs(a))); }
static inline double rounded(double a) { return (double)(float)a; }
static inline int whole(double a) { return (int)a; }

static inline double interpolate(double x, const double *places, const double *values, int n)
{
    int low = 0, high = n - 1;
    if (x != x) return x;
    if (x <= places[0]) return values[0];
    if (x >= places[high]) return values[high];
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (x >= places[middle]) low = middle; else high = middle;
    }
    return values[low] + (values[high] - values[low]) / (places[high] - places[low]) * (x - places[low]);
}

static inline void sort_into(double *out, const double *in, int n)
{
    for (int i = 0; i < n; i++) {
        int j = i;
        for (; j > 0 && out[j - 1] > in[i]; j--) out[j] = out[j - 1];
        out[j] = in[i];
    }
}

static inline double code_of(const char *label, const char *const *labels, const int *codes, int n, int missing)
{
    if (label == NULL) return missing;
    for (int i = 0; i < n; i++)
        if (strcmp(label, labels[i]) == 0) return codes[i];
    return 0;
}
"""


def to_c(model):
    """A fitted network as C source, for C99 and a mathematical library, without memory allocation.

    The source has ``void kan_predict(const double *numbers, const char *const *categories, double *outputs)`` for one
    row. `numbers` are the columns that are not categories, in the order of the table, with NaN where missing; dates and
    durations in days, dates since 1970-01-01. `categories` are the others as texts, with NULL where missing.
    `outputs` gets the prediction, or the probabilities of ``kan_classes``. Computation is in double precision.

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
    to_python, to_sql, to_json : The same in other languages.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.export import to_c
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = KANRegressor(interaction_cst="no_interactions", max_iter=5, random_state=0).fit(X, y)
    >>> "void kan_predict(" in to_c(model)
    True
    """
    fields, do = fields_of(model), steps_of(model)
    n_numbers, n_codes = sizes_of(fields)
    program = lowered(do, n_numbers, n_codes, OUTPUTS)
    size, (classes, _) = int(program.tables[OUTPUTS]), classes_of(model)
    parts = [described(model, fields, classes), PREAMBLE, f"const int kan_n_outputs = {size};"]
    if classes is not None:
        parts.append(f"const char *const kan_classes[] = {{{', '.join(map(quoted, classes))}}};")
    parts += [f"static const double {name}[{values.size}] = {listed(values)};"
              for name, values in program.constants.items()]  # fmt: skip
    body = ["void kan_predict(const double *values, const char *const *categories, double *outputs)", "{"]
    body += [f"    double numbers[{max(1, n_numbers)}], codes[{max(1, n_codes)}];", *read(fields)]
    body += [f"    static double {name}[{size}];" for name, size in program.tables.items() if name != OUTPUTS]
    body += [*statements(program.statements, 1), "}"]
    return "\n".join([*parts, "", *body, ""])


def described(model, fields, classes):
    """The comment on top."""
    numbers = [str(field.name) for field in fields if field.kind != "category"]
    categories = [str(field.name) for field in fields if field.kind == "category"]
    lines = [
        f"A {type(model).__name__} of sklearn_kan, for one row at a time.",
        f"numbers: {', '.join(numbers) or 'none'}",
        f"categories: {', '.join(categories) or 'none'}",
        "outputs: " + ("the prediction" if classes is None else "probabilities of kan_classes"),
        "Tables are static: one thread at a time.",
    ]
    return "/* " + "\n * ".join(line.replace("*/", "* /") for line in lines) + "\n */"


def read(fields):
    """Statements from what callers pass to numbers and codes."""
    lines, n_values, n_labels, n_numbers, n_codes = [], 0, 0, 0, 0
    for field in fields:
        if field.kind == "category":
            texts, codes = [str(label) for label, _ in field.codes], [code for _, code in field.codes]
            lines += [
                f"    static const char *const labels{n_codes}[] = {{{', '.join(map(quoted, texts)) or 'NULL'}}};",
                f"    static const int known{n_codes}[] = {{{', '.join(map(str, codes)) or '0'}}};",
                f"    codes[{n_codes}] = code_of(categories[{n_labels}], labels{n_codes}, known{n_codes}, "
                f"{len(texts)}, {field.missing});",
            ]
            n_labels, n_codes = n_labels + 1, n_codes + 1
            continue
        value = f"values[{n_values}]"
        lines.append(f"    numbers[{n_numbers}] = {value};")
        for period in field.turns:
            turn = f"2.0 * 3.141592653589793 * ({value} / {period!r} - floor({value} / {period!r}))"
            lines += [f"    numbers[{n_numbers + 1 + i}] = {name}({turn});" for i, name in enumerate(("sin", "cos"))]
            n_numbers += 2
        if field.week is not None:
            known, missing = field.week
            lines += [
                f"    static const int days{n_codes}[] = {{{', '.join(map(str, known))}}};",
                f"    codes[{n_codes}] = is_nan({value}) ? {missing} : "
                f"days{n_codes}[(int)(floor({value}) + 3.0 - 7.0 * floor((floor({value}) + 3.0) / 7.0))];",
            ]
            n_codes += 1
        n_values, n_numbers = n_values + 1, n_numbers + 1
    return lines


def statements(body, depth):
    """Statements as indented lines."""
    indent, lines = "    " * depth, []
    for statement in body:
        if isinstance(statement, Loop):
            i = statement.variable
            lines.append(f"{indent}for (int {i} = 0; {i} < {statement.size}; {i}++) {{")
            lines += [*statements(statement.body, depth + 1), f"{indent}}}"]
        elif isinstance(statement, Call):
            lines.append(f"{indent}{statement.text};")
        else:
            assert isinstance(statement, Set)
            lines.append(f"{indent}{statement.target} = {statement.value};")
    return lines


def listed(values):
    texts = [repr(value) for value in values.tolist()]
    lines = [", ".join(texts[start : start + 8]) for start in range(0, len(texts), 8)]
    return "{" + ",\n    ".join(lines).replace("nan", "NAN") + "}"


def quoted(text):
    """A text as C has it; what is not plain ASCII as its bytes."""
    known = {'"': '\\"', "\\": "\\\\", "?": "\\?"}
    return '"' + "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in known else known.get(chr(byte), f"\\{byte:03o}")
        for byte in str(text).encode()
    ) + '"'  # fmt: skip
