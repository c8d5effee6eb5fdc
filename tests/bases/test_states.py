"""States of splines are checked wherever they come from: they may be made by somebody else."""

import pickle

import numpy as np
import pytest
import skops.io
import torch

from sklearn_kan import KAN, KANClassifier, KANRegressor
from sklearn_kan.bases import BSpline, TruncatedPower, make_basis
from sklearn_kan.knots import stacked

FAULTS = {
    "first knot right of the rest": lambda knots: knots[:, [3, 0, 1, 2]],
    "two knots in one place": lambda knots: knots[:, [0, 1, 1, 3]],
    "a knot that is no number": lambda knots: knots.index_fill(1, torch.tensor(2), torch.nan),
    "a first knot at infinity": lambda knots: knots.index_fill(1, torch.tensor(0), -torch.inf),
    "one knot alone": lambda knots: knots.index_fill(1, torch.tensor([1, 2, 3]), torch.inf),
    "a knot right of infinity": lambda knots: knots.index_fill(1, torch.tensor(2), torch.inf),
}
faults = pytest.mark.parametrize("fault", list(FAULTS.values()), ids=list(FAULTS))
bases = pytest.mark.parametrize(
    ("name", "params"),
    [("bspline", {}), ("truncated_power", {}), ("truncated_power", {"learn_knots": True}),
     ("truncated_power", {"individual_knots": True})],
)  # fmt: skip
ERROR = "do not increase along each row, or are not finite"


def build(name, params):
    return make_basis(name, 3, out_features=2, n_knots=4, basis_params=params).double()


@bases
@faults
def test_a_state_dict_with_bad_knots_is_refused_and_leaves_the_knots(name, params, fault):
    net = torch.nn.Sequential(build(name, params))
    state, before = net.state_dict(), net[0].knots.clone()
    state["0.knots"] = fault(state["0.knots"])
    with pytest.raises(RuntimeError, match=f"0.knots {ERROR}"):
        net.load_state_dict(state)
    assert torch.equal(net[0].knots, before)
    assert net[0](torch.zeros(5, 3, dtype=torch.float64)).isfinite().all()


@bases
@faults
def test_a_pickle_with_bad_knots_is_refused(name, params, fault):
    basis = build(name, params)
    basis.knots = fault(basis.knots)
    with pytest.raises(ValueError, match=ERROR):
        pickle.loads(pickle.dumps(basis))


@bases
@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("degree", 2, "do not belong together"),
        ("degree", 10**6, "degree=1000000 is out of range"),
        ("degree", 2.5, "degree=2.5 is out of range"),
        ("n_knots", 5, "do not belong together"),
        ("n_knots", -4, "n_knots=-4 is too small"),
        ("n_basis", 3, "do not belong together"),
    ],
)
def test_a_pickle_with_other_sizes_is_refused(name, params, attribute, value, message):
    basis = build(name, params)
    setattr(basis, attribute, value)
    with pytest.raises(ValueError, match=message):
        pickle.loads(pickle.dumps(basis))


def test_what_a_pickle_says_of_polynomials_is_not_believed():
    basis, x = BSpline(3, n_knots=4).double(), torch.linspace(-2, 2, 30, dtype=torch.float64).reshape(10, 3)
    values = basis(x)
    basis.first += 10**6
    basis.pieces *= 2
    assert torch.equal(pickle.loads(pickle.dumps(basis))(x), values)


def test_ties_at_the_end_of_a_row_are_a_good_state():
    knots = stacked([torch.tensor([-1.0, 0.0, 1.0, 2.0]), torch.tensor([0.0, 1.0])]).double()
    origin, target = BSpline(2, n_knots=4).double(), BSpline(2, n_knots=4).double()
    origin.replace_knots(knots)
    target.load_state_dict(origin.state_dict())
    assert torch.equal(pickle.loads(pickle.dumps(target)).knots, knots)


def restored(model, store):
    if store == "pickle":
        return pickle.loads(pickle.dumps(model))
    data = skops.io.dumps(model)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


@pytest.mark.parametrize("kind", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("store", ["pickle", "skops"])
@pytest.mark.parametrize("basis", ["bspline", "truncated_power"])
def test_a_stored_estimator_with_bad_knots_is_refused(kind, store, basis):
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = kind((3,), n_members=1, n_knots=8, basis=basis, max_iter=1, random_state=0).fit(X, X[:, 0] > 0)
    np.testing.assert_array_equal(restored(model, store).predict(X), model.predict(X))
    model.module_.layers[0].basis.knots.copy_(torch.tensor([1e3, -50, 50, 51, 52, 53, 54, 55]))
    with pytest.raises(RuntimeError, match=f"layers.0.basis.knots {ERROR}"):
        restored(model, store)


@pytest.mark.parametrize("name", ["layers.0.basis.knots", "layers.1.basis.knots"])
def test_every_layer_of_a_network_is_checked(name):
    net = KAN(2, 1, hidden_layer_sizes=(4,), n_knots=4)
    state = net.state_dict()
    state[name] = state[name].flip(1)
    with pytest.raises(RuntimeError, match=f"{name} {ERROR}"):
        net.load_state_dict(state)


def test_given_knots_are_finite():
    with pytest.raises(ValueError, match="Pass increasing ones"):
        TruncatedPower(1, knots=torch.tensor([-torch.inf, 0.0, 1.0]))
