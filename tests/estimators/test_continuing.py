"""Training that goes on: what stays, what may change, and what a failure leaves behind."""

import copy
import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import BatchScoring, Callback, EpochScoring

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.bases import Basis
from sklearn_kan.data._given_knots import encode_knots
from tests.tables import small

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 2))
Y = np.exp(X[:, 0] / 2) + 0.1


class Failing(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("the user's own")


class Standardised(Basis):
    """Takes a plain number from the data."""

    scale = 1.0

    def __init__(self, in_features, *, power=2):
        super().__init__(in_features, n_basis=2)
        self.power = power

    def place_knots(self, x, sample_weight=None):
        self.scale = float(x.std())

    def forward(self, x):
        return torch.stack([x / self.scale, (x / self.scale) ** self.power], -1)


@pytest.mark.parametrize(
    ("name", "value", "old"),
    [("loss", "poisson", "squared_error"), ("dtype", "float32", "auto"), ("n_knots", 9, 4), ("norm", "none", "layer")],
)
def test_what_shapes_a_fitted_network_cannot_change(name, value, old):
    model = small(warm_start=True).fit(X, Y)
    before = model.predict(X)
    model.set_params(**{name: value})
    message = f"^{name}={value!r} differs from the fitted network's {old!r}. Keep it to go on training, "
    for method in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=message):
            method(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)
    model.set_params(warm_start=False).fit(X, Y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "hybrid"])
def test_a_warm_start_that_fails_changes_nothing(solver):
    model = small(warm_start=True, solver=solver).fit(X, Y)
    before, curve = model.predict(X), model.loss_curve_
    twin = copy.deepcopy(model)
    with pytest.raises(RuntimeError, match="the user's own"):
        model.set_params(callbacks=[Failing()]).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)
    model.set_params(callbacks=None).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), twin.fit(X, Y).predict(X))
    assert len(curve) < len(model.loss_curve_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_basis_that_learned_a_plain_number_keeps_it_in_a_pickle(solver):
    params = {"power": 3}
    model = small(basis=Standardised, basis_params=params, solver=solver).fit(X, Y)
    params["power"] = 5
    again = pickle.loads(pickle.dumps(model))
    assert again.module_.layers[0].basis.scale != 1
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_weights_count_between_chunks():
    def learned(weight, targets, unit=1.0):
        model = small(random_state=1, alpha=0.0).partial_fit(X[:40], Y[:40], sample_weight=np.full(40, unit))
        return model.partial_fit(X[40:], targets, sample_weight=np.full(40, unit * weight)).predict(X)

    others = Y[40:][::-1]
    np.testing.assert_allclose(learned(1e-9, others), learned(1e-9, Y[40:]), rtol=1e-6)
    assert np.abs(learned(1.0, others) - learned(1.0, Y[40:])).max() > 1e-3
    np.testing.assert_allclose(learned(0.5, Y[40:], unit=8.0), learned(0.5, Y[40:]), rtol=1e-6)


def test_balanced_weights_need_all_rows():
    with pytest.raises(
        ValueError, match=r"^class_weight='balanced' needs all rows at once, but partial_fit sees only some\."
    ):
        small(KANClassifier, class_weight="balanced").partial_fit(X, Y > 1)


def test_a_decay_that_would_flip_signs_is_refused():
    with pytest.raises(ValueError, match=r"^alpha=1000.0 times learning_rate_init=0.01 is above 1"):
        small(alpha=1000.0).fit(X, Y)


def test_skorch_scores_see_classes_and_batches():
    scores = [
        EpochScoring("accuracy", lower_is_better=False, name="accuracy"),
        BatchScoring(lambda net, X, y: 1.0, name="one"),
    ]
    model = small(KANClassifier, callbacks=scores, early_stopping=True, validation_fraction=0.3).fit(X, X[:, 0] > 0)
    assert 0 <= model.net_.history[-1]["accuracy"] <= 1
    assert model.net_.history[-1]["one"] == 1


def test_an_additive_model_fits_an_additive_target():
    t = np.random.default_rng(1).uniform(-2, 2, size=(1000, 2))
    y = np.sin(2 * t[:, 0]) + t[:, 1] ** 2
    model = KANRegressor((), n_members=2, max_iter=40, learning_rate_init=0.05, random_state=0).fit(t[:700], y[:700])
    assert model.score(t[700:], y[700:]) > 0.98


def test_the_generators_of_cuda_are_left_alone():
    before = len(torch.cuda._lazy_seed_tracker.get_calls())
    small().fit(X, Y)
    assert len(torch.cuda._lazy_seed_tracker.get_calls()) == before


class Chunks:
    """Parts of a table that are read afresh at every pass."""

    def __init__(self, *arrays, size=150):
        self.arrays, self.size, self.n_passes = arrays, size, 0

    def __iter__(self):
        self.n_passes += 1
        for start in range(0, len(self.arrays[0]), self.size):
            yield tuple(array[start : start + self.size] for array in self.arrays)


def waves(n_samples=600):
    X = np.random.default_rng(0).normal(size=(n_samples, 3))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] ** 2


@pytest.mark.parametrize("weight", [(), (np.ones(600),)])
def test_a_table_in_chunks_is_learned(weight):
    X, y = waves()
    chunks = Chunks(X, y, *weight)
    model = KANRegressor((16,), n_members=4, max_iter=15, learning_rate_init=0.03, random_state=0).fit_chunks(chunks)
    assert model.score(X, y) > 0.95
    assert (chunks.n_passes, model.n_iter_) == (15, 60)
    again = model.predict(X)
    assert np.array_equal(model.fit_chunks(chunks).predict(X), again)


def test_classes_that_come_later_are_named_first():
    X, y = waves()
    order = np.argsort(y)
    chunks = Chunks(X[order], y[order] > 0.5)
    model = KANClassifier((8,), max_iter=2, random_state=0)
    with pytest.raises(ValueError, match="only one class"):
        model.fit_chunks(chunks)
    assert not hasattr(model, "classes_")
    assert model.fit_chunks(chunks, classes=[False, True]).predict_proba(X).shape == (600, 2)


@pytest.mark.parametrize(
    ("chunks", "error", "message"), [(iter([(1, 2)]), TypeError, "begins afresh"), ([], ValueError, "chunks is empty")]
)
def test_chunks_that_cannot_be_used_are_refused(chunks, error, message):
    model = KANRegressor((4,), max_iter=2, random_state=0).fit(*waves(100))
    before = model.module_
    with pytest.raises(error, match=message):
        model.fit_chunks(chunks)
    assert model.module_ is before


def test_given_knots_are_used_and_compared_to_the_last_digit():
    knots = np.linspace(-2, 2, 2000)
    model = small(hidden_layer_sizes=(), knots=knots, warm_start=True).fit(X, Y)
    np.testing.assert_array_equal(model.module_.layers[0].basis.knots.numpy(), encode_knots(model.encoder_, knots))
    model.set_params(knots=torch.from_numpy(knots)).fit(X, Y)
    others = knots.copy()
    others[1000] = np.nextafter(others[1000], 3)
    with pytest.raises(ValueError, match=r"(?s)^knots=.* differs from the fitted network's"):
        model.set_params(knots=others).fit(X, Y)
