"""Residuals that can be pickled."""

import numpy as np


def wave(x, u):
    """Of sin 30x."""
    return u[0, 0] + 900 * np.sin(30 * x[:, 0])


def transport(x, u, speed):
    return u[1] + speed * u[0]


def diffusion(x, u, rate):
    return rate * u[0, 0] + np.sin(3 * x[:, 0])


def flux(x, u):
    return u[0]
