"""Products of linear maps inside a layer."""

import numpy as np
import pytest
import torch

from sklearn_kan import KAN, KANClassifier, KANLayer, KANRegressor
from sklearn_kan.training._phases import COFACTOR_RATE, is_coefficient, rate_of
from tests.tables import random, seeded


def test_a_layer_starts_as_if_it_had_no_products():
    plain = KANLayer(3, 2, generator=seeded()).double()
    layer = KANLayer(3, 2, interactions="product", generator=seeded()).double()
    assert torch.equal(layer(random(10, 3)), plain(random(10, 3)))


def test_a_product_is_that_of_two_linear_maps():
    plain = KANLayer(3, 2, generator=seeded()).double()
    layer = KANLayer(3, 2, interactions="product", generator=seeded()).double()
    with torch.no_grad():
        layer.cofactor += random(2, 3, seed=1)
    x = random(10, 3, seed=2)
    expected = plain(x) + (x @ layer.factor.T) * (x @ layer.cofactor.T)
    torch.testing.assert_close(layer(x), expected)


def test_a_zero_cofactor_learns_and_the_factor_waits():
    layer = KANLayer(3, 2, interactions="product", generator=seeded()).double()
    layer(random(10, 3)).square().sum().backward()
    assert (layer.cofactor.grad != 0).all()
    assert (layer.factor.grad == 0).all()


def test_products_are_released_slowly_and_regularised():
    net = KAN(3, 1, hidden_layer_sizes=(4,), interactions="product")
    rates = {name: rate_of(name, p) for name, p in net.named_parameters() if "factor" in name}
    assert rates == {
        f"layers.{i}.{name}": rate for i in (0, 1) for name, rate in (("factor", 1.0), ("cofactor", COFACTOR_RATE))
    }
    assert is_coefficient("layers.0.cofactor")
    assert not is_coefficient("layers.0.factor")


@pytest.mark.parametrize(("solver", "max_iter"), [("adam", 20), ("lbfgs", 15)])
def test_a_product_needs_no_depth(solver, max_iter):
    X = np.random.default_rng(0).uniform(-1, 1, (400, 3))
    y = X[:, 0] * X[:, 1]
    params = {
        "hidden_layer_sizes": (),
        "n_members": 2,
        "solver": solver,
        "max_iter": max_iter,
        "learning_rate_init": 0.1,
        "random_state": 0,
    }
    assert KANRegressor(**params).fit(X, y).score(X, y) < 0.3
    assert KANRegressor(**params, interactions="product").fit(X, y).score(X, y) > 0.99


def test_half_of_an_ensemble_has_products():
    net = KAN(3, 1, hidden_layer_sizes=(4, 2), interactions="mixed", n_members=5).double()
    assert [tuple(layer.factor.shape) for layer in net.layers] == [(8, 3), (4, 4), (2, 2)]
    x = torch.randn(9, 3, dtype=torch.float64)
    before = net(x)
    torch.nn.init.normal_(net.layers[0].cofactor)
    changed = (net(x) - before).abs().amax((0, 2)) > 1e-6
    assert changed.tolist() == [False, False, False, True, True]


@pytest.mark.parametrize("params", [{"hidden_layer_sizes": ()}, {"n_members": 1}])
def test_additive_models_and_single_networks_have_no_mixed_products(params):
    X = np.random.default_rng(0).normal(size=(50, 2))
    model = KANRegressor(**params, interactions="mixed", max_iter=1, random_state=0).fit(X, X[:, 0])
    assert all(layer.factor is None for layer in model.module_.layers)


def test_classes_of_a_saddle_need_no_depth():
    X = np.random.default_rng(0).uniform(-1, 1, (400, 2))
    params = {"n_members": 2, "learning_rate_init": 0.1, "max_iter": 20, "random_state": 0}
    model = KANClassifier((), interactions="product", **params).fit(X, X[:, 0] * X[:, 1] > 0)
    assert model.score(X, X[:, 0] * X[:, 1] > 0) > 0.95


def test_an_unknown_interaction_is_refused():
    with pytest.raises(ValueError, match=r"^interactions='sum' is unknown\. Choose 'product', 'mixed', or None\.$"):
        KANLayer(3, 2, interactions="sum")
