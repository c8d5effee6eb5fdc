"""Ensembles of members inside one module: equal to separate networks, each with rows of its own to be validated on."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, make_classification
from sklearn.metrics import log_loss
from skorch.callbacks import Callback
from torch import nn

from sklearn_kan import KAN, KANClassifier, KANLayer, KANRegressor
from sklearn_kan.bases import BASES
from sklearn_kan.data._table import Column
from sklearn_kan.training._calibration import best_temperature
from sklearn_kan.training._holdout import bagged
from sklearn_kan.training._losses import combined, cross_entropy, member_losses, poisson, squared_error
from sklearn_kan.training._rows import Rows

SMALL = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}


@pytest.fixture(scope="module")
def numbers():
    X, y = load_diabetes(return_X_y=True)
    return X, y


def member(network, number, **settings):
    """One member's network by itself, with its parameters."""
    alone = KAN(3, 2, hidden_layer_sizes=(5, 4), n_levels=(3, 40), **settings).double()
    everybody, own = network.state_dict(), {}
    for name, tensor in alone.state_dict().items():
        shared = everybody[name]
        if shared.ndim > tensor.ndim:
            own[name] = shared[number]
        else:
            axes = [axis for axis in range(tensor.ndim) if shared.shape[axis] != tensor.shape[axis]]
            own[name] = shared.chunk(3, axes[0])[number] if axes else shared
    alone.load_state_dict(own)
    return alone


FAMILIES = [(name, {}) for name in BASES] + [("truncated_power", {"basis_params": {"learn_knots": True}})]


@pytest.mark.parametrize("norm", ["layer", "batch", "none"])
@pytest.mark.parametrize(("basis", "further"), FAMILIES)
def test_members_equal_separate_networks(basis, further, norm):
    settings = {"basis": basis, "norm": norm, "interactions": "product", "scaled": True, **further}
    generator = torch.Generator().manual_seed(0)
    network = KAN(3, 2, hidden_layer_sizes=(5, 4), n_levels=(3, 40), n_members=3, generator=generator, **settings)
    network = network.double().eval()
    nn.init.normal_(network.layers[0].cofactor, generator=generator)
    nn.init.normal_(network.layers[0].scale, generator=generator)
    nn.init.normal_(network.lookup.scale, generator=generator)
    numeric = torch.randn(10, 3, generator=generator)
    x = torch.cat([numeric, torch.arange(10)[:, None] % 3, torch.arange(10)[:, None]], 1).double()
    y = network(x)
    assert y.shape == (10, 3, 2)
    for number in range(3):
        torch.testing.assert_close(member(network, number, **settings).eval()(x), y[:, number])


def test_individual_knots_belong_to_members():
    layer = KANLayer(3, 2, "truncated_power", n_members=2, basis_params={"individual_knots": True}).double()
    nn.init.normal_(layer.edge_weight)
    x = torch.randn(7, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(torch.stack([x, x], 1)), layer(x))


def test_a_layer_of_members_wants_inputs_for_each():
    with pytest.raises(ValueError, match=r"x has shape \(5, 4, 3\).*\(n_samples, 2, 3\)"):
        KANLayer(3, 1, n_members=2)(torch.zeros(5, 4, 3))


def test_scale_is_a_factor_of_an_input_s_functions():
    layer, x = KANLayer(3, 4, scaled=True).double(), torch.randn(9, 3, dtype=torch.float64)
    before = layer.edge_functions(x)
    layer.scale.data[1] = -2.0
    after = layer.edge_functions(x)
    torch.testing.assert_close(after[..., 1], -2 * before[..., 1])
    torch.testing.assert_close(after[..., [0, 2]], before[..., [0, 2]])
    torch.testing.assert_close(layer(x), after.sum(2) + layer.bias)
    layer.refine_knots(15)
    torch.testing.assert_close(layer.edge_functions(x), after, rtol=1e-10, atol=1e-10)


def test_every_member_holds_out_its_fold_and_learns_from_the_rest():
    y = torch.arange(40).remainder(4)
    weight = torch.rand(40, dtype=torch.float64) + 0.1
    fitting, validation = bagged(Rows(torch.zeros(40, 1), y, weight), n_members=8, validation_fraction=0.25, seed=0)
    (_, (_, fits)), (_, (_, holds)) = fitting.batch(), validation.batch()
    assert ((fits > 0) ^ (holds > 0)).all()
    assert (holds.gt(0).sum(0) == 10).all()  # a quarter each
    assert (holds.gt(0).sum(1) == 2).all()  # four folds, eight members
    for label in range(4):  # stratified: each fold has two or three of ten
        assert set(holds[y == label].gt(0).sum(0).tolist()) <= {2, 3}
    torch.testing.assert_close(holds[holds > 0], weight[:, None].expand(-1, 8)[holds > 0])
    torch.testing.assert_close(fits[fits > 0], (weight[:, None] * 4 / 3).expand(-1, 8)[fits > 0])


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.15, 0.22, 0.3, 0.4, 0.45, 0.5, 0.6, 0.75, 0.9, 0.97])
@pytest.mark.parametrize("has_classes", [False, True])
def test_members_hold_out_the_fraction_that_is_asked_for(fraction, has_classes):
    y = torch.arange(2000).remainder(3) if has_classes else torch.rand(2000, 1)
    split = bagged(Rows(torch.zeros(2000, 1), y, torch.ones(2000)), 16, fraction, seed=0)
    _, (_, fits) = split.fitting.batch()
    _, (_, holds) = split.validation.batch()
    shares = (fits == 0).double().mean(0)
    assert (shares - fraction).abs().max() <= 0.06 * min(fraction, 1 - fraction)
    torch.testing.assert_close(fits.mean(0), torch.ones(16), atol=0.06, rtol=0)  # weights average to one
    assert holds.gt(0).sum(0).double().sub(2000 * shares).abs().max() == 0
    if 16 * fraction >= 1.1:
        assert len(holds) == 2000


