"""Converters for skl2onnx, by which pipelines with networks become ONNX graphs."""

from typing import Any

import numpy as np

from ._onnx import OPSET, OPSET_ML, Graph, check_columns
from ._outputs import OUTPUTS, classes_of, columns_of, steps_of
from ._saving import estimators

OPTIONS = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [True, False]}


def register_onnx():
    """Let skl2onnx convert pipelines, searches, stacks and so on that have networks in them.

    Call it once, before `skl2onnx.to_onnx`. Columns of numbers may be in one input; columns of texts need inputs of
    texts, with ``""`` where missing. Numbers are in single precision, as of `to_onnx`.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    to_onnx : Of a network by itself, which needs onnx only.

    Notes
    -----
    Networks need opset 18 or later: ``target_opset={"": 18, "ai.onnx.ml": 3}``, or skl2onnx's default.
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError("register_onnx needs skl2onnx. Install it: pip install skl2onnx.") from error
    for name, kind in estimators().items():
        options = OPTIONS if hasattr(kind, "predict_proba") else None
        update_registered_converter(kind, f"SklearnKan{name}", set_types, convert, options=options)


def set_types(operator):
    """Types and shapes of what a network gives."""
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    model, n_rows = operator.raw_operator, None
    classes, _ = classes_of(model)
    if classes is None:
        operator.outputs[0].type = FloatTensorType([n_rows, model._state.design.target.n_raw])
        return
    is_whole = all(type(label) is int for label in classes)
    operator.outputs[0].type = (Int64TensorType if is_whole else StringTensorType)([n_rows])
    operator.outputs[1].type = FloatTensorType([n_rows, len(classes)])


def convert(scope, operator, container):
    """Add the nodes of a fitted network to those of a pipeline."""
    model = operator.raw_operator
    if container.target_opset_any_domain("") < OPSET:
        raise ValueError(
            f"target_opset is {container.target_opset_any_domain('')}, and networks need {OPSET}. Pass "
            f'target_opset={{"": {OPSET}, "ai.onnx.ml": {OPSET_ML}}} or a later one.'
        )
    graph, (classes, _) = Graph(), classes_of(model)
    do = steps_of(model)
    takes(graph, operator.inputs, columns_of(model))
    graph.follow(do)
    if classes is not None:
        graph.classifies(classes)
    of_inputs = {f"input {i}": entry.full_name for i, entry in enumerate(operator.inputs)}
    of_outputs = {f"output {i}": entry.full_name for i, entry in enumerate(operator.outputs)}
    graph.node("Identity", [OUTPUTS], list(of_outputs)[-1], "FLOAT")
    if classes is not None:
        graph.node("Identity", ["label"], "output 0", "LABEL")
    names = of_inputs | of_outputs
    for node in graph.nodes:
        attributes = {entry.name: graph.onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        inputs, outputs = ([renamed(scope, names, name) for name in table] for table in (node.input, node.output))
        container.add_node(
            node.op_type, inputs, outputs, op_domain=node.domain, op_version=OPSET_ML if node.domain else OPSET,
            name=scope.get_unique_operator_name("Kan"), **attributes,
        )  # fmt: skip
    for constant in graph.constants.values():
        own = graph.onnx.TensorProto()
        own.CopyFrom(constant)
        own.name = renamed(scope, names, constant.name)
        container.initializers.append(own)


def renamed(scope, names, name):
    """A name that no other part of the graph has."""
    if name not in names:
        names[name] = scope.get_unique_variable_name(f"kan_{name}")
    return names[name]


def takes(graph: Any, inputs, columns):
    """Tables of numbers and of codes from the variables that a pipeline hands on."""
    check_columns([column for column in columns if column["used"]])
    places = [(i, entry, place) for i, entry in enumerate(inputs) for place in range(entry.type.shape[1] or 1)]
    if len(places) != len(columns):
        raise ValueError(
            f"The pipeline hands on {len(places)} columns, and the network was fitted to {len(columns)}. Give the "
            "number of columns in initial_types."
        )
    numbers: list[str] = []
    codes: list[str] = []
    for (i, entry, place), column in zip(places, columns, strict=True):
        if not column["used"]:
            continue
        is_text = type(entry.type).__name__.startswith("String")
        own = graph.node("Gather", [f"input {i}", graph.constant([place], "INT64")],
                         f"own{len(numbers) + len(codes)}", "STRING" if is_text else "FLOAT", axis=1)  # fmt: skip
        if column["kind"] == "category" and is_text:
            codes.append(graph.code(own, column))
            continue
        if is_text:
            raise TypeError(
                f"Column {column['name']!r} is a column of numbers, and its input has texts. Change its type."
            )
        own = graph.node("Cast", [own], f"{own}_single", "FLOAT", to=graph.kind("FLOAT"))
        if column["kind"] == "category":
            codes.append(code_of_number(graph, own, column))
        else:
            numbers.append(graph.node("Cast", [own], f"{own}_double", "DOUBLE", to=graph.kind("DOUBLE")))
    if numbers:
        graph.node("Concat", numbers, "table_of_numbers", "DOUBLE", axis=1)
    if codes:
        graph.node("Concat", codes, "table_of_codes", "INT64", axis=1)


def code_of_number(graph, own, column):
    """Codes of labels that are numbers: at most one of them is the same."""
    try:
        labels = np.array([float(label) for label, _ in column["codes"]])
    except ValueError as error:
        raise TypeError(
            f"Column {column['name']!r} is a column of texts, and its input has numbers. Change its type."
        ) from error
    is_same = graph.node("Equal", [own, graph.constant(labels, "FLOAT")], f"{own}_same", "BOOL")
    chosen = graph.node("Cast", [is_same], f"{own}_chosen", "INT64", to=graph.kind("INT64"))
    product = graph.node("Mul", [chosen, graph.constant(np.array([code for _, code in column["codes"]]), "INT64")],
                         f"{own}_codes", "INT64")  # fmt: skip
    code = graph.node("ReduceSum", [product, graph.constant([1], "INT64")], f"{own}_code", "INT64", keepdims=1)
    if not column["missing"]:
        return code
    is_missing = graph.node("IsNaN", [own], f"{own}_missing", "BOOL")
    return graph.node("Where", [is_missing, graph.constant(column["missing"], "INT64"), code], f"{own}_all", "INT64")
