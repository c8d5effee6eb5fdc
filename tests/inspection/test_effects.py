"""Effects: partial dependence by brute force, known functions, purity."""

import numpy as np
import pandas as pd
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import additive_share, effects, interaction_strengths
from sklearn_kan.inspection._purity import purified
from sklearn_kan.model import _sums

RNG = np.random.default_rng(0)
N = 400
TABLE = pd.DataFrame(
    {
        "a": RNG.normal(size=N),
        "b": RNG.normal(size=N),
        "c": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(size=N)),
        "size": pd.Categorical(RNG.choice(["S", "M", "L"], N), categories=["S", "M", "L"], ordered=True),
    }
)
SIZE = TABLE["size"].cat.codes.to_numpy()
Y = (2 * TABLE["a"] * TABLE["b"] + TABLE["c"].fillna(2.0) + SIZE).to_numpy()


@pytest.fixture(scope="module")
def model():
    return KANRegressor((16,), n_members=4, max_iter=60, random_state=0).fit(TABLE, Y)


def test_dependence_is_the_mean_of_predictions_with_the_value_everywhere(model):
    effect, kinds = effects(model, TABLE, ["a", "size"])
    expected = [model.predict(TABLE.assign(a=place)).mean() for place in effect.places[0]]
    expected -= np.average(expected, weights=effect.density)
    np.testing.assert_allclose(effect.values[:, 0], expected, atol=1e-10)
    expected = [model.predict(TABLE.assign(size=pd.Categorical([s] * N, ["S", "M", "L"]))).mean() for s in "SML"]
    expected -= np.average(expected, weights=kinds.density)
    np.testing.assert_allclose(kinds.values[:, 0], expected, atol=1e-10)
    assert kinds.places[0].tolist() == ["S", "M", "L"]


@pytest.mark.parametrize("n_members", [1, 3])
def test_exchanging_columns_in_sums_is_predicting_anew(n_members, monkeypatch):
    model = KANRegressor((4,), n_members=n_members, max_iter=1, random_state=0).fit(TABLE, Y)
    slow = effects(model, TABLE[:50], ["a", "c", ("c", "size")])
    monkeypatch.setattr(_sums, "MANY_INPUTS", 1)
    quick = effects(model, TABLE[:50], ["a", "c", ("c", "size")])
    for one, other in zip(slow, quick, strict=True):
        np.testing.assert_allclose(other.values, one.values, atol=1e-10)
        np.testing.assert_allclose(other.spread, one.spread, atol=1e-10)


def test_the_effect_of_a_pair_is_what_single_columns_do_not_tell(model):
    (pair,) = effects(model, TABLE, [("a", "size")])
    joint = np.array([
        [model.predict(TABLE.assign(a=a, size=pd.Categorical([s] * N, ["S", "M", "L"]))).mean() for s in "SML"]
        for a in pair.places[0][::5]
    ])  # fmt: skip
    found = pair.values[::5, :, 0]
    mixed = found[1:, 1:] - found[:-1, 1:] - found[1:, :-1] + found[:-1, :-1]
    np.testing.assert_allclose(mixed, np.diff(np.diff(joint, axis=0), axis=1), atol=1e-10)


@pytest.mark.parametrize("kind", ["dependence", "projection"])
def test_known_functions_are_found(model, kind):
    found = effects(model, TABLE, ["c", "size", ("a", "b")], kind=kind)
    atol = {"dependence": 0.15, "projection": 0.4}[kind]  # 400 rows do not tell sums from the product exactly
    c, size, pair = found
    places = c.places[0]
    expected = np.where(np.isnan(places), 2.0, places)
    expected -= np.average(expected, weights=c.density)
    assert np.average(np.abs(c.values[:, 0] - expected), weights=c.density) < atol
    np.testing.assert_allclose(np.diff(size.values[:, 0]), [1.0, 1.0], atol=atol)
    product = purified(2 * np.multiply.outer(*pair.places)[..., None], pair.density)
    error = np.abs(pair.values - product)[..., 0]
    assert np.average(error, weights=pair.density) < 0.25 * np.average(np.abs(product[..., 0]), weights=pair.density)
    assert found.strengths().shape == (3, 1)


@pytest.mark.parametrize("kind", ["dependence", "projection"])
def test_pairs_have_no_means_along_either_column(model, kind):
    (pair,) = effects(model, TABLE, [("c", "size")], kind=kind)
    weighted = pair.density * pair.values[..., 0]
    assert np.abs(weighted.sum(0)).max() < 1e-10
    assert np.abs(weighted.sum(1)).max() < 1e-10
    assert pair.values.shape == pair.spread.shape == (*pair.density.shape, 1)
    np.testing.assert_allclose(pair.density.sum(), 1.0)


def test_projection_of_an_additive_model_is_the_model():
    y = np.sin(TABLE["a"]) + SIZE
    model = KANRegressor(interaction_cst="no_interactions", n_members=2, max_iter=20, random_state=0).fit(TABLE, y)
    exact = effects(model, TABLE, ["size"], kind="dependence")[0]
    near = effects(model, TABLE, ["size"], kind="projection")[0]
    np.testing.assert_allclose(near.values, exact.values, atol=0.05)
    terms = effects(model, TABLE)
    assert terms[3].places[0].tolist() == ["S", "M", "L"]
    assert len(effects(model)) == 4
    assert terms.kind == "terms"
    np.testing.assert_allclose(terms[3].values, exact.values, atol=1e-6)
    with pytest.raises(ValueError, match="are no terms of the model"):
        effects(model, terms=[("a", "b")])
    assert additive_share(model, TABLE) > 0.999


def test_share_and_strengths_find_the_product(model):
    variance = Y.var()
    assert abs(additive_share(model, TABLE) - (1 - 4 / variance)) < 0.1
    strengths = interaction_strengths(model, TABLE)
    assert np.unravel_index(strengths.argmax(), strengths.shape) in ((0, 1), (1, 0))
    assert abs(strengths[0, 1] - 4 / variance) < 0.2
    np.testing.assert_array_equal(strengths, strengths.T)
    assert strengths[2, 3] < 0.02


def test_classes_have_effects_each_and_frames_say_all():
    model = KANClassifier((4,), n_members=2, max_iter=2, random_state=0).fit(TABLE, np.digitize(Y, [0, 2]))
    found = effects(model, TABLE, ["a", ("b", "size")], response_method="predict_proba")
    assert found.outputs == ["probability of 0", "probability of 1", "probability of 2"]
    np.testing.assert_allclose(found[0].values.sum(1), 0.0, atol=1e-6)
    frame = found.to_frame()
    assert frame.columns.tolist() == ["term", "place", "place_2", "output", "value", "spread", "density"]
    assert len(frame) == found[0].values.size + found[1].values.size
    assert set(frame["term"]) == {"a", "b & size"}


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"terms": ["price"]}, "terms holds 'price', which is not a column"),
        ({"terms": [("a", "a")]}, "pairs of two different ones"),
        ({"terms": [("a", "b", "c")]}, "pairs of two different ones"),
        ({"kind": "shapley"}, "kind='shapley' is unknown"),
        ({"terms": [True, False]}, "a mask of 2 columns"),
    ],
)
def test_what_has_no_effect(model, arguments, match):
    with pytest.raises(ValueError, match=match):
        effects(model, TABLE, **arguments)
    with pytest.raises(ValueError, match="X is None"):
        effects(model)
