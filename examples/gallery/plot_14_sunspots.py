"""
Sunspots: a period that nobody gave
===================================

Yearly counts since 1700. The process finds the solar cycle, and forecasts the cycles after 1960 from those before.
"""

import matplotlib.pyplot as plt
from statsmodels.datasets import sunspots

from sklearn_kan import GPSpectralRegressor

table = sunspots.load_pandas().data
known, future = table[table["YEAR"] < 1960], table[table["YEAR"] >= 1960]
gp = GPSpectralRegressor().fit(known[["YEAR"]], known["SUNACTIVITY"])
print("Periods that were found, in years:", sorted((1 / gp.frequencies_[gp.frequencies_ > 0]).round(1).tolist()))

mean, std = gp.predict(future[["YEAR"]], return_std=True)
_, ax = plt.subplots(figsize=(9, 4), layout="constrained")
recent = table[table["YEAR"] > 1850]
ax.plot(recent["YEAR"], recent["SUNACTIVITY"], "k.-", linewidth=0.5, markersize=3, label="counted")
ax.plot(future["YEAR"], mean, label="forecast")
ax.fill_between(future["YEAR"], mean - 1.96 * std, mean + 1.96 * std, alpha=0.3)
ax.axvline(1960, color="0.7")
ax.set_ylabel("sunspots")
ax.legend(loc="upper left")

# %%
# Cycles differ in length, so the phase is lost after a few of them, and the band says so. It is symmetric, although
# counts are not negative: a Gaussian process of the counts themselves does not know that.
