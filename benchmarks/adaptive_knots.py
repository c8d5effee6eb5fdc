"""Claim: knots placed for a tolerance are at most a third of the uniform ones that reach the same error.

python -m benchmarks.adaptive_knots
"""

import json
from pathlib import Path

import torch
from scipy.interpolate import CubicSpline

from benchmarks.environment import environment
from sklearn_kan.knots import adaptive_knots

RESULTS = Path(__file__).parent / "results" / "adaptive_knots.json"
RTOL, GRID = 1e-6, 200_001
FUNCTIONS = {
    "|x|^1.5 on [-1, 1]": (lambda x: x.abs() ** 1.5, -1.0, 1.0),
    "tanh(50 x) on [-1, 1]": (lambda x: torch.tanh(50 * x), -1.0, 1.0),
    "sin(1 / (x + 0.1)) on [0, 1]": (lambda x: torch.sin(1 / (x + 0.1)), 0.0, 1.0),
    "plateau with Gaussian flanks on [-2, 2]": (
        lambda x: torch.exp(-40 * (x.abs() - 0.5).clamp(min=0) ** 2), -2.0, 2.0
    ),
}  # fmt: skip


def error(f, knots, a, b):
    """Largest error of the cubic spline on a dense grid, in units of ``RTOL (|f| + max |f|)``."""
    x = torch.linspace(a, b, GRID, dtype=torch.float64)
    y = f(x)
    spline = torch.from_numpy(CubicSpline(knots.numpy(), f(knots).numpy())(x.numpy()))
    return ((spline - y).abs() / (RTOL * (y.abs() + y.abs().max()))).max().item()


def uniform_count(f, a, b, most):
    """Fewest uniform knots, to within 1 %, with an error of at most `most`."""
    n = 6
    while error(f, torch.linspace(a, b, n, dtype=torch.float64), a, b) > most:
        n += max(1, n // 100)
    return n


def main():
    rows = []
    for name, (f, a, b) in FUNCTIONS.items():
        knots = adaptive_knots(f, a, b, rtol=RTOL)
        reached = error(f, knots, a, b)
        rows.append({"function": name, "placed": len(knots), "error_over_tolerance": reached,
                     "uniform": uniform_count(f, a, b, reached)})  # fmt: skip
        print(rows[-1], flush=True)
    RESULTS.write_text(json.dumps({"claim": __doc__.split("\n")[0], **environment(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
