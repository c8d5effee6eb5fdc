"""Models as ONNX graphs of standard operators, the encoding of columns included."""

import json
from typing import Any

import numpy as np

from ._outputs import OUTPUTS, classes_of, columns_of, is_flat, steps_of

OPSET, OPSET_ML, IR_VERSION = 18, 3, 10
MISSING = ""  # the text that stands for a missing label
OWN = {
    "Whole": "INT64",
    "Real": "FLOAT",
    "Rounded": "FLOAT",
    "Kept": "FLOAT",
    "Precise": "DOUBLE",
}  # what operators of ours cast to


def to_onnx(model):
    """A fitted network as an ONNX model, in single precision, for any number of rows.

    Its inputs are ``numbers``, float32 of shape (n_samples, n_numeric), with NaN where missing; and ``categories``,
    texts of shape (n_samples, n_categorical), with ``""`` where missing: the columns of either kind in the order of the
    table, an input being left out if there are none. Its outputs are ``prediction``, as `predict` gives it; or
    ``label`` and ``probabilities``. Numbers are encoded in double precision.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted.

    Returns
    -------
    onnx.ModelProto
        Of operators in ``ai.onnx`` 18 and ``ai.onnx.ml`` 3. Its metadata property ``columns`` says in JSON which
        columns each input takes.

    Raises
    ------
    TypeError
        If the model is another estimator, a basis is not one of the package's, or there are columns of dates, whose
        digits single precision does not have.
    ValueError
        If the model is not fitted, or two labels have the same text.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_kan import KANClassifier
    >>> from sklearn_kan.export import to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> model = KANClassifier(max_iter=5, random_state=0).fit(X, y)
    >>> [output.name for output in to_onnx(model).graph.output]
    ['label', 'probabilities']
    """
    columns = [column for column in columns_of(model) if column["used"]]
    check_columns(columns)
    graph = Graph()
    do, (classes, _) = steps_of(model), classes_of(model)
    names = {
        kind: [column["name"] for column in columns if (column["kind"] == "category") == (kind == "categories")]
        for kind in ("numbers", "categories")
    }
    if names["numbers"]:
        graph.takes("numbers", "FLOAT", len(names["numbers"]))
        graph.node("Cast", ["numbers"], "table_of_numbers", "DOUBLE", to=graph.kind("DOUBLE"))
    if names["categories"]:
        graph.takes("categories", "STRING", len(names["categories"]))
        graph.codes([column for column in columns if column["kind"] == "category"])
    graph.follow(do)
    if classes is None:
        graph.predicts(None if is_flat(model) else model._state.design.target.n_raw)
    else:
        graph.classifies(classes)
    return graph.model(type(model).__name__, {"columns": json.dumps(names)})


def check_columns(columns):
    """Raise if columns cannot be inputs of a graph."""
    for column in columns:
        if column["kind"] in ("date", "duration"):
            raise TypeError(
                f"Column {column['name']!r} holds {column['kind']}s, whose digits are more than float32 has. Turn it "
                "into numbers before fitting, or use to_numpy, which takes it."
            )
        if column["kind"] == "category":
            texts = [str(label) for label, _ in column["codes"]]
            if len(set(texts)) < len(texts) or (column["missing"] and MISSING in texts):
                raise ValueError(
                    f"Column {column['name']!r} has labels that are the same as texts, or {MISSING!r}, which stands "
                    "for missing ones. Rename them before fitting."
                )


