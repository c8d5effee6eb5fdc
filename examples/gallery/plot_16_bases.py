"""
Families of edge functions
==========================

The same additive model with six families: what a single function learns of a noisy curve depends little on the
family. They differ beyond the data, in their number of parameters, and in time.
"""

import matplotlib.pyplot as plt
import numpy as np
from plotnine.data import economics

from sklearn_kan import KANRegressor

years = economics["date"].dt.year.to_numpy() + (economics["date"].dt.month.to_numpy() - 1) / 12
savings = economics["psavert"].to_numpy()

_, axes = plt.subplots(2, 3, figsize=(10, 5), sharex=True, sharey=True, layout="constrained")
grid = np.linspace(1960, 2022, 300)[:, None]
for ax, basis in zip(axes.flat, ["bspline", "rational", "sine", "rbf", "chebyshev", "activation"], strict=True):
    model = KANRegressor((), basis=basis, fine_knots=None, n_members=2, max_iter=60, random_state=0)
    model.fit(years[:, None], savings)
    ax.plot(years, savings, ".", color="0.8", markersize=3)
    ax.plot(grid, model.predict(grid))
    ax.set_title(f"{basis}: {sum(p.numel() for p in model.module_.parameters()) // 2} parameters")
for ax in axes[:, 0]:
    ax.set_ylabel("savings, %")
