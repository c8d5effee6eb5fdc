"""Several processes that share the rows fit the model that one process fits."""

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from sklearn_kan import KANClassifier, KANRegressor, data_parallel
from tests.processes import START

SETTINGS = [
    (KANRegressor, {"batch_size": 50, "max_iter": 3}),
    (KANRegressor, {"solver": "lbfgs", "max_iter": 2, "alpha": 0.1}),
    (KANClassifier, {"solver": "hybrid", "batch_size": 64, "max_iter": 2}),
    (KANRegressor, {"solver": "kfac", "max_iter": 3}),
    (KANRegressor, {"norm": "none", "basis": "truncated_power", "batch_size": 33, "max_iter": 2}),
]


def data():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(301, 3))
    weight = generator.uniform(0.5, 2.0, size=301)
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2], weight


def models():
    return [
        kind(hidden_layer_sizes=(5,), random_state=0, device="cpu", dtype="float64", **params)
        for kind, params in SETTINGS
    ]


def fit_all():
    """Predictions of every setting, and those of two chunks."""
    X, y, weight = data()
    found = []
    for model in models():
        is_classifier = isinstance(model, KANClassifier)
        model.fit(X, y > 0 if is_classifier else y, sample_weight=weight)
        found.append(model.predict_proba(X)[:, 1] if is_classifier else model.predict(X))
        found.append(np.array(model.loss_curve_))
    streaming = KANRegressor((5,), random_state=0, batch_size=40, device="cpu")
    for part in (slice(0, 200), slice(200, 301)):
        streaming.partial_fit(X[part], y[part])
    return [*found, streaming.predict(X)]


def worker(rank, n_processes, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=n_processes)
    with data_parallel():
        np.savez(f"{folder}/{rank}.npz", *fit_all())
        errors = []
        for refused in ({"random_state": None}, {"norm": "batch"}, {"batch_size": 1}):
            try:
                KANRegressor(**{"random_state": 0, "max_iter": 1, "device": "cpu", **refused}).fit(*data()[:2])
            except ValueError as error:
                errors.append(str(error))
    np.save(f"{folder}/errors{rank}.npy", errors)
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch was built without distributed")
def test_two_processes_fit_the_model_of_one(tmp_path):
    mp.start_processes(worker, args=(2, tmp_path), nprocs=2, start_method=START)
    expected = fit_all()
    for rank in range(2):
        found = np.load(tmp_path / f"{rank}.npz").values()
        for one, two in zip(expected, found, strict=True):
            np.testing.assert_allclose(two, one, rtol=1e-8, atol=1e-8)
        for message, error in zip(
            ["random_state=None differs", "norm='batch' cannot be shared", "Batches of 1 rows cannot be shared by 2"],
            np.load(tmp_path / f"errors{rank}.npy"),
            strict=True,
        ):
            assert message in error


def test_without_torch_distributed_the_remedy_is_named():
    with pytest.raises(RuntimeError, match="init_process_group"), data_parallel():
        pass
