"""Fits and predictions do without torch's threads, which spin while they wait; results do not depend on threads."""

import re
import sys
from threading import Barrier, Thread
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_kan import GPEquationSolver, GPSpectralRegressor, KANClassifier, KANRegressor
from sklearn_kan._surroundings import OneThreadOfBlas, controller, on_one_thread, without_spinning
from sklearn_kan.bases import BSpline
from sklearn_kan.kernels import has_library, on_threads
from sklearn_kan.kernels.cpu import _library

needs_library = pytest.mark.skipif(not has_library(), reason="installed without a compiler")


@pytest.fixture
def two_threads():
    """As with OMP_NUM_THREADS=2."""
    with threadpool_limits(2):
        yield


def threads():
    """How many threads torch has, and how many the kernels, if it is not the same."""
    return torch.get_num_threads(), _library._allowed_threads.get()


class Watching(BSpline):
    """Splines that note how many threads torch has when they are evaluated, and how many kernels have."""

    seen: ClassVar = []

    def contract(self, x, weight):
        self.seen.append(threads())
        return super().contract(x, weight)


def uses(model):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.integers(0, 2, 60)
    yield lambda: model.fit(X, y)
    yield lambda: model.predict(X)
    if model.solver in ("adam", "hybrid"):
        yield lambda: model.partial_fit(X, y)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise"])
@pytest.mark.parametrize(("kind", "refit"), [(KANRegressor, "last_layer"), (KANClassifier, None)])
def test_torch_works_on_one_thread_and_has_its_threads_back_afterwards(kind, solver, refit):
    n_members = 1 if solver in ("kfac", "gauss_newton", "layerwise") else 2
    model = kind((4,), basis=Watching, solver=solver, refit=refit, n_members=n_members, max_iter=2, random_state=0)
    for use in uses(model):
        Watching.seen.clear()
        use()
        assert set(Watching.seen) == {(1, 2)}
        assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_threads_come_back_after_an_error_and_nesting_changes_nothing():
    @without_spinning()
    def fail():
        with without_spinning():
            seen.append(threads())
        seen.append(threads())
        raise ValueError("fails")

    seen = []
    with pytest.raises(ValueError, match="fails"):
        fail()
    assert [*seen, threads()] == [(1, 2), (1, 2), (2, None)]


@needs_library
@pytest.mark.parametrize(("n_threads", "n_parts"), [(1, 1), (2, 2), (5, 5)])
def test_kernels_share_out_large_work_alone(n_threads, n_parts, monkeypatch):
    parts = []
    part = _library.Call.part
    monkeypatch.setattr(_library.Call, "part", lambda call, *bounds: parts.append(bounds) or part(call, *bounds))
    basis = BSpline(40)
    with on_threads(n_threads), torch.no_grad():
        basis.contract(torch.zeros(10, 40), torch.zeros(40, basis.n_basis, 50))
        assert parts == [(0, 10)]
        parts.clear()
        basis.contract(torch.zeros(12_000, 40), torch.zeros(40, basis.n_basis, 50))
    assert len(parts) == n_parts
    assert sorted(parts)[0][0] == 0
    assert sorted(parts)[-1][1] == 12_000


@pytest.mark.parametrize(("solver", "n_members"), [("adam", 2), ("lbfgs", 2), ("kfac", 1), ("gauss_newton", 1)])
def test_results_do_not_depend_on_the_number_of_threads(solver, n_members, monkeypatch):
    X = np.random.default_rng(0).normal(size=(3000, 5))
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    sizes = (4,) if solver == "gauss_newton" else (16,)
    model = KANRegressor(sizes, solver=solver, n_members=n_members, max_iter=1, refit="last_layer", random_state=0)
    monkeypatch.setattr(_library, "WORK_PER_THREAD", 2**16)
    pool, shared = _library.pool, []
    monkeypatch.setattr(_library, "pool", lambda: shared.append(1) or pool())
    found = []
    for n_threads in (1, 3):
        with threadpool_limits(n_threads):  # as with OMP_NUM_THREADS
            found.append(model.fit(X, y).predict(X))
    np.testing.assert_array_equal(*found)
    assert has_library() == bool(shared)  # work was large enough to be shared out


def all_threads():
    """The numbers of threads of torch, OpenMP and BLAS."""
    return {torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())}


@pytest.mark.usefixtures("two_threads")
def test_small_matrices_are_worked_on_by_one_thread():
    seen = []

    def residual(x, u):
        seen.append(all_threads())
        return u[0, 0] + x[:, 0]

    GPEquationSolver(residual).fit_grid((np.linspace(0, 1, 9),), boundary=0.0)
    assert seen
    assert all(threads == {1} for threads in seen)
    assert all_threads() == {2}
    GPSpectralRegressor().fit(np.arange(12.0)[:, None], np.arange(12.0) % 3)
    assert all_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_the_last_one_that_is_inside_gives_threads_back():
    blas = OneThreadOfBlas()  # as for two threads of Python
    blas.__enter__()
    blas.__enter__()
    blas.__exit__(None, None, None)
    assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}
    blas.__exit__(None, None, None)
    assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {2}


def test_threads_of_libraries_that_are_loaded_later_are_seen(monkeypatch):
    before = controller()
    assert controller() is before
    monkeypatch.setitem(sys.modules, "another_library", ModuleType("another_library"))
    assert controller() is not before


def threads_of_mkl():
    """How many threads the BLAS within torch takes, as torch says; None if it is another one."""
    found = re.search(r"mkl_get_max_threads\(\) : (\d+)", torch.__config__.parallel_info())
    return found and int(found[1])


@pytest.mark.parametrize("context", [without_spinning, on_one_thread])
def test_threads_that_torch_was_told_are_not_those_of_a_fit(context):
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # which BLAS heeds more than OpenMP's number
    try:
        with context():
            assert threads_of_mkl() in (1, None)
        assert threads_of_mkl() in (2, None)
    finally:
        torch.set_num_threads(before)


def run(*threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_that_begin_after_fits_side_by_side_have_what_was_there_before():
    before, both, found = torch.get_num_threads(), Barrier(2), []

    def fit(is_longer):
        with without_spinning():
            both.wait()  # both are inside
            if is_longer:
                both.wait()  # until the other one is outside
        if not is_longer:
            both.wait()

    torch.set_num_threads(2)
    try:
        run(*(Thread(target=fit, args=(is_longer,)) for is_longer in (False, True)))
        run(Thread(target=lambda: found.append(torch.get_num_threads())))
        assert (found, torch.get_num_threads()) == ([2], 2)
        with on_one_thread():
            with without_spinning():
                pass
            assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
