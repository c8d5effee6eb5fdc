"""The last layer solved for: as scikit-learn's linear models would, behind the same features."""

import math
import re
import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge, RidgeCV
from sklearn.metrics import log_loss, mean_absolute_error, mean_poisson_deviance, mean_squared_error

from sklearn_kan import KAN, KANClassifier, KANRegressor
from sklearn_kan.training import _linear_models
from sklearn_kan.training._linear_models import leading_directions, newton, ridge, triangle
from sklearn_kan.training._losses import cross_entropy, huber, poisson, squared_error
from sklearn_kan.training._refit import affine, read, write
from sklearn_kan.training._rows import Rows
from tests.tables import every_pair, held_out_error, small, table, target

N, P = 80, 6
STRENGTHS = np.logspace(-3, 3, 13)


def problem(n_outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, P)) @ np.diag(np.logspace(0, -1, P)) + 2
    y = X @ rng.normal(size=(P, n_outputs)) + rng.normal(size=(N, n_outputs)) + 5
    return X, y, rng.integers(1, 4, size=N)


def with_ones(X):
    return torch.from_numpy(np.column_stack([np.ones(len(X)), X]))


def batches(X, y, weight, n=1):
    """The same problem in `n` parts, its offset zero."""
    y, weight = torch.from_numpy(y), torch.from_numpy(np.asarray(weight, dtype=float))
    parts = (tensor.tensor_split(n) for tensor in (with_ones(X), torch.zeros_like(y), y, weight))
    return zip(*parts, strict=True)


def choose_from(strengths, factor, n_outputs, monkeypatch):
    """Let ridge regression choose from these strengths instead of its own."""
    largest = torch.linalg.matrix_norm(factor[1:, 1:-n_outputs], 2) ** 2
    monkeypatch.setattr(_linear_models, "RELATIVE_STRENGTHS", torch.tensor(strengths, dtype=torch.float64) / largest)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("n_parts", [1, 7, 40])