class Graph:
    """Nodes of an ONNX graph, and the type of each table.

    Attributes
    ----------
    types : dict of str to str
        Of tables, as ONNX names them.
    """

    def __init__(self):
        import onnx

        self.onnx: Any = onnx
        self.nodes, self.constants, self.inputs, self.outputs = [], {}, [], []
        self.types = {}

    def kind(self, name):
        return getattr(self.onnx.TensorProto, name)

    def node(self, operator, inputs, output, kind, **attributes):
        """Add a node with one output; returns its name."""
        outputs = [output] if isinstance(output, str) else output
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, outputs, **attributes))
        self.types[outputs[0]] = kind
        return outputs[0]

    def takes(self, name, kind, width):
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, self.kind(kind), ["n_samples", width]))
        self.types[name] = kind

    def gives(self, name, kind, *shape):
        self.outputs.append(self.onnx.helper.make_tensor_value_info(name, self.kind(kind), ["n_samples", *shape]))

    def constant(self, values, kind, name=None):
        """The name of an array as a constant of a type."""
        name = f"{name or 'k' + str(len(self.constants))}_{kind.lower()}"
        if name not in self.constants:
            dtype = {"FLOAT": np.float32, "DOUBLE": np.float64, "INT64": np.int64}[kind]
            self.constants[name] = self.onnx.numpy_helper.from_array(np.asarray(values, dtype=dtype), name)
        return name

    def codes(self, columns):
        """The table ``table_of_codes`` from texts."""
        parts = []
        for i, column in enumerate(columns):
            own = self.node("Gather", ["categories", self.constant([i], "INT64")], f"text{i}", "STRING", axis=1)
            parts.append(self.code(own, column))
        self.node("Concat", parts, "table_of_codes", "INT64", axis=1)

    def code(self, own, column):
        """The name of codes from texts of one column."""
        texts = {str(label): code for label, code in column["codes"]}
        if column["missing"]:
            texts[MISSING] = column["missing"]
        keys = {"keys_strings": list(texts), "values_int64s": list(texts.values())}
        return self.node("LabelEncoder", [own], f"{own}_code", "INT64", domain="ai.onnx.ml", default_int64=0, **keys)

    def follow(self, do):
        """Add nodes for steps."""
        given = {"numbers": "table_of_numbers", "codes": "table_of_codes"}
        for operator, names, output, attributes in do.steps:
            tables = [given.get(name, name) for name in names]
            kinds = [self.types[table] for table in tables if table in self.types and self.types[table] != "BOOL"]
            kind = kinds[0] if kinds and operator != "Gather" else "FLOAT"
            if operator == "Gather" and tables[0] in self.types:
                kind = self.types[tables[0]]
            arrays = {name: do.arrays[name] for name in names if name in do.arrays}
            if operator == "Interpolate":
                self.interpolate(tables[0], arrays[names[1]], arrays[names[2]], output)
                continue
            if operator == "Equal":  # numbers come in single precision
                arrays = {name: values.astype(np.float32) for name, values in arrays.items()}
            tables = [
                self.constant(arrays[name], "INT64" if arrays[name].dtype.kind == "i" else kind, name)
                if name in arrays else table
                for name, table in zip(names, tables, strict=True)
            ]  # fmt: skip
            self.step(operator, tables, output, kind, attributes)

    def step(self, operator, tables, output, kind, attributes):
        if operator in OWN:
            self.node("Cast", tables, output, OWN[operator], to=self.kind(OWN[operator]))
        elif operator == "Sorted":
            shape = self.node("Shape", tables, f"{output}_shape", "INT64", start=-1)
            self.node("TopK", [*tables, shape], [output, f"{output}_order"], kind, largest=0)
        else:
            is_test = operator in ("Equal", "IsNaN", "GreaterOrEqual")
            self.node(operator, tables, output, "BOOL" if is_test else kind, **attributes)

    def interpolate(self, x, places, values, output):
        """Straight lines between places: the ramps on all intervals add up."""
        kind = self.types[x]
        if len(places) == 1:
            nothing = self.node("Mul", [x, self.constant(0, kind)], f"{output}_nothing", kind)
            self.node("Add", [nothing, self.constant(values, kind)], output, kind)
            return
        beyond = self.node("Sub", [x, self.constant(places[:-1], kind)], f"{output}_beyond", kind)
        ramp = self.node("Div", [beyond, self.constant(np.diff(places), kind)], f"{output}_ramp", kind)
        ramp = self.node("Max", [ramp, self.constant(0, kind)], f"{output}_from", kind)
        ramp = self.node("Min", [ramp, self.constant(1, kind)], f"{output}_to", kind)
        rise = self.node("MatMul", [ramp, self.constant(np.diff(values)[:, None], kind)], f"{output}_rise", kind)
        self.node("Add", [rise, self.constant(values[0], kind)], output, kind)

    def predicts(self, n_outputs):
        """Numbers, of shape (n_samples,) if `n_outputs` is None."""
        if n_outputs is None:
            self.node("Squeeze", [OUTPUTS, self.constant([1], "INT64")], "prediction", "FLOAT")
        else:
            self.node("Identity", [OUTPUTS], "prediction", "FLOAT")
        self.gives("prediction", "FLOAT", *([] if n_outputs is None else [n_outputs]))

    def classifies(self, classes):
        """Labels are texts or whole numbers; others are given as texts."""
        is_whole = all(type(label) is int for label in classes)
        kind = "INT64" if is_whole else "STRING"
        array = np.array(classes) if is_whole else np.array([str(label) for label in classes], dtype=object)
        self.constants["labels"] = self.onnx.numpy_helper.from_array(array, "labels")
        best = self.node("ArgMax", [OUTPUTS], "best", "INT64", axis=1, keepdims=0)
        self.node("Gather", ["labels", best], "label", kind, axis=0)
        self.node("Identity", [OUTPUTS], "probabilities", "FLOAT")
        self.gives("label", kind)
        self.gives("probabilities", "FLOAT", len(classes))

    def model(self, name, metadata):
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, list(self.constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="sklearn_kan")
        helper.set_model_props(model, metadata)
        self.onnx.checker.check_model(model)
        return model
