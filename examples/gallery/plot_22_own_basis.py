"""
A basis of your own
===================

A family of edge functions is one class with a ``forward``. Here are hinges, as in multivariate adaptive regression
splines: each is zero up to its knot and a straight line after it.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from plotnine.data import mpg

from sklearn_kan import KANRegressor
from sklearn_kan.bases import Basis


class Hinges(Basis):
    """``x`` and ``max(x - t_k, 0)``, with knots between the ends of the range."""

    def __init__(self, in_features, *, n_knots=6):
        super().__init__(in_features, n_basis=n_knots)
        self.register_buffer("knots", torch.linspace(-1, 1, n_knots + 1)[:-1])  # the first one is the line itself

    def forward(self, x):
        return torch.relu(x[..., None] - self.knots)


X, y = mpg[["displ"]].to_numpy(), mpg["hwy"]
models = {
    "hinges": KANRegressor((), basis=Hinges, n_members=2, random_state=0),
    "splines": KANRegressor((), n_members=2, random_state=0),
}

_, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
range_ = torch.linspace(-1, 1, 200)[:, None]
axes[0].plot(range_, Hinges(1)(range_)[:, 0])
axes[0].set(title="six hinges", xlabel="encoded column")

sizes = np.linspace(1.5, 7.2, 200)[:, None]
axes[1].plot(X, y, ".", color="0.8")
for name, model in models.items():
    axes[1].plot(sizes, model.fit(X, y).predict(sizes), label=name)
axes[1].set(xlabel="size of the engine, litres", ylabel="miles per gallon")
axes[1].legend()