def test_ridge_is_that_of_scikit_learn(n_outputs, n_parts, monkeypatch):
    X, y, weight = problem(n_outputs)
    factor, n_rows = triangle(batches(X, y, weight, n_parts))
    assert n_rows == weight.sum()
    for strength in STRENGTHS:
        choose_from([strength], factor, n_outputs, monkeypatch)
        C, chosen = ridge(factor, n_rows, n_outputs)
        theirs = Ridge(alpha=strength, solver="svd", tol=1e-12).fit(X, y, sample_weight=weight)
        assert chosen == pytest.approx(strength, rel=1e-12)
        np.testing.assert_allclose(C[1:].T, np.atleast_2d(theirs.coef_), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(C[0], theirs.intercept_, rtol=1e-8)


def test_cross_validation_is_its_definition_and_near_leave_one_out(monkeypatch):
    X, y, _ = problem()
    factor, n_rows = triangle(batches(X, y, np.ones(N)))
    choose_from(STRENGTHS, factor, 1, monkeypatch)
    _, chosen = ridge(factor, n_rows, 1)
    centred, scores = X - X.mean(0), []
    for strength in STRENGTHS:
        H = centred @ np.linalg.solve(centred.T @ centred + strength * np.eye(P), centred.T) + 1 / N
        scores.append(np.mean((y - H @ y) ** 2) / (1 - np.trace(H) / N) ** 2)
    assert chosen == pytest.approx(STRENGTHS[np.argmin(scores)], rel=1e-12)
    theirs = RidgeCV(STRENGTHS).fit(X, y[:, 0]).alpha_
    assert abs(math.log10(chosen / theirs)) <= 0.5 + 1e-9  # the grid's next neighbour at most


def test_weights_are_repetitions():
    X, y, weight = problem()
    index = np.repeat(np.arange(N), weight)
    weighted = ridge(*triangle(batches(X, y, weight)), 1)
    repeated = ridge(*triangle(batches(X[index], y[index], np.ones(len(index)))), 1)
    np.testing.assert_allclose(weighted[0], repeated[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(weighted[1], repeated[1], rtol=1e-8)


def test_rows_of_another_member_do_not_count():
    X, y, weight = problem()
    weight[::4] = 0
    part = weight > 0
    one, other = (triangle(batches(*rows)) for rows in ((X, y, weight), (X[part], y[part], weight[part])))
    assert one[1] == pytest.approx(weight.sum() * part.mean())
    np.testing.assert_allclose(ridge(one[0], 60, 1)[0], ridge(other[0], 60, 1)[0], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("n", "constant"), [(1, False), (2, False), (N, True)])
def test_ridge_of_hardly_any_rows_and_of_constants(n, constant):
    X, y, weight = problem()
    X = np.ones_like(X) if constant else X
    C, _ = ridge(*triangle(batches(X[:n], y[:n], weight[:n])), 1)
    assert C.isfinite().all()
    if constant:
        np.testing.assert_allclose(with_ones(X)[:1] @ C, [[np.average(y[:, 0], weights=weight)]], rtol=1e-10)


@pytest.fixture
def exact(monkeypatch):
    monkeypatch.setattr(_linear_models, "LEAST_DECREASE", 1e-16)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_newton_is_logistic_regression(n_classes, strength, exact):
    X, y, weight = problem()
    labels = np.digitize(y[:, 0], np.quantile(y, np.arange(1, n_classes) / n_classes))
    tensors = [torch.from_numpy(array) for array in (labels, weight.astype(float))]
    start = torch.zeros(P + 1, n_classes, dtype=torch.float64)
    start[2] = 0.3  # of all classes: makes no difference
    C = newton(cross_entropy, with_ones(X), torch.zeros(N, n_classes).double(), *tensors, start, strength)
    theirs = LogisticRegression(C=1 / strength, tol=1e-10, max_iter=10_000)
    if n_classes == 2:  # one logit, where ours are two that mirror each other
        theirs.C = 2 / strength
    theirs.fit(X, labels, sample_weight=weight)
    ours = (with_ones(X) @ C).softmax(1)
    np.testing.assert_allclose(ours, theirs.predict_proba(X), atol=1e-5)


def test_newton_is_poisson_regression(exact):
    X, y, weight = problem()
    counts = np.round(np.abs(y - y.mean()))
    tensors = [torch.from_numpy(array) for array in (counts, weight.astype(float))]
    start = torch.zeros(P + 1, 1, dtype=torch.float64)
    C = newton(poisson, with_ones(X), torch.zeros(N, 1).double(), *tensors, start, 2.0)
    theirs = PoissonRegressor(alpha=2 / weight.sum(), tol=1e-10, max_iter=10_000).fit(X, counts[:, 0], weight)
    np.testing.assert_allclose(C[1:, 0], theirs.coef_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", [squared_error, huber])
def test_newton_ends_where_the_gradient_is_zero(loss, exact):
    X, y, weight = problem()
    y, weight = torch.from_numpy(y), torch.from_numpy(weight.astype(float))
    offset = torch.linspace(-1, 1, N).double()[:, None]
    start = torch.zeros(P + 1, 1, dtype=torch.float64)
    C = newton(loss, with_ones(X), offset, y, weight, start, 5.0).clone().requires_grad_()
    objective = (weight * loss(with_ones(X) @ C + offset, y)).sum() + 5.0 / 2 * C[1:].square().sum()
    (gradient,) = torch.autograd.grad(objective, C)
    assert gradient.abs().max() < 1e-5 * N


NETWORKS = [
    {},
    {"hidden_layer_sizes": ()},
    {"n_members": 3, "scaled": True},
    {"n_members": 3, "scaled": True, "hidden_layer_sizes": (), "n_levels": (3,)},
    {"interactions": "product"},
    {"n_members": 3, "scaled": True, "fine_knots": 9},
    {"n_members": 3, "hidden_layer_sizes": (), "fine_knots": 9},
    {"basis": "rational"},
    {"basis": "sine", "norm": "batch"},
]


@pytest.mark.parametrize("params", NETWORKS)
def test_a_network_is_affine_in_what_is_solved_for(params):
    params = {"hidden_layer_sizes": (4,), "n_knots": 5, **params}
    net = KAN(2, 3, generator=torch.Generator().manual_seed(0), **params).double().eval()
    X = torch.rand(9, 2 + len(params.get("n_levels", ())), generator=torch.Generator().manual_seed(1)).double()
    layer = net.layers[-1]
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.1)
        before, C = net(X), read(layer)
        write(layer, C)
        torch.testing.assert_close(net(X), before)
        rows, other = Rows(X, X, torch.ones(9)), torch.linspace(-1, 1, C.numel()).reshape(C.shape).double()
        parts = [next(iter(affine(net, rows, member, current))) for member, current in enumerate(C)]
        write(layer, other)
        after = net(X).reshape(9, len(C), 3)
    for member, (phi, offset, *_) in enumerate(parts):
        torch.testing.assert_close(phi @ other[member] + offset, after[:, member])


def noisy(estimator, loss="squared_error", n=240, seed=0):
    X, noise = table(n, 3, seed), table(n, 1, seed + 1)[:, 0]
    y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + 0.3 * noise
    return X, np.round(np.abs(y)) if loss == "poisson" else target(estimator, y)


def fitted(estimator, **params):
    X, y = noisy(estimator, params.get("loss"))
    few = {"hidden_layer_sizes": (6,), "n_knots": 6, "max_iter": 10, "n_members": 3}
    return small(estimator, **{**few, **params}).fit(X, y), X, y


def error(model, X, y):
    """The metric of scikit-learn that belongs to the model's loss."""
    if isinstance(model, KANClassifier):
        return log_loss(y, model.predict_proba(X))
    metric = {"poisson": mean_poisson_deviance, "huber": mean_absolute_error}.get(model.loss, mean_squared_error)
    return metric(y, model.predict(X))


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        (KANRegressor, {}),
        (KANRegressor, {"n_members": 1, "solver": "kfac"}),
        (KANRegressor, {"loss": "huber", "solver": "lbfgs", "max_iter": 2}),
        (KANRegressor, {"loss": "poisson"}),
        (KANRegressor, {"interaction_cst": "pairwise", "dtype": "float32"}),
        (KANRegressor, {"interaction_cst": "no_interactions"}),
        (KANClassifier, {}),
        (KANClassifier, {"n_members": 1, "interaction_cst": "no_interactions"}),
    ],
)
def test_no_error_rises_on_rows_that_were_held_out_or_never_seen(estimator, params):
    plain, *_ = fitted(estimator, early_stopping=True, **params)
    model, *_ = fitted(estimator, early_stopping=True, refit="last_layer", **params)
    assert held_out_error(model) <= held_out_error(plain) * (1 + 1e-6)
    unseen = noisy(estimator, params.get("loss"), n=2000, seed=100)
    assert error(model, *unseen) <= error(plain, *unseen) * (1 + 1e-6)
    assert next(model.module_.parameters()).dtype == next(plain.module_.parameters()).dtype


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_a_short_training_is_made_up_for(estimator):
    plain, X, y = fitted(estimator, early_stopping=False, max_iter=2)
    model, *_ = fitted(estimator, early_stopping=False, max_iter=2, refit="last_layer")
    assert model.score(X, y) > plain.score(X, y) + 0.1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "absolute_error"}, "refit='last_layer' needs a loss with curvature, got loss='absolute_error'."),
        ({"loss": "quantile"}, "refit='last_layer' needs a loss with curvature, got loss='quantile'."),
        ({"monotonic_cst": [1, 0, 0]}, "refit='last_layer' cannot hold monotonic_cst. Set refit=None"),
        (
            {"basis": "truncated_power", "basis_params": {"individual_knots": True}},
            "basis_params has individual_knots=True. Set refit=None",
        ),
    ],
)
def test_what_cannot_be_solved_for_is_refused(params, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fitted(KANRegressor, refit="last_layer", **params)


def test_a_failure_is_told_once_and_leaves_the_training(monkeypatch):
    def fail(*args, **kwargs):
        raise torch.linalg.LinAlgError("no convergence")

    plain, X, _ = fitted(KANRegressor)
    monkeypatch.setattr(torch.linalg, "svd", fail)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, *_ = fitted(KANRegressor, refit="last_layer")
    (warning,) = caught
    assert warning.category is ConvergenceWarning
    assert str(warning.message).startswith("The refit of the last layer failed:")
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-6)


