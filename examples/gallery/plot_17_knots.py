"""
Where knots stand, and how many
===============================

A spline's pieces meet at its knots, and more of them follow finer structure. Whether that is structure or noise,
held-out rows decide: a lake's level remembers the years before, so 40 knots in 98 years are better than 12 here.
"""

import matplotlib.pyplot as plt
import numpy as np
from plotnine.data import huron
from sklearn.model_selection import KFold, cross_val_score

from sklearn_kan import KANRegressor

X, y = huron[["year"]], huron["level"]
folds = KFold(3, shuffle=True, random_state=0)
grid = np.linspace(1875, 1972, 300)[:, None]

_, axes = plt.subplots(1, 3, figsize=(10, 3.5), sharey=True, layout="constrained")
for ax, n_knots in zip(axes, (4, 12, 40), strict=True):
    model = KANRegressor(
        (), n_knots=n_knots, knots="uniform", alpha=0.01, n_members=1, solver="lbfgs", fine_knots=None, random_state=0
    )
    r2 = cross_val_score(model, X.to_numpy(), y, cv=folds).mean()
    ax.plot(X, y, "k.", markersize=3)
    ax.plot(grid, model.fit(X.to_numpy(), y).predict(grid))
    ax.set(title=f"{n_knots} knots, R² {r2:.2f}", xlabel="year")
axes[0].set_ylabel("level of Lake Huron, feet")
