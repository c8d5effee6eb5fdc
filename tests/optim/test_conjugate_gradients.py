"""Conjugate gradients against direct solutions, and where they have to end."""

import pytest
import torch

from sklearn_kan.optim._conjugate_gradients import conjugate_gradients


def spd(size, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(size, size, generator=generator, dtype=dtype)
    return root @ root.T + 0.1 * torch.eye(size, dtype=dtype)


def solve(A, b, max_iter, **params):
    return conjugate_gradients(A.__matmul__, b, tolerance=0.0, max_iter=max_iter, **params)


def test_the_solution_of_a_vector_and_of_a_matrix():
    A, B = spd(12), spd(12, seed=1)[:, :3]
    torch.testing.assert_close(solve(A, B[:, 0], 30), torch.linalg.solve(A, B[:, 0]), rtol=1e-8, atol=1e-10)
    found = solve(A, B, 60, inner=lambda a, b: (a * b).sum())
    torch.testing.assert_close(found, torch.linalg.solve(A, B), rtol=1e-8, atol=1e-10)


def test_as_many_steps_as_there_are_eigenvalues():
    values = torch.tensor([1.0, 1.0, 7.0, 7.0, 7.0], dtype=torch.float64)
    Q = torch.linalg.qr(spd(5)).Q
    A, b = Q @ values.diag() @ Q.T, torch.ones(5, dtype=torch.float64)
    torch.testing.assert_close(solve(A, b, 2), torch.linalg.solve(A, b))


def test_a_perfect_preconditioner_takes_one_step():
    A, b = spd(8), torch.ones(8, dtype=torch.float64)
    factor = torch.linalg.cholesky(A)
    x = solve(
        A, b, 1, inner=lambda a, b: (a * b).sum(), precondition=lambda r: torch.cholesky_solve(r[:, None], factor)[:, 0]
    )
    torch.testing.assert_close(x, torch.linalg.solve(A, b))


def test_iterates_minimise_over_krylov_spaces():
    A, b = spd(10), torch.ones(10, dtype=torch.float64)
    for k in range(1, 5):
        krylov = torch.stack([torch.linalg.matrix_power(A, i) @ b for i in range(k)], 1)
        share = torch.linalg.solve(krylov.T @ A @ krylov, krylov.T @ b)
        torch.testing.assert_close(solve(A, b, k), krylov @ share, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("b", [torch.zeros(3), torch.full((3,), torch.nan), torch.full((3,), torch.inf)])
def test_nothing_to_solve(b):
    calls = []
    x = conjugate_gradients(lambda v: calls.append(v) or v, b.double(), tolerance=1e-6, max_iter=9)
    assert torch.equal(x, torch.zeros(3, dtype=torch.float64))
    assert len(calls) <= 1


def test_directions_that_do_not_curve_upwards_end_the_search():
    A = torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64))
    assert torch.equal(solve(A, torch.tensor([0.0, 1.0], dtype=torch.float64), 9), torch.zeros(2, dtype=torch.float64))
    assert solve(A, torch.tensor([1.0, 0.5], dtype=torch.float64), 9).isfinite().all()


def test_the_tolerance_is_one_of_the_residual():
    A, b = spd(40), torch.ones(40, dtype=torch.float64)
    products = []
    x = conjugate_gradients(lambda v: products.append(v) or A @ v, b, tolerance=1e-3, max_iter=400)
    assert (A @ x - b).norm() <= 1.1e-3 * b.norm()
    assert len(products) < 400