@pytest.fixture
def few_are_many(monkeypatch):
    monkeypatch.setattr(_linear_models, "MAX_DENSE", 20)
    monkeypatch.setattr(_linear_models, "LEADING", 60)


def test_leading_directions_are_those_of_a_singular_value_decomposition(few_are_many):
    rng = np.random.default_rng(0)
    scales = np.logspace(0, -6, 90)
    X = rng.normal(size=(300, 90)) * scales @ np.linalg.qr(rng.normal(size=(90, 90)))[0]
    weight = rng.integers(0, 3, 300)
    V = leading_directions(list(batches(X, X[:, :1], weight, 4))).double().numpy()
    np.testing.assert_allclose(V.T @ V, np.eye(60), atol=1e-5)
    top = np.linalg.svd(np.sqrt(weight)[:, None] * X)[2][:20].T
    np.testing.assert_allclose(V @ V.T @ top, top, atol=1e-2)


LEARNED = [(KANRegressor, "squared_error"), (KANRegressor, "huber"), (KANRegressor, "poisson"), (KANClassifier, None)]


@pytest.mark.parametrize(
    "setting",
    every_pair(lambda **_: True, kind=LEARNED, has_validation=[False, True], passes=[4, 40]),
    ids=lambda setting: "-".join(map(str, setting.values())),
)
def test_many_features_lose_nothing_on_rows_that_are_new(setting, few_are_many):
    (estimator, loss), has_validation, passes = setting.values()
    X, y = noisy(estimator, loss, n=700)
    params = {"n_members": 2, "max_iter": passes, "random_state": 0, "early_stopping": has_validation}
    params |= {} if loss is None else {"loss": loss}
    plain, many = (estimator((16,), **params, refit=refit).fit(X, y) for refit in (None, "last_layer"))
    unseen = noisy(estimator, loss, n=3000, seed=100)
    most = 1.01 if passes == 40 else 0.97
    if estimator is KANClassifier and not has_validation and passes == 40:
        most = 1.15  # a strength chosen by a sixth of 700 rows may cost a network that has learned all it can
    assert error(many, *unseen) <= most * error(plain, *unseen)


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_a_row_or_two_are_refitted_as_far_as_they_go(loss):
    for n in (1, 2, 7):
        X, y = table(n, 2), np.arange(float(n))
        assert np.isfinite(small(loss=loss, refit="last_layer").fit(X, y).predict(X)).all()


def test_a_refit_of_single_precision_is_judged_by_the_network_that_it_leaves(monkeypatch):
    X = np.random.default_rng(0).normal(size=(3_000, 5))
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    params = {"n_members": 4, "max_iter": 3, "refit": "last_layer", "random_state": 0}
    found = KANRegressor((16,), **params).fit(X, y)
    assert next(found.module_.parameters()).dtype == torch.float32
    assert found.score(X, y) > 0.97
    monkeypatch.setenv("SKLEARN_KAN_KERNELS", "torch")
    expected = KANRegressor((16,), **params).fit(X, y)
    np.testing.assert_allclose(found.member_weights_, expected.member_weights_, rtol=0.02)
    np.testing.assert_allclose(found.predict(X), expected.predict(X), atol=0.05)
