"""Which way of inference suits which data."""

from ._fourier import Fourier
from ._inference import Dense
from ._kronecker import Kronecker, grid_axes
from ._toeplitz import Toeplitz, is_uniform

SOLVERS = {"cholesky": Dense, "toeplitz": Toeplitz, "kronecker": Kronecker, "fourier": Fourier}
NEEDS = {
    "kronecker": "it needs a full grid over two or more features, without sample_weight or alpha that differ",
    "toeplitz": "it needs one evenly spaced feature, without sample_weight or alpha that differ",
    "fourier": "it needs one or two features, a Gaussian spectrum, and no alpha",
}
GRID_ROWS = 400  # of a full grid, from which it is treated as one
DENSE_ROWS, MOST_ROWS = 5_000, 15_000  # up to which inference is exact if it can be approximate; if it cannot


def solver_for(data, solver, spectrum):
    """The name of the fastest solver for some data, or the one asked for if it suits them."""
    n, n_features = data.X.shape
    suits = {
        "kronecker": lambda: n_features > 1 and grid_axes(data) is not None,
        "toeplitz": lambda: is_uniform(data),
        "fourier": lambda: n_features <= 2 and spectrum != "student_t" and not data.extra.any() and n > 1,
        "cholesky": lambda: True,
    }
    if solver != "auto":
        if not suits[solver]():
            raise ValueError(f"solver={solver!r} does not suit these data: {NEEDS[solver]}. Choose solver='auto'.")
        return solver
    if n > GRID_ROWS and suits["kronecker"]():
        return "kronecker"
    if n > DENSE_ROWS and suits["fourier"]():
        return "fourier"
    if n > MOST_ROWS:
        raise ValueError(
            f"X has {n} distinct rows; exact inference takes up to {MOST_ROWS} where no faster method applies (a full "
            "grid, or one or two features with spectrum='auto' or 'gaussian'). Pass fewer rows."
        )
    return "toeplitz" if suits["toeplitz"]() else "cholesky"
