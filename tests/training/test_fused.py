"""Passes in the compiled library are those of torch: outputs, gradients, steps, and what comes of a fit."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.kernels import on_threads
from sklearn_kan.kernels.cpu import _library, _network
from sklearn_kan.network._constrained import ConstrainedKAN
from sklearn_kan.network._kan import KAN
from sklearn_kan.network._packed import can_be_packed
from sklearn_kan.network._packed_sums import can_be_packed_as_sum
from sklearn_kan.network._stored import packed
from sklearn_kan.training import _fused
from sklearn_kan.training._fused import FusedAdamW, HeldOut, Task
from sklearn_kan.training._losses import (
    Pinball,
    Tweedie,
    absolute_error,
    combined,
    cross_entropy,
    huber,
    member_losses,
    poisson,
    squared_error,
)
from sklearn_kan.training._rows import Folds, Rows

pytestmark = pytest.mark.skipif(not _library.has_library(), reason="there is no compiled library")

N_ROWS, N_NUMBERS = 150, 3
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-10}
LOSSES = [
    (squared_error, 1), (squared_error, 3), (absolute_error, 2), (huber, 1), (poisson, 1), (Tweedie(1.5), 1),
    (Tweedie(2.0), 2), (Pinball(0.3), 2), (Pinball((0.1, 0.5, 0.9)), 3), (cross_entropy, 2), (cross_entropy, 11),
]  # fmt: skip


@st.composite
def networks(draw):
    """Any network that the library takes, and a loss for it."""
    depth = draw(st.integers(0, 3))
    loss, n_outputs = draw(st.sampled_from(LOSSES))
    n_members = draw(st.sampled_from([None, 1, 2, 5]))
    torch.manual_seed(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    # In single precision a norm of two units loses digits, and a row that lies on a knot has one of two slopes.
    narrowest, least_degree = (1, 1) if dtype == torch.float64 else (8, 2)
    sizes = st.lists(st.integers(narrowest, 40), min_size=depth, max_size=depth)
    module = KAN(
        N_NUMBERS, n_outputs, hidden_layer_sizes=draw(sizes),
        n_levels=draw(st.sampled_from([(), (3,), (4, 40, 2)])), n_places=draw(st.sampled_from([(), (2,), (70, 9)])),
        n_members=n_members,
        degree=draw(st.integers(least_degree, 3)),
        n_knots=draw(st.lists(st.integers(2, 40), min_size=depth + 1, max_size=depth + 1)),
        fine_knots=draw(st.sampled_from([None, 9])), scaled=draw(st.booleans()),
        norm=draw(st.sampled_from(["layer", "none"])),
    ).to(dtype)  # fmt: skip
    with torch.no_grad():
        for name, p in module.named_parameters():
            if "edge_weight" not in name and "table" not in name and "embeddings" not in name:
                p.add_(0.1 * torch.randn_like(p))
    return module, loss, dtype


def rows_for(module, loss, dtype):
    n_levels = () if module.lookup is None else module.lookup.n_levels
    codes = [torch.randint(0, n, (N_ROWS, 1)).to(dtype) for n in n_levels]
    for i in range(len(codes) - (0 if module.lookup is None else module.lookup.n_fine), len(codes)):
        codes[i] = codes[i].add(torch.rand(N_ROWS, 1, dtype=dtype).mul(1.3).clamp(max=1)).clamp(max=n_levels[i] - 1)
        codes[i][codes[i] < 1] = 0.0
    X = torch.cat([torch.randn(N_ROWS, N_NUMBERS, dtype=dtype), *codes], 1)
    last, M = module.layers[-1].out_features, module.n_members
    n_targets = 1 if isinstance(loss, Pinball) and isinstance(loss.level, tuple) else last
    y = torch.randint(0, last, (N_ROWS,)) if loss is cross_entropy else torch.rand(N_ROWS, n_targets, dtype=dtype)
    folds = Folds(torch.randint(0, 4, (N_ROWS,)), torch.rand(4, M) < 0.4, False) if M else None
    return Rows(X, y, torch.rand(N_ROWS, dtype=dtype) + 0.5, folds=folds)


def relative(found, expected):
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-30))


def by_torch(module, loss, rows, order):
    """Outputs (n, members, k), mean loss, and gradients by name."""
    X, (y, weight) = rows.to("cpu", next(module.parameters()).dtype).batch(order)
    raw = module(X)
    losses = loss(raw, y)[:, None] if raw.ndim == 2 else member_losses(loss, raw, y)
    mean = (losses * weight).mean()
    names, parameters = zip(*((name, p) for name, p in module.named_parameters() if p.numel()), strict=True)
    gradients = torch.autograd.grad(mean, parameters, allow_unused=True, materialize_grads=True)
    raw = raw.detach()
    return raw[:, None] if raw.ndim == 2 else raw, mean.detach(), dict(zip(names, gradients, strict=True))


@st.composite
def sums(draw):
    """Any sum of networks that the library takes, and a loss for it."""
    loss, n_outputs = draw(st.sampled_from(LOSSES))
    torch.manual_seed(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    n_levels, n_places = draw(st.sampled_from([((), ()), ((3,), (70,)), ((4, 30, 2), ())]))
    inputs = st.integers(0, N_NUMBERS + len(n_levels) + len(n_places) - 1)
    groups = draw(st.lists(st.sets(inputs, max_size=2), min_size=2, max_size=5))
    groups = [group | {draw(st.integers(0, N_NUMBERS - 1))} for group in groups]  # marks alone ask for no free units
    depth = draw(st.integers(0, 2))
    groups += [set(range(N_NUMBERS + len(n_levels) + len(n_places)))] * (depth == 0)
    module = ConstrainedKAN(
        N_NUMBERS, n_outputs, hidden_layer_sizes=(16, 9)[:depth], n_levels=n_levels, n_places=n_places,
        n_members=draw(st.sampled_from([None, 1, 3])), groups=groups, n_knots=draw(st.sampled_from([4, 9, 20, 40])),
        fine_knots=draw(st.sampled_from([None, 7])),
        direct=depth > 0 and draw(st.booleans()), norm=draw(st.sampled_from(["layer", "none"])),
    ).to(dtype)  # fmt: skip
    with torch.no_grad():
        for name, p in module.named_parameters():
            if "norms" in name or "bias" in name:
                p.add_(0.1 * torch.randn_like(p))
    return module, loss, dtype


@settings(max_examples=60)
@given(st.one_of(networks(), sums()))
def test_outputs_losses_and_gradients_are_those_of_torch(drawn):
    module, loss, dtype = drawn
    assert can_be_packed(module) or can_be_packed_as_sum(module)
    rows, order = rows_for(module, loss, dtype), torch.randperm(N_ROWS)[:-9]
    raw, mean, gradients = by_torch(deepcopy(module).double(), loss, rows, order)
    raw_of_torch, _, gradients_of_torch = by_torch(module, loss, rows, order)

    def check(found, of_torch, exact):  # digits may be lost, in torch as here
        assert relative(found, exact) <= TOLERANCE[dtype] + 8 * relative(of_torch, exact)

    optimizer = FusedAdamW(module, lr=0.01, weight_decay=2.0, betas=(0.9, 0.95))
    check(optimizer.outputs(rows.all[0], order), raw_of_torch, raw)
    task, sums = Task(rows, loss, optimizer), torch.zeros(module.n_members or 1, dtype=torch.float64)
    pack, bounds = optimizer.packed, torch.tensor([0, len(order)])
    _network.steps(pack.net, task.structure, order, bounds, None, 0, sums, pack.work, dtype=dtype)
    assert isinstance(loss, Tweedie) or float(sums.sum()) / sums.numel() / len(order) == pytest.approx(
        float(mean), rel=1e-4
    )
    found = {name: torch.zeros_like(p) for name, p in module.named_parameters()}
    for part, theirs in pack.pairs(optimizer.gradients, optimizer.embedded[0], found):
        theirs.copy_(part)
    for name, exact in gradients.items():
        check(found[name], gradients_of_torch[name], exact)


def test_inputs_of_a_group_need_not_be_neighbours():
    torch.manual_seed(0)
    module = ConstrainedKAN(
        4, 2, hidden_layer_sizes=(16,), groups=[{0, 2}, {1, 3}, {0, 1, 3}], n_members=4, n_knots=4, fine_knots=9,
        direct=True,
    ).double()  # fmt: skip
    X = torch.randn(50, 4, dtype=torch.float64)
    torch.testing.assert_close(packed(module).outputs(X), module(X).detach())


@pytest.mark.parametrize("loss", [squared_error, poisson, cross_entropy])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_averages_are_those_of_torch(loss, dtype):
    torch.manual_seed(0)
    module = KAN(N_NUMBERS, 3, hidden_layer_sizes=(6,), n_members=4).to(dtype)
    X = torch.randn(300, N_NUMBERS, dtype=dtype)
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=dtype)
    expected = combined(loss, module(X).detach(), weights.expand(300, 4))
    found = packed(module).average(X, weights, _fused.what_is_averaged(loss))
    torch.testing.assert_close(found, expected, rtol=1e-5 if dtype == torch.float32 else 1e-12, atol=1e-6)


def test_a_packed_network_follows_its_module():
    module, X = KAN(2, 1, hidden_layer_sizes=(4,), knots="quantile"), torch.rand(50, 2)
    before = packed(module).outputs(X)
    assert packed(module) is packed(module)
    with torch.no_grad():
        module.layers[1].bias.add_(1.0)
    torch.testing.assert_close(packed(module).outputs(X), before + 1)
    module.place_knots(X)
    torch.testing.assert_close(packed(module).outputs(X)[:, 0], module(X).detach())


def test_threads_make_no_difference(monkeypatch):
    X, y = make_friedman1(2500, random_state=0)
    monkeypatch.setattr(_library, "WORK_PER_THREAD", 1)
    found = []
    for n_threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=n_threads: n)
        with on_threads(n_threads):
            found.append(KANRegressor((8,), n_members=5, max_iter=3, random_state=0).fit(X, y).predict(X))
    np.testing.assert_array_equal(*found)


class SeesBatches(Callback):
    """For its sake batches go through torch."""

    def on_batch_end(self, net, **kwargs):
        pass


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (KANRegressor, {"loss": "tweedie", "learning_rate": "constant"}),
        (KANRegressor, {"loss": "quantile", "quantile": [0.1, 0.9], "n_members": 1, "early_stopping": True}),
        (KANClassifier, {"early_stopping": True, "n_members": 4, "hidden_layer_sizes": (6, 5)}),
        (KANRegressor, {"interaction_cst": {"pairs": 2}, "early_stopping": True}),
        (KANClassifier, {"interaction_cst": "no_interactions"}),
        (KANClassifier, {"hidden_layer_sizes": (), "degree": 1}),
    ],
)
def test_a_fit_is_that_of_torch(kind, params):
    X, y = make_friedman1(240, random_state=0)
    y = y > 14 if kind is KANClassifier else y
    settings = {"hidden_layer_sizes": (6,), "n_members": 4, "max_iter": 4, "random_state": 0, "dtype": "float64"}
    mine, torchs = (
        kind(**settings | params, callbacks=callbacks).fit(X[:200], y[:200]) for callbacks in (None, [SeesBatches()])
    )
    assert isinstance(mine.net_.optimizer_, FusedAdamW)
    assert isinstance(torchs.net_.optimizer_, torch.optim.AdamW)
    np.testing.assert_allclose(mine.loss_curve_, torchs.loss_curve_, rtol=1e-8)
    np.testing.assert_allclose(mine.validation_scores_ or 0, torchs.validation_scores_ or 0, rtol=1e-8)
    predict = "predict_proba" if kind is KANClassifier else "predict"
    np.testing.assert_allclose(getattr(mine, predict)(X), getattr(torchs, predict)(X), rtol=1e-6, atol=1e-9)


def test_validation_is_by_the_members_that_hold_a_row_out():
    torch.manual_seed(0)
    module = KAN(N_NUMBERS, 2, hidden_layer_sizes=(6,), n_members=4).double()
    rows = rows_for(module, squared_error, torch.float64)
    held_out = Rows(*rows.all, torch.arange(20, 120), rows.folds._replace(are_held_out=True))
    X, (y, weight) = held_out.batch()
    counts = weight.amax(1) > 0
    raw = combined(squared_error, module(X).detach()[counts], weight[counts])
    expected = (squared_error(raw, y[counts]) * weight.amax(1)[counts]).mean()
    optimizer = FusedAdamW(module, lr=0.01, weight_decay=2.0, betas=(0.9, 0.95))
    assert HeldOut(held_out, squared_error, 4).mean_loss(optimizer) == pytest.approx(float(expected), rel=1e-10)


def test_noise_ends_training_early_and_a_smooth_function_does_not():
    generator = np.random.default_rng(0)
    X = generator.uniform(-1, 1, size=(800, 4))
    noise = KANRegressor(random_state=0).fit(X, generator.normal(size=800))
    smooth = KANRegressor(solver="adam", random_state=0).fit(X, np.sin(3 * X[:, 0]) * X[:, 1])
    assert noise.n_iter_ < 40
    assert smooth.n_iter_ == 50


@pytest.mark.parametrize("kind", [KANRegressor, KANClassifier])
def test_what_is_not_a_number_stays_so(kind):
    X, y = make_friedman1(350, random_state=0)
    loss = {"loss": "poisson"} if kind is KANRegressor else {}
    y = np.exp(y / 10) if kind is KANRegressor else y > 14

    class Spoils(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                with torch.no_grad():
                    net.module_.layers[-1].bias.fill_(np.nan)

    settings = {"hidden_layer_sizes": (4,), "n_members": 2, "random_state": 0, "early_stopping": True}
    with pytest.warns(ConvergenceWarning, match="AdamW diverged"):
        model = kind(**settings | loss, max_iter=6, callbacks=[Spoils()]).fit(X, y)
    assert model.n_iter_ == 3
    with torch.no_grad():
        model.module_.layers[-1].bias.fill_(np.nan)
    outputs = model.predict(X) if kind is KANRegressor else model.predict_proba(X)
    assert np.isnan(outputs).all()


def test_what_callbacks_freeze_stays_and_a_net_can_be_copied():
    X, y = make_friedman1(100, random_state=0)

    class Freezes(Callback):
        def on_train_begin(self, net, **kwargs):
            self.weight = net.module_.layers[0].edge_weight.requires_grad_(False)
            self.before = self.weight.clone()
            assert deepcopy(net).optimizer_.n_steps == 0

    freezes = Freezes()
    model = KANRegressor((4,), n_members=2, max_iter=3, random_state=0, callbacks=[freezes]).fit(X, y)
    after = model.net_.module_.layers[0].edge_weight
    assert torch.equal(after.double(), freezes.before.double())
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_weights_that_are_changed_unnoticed_count_in_predictions():
    X, y = make_friedman1(100, random_state=0)
    model = KANRegressor((4,), n_members=2, max_iter=2, random_state=0, dtype="float64").fit(X, y)
    before = model.predict(X)
    model.module_.layers[-1].bias.data.add_(1.0)
    np.testing.assert_allclose(model.predict(X), before + model.target_scaler_.scale_)
    model.module_.layers[-1].register_forward_hook(lambda module, inputs, y: y + 1)
    np.testing.assert_allclose(model.predict(X), before + 2 * model.target_scaler_.scale_)
