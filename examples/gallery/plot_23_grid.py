"""
A grid with gaps
================

``fit_grid`` takes a value for each cell of a grid, NaN where none is known, and costs what its axes cost. Here a hole
in a surface and two thirds of its other cells are filled in, with a standard deviation for each.
"""

import matplotlib.pyplot as plt
import numpy as np
from plotnine.data import faithfuld

from sklearn_kan import GPSpectralRegressor

surface = faithfuld.pivot(index="waiting", columns="eruptions", values="density").iloc[::2, ::2]
axes_of_grid, truth = (surface.index.to_numpy(float), surface.columns.to_numpy(float)), surface.to_numpy() * 1_000
known = np.random.default_rng(0).random(truth.shape) < 1 / 3
known[20:30, 24:34] = False
seen = np.where(known, truth, np.nan)

gp = GPSpectralRegressor(n_components=1).fit_grid(axes_of_grid, seen)
places = np.stack(np.meshgrid(*axes_of_grid, indexing="ij"), axis=-1).reshape(-1, 2)
mean, std = (values.reshape(truth.shape) for values in gp.predict(places, return_std=True))
off = abs(mean - truth)
print(f"{known.sum()} cells of {known.size} are known.")
print(f"Unknown ones are off by {off[~known].mean():.2g} on average; the surface has a spread of {truth.std():.2g}.")
print(f"{(off < 2 * std)[~known].mean():.0%} of them are within two standard deviations.")

_, axes = plt.subplots(1, 4, figsize=(12, 3), sharey=True, layout="constrained")
for ax, values, title in zip(axes, (truth, seen, mean, std), ("truth", "known", "mean", "std"), strict=True):
    picture = ax.pcolormesh(*axes_of_grid[::-1], values)
    ax.set(title=title, xlabel="eruption, minutes")
    plt.colorbar(picture, ax=ax)
axes[0].set_ylabel("waiting, minutes")

# %%
# Predictions in the hole rest on what is around it. That the peak is so high could not be seen from there, and the
# standard deviation, which takes the surface to be of one kind everywhere, is too small at its top.
