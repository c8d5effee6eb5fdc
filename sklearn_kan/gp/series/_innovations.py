"""Exponential smoothing as a Gaussian process: each step's surprise moves level, slope and season for good.

With innovations e and the coefficients c of what the series started from,

    y = X c + Ψ e,   ψ_0 = 1,   ψ_j = α + β Σ_{i ≤ j} φ^i + κ [j is a multiple of the season] + δ ρ^(j - 1),

which is the state space of Hyndman, Koehler, Ord & Snyder (2008), ch. 3, beside a short memory as of an ARIMA(1, 1, q)
process. The polynomials N and A of the lag with ``Ψ = N / A`` are short, so that ``Ψ⁻¹`` is a recursive filter, of
determinant one. Coefficients have a normal prior and are integrated out.
"""

from typing import NamedTuple

import numpy as np
import scipy
from scipy.linalg import solve_triangular

LEVEL_SCALE, DRIFT_SCALE, SEASON_SCALE = 10.0, 3.0, 1.0  # prior standard deviations of coefficients
SLOPE_SCALE = 10.0  # the same of the first slope, in standard errors of the mean difference
LARGEST = 1e8  # a surprise; beyond, the filter is unstable
LOG_TWO_PI = float(np.log(2 * np.pi))


class Innovations(NamedTuple):
    """How a series goes on from what it has come to.

    Parameters
    ----------
    trend : {"drift", "damped"}
        A slope that stays, or one that moves and dies out.
    season : int
        Steps, 0 for none.
    scale : float
        Standard deviation of the innovations.
    level, slope, seasonal : float
        α, β, κ: shares of an innovation that last.
    damping : float
        φ, of the slope, each step.
    memory, echo : float
        ρ and δ: what an innovation leaves for a while.
    probability : float, default=1.0
    """

    trend: str
    season: int
    scale: float
    level: float
    slope: float = 0.0
    seasonal: float = 0.0
    damping: float = 0.0
    memory: float = 0.0
    echo: float = 0.0
    probability: float = 1.0

    def response(self, n):
        """ψ, the series' response to one innovation in its first n steps."""
        j = np.arange(n, dtype=float)
        psi = np.full(n, self.level)
        if self.trend == "damped":
            psi += self.slope * damped_sum(self.damping, j)
        if self.season:
            psi[:: self.season] += self.seasonal
        psi += self.echo * self.memory ** np.maximum(j - 1, 0)
        psi[0] = 1.0
        return psi

    def polynomials(self):
        """N and A, by powers of the lag."""
        A = np.array([1.0, -1.0])
        for factor in ([1.0, -self.damping] if self.trend == "damped" else [1.0], [1.0, -self.memory],
                       np.ones(max(1, self.season))):  # fmt: skip
            A = np.convolve(A, factor)
        return np.convolve(self.response(len(A)), A)[: len(A)], A

    def trends(self, n, slope_scale):
        """Columns of level and slope, times their prior scales; ``(n_trends, n)``."""
        t = np.arange(1.0, n + 1)
        slope = slope_scale * damped_sum(self.damping, t) if self.trend == "damped" else DRIFT_SCALE * t / slope_scale
        return np.stack([np.full(n, LEVEL_SCALE), slope])


def damped_sum(damping, j):
    """``Σ_{i=1}^{j} φ^i``."""
    return damping * (1 - damping**j) / (1 - damping)


class Filtered(NamedTuple):
    """A series under a model: what there is of its innovations.

    Parameters
    ----------
    innovations : ndarray of shape (n,)
        ``Ψ⁻¹ y``
    columns : ndarray of shape (n, n_coefficients)
        ``Ψ⁻¹ X``
    root : ndarray of shape (n_coefficients, n_coefficients)
        Cholesky factor of the coefficients' precision.
    projected : ndarray of shape (n_coefficients,)
        Its inverse times the columns' products with the innovations.
    log_density : float
        Log marginal likelihood; minus infinity where the filter is unstable.
    """

    innovations: np.ndarray
    columns: np.ndarray
    root: np.ndarray
    projected: np.ndarray
    log_density: float


