"""
Several quantiles from one network
==================================

Where the noise itself is what matters, quantiles say more than a mean. One network learns all of them, and they do not
cross.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from plotnine.data import diamonds

from sklearn_kan import KANRegressor

stones = diamonds.sample(2_000, random_state=0)
levels = [0.05, 0.25, 0.5, 0.75, 0.95]
model = KANRegressor(loss="quantile", quantile=levels, max_iter=20, random_state=0)
model.fit(stones[["carat"]], stones["price"])

new = diamonds.drop(stones.index).sample(3_000, random_state=0)
below = (new["price"].to_numpy()[:, None] <= model.predict(new[["carat"]])).mean(0)
print("Share of new stones below each quantile:", dict(zip(levels, below.round(3), strict=True)))

# %%
carats = pd.DataFrame({"carat": np.linspace(*stones["carat"].quantile([0.005, 0.99]), 300)})
quantiles = model.predict(carats).T
_, ax = plt.subplots(layout="constrained")
ax.plot(stones["carat"], stones["price"], ".", color="0.7", markersize=3)
ax.fill_between(carats["carat"], quantiles[0], quantiles[-1], alpha=0.2, color="C0", label="5 % to 95 %")
ax.fill_between(carats["carat"], quantiles[1], quantiles[-2], alpha=0.4, color="C0", label="25 % to 75 %")
ax.plot(carats["carat"], quantiles[2], color="C0", label="median")
ax.set(xlim=(0.2, 2.3), xlabel="carat", ylabel="price, dollars")
ax.legend(loc="upper left")
