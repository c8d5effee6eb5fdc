"""A covariance for grids: a product over the features of a spectral mixture along each."""

from itertools import product

import numpy as np

from ._mixture import SpectralMixture


class ProductMixture:
    """A product over features of mixtures along each, with noise.

    Parameters
    ----------
    factors : list of SpectralMixture
        Of one feature each; their own noise does not count.
    noise : float
    """

    def __init__(self, factors, noise):
        self.factors, self.noise = list(factors), float(noise)

    def __repr__(self):
        names = [repr(factor.replaced(noise=0.0)).removesuffix(" + noise(0)") for factor in self.factors]
        return f"{' * '.join(f'[x{d}: {name}]' for d, name in enumerate(names))} + noise({self.noise:.3g})"

    @property
    def parts(self):
        """The mixtures that it is a product of, each with its features."""
        return [(factor, [d]) for d, factor in enumerate(self.factors)]

    @property
    def expanded(self):
        """The same covariance as a plain mixture, whose components are all products of the factors' components."""
        places = list(product(*(range(len(factor.weights)) for factor in self.factors)))
        weights, lengths, frequencies = (
            np.array([[getattr(f, name)[q] for f, q in zip(self.factors, place, strict=True)] for place in places])
            for name in ("weights", "length_scales", "frequencies")
        )
        first = self.factors[0]
        return SpectralMixture(
            weights.prod(1), lengths[:, :, 0], frequencies[:, :, 0], self.noise, first.spectrum, first.nu
        )

    @property
    def weights(self):
        return self.expanded.weights

    @property
    def length_scales(self):
        return self.expanded.length_scales

    @property
    def frequencies(self):
        return self.expanded.frequencies

    @property
    def theta(self):
        """The factors' parameters, each without its noise, then log noise."""
        parts = [factor.replaced(noise=1.0).theta[:-1] for factor in self.factors]
        return np.concatenate([*parts, [np.log(self.noise)]])

    def with_theta(self, theta):
        sizes = np.cumsum([len(factor.replaced(noise=1.0).theta) - 1 for factor in self.factors])
        *parts, noise = np.split(np.asarray(theta, dtype=np.float64), sizes)
        factors = [f.with_theta(np.append(part, 0.0)) for f, part in zip(self.factors, parts, strict=True)]
        return ProductMixture(factors, np.exp(noise[0]))

    def times(self, factor):
        """The product with all variances times a factor."""
        first, *others = self.factors
        return ProductMixture([first.times(factor), *others], self.noise * factor)

    def __call__(self, A, B):
        return self.expanded(A, B)
