"""Purification: what belongs to single columns is taken out of a pair's surface (Lengerich et al. 2020)."""

import numpy as np


def centred(values, density):
    """Values of one column with mean zero over the rows: ``(n_places, n_outputs)``."""
    share = density if density.sum() else np.ones_like(density)
    return values - np.average(values, axis=0, weights=share)


def purified(values, density):
    """A surface of two columns without the best sum of a function of each, so that its means along both are zero.

    Parameters
    ----------
    values : ndarray of shape (n_places, n_places_2, n_outputs)
    density : ndarray of shape (n_places, n_places_2)

    Returns
    -------
    pure : ndarray of the shape of `values`
    """
    n, m, n_outputs = values.shape
    rows, columns = (index.ravel() for index in np.indices((n, m)))
    sums = np.zeros((n * m, n + m))
    sums[np.arange(n * m), rows] = sums[np.arange(n * m), n + columns] = 1.0
    root = np.sqrt(density.ravel())[:, None]
    pure = values.reshape(-1, n_outputs)
    solution = np.linalg.lstsq(root * sums, root * pure, rcond=1e-12)[0]
    empty = np.concatenate([density.sum(1), density.sum(0)]) == 0  # places without rows: as if rows were even there
    pure = (pure - sums @ solution).reshape(values.shape)
    pure[empty[:n]] -= pure[empty[:n]].mean(1, keepdims=True)
    pure[:, empty[n:]] -= pure[:, empty[n:]].mean(0, keepdims=True)
    return pure
