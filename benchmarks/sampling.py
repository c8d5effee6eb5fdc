"""Claim: least squares at points of `sample_points` come near the best fit with few more points than functions.

Functions on [-1, 1] and its square are approximated by polynomials, from points drawn a hundred times in each way.
Errors are in the mean square over the domain, as ratios to that of the best polynomial. The experiments follow Nouy &
Michel (2023), sec. 5.

    python -m benchmarks.sampling
"""

import json
import os
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.polynomial.legendre import legvander

from benchmarks.environment import environment
from sklearn_kan.gp import sample_points

RESULTS = Path(__file__).parent / "results" / "sampling.json"
METHODS = "volume", "determinantal", "christoffel", "sobol", "uniform"
N_DRAWS, N_EVEN = 100, 2_000
DEGREE = {1: 14, 2: 4}  # the highest, in total


def basis(X):
    """Legendre polynomials up to a total degree; ``(n, D) -> (n, m)``."""
    n_features, degree = X.shape[1], DEGREE[X.shape[1]]
    each = [legvander(column, degree) for column in X.T]
    powers = [p for p in product(range(degree + 1), repeat=n_features) if sum(p) <= degree]
    return np.stack([np.prod([e[:, k] for e, k in zip(each, p, strict=True)], axis=0) for p in powers], 1)


FUNCTIONS = {
    "1 / (1 + 5 x²)": (1, lambda X: 1 / (1 + 5 * X[:, 0] ** 2)),
    "|x - 0.3|": (1, lambda X: np.abs(X[:, 0] - 0.3)),
    "exp(-(x + y)²)": (2, lambda X: np.exp(-((X[:, 0] + X[:, 1]) ** 2))),
}


def even_points(n_features):
    """Middles of even cells, over which errors are averaged."""
    n = round(N_EVEN ** (1 / n_features))
    axis = -1 + (2 * np.arange(n) + 1) / n
    return np.stack(np.meshgrid(*[axis] * n_features), -1).reshape(-1, n_features)


def errors(n_features, f, n, method):
    """Ratios to the best error, one for each draw."""
    even = even_points(n_features)
    design, truth = basis(even), f(even)
    best = rms(truth - design @ np.linalg.lstsq(design, truth)[0])
    ratios = []
    for seed in range(N_DRAWS):
        X, weights = sample_points(basis, n, candidates=even, method=method, random_state=seed)
        root = np.sqrt(weights)
        coef = np.linalg.lstsq(root[:, None] * basis(X), root * f(X))[0]
        ratios.append(rms(truth - design @ coef) / best)
    return np.array(ratios)


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


def main():
    rows = []
    for name, (n_features, f) in FUNCTIONS.items():
        m = basis(np.zeros((1, n_features))).shape[1]
        for n in (m, 3 * m // 2, 2 * m, 4 * m):
            for method in METHODS:
                ratios = errors(n_features, f, n, method)
                row = {"function": name, "functions": m, "points": n, "method": method}
                rows.append(row | {"median": float(np.median(ratios)), "worst of 20": float(np.quantile(ratios, 0.95))})
                print(rows[-1], flush=True)
    result = environment() | {"claim": __doc__.split("\n")[0], "seed": 0, "draws": N_DRAWS, "rows": rows}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
