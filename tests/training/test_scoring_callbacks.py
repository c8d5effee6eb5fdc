"""skorch's scoring callbacks score validation rows by the members that hold them out, never by those that saw them."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, get_scorer, log_loss, mean_squared_error, r2_score, roc_auc_score
from skorch.callbacks import BatchScoring, Checkpoint, EarlyStopping, EpochScoring, PassthroughScoring

from sklearn_kan import KANClassifier, KANRegressor

RNG = np.random.default_rng(3)
X = RNG.normal(size=(320, 6))
TARGETS = {"numbers": RNG.normal(size=320), "two": RNG.integers(0, 2, 320), "three": RNG.integers(0, 3, 320)}
SCORES = {
    "numbers": {"r2": r2_score, "neg_mean_squared_error": lambda y, raw: -mean_squared_error(y, raw)},
    "two": {
        "accuracy": lambda y, raw: accuracy_score(y, raw.argmax(1)),
        "roc_auc": lambda y, raw: roc_auc_score(y, raw[:, 1]),
        "neg_log_loss": lambda y, raw: -log_loss(y, raw),
    },
    "three": {
        "roc_auc_ovr": lambda y, raw: roc_auc_score(y, raw, multi_class="ovr"),
        "neg_log_loss": lambda y, raw: -log_loss(y, raw),
    },
}


def fitted(kind, callbacks, **params):
    estimator = KANRegressor if kind == "numbers" else KANClassifier
    few = {"hidden_layer_sizes": (8,), "n_members": 4, "alpha": 0.1, "max_iter": 10, "random_state": 0}
    return estimator(**few | params, callbacks=callbacks).fit(X, TARGETS[kind])


@torch.no_grad()
def by_their_own_members(model):
    """Targets and predictions of validation rows, row by row, averaged over the members that hold a row out."""
    X, (y, weight) = model.net_.validation.batch()
    raw = model.module_.eval()(X)
    raw = raw[:, None] if raw.ndim == 2 else raw
    outputs = raw.softmax(2) if isinstance(model, KANClassifier) else raw
    own = weight.expand(raw.shape[:2]) > 0
    return y.numpy(), np.array([row[mask].mean(0).numpy() for row, mask in zip(outputs, own, strict=True)])


@pytest.mark.parametrize("kind", SCORES)
@pytest.mark.parametrize("params", [{}, {"n_members": 1, "early_stopping": True}, {"solver": "lbfgs", "max_iter": 2}])
def test_scores_are_of_rows_held_out(kind, params):
    callbacks = {
        f"{name} {scoring.__name__} {use_caching}": scoring(
            name, name=f"{name} {scoring.__name__} {use_caching}", lower_is_better=False, use_caching=use_caching
        )
        for name in SCORES[kind]
        for scoring in (EpochScoring, BatchScoring)
        for use_caching in (True, False)
    }

    class Last(EpochScoring):  # the state that the last score is of
        def on_epoch_end(self, net, **kwargs):
            self.state = {key: tensor.clone() for key, tensor in net.module_.state_dict().items()}

    last = Last("r2")
    model = fitted(kind, [*callbacks.values(), last], **{"max_iter": 3, "dtype": "float64"} | params)
    model.module_.load_state_dict(last.state)
    own = by_their_own_members(model)
    for column in callbacks:
        expected = SCORES[kind][column.split()[0]](*own)
        np.testing.assert_allclose(model.net_.history[-1, column], expected, rtol=1e-6, err_msg=column)


def test_rows_of_noise_are_not_predicted_before_they_are_learned():
    scores = [
        EpochScoring(
            "r2", lower_is_better=False, name=f"{name} {caching}", on_train=name == "learned", use_caching=caching
        )
        for name in ("held out", "learned")
        for caching in (True, False)
    ]
    how = {"hidden_layer_sizes": (32,), "n_members": 8, "max_iter": 60, "learning_rate": "constant"}
    model = fitted("numbers", scores, **how)
    for caching in (True, False):
        held_out, learned = (model.net_.history[-1, f"{name} {caching}"] for name in ("held out", "learned"))
        assert held_out < 0.1 < 0.3 < learned


@pytest.mark.parametrize("kind", TARGETS)
def test_a_net_predicts_validation_rows_as_they_are_held_out(kind):
    model = fitted(kind, [])
    y, expected = by_their_own_members(model)
    net, rows = model.net_, model.net_.validation
    for given in (rows, rows.X, rows.X.numpy()):
        predicted = net.predict(given) if kind == "numbers" else net.predict_proba(given)
        np.testing.assert_allclose(predicted, expected, rtol=1e-6)
        np.testing.assert_array_equal(net.predict(given), expected if kind == "numbers" else expected.argmax(1))
    others = rows.X[:5] + 1e-3
    with torch.no_grad():
        raw = model.module_(others)
    raw = raw.softmax(2) if kind != "numbers" else raw
    predicted = net.predict(others) if kind == "numbers" else net.predict_proba(others)
    np.testing.assert_allclose(predicted, raw.mean(1).numpy(), rtol=1e-6)
    assert hasattr(net, "predict_proba") is (kind != "numbers")
    assert get_scorer("r2" if kind == "numbers" else "neg_log_loss")(net, rows, y) < 0.3


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise"])
@pytest.mark.parametrize("kind", ["numbers", "three"])
def test_the_best_checkpoint_is_loaded(kind, solver, tmp_path):
    score = EpochScoring("neg_mean_squared_error" if kind == "numbers" else "neg_log_loss", lower_is_better=False)
    checkpoint = Checkpoint(monitor=f"{score.scoring}_best", dirname=str(tmp_path), load_best=True)
    further = [PassthroughScoring("valid_loss_best"), EarlyStopping(patience=3, load_best=True)]
    model = fitted(kind, [score, checkpoint, *further], solver=solver, early_stopping=True, max_iter=4)
    scores = model.net_.history[:, score.scoring]
    y, outputs = by_their_own_members(model)
    last = -mean_squared_error(y, outputs) if kind == "numbers" else -log_loss(y, outputs)
    np.testing.assert_allclose(last, max(scores), rtol=1e-6)


def test_a_score_in_between_leaves_batch_normalisation_in_training():
    how = {"lower_is_better": False, "use_caching": False}
    plain = fitted("numbers", [], norm="batch", batch_size=64)
    scored = fitted("numbers", [BatchScoring("r2", name="batch", on_train=True, **how)], norm="batch", batch_size=64)
    np.testing.assert_array_equal(plain.predict(X), scored.predict(X))
