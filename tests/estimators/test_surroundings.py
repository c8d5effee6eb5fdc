"""An estimator does not depend on torch's global state, and leaves it alone."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_kan import KAN, KANClassifier, KANRegressor
from sklearn_kan.bases import BASES, Basis
from sklearn_kan.network._architecture import Architecture
from sklearn_kan.training._phases import SOLVERS

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] - X[:, 1] ** 2


class Drawn(Basis):
    """A user's basis with parameters from torch's default generator, as most modules have them."""

    def __init__(self, in_features, *, n_knots=8):
        super().__init__(in_features, n_basis=n_knots)
        self.maps = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, n_knots))
        nn.init.orthogonal_(self.maps[2].weight)
        self.shift = nn.Parameter(torch.rand(in_features) - 0.5)
        self.register_buffer("order", torch.randperm(n_knots))
        self.register_buffer("signs", torch.randint(2, (n_knots,)) * 2 - 1)

    def forward(self, x):
        return self.maps((x + self.shift)[..., None])[..., self.order] * self.signs


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def default_device(device):
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def all_at_once():
    with default_dtype(torch.float64), default_device("meta"), torch.inference_mode():
        yield


SURROUNDINGS = {
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "float64": lambda: default_dtype(torch.float64),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "default device": lambda: default_device("meta"),  # stands for one on which nothing of an estimator's may land
    "device context": lambda: torch.device("meta"),
    "anomalies": torch.autograd.detect_anomaly,
}
SETTINGS = [
    *({"solver": solver} for solver in ("auto", *SOLVERS)),
    *({"basis": basis} for basis in BASES if BASES[basis].__module__.startswith("sklearn_kan.")),
    {"basis": Drawn},
    {"monotonic_cst": [1, 0, 0]},
    {"interaction_cst": "pairwise", "norm": "batch"},
    {"interaction_cst": "no_interactions"},
    {"knots": "adaptive", "interactions": "mixed"},
    {"loss": "poisson", "refit": "last_layer"},
    {"smoothness": 1.0, "solver": "hybrid"},
    {"basis": "truncated_power", "basis_params": {"learn_knots": True}, "refine_knots": [9]},
]


def make(**params):
    few = {"hidden_layer_sizes": (4,), "n_knots": 4, "max_iter": 2, "n_members": 2, "random_state": 0, "device": "cpu"}
    return KANRegressor(**few | params)


def everything(place, model, stored):
    """Predictions after a fit, after loading a model, after training it further, and after two passes."""
    params, loaded = SETTINGS[place], pickle.loads(stored)
    results = [model.predict(X), loaded.predict(X)]
    if params.get("solver", "adam") in ("adam", "hybrid", "auto"):
        loaded.set_params(warm_start=True).fit(X, np.exp(Y))
        results += [loaded.predict(X), make(**params).partial_fit(X, np.exp(Y)).partial_fit(X, np.exp(Y)).predict(X)]
    return results


@cache
def without_surroundings(place):
    """A stored model of a setting, and `everything` of it."""
    model = make(**SETTINGS[place]).fit(X, np.exp(Y))
    stored = pickle.dumps(model)
    return stored, everything(place, model, stored)


def check_no_difference(place, surroundings):
    stored, expected = without_surroundings(place)
    with surroundings:
        results = everything(place, make(**SETTINGS[place]).fit(X, np.exp(Y)), stored)
    for result, known in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, known)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("place", range(len(SETTINGS)), ids=[repr(params) for params in SETTINGS])
def test_what_surrounds_a_fit_makes_no_difference(place):
    check_no_difference(place, all_at_once())


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("surroundings", SURROUNDINGS)
@pytest.mark.parametrize("place", [0, SETTINGS.index({"basis": Drawn})], ids=["auto", "Drawn"])
def test_no_surroundings_make_a_difference(place, surroundings):
    check_no_difference(place, SURROUNDINGS[surroundings]())


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_surroundings_are_left_as_they_were(surroundings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of anomaly detection, that it is slow
        with SURROUNDINGS[surroundings]():
            before = state()
            KANClassifier((4,), max_iter=1, n_members=2).fit(X, Y > 0).predict(X)
            make().partial_fit(X, Y)
            assert state() == before


def state():
    return (
        torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.get_default_dtype(),
        torch.get_default_device(), torch.is_anomaly_enabled(), torch.get_num_threads(), torch.get_rng_state().tolist(),
    )  # fmt: skip


@pytest.mark.parametrize("basis", ["bspline", Drawn])
def test_fits_in_threads_are_those_of_one_and_touch_no_generator(basis):
    model = make(basis=basis)
    alone = model.fit(X, Y).predict(X)
    before = torch.get_rng_state()
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda _: make(basis=basis).fit(X, Y).predict(X), range(12)))
    assert torch.equal(before, torch.get_rng_state())
    for one in together:
        np.testing.assert_array_equal(one, alone)


def test_a_user_s_basis_draws_what_the_default_generator_would_give():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        alone = Drawn(3, n_knots=5)
    built = Architecture(3, 1, hidden_layer_sizes=(), basis=Drawn, n_knots=5, norm="none").build(seed=7)
    own = built.layers[0].basis.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in alone.state_dict().items())


@pytest.mark.parametrize("basis", BASES)
def test_a_network_is_made_where_and_as_torch_says(basis):
    more = {"basis": basis, "n_levels": (3, 50), "n_members": 2, "interactions": "mixed"}
    with torch.device("meta"):
        network = KAN(3, 1, **more)
    assert all(tensor.is_meta for tensor in network.state_dict().values())
    network.to_empty(device="cpu").load_state_dict(KAN(3, 1, **more).state_dict())
    with default_dtype(torch.float64):
        assert KAN(3, 1, **more)(torch.zeros(10, 5)).dtype == torch.float64


def test_an_empty_network_takes_a_state():
    network = KAN(3, 1, n_knots=3, knots=torch.tensor([-1.0, -0.2, 1.0]))
    with torch.device("meta"):
        empty = KAN(3, 1, n_knots=3)
    empty = empty.to_empty(device="cpu")
    empty.load_state_dict(network.state_dict())
    x = torch.linspace(-2, 2, 30).reshape(10, 3)
    assert torch.equal(empty(x), network(x))


@pytest.mark.parametrize("kind", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_arrays_that_may_not_be_written_are_taken_in_silence(kind, method):
    y = np.where(Y > 0, 1, 0) if kind is KANClassifier else Y.copy()
    arrays = [X.copy(), y, np.linspace(0.5, 1.5, 60)]
    for array in arrays:
        array.flags.writeable = False
    table, y, weight = arrays
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = kind((4,), max_iter=1, n_members=2, random_state=0)
        getattr(model, method)(table, y, sample_weight=weight)
        model.predict(table)