class Series(NamedTuple):
    """Values at even steps, and the scale of their trends: of a drift it is the number of steps.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Of about unit variance.
    slope_scale : float
        Prior standard deviation of a damped slope, for each step.
    """

    y: np.ndarray
    slope_scale: float

    @classmethod
    def of(cls, y):
        return cls(y, SLOPE_SCALE * max(float(np.std(np.diff(y))), 1e-6) / np.sqrt(len(y)))

    def trends(self, model, n):
        return model.trends(n, self.slope_scale if model.trend == "damped" else float(len(self.y)))

    def filtered(self, model):
        n = len(self.y)
        N, A = model.polynomials()
        signals = [self.y, *self.trends(model, n)]
        if model.season:
            signals += [np.ones(n), np.arange(n) % model.season == 0]
        with np.errstate(all="ignore"):
            first, *rows = scipy.signal.lfilter(A, N, np.array(signals, dtype=float))
        columns = np.stack(rows[:2], 1)
        if model.season:
            columns = np.column_stack([columns, season_columns(rows[3], rows[2], model.season)])
        variance = model.scale**2
        try:
            if not (np.abs(columns).max() < LARGEST and np.abs(first).max() < LARGEST):
                raise np.linalg.LinAlgError
            root = np.linalg.cholesky(np.eye(columns.shape[1]) + columns.T @ columns / variance)
        except np.linalg.LinAlgError:
            return Filtered(first, columns, np.empty((0, 0)), np.empty(0), -np.inf)
        projected = solve_triangular(root, columns.T @ first / variance, lower=True, check_finite=False)
        square = first @ first / variance - projected @ projected
        value = -0.5 * (square + n * (np.log(variance) + LOG_TWO_PI)) - np.log(np.diag(root)).sum()
        return Filtered(first, columns, root, projected, float(value))

    def ahead(self, model, n_steps):
        """What a model expects of the next steps."""
        seen, n = self.filtered(model), len(self.y)
        N, A = model.polynomials()
        total = n + n_steps
        coef = solution(seen)
        design = self.trends(model, total).T
        if model.season:
            places = np.arange(total)[:, None] % model.season == np.arange(model.season)
            design = np.column_stack([design, SEASON_SCALE * (places - 1 / model.season)])
        signals = np.column_stack([seen.innovations - seen.columns @ coef, seen.columns])
        echoes = scipy.signal.lfilter(N, A, np.vstack([signals, np.zeros((n_steps, signals.shape[1]))]), axis=0)[n:]
        mean = design[n:] @ coef + echoes[:, 0]
        by_start = solve_triangular(seen.root, (design[n:] - echoes[:, 1:]).T, lower=True).T
        return Ahead(mean, model.scale * model.response(n_steps), by_start)


class Ahead(NamedTuple):
    """The steps after a series.

    Parameters
    ----------
    mean : ndarray of shape (n_steps,)
    response : ndarray of shape (n_steps,)
        To an innovation of one standard deviation.
    by_start : ndarray of shape (n_steps, n_coefficients)
        Root of what the coefficients' uncertainty adds.
    """

    mean: np.ndarray
    response: np.ndarray
    by_start: np.ndarray

    @property
    def variance(self):
        return np.cumsum(np.square(self.response)) + np.square(self.by_start).sum(1)

    def covariance(self, n):
        """Of the first n steps."""
        gaps = np.subtract.outer(np.arange(n), np.arange(n))
        lower = np.where(gaps >= 0, self.response[np.abs(gaps)], 0.0)
        return lower @ lower.T + self.by_start[:n] @ self.by_start[:n].T


def solution(seen):
    """The coefficients' posterior mean."""
    return solve_triangular(seen.root.T, seen.projected)


def season_columns(train, constant, season):
    """Filtered columns of a season, from those of its first step and of a constant: later steps are delayed."""
    n = len(train)
    padded = np.concatenate([np.zeros(season - 1), train])
    delayed = np.lib.stride_tricks.sliding_window_view(padded, season)[:n, ::-1]
    return SEASON_SCALE * (delayed - constant[:, None] / season)
