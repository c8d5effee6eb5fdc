"""Some of the training rows, as the network sees them: what importances and explanations are about."""

import numpy as np

MOST_ROWS, MOST_NUMBERS = 500, 2**17


def sample_of(rows, before=None):
    """A sample of training rows, in which heavy rows come up as often as they weigh; the same for the same rows.

    Parameters
    ----------
    rows : Rows
    before : ndarray of shape (n_before, n_inputs), optional
        The sample of an earlier fit, of which a part is kept.

    Returns
    -------
    sample : ndarray of shape (n_sampled, n_inputs)
        In random order.
    """
    X, _, weight = rows.all
    n = min(MOST_ROWS, max(1, MOST_NUMBERS // X.shape[1]))
    cumulated = weight.double().cumsum(0).cpu().numpy()
    is_alike = len(X) <= n and bool((weight == weight[0]).all())
    levels = (np.arange(n) + 0.5) / n * cumulated[-1]
    places = np.arange(len(X)) if is_alike else np.searchsorted(cumulated, levels)
    sample = X[places].cpu().numpy()
    random = np.random.RandomState(0)
    if before is not None and before.shape[1] == sample.shape[1]:
        sample = np.concatenate([before, sample])
    return sample[random.permutation(len(sample))[:n]]
