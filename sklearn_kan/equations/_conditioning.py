"""Conditioning a Gaussian process of waves on rows, without squaring their condition number.

Rows are whitened by the prior. Hard rows are solved exactly and their null space is what remains free; soft rows are
scaled to unit prior variance, group by group, and a singular value decomposition gives the posterior mean, each row's
leverage, and the posterior covariance.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg

FLOOR = 1e-13  # standard deviation of rows without noise, relative to their prior one


class Rows(NamedTuple):
    """Linear rows on coefficients."""

    design: np.ndarray  # (n, columns)
    target: np.ndarray  # (n,)
    hard: bool


class Posterior(NamedTuple):
    """What the rows say of the coefficients."""

    coefficients: np.ndarray  # (columns,)
    factor: np.ndarray | None  # (columns, r), covariance = factor @ factor.T; of prior scale 1
    misfit: list  # per group: (n,), target minus fit
    left_out: list  # per group: (n,), misfit of each row predicted from all others
    freedom: list  # per group: rows minus leverages
    determined: np.ndarray  # (columns,): one minus posterior over prior variance
    open: tuple  # whitened covariance as ``free @ free.T - basis * kept @ basis.T``

    def covariance(self, design, amplitudes):
        """Covariance of the coefficients with rows, (columns, n); fewer digits than the factor's."""
        free, basis, kept = self.open
        rows = (design * amplitudes).T
        return amplitudes[:, None] * (free @ (free.T @ rows) - basis @ (kept[:, None] * (basis.T @ rows)))


def condition(groups, amplitudes, noise, with_factor=False):
    """Posterior given rows.

    Parameters
    ----------
    groups : list of Rows
    amplitudes : ndarray of shape (columns,)
        Prior standard deviations of coefficients.
    noise : list of float
        Standard deviation of each group's rows, at least `FLOOR` of their prior one; not used for hard groups.
    with_factor : bool, default=False
        Whether the covariance is asked for.

    Returns
    -------
    posterior : Posterior
    """
    fixed, free = constrained(groups, amplitudes)
    scales = [row_scale(group, amplitudes) for group in groups]
    weights = [1 / max(sigma, FLOOR * scale) for scale, sigma in zip(scales, noise, strict=True)]
    soft = [k for k, group in enumerate(groups) if not group.hard]
    A = np.vstack([(groups[k].design * amplitudes) * weights[k] for k in soft])
    y = np.concatenate([groups[k].target * weights[k] for k in soft])
    wide = A.shape[0] < free.shape[1]
    U, s, Vt = linalg.svd(A @ free, full_matrices=False, lapack_driver="gesdd", check_finite=False)
    shrunk = s / (1 + s**2)
    offset = y - A @ fixed
    whitened = fixed + free @ (Vt.T @ (shrunk * (U.T @ offset)))
    basis = free @ Vt.T
    kept = s**2 / (1 + s**2)
    determined = np.clip(1 - (free**2).sum(1) + (basis**2) @ kept, 0, 1)
    factor = basis / np.sqrt(1 + s**2) if with_factor else None
    if wide and factor is not None:
        rest = linalg.qr(Vt.T, check_finite=False)[0][:, len(s) :]  # orthogonal to all rows: as uncertain as before
        factor = np.hstack([factor, free @ rest])
    leverage = (U**2) @ kept
    misfit, left_out, freedom, start = [], [], [], 0
    for group in groups:
        gap = group.target - (group.design * amplitudes) @ whitened
        misfit.append(gap)
        if group.hard:
            left_out.append(np.zeros_like(gap))
            freedom.append(0.0)
            continue
        h = leverage[start : start + len(gap)]
        start += len(gap)
        left_out.append(gap / np.maximum(1 - h, 1e-6))
        freedom.append(max(len(gap) - h.sum(), 1e-6 * len(gap)))
    factor = None if factor is None else amplitudes[:, None] * factor
    return Posterior(amplitudes * whitened, factor, misfit, left_out, freedom, determined, (free, basis, kept))


def row_scale(group, amplitudes):
    """Prior standard deviation of a group's rows, as root mean square."""
    scale = np.linalg.norm(group.design * amplitudes) / np.sqrt(max(len(group.design), 1))
    return scale if scale > 0 else 1.0


def constrained(groups, amplitudes):
    """A whitened solution of the hard rows with the least norm, and an orthonormal basis of what they leave free."""
    hard = [group for group in groups if group.hard and len(group.target)]
    if not hard:
        return np.zeros(len(amplitudes)), np.eye(len(amplitudes))
    C = np.vstack([(group.design * amplitudes) / row_scale(group, amplitudes) for group in hard])
    g = np.concatenate([group.target / row_scale(group, amplitudes) for group in hard])
    U, s, Vt = linalg.svd(C)
    rank = int((s > 1e-12 * s[0]).sum()) if s[0] > 0 else 0
    fixed = Vt[:rank].T @ ((U[:, :rank].T @ g) / s[:rank])
    if np.abs(C @ fixed - g).max() > 1e-8 * max(np.abs(g).max(), 1e-300):
        raise ValueError(
            "The boundary values contradict each other: no function takes all of them. Give each condition once, or "
            "more of them as rows of kind 'value', which may be noisy."
        )
    return fixed, Vt[rank:].T