@pytest.mark.parametrize("n_samples", [2, 3, 4, 5, 9])
@pytest.mark.parametrize("fraction", [0.4, 0.6, 0.9])
def test_every_member_of_a_small_table_learns_from_something(n_samples, fraction):
    split = bagged(
        Rows(torch.zeros(n_samples, 1), torch.rand(n_samples, 1), torch.ones(n_samples)), 4, fraction, seed=0
    )
    assert (split.fitting.batch()[1][1] > 0).any(0).all()


def test_only_rows_that_somebody_holds_out_are_validation_rows():
    rows = Rows(torch.zeros(40, 1), torch.zeros(40, 1), torch.ones(40))
    _, validation = bagged(rows, n_members=2, validation_fraction=0.1, seed=0)
    assert len(validation) == 8
    assert (validation.batch()[1][1].sum(1) == 1).all()


def test_combining_averages_what_is_predicted():
    raw = torch.randn(6, 4, 3, dtype=torch.float64)
    weight = torch.rand(6, 4, dtype=torch.float64)
    weight[0] = torch.tensor([0, 0, 1.0, 0])
    share = (weight / weight.sum(1, keepdim=True))[..., None]
    torch.testing.assert_close(combined(squared_error, raw, weight), (share * raw).sum(1))
    torch.testing.assert_close(combined(poisson, raw, weight).exp(), (share * raw.exp()).sum(1))
    torch.testing.assert_close(combined(cross_entropy, raw, weight).exp(), (share * raw.softmax(2)).sum(1))
    torch.testing.assert_close(combined(cross_entropy, raw).exp(), raw.softmax(2).mean(1))


def test_members_are_trained_on_losses_of_their_own():
    raw, y = torch.randn(6, 4, 3), torch.arange(6) % 3
    expected = torch.stack([cross_entropy(raw[:, k], y) for k in range(4)], 1)
    torch.testing.assert_close(member_losses(cross_entropy, raw, y), expected)


def test_predictions_are_averages_and_their_spread_is_told(numbers):
    X, y = numbers
    model = KANRegressor(n_members=5, **SMALL).fit(X, y)
    with torch.no_grad():
        encoded = torch.from_numpy(model.encoder_.transform([Column(i, X[:, i], False) for i in range(X.shape[1])]))
        raw = model.module_.eval()(encoded).double().numpy()[..., 0]
    members = model.target_scaler_.center_ + model.target_scaler_.scale_ * raw
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(mean, members.mean(1), rtol=1e-6)
    np.testing.assert_allclose(std, members.std(1), rtol=1e-5)
    np.testing.assert_allclose(mean, model.predict(X), rtol=1e-12)


def test_a_single_network_has_no_spread(numbers):
    model = KANRegressor(n_members=1, **SMALL).fit(*numbers)
    with pytest.raises(ValueError, match=r"return_std=True needs members.*n_members=1,.*at least 2"):
        model.predict(numbers[0], return_std=True)


def test_several_outputs_have_a_spread_each(numbers):
    X, y = numbers
    model = KANRegressor(n_members=3, **SMALL).fit(X, np.column_stack([y, -y]))
    mean, std = model.predict(X[:7], return_std=True)
    assert mean.shape == std.shape == (7, 2)


def test_all_rows_are_learned_from_under_early_stopping(numbers):
    X, y = numbers
    seen = set()

    class Watch(Callback):
        def on_train_begin(self, net, X=None, **kwargs):
            seen.add(int((X.batch()[1][1] > 0).any(1).sum()))

    KANRegressor(n_members=8, early_stopping=True, callbacks=[Watch()], **SMALL).fit(X, y)
    assert seen == {len(y)}


def test_temperature_minimises_the_cross_entropy_of_held_out_rows():
    generator = torch.Generator().manual_seed(0)
    raw = 3 * torch.randn(500, 3, generator=generator, dtype=torch.float64)
    y = torch.multinomial((raw / 2.5).softmax(1), 1, generator=generator)[:, 0]
    weight = torch.rand(500, generator=generator, dtype=torch.float64)
    found = best_temperature(raw, y, weight)

    def objective(t):  # with the prior of Gaussian spread one half
        return log_loss(y, (raw / t).softmax(1), sample_weight=weight, normalize=False) + 2 * np.log(t) ** 2

    assert min((0.99 * found, found, 1.01 * found), key=objective) == found
    assert found == pytest.approx(2.5, rel=0.15)


def test_few_held_out_rows_without_an_error_make_no_certainty():
    y = torch.arange(60) % 2
    raw = torch.nn.functional.one_hot(y).double() * 4
    assert 0.5 < best_temperature(raw, y, torch.ones(60)) < 1
    assert 0.9 < best_temperature(raw[:2], y[:2], torch.ones(2)) < 1


def test_temperature_changes_probabilities_and_no_class():
    X, y = make_classification(500, flip_y=0.3, random_state=0)
    model = KANClassifier(max_iter=30, hidden_layer_sizes=(6,), random_state=0).fit(X, y)
    labels, calibrated = model.predict(X), model.predict_proba(X)
    assert model.temperature_ != 1
    network = model._state.network
    model._state = model._state._replace(network=network._replace(temperature=2 * network.temperature))
    np.testing.assert_array_equal(model.predict(X), labels)
    assert (model.predict_proba(X).max(1) < calibrated.max(1)).all()
