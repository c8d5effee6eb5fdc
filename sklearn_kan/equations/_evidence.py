"""How large noise and peaks are, by the likelihood of the rows."""

from typing import NamedTuple

import numpy as np

from ._conditioning import condition
from ._features import Field, Spectrum
from ._groups import LinearRows

SLOW = 1e-3  # of the terms that half a wave over the points would have, counts as a term in any case
EXACT = 1e-9  # relative misfit of rows that counts as none
MOST, FEW, MANY = 15, 6, 700  # iterations, and those with so many columns


class State(NamedTuple):
    """A solution on rows."""

    field: Field
    spectrum: Spectrum
    rows: list[LinearRows]
    noise: list[float]  # standard deviation of each group's rows
    misfit: list[np.ndarray]
    left_out: list[np.ndarray]
    relative: float  # misfit of left-out rows, over what they are made of; the worst group
    residual: float  # the same of the equation
    n_iter: int


def weighed(rows, spectrum, n_iter):
    """The solution of linear rows with the noise and the peaks' weights that make the rows most likely.

    Fixed points of MacKay (1992): a variance is its sum of squares over the numbers that the data determine.
    """
    waves = spectrum.waves()
    designs = [row.design(waves) for row in rows]
    exact = condition(designs, waves.amplitudes, [0.0] * len(rows))
    relative = relative_misfit(rows, Field(waves, exact.coefficients), exact.left_out)
    is_exact, noise = relative <= EXACT, learned_noise(exact, rows)
    if not is_exact:  # rows that are all but interpolated say nothing of their noise yet
        noise = [
            0.05 * float(np.sqrt(np.mean(row.target**2))) if sigma and freedom < 0.05 * len(row.target) else sigma
            for row, sigma, freedom in zip(rows, noise, exact.freedom, strict=True)
        ]
    for _ in range(2 if is_exact else FEW if len(waves.amplitudes) > MANY else MOST):
        posterior = condition(designs, waves.amplitudes, noise)
        spectrum, change = reweighed(spectrum, waves, posterior, forbidden(rows, designs, waves))
        waves = spectrum.waves()
        designs = [row.design(waves) for row in rows]
        noise = noise if is_exact else learned_noise(posterior, rows)
        if change < 0.05:
            break
    if is_exact:  # what the rows leave open may be as large as the solution; nothing else depends on it
        found = Field(waves, exact.coefficients)
        size = np.mean(np.concatenate([found(row.points) for row in rows]) ** 2)
        spectrum = spectrum._replace(weights=np.maximum(spectrum.weights, np.eye(len(spectrum.weights))[0] * size))
        waves = spectrum.waves()
    posterior = condition(designs, waves.amplitudes, noise, with_factor=True)
    if not is_exact:
        exact = posterior
        field = Field(waves, posterior.coefficients, posterior.factor)
        relative = relative_misfit(rows, field, posterior.left_out)
    else:
        field = Field(waves, exact.coefficients, posterior.factor)
    return State(field, spectrum, rows, noise, exact.misfit, exact.left_out, relative,
                 relative_misfit(rows[:1], field, exact.left_out[:1]), n_iter)  # fmt: skip


def relative_misfit(rows, field, left_out):
    """Root mean square of left-out soft rows over the size of the terms that they balance; the worst group."""
    return max(
        (float(np.sqrt(np.mean(left**2))) / terms_of(row, field)
         for row, left in zip(rows, left_out, strict=True) if not row.hard and len(left)), default=0.0,
    )  # fmt: skip


def terms_of(row, field):
    """The largest of the terms that linear rows balance."""
    terms = [np.abs(slope * field(row.points, key)).max() for key, slope in row.coefficients.items()]
    width = np.ptp(row.points, axis=0)
    slow = np.divide(np.pi, width, where=width > 0, out=np.zeros(len(width)))
    # of a nearly constant solution terms are rounding errors
    terms.append(SLOW * row.smallest(slow) * np.abs(field(row.points)).max())
    return max(np.abs(row.target).max(), *terms, 1e-300)


def learned_noise(posterior, rows):
    """Standard deviation of each soft group's rows.

    An equation without a source has none: as zero also solves it, noise and solution would vanish together.
    """
    return [
        0.0 if row.hard or not row.has_source else float(np.sqrt((gap**2).sum() / freedom))
        for row, gap, freedom in zip(rows, posterior.misfit, posterior.freedom, strict=True)
    ]


def forbidden(rows, designs, waves):
    """What rows without a source determine of each coefficient: that it is zero, which says nothing of size."""
    silent = [design for row, design in zip(rows, designs, strict=True) if not row.has_source and not row.hard]
    if not silent:
        return np.zeros(len(waves.amplitudes))
    return condition(silent, waves.amplitudes, [0.0] * len(silent)).determined


def reweighed(spectrum, waves, posterior, silent):
    """Peaks with the variances that their coefficients show, and the largest relative change."""
    squares = (posterior.coefficients / np.maximum(waves.amplitudes, 1e-300)) ** 2
    determined = np.clip(posterior.determined - silent, 0, 1)
    shares = spectrum.shares(waves.frequencies)
    shares = np.hstack([shares, shares[:, waves.moving]])
    shares = shares / np.maximum(shares.sum(0), 1e-300)
    factors = np.clip((shares @ squares + 1e-12) / (shares @ determined + 1e-12), 0.01, 100)
    return spectrum._replace(weights=spectrum.weights * factors), float(np.abs(np.log(factors)).max())
