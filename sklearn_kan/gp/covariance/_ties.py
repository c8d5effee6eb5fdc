"""Harmonics of one season: components that share a length scale and a fundamental frequency."""

from typing import NamedTuple

import numpy as np


class Ties(NamedTuple):
    """Which component each one takes its length scales and frequencies from.

    Parameters
    ----------
    leader : ndarray of shape (n_components,), int
        The place of that component; its own where it is free.
    multiple : ndarray of shape (n_components,)
        Of the leader's frequency; one for leaders.
    known : ndarray of shape (n_components,), bool
        Whether the frequency is given, and not learned.
    """

    leader: np.ndarray
    multiple: np.ndarray
    known: np.ndarray

    @property
    def leads(self):
        """Places of the leaders, in order."""
        return np.flatnonzero(self.leader == np.arange(len(self.leader)))

    @property
    def place(self):
        """For each component the place of its leader among the leaders."""
        return np.searchsorted(self.leads, self.leader)

    def with_comb(self, multiples, known):
        """The same with one more leader and its followers."""
        first, n = len(self.leader), len(multiples)
        return Ties(
            np.append(self.leader, np.full(n, first)), np.append(self.multiple, np.divide(multiples, multiples[0])),
            np.append(self.known, np.full(n, known)),
        )  # fmt: skip

    def select(self, components):
        """Those of some components; where a leader is missing, the first of its followers leads."""
        kept = np.arange(len(self.leader))[components]
        leader, multiple = self.leader[kept], self.multiple[kept]
        for old in np.unique(leader):
            group = np.flatnonzero(leader == old)
            leader[group], multiple[group] = group[0], multiple[group] / multiple[group[0]]
        return Ties(leader, multiple, self.known[kept])

    def reduced(self, gradient, frequencies):
        """A gradient by the parameters of components, as one by those of leaders.

        Parameters
        ----------
        gradient : ndarray of shape (n_components * (1 + n_features) + n_frequencies, ...)
            By log weights, log length scales, and frequencies that are not zero.
        frequencies : ndarray of shape (n_components, n_features)
        """
        n, n_features = frequencies.shape
        leads = self.leads
        if len(leads) == n:
            return gradient
        rest = gradient.shape[1:]
        lengths = gradient[n : n * (1 + n_features)].reshape(n, n_features, *rest)
        waves = np.zeros((n, n_features, *rest))
        waves[frequencies != 0] = gradient[n * (1 + n_features) :]
        waves *= self.multiple.reshape(n, *(1,) * (waves.ndim - 1))
        by_length, by_wave = (np.zeros((len(leads), n_features, *rest)) for _ in range(2))
        np.add.at(by_length, self.place, lengths)
        np.add.at(by_wave, self.place, waves)
        return np.concatenate([gradient[:n], by_length.reshape(-1, *rest), by_wave[frequencies[leads] != 0]])


def free(n_components):
    """No ties."""
    return Ties(np.arange(n_components), np.ones(n_components), np.zeros(n_components, dtype=bool))
