"""Large computations in pieces, whose intermediates fit in the cache or in memory."""

import numpy as np

CACHED = 2**17  # numbers whose intermediates stay in the cache
HELD = 2**21  # numbers that are held in memory at once


def blocks(n_rows, n_columns, n_numbers=CACHED):
    """Slices of rows of about as many numbers."""
    step = max(16, n_numbers // max(1, n_columns))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def in_parts(frequencies, n_columns):
    """Frequencies in pieces whose waves, so many numbers for each frequency, are held at once."""
    return np.array_split(frequencies, len(frequencies) * n_columns // HELD + 1)
