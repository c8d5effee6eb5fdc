"""Pipelines become ONNX graphs by skl2onnx, and predict the same."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skl2onnx
from skl2onnx.common import data_types as types
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.export import register_onnx
from tests.export.models import FEW, difference, numeric_table, two_classes

NUMBERS, TARGET, _ = numeric_table()
SINGLE = 1e-5  # of the spread


def converted(model, initial_types, inputs, **settings):
    register_onnx()
    graph = skl2onnx.to_onnx(model, initial_types=initial_types, **settings)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def test_a_scaled_regression():
    model = make_pipeline(SimpleImputer(), StandardScaler(), KANRegressor(**FEW)).fit(NUMBERS, TARGET)
    (found,) = converted(
        model, [("X", types.FloatTensorType([None, 3]))], {"X": NUMBERS.astype(np.float32)}
    )  # fmt: skip
    assert difference(found[:, 0], model.predict(NUMBERS)) < SINGLE


@pytest.mark.parametrize("labels", ["texts", "numbers"])
def test_a_classifier_of_a_dataframe(labels):
    X = pd.DataFrame(NUMBERS, columns=list("abc")).assign(kind=np.array(["x", "y", "z"])[np.arange(len(NUMBERS)) % 3])
    y = two_classes(TARGET)
    y = y if labels == "texts" else (y == y[0]).astype(int)
    model = KANClassifier(categorical_features=["kind"], **FEW).fit(X, y)
    pipeline = make_pipeline(model).fit(X, y)
    inputs = {name: X[[name]].to_numpy(np.float32 if name != "kind" else object) for name in X}
    initial = [(name, types.StringTensorType([None, 1]) if name == "kind" else types.FloatTensorType([None, 1]))
               for name in X]  # fmt: skip
    found = converted(pipeline, initial, inputs, options={"zipmap": False})
    assert found[0].tolist() == pipeline.predict(X).tolist()
    assert difference(found[1], pipeline.predict_proba(X)) < SINGLE


def test_codes_of_an_ordinal_encoder():
    X = pd.DataFrame({"a": NUMBERS[:, 0], "kind": np.array(["x", "y", "z"])[np.arange(len(NUMBERS)) % 3]})
    columns = ColumnTransformer([("codes", OrdinalEncoder(), ["kind"]), ("numbers", StandardScaler(), ["a"])])
    model = make_pipeline(columns, KANClassifier(categorical_features=[0], **FEW)).fit(X, two_classes(TARGET))
    initial = [("a", types.FloatTensorType([None, 1])), ("kind", types.StringTensorType([None, 1]))]
    inputs = {"a": X[["a"]].to_numpy(np.float32), "kind": X[["kind"]].to_numpy(object)}
    label, proba = converted(model, initial, inputs, options={id(model): {"zipmap": False}})
    assert difference(proba, model.predict_proba(X)) < SINGLE
    assert label.tolist() == model.predict(X).tolist()


def test_inputs_that_are_no_columns_of_the_model_are_refused():
    X = pd.DataFrame({"a": NUMBERS[:, 0], "kind": np.array(["x", "y", "z"])[np.arange(len(NUMBERS)) % 3]})
    model = make_pipeline(KANRegressor(**FEW)).fit(X, TARGET)
    number, text = types.FloatTensorType([None, 1]), types.StringTensorType([None, 1])
    for kinds, message in (
        ([text, text], "'a' is a column of numbers"),
        ([number, number], "'kind' is a column of texts"),
    ):
        with pytest.raises(TypeError, match=message):
            converted(model, list(zip(X, kinds, strict=True)), {})
    with pytest.raises(ValueError, match="hands on 1 columns, and the network was fitted to 2"):
        converted(model, [("a", number)], {})


def test_operator_sets_that_are_too_old_are_refused():
    model = make_pipeline(StandardScaler(), KANRegressor(**FEW)).fit(NUMBERS, TARGET)
    with pytest.raises(ValueError, match="networks need 18"):
        converted(model, [("X", types.FloatTensorType([None, 3]))], {}, target_opset={"": 15, "ai.onnx.ml": 3})
