"""
A forecast that finds its own frequencies
=========================================

``GPSpectralRegressor`` looks for peaks in the spectrum of a series. No season has to be given, and the band says how
far the models that it averages over are apart.
"""

import matplotlib.pyplot as plt
from statsmodels.datasets import co2

from sklearn_kan import GPSpectralRegressor
from sklearn_kan.inspection import SpectrumDisplay

series = co2.load_pandas().data["co2"].resample("MS").mean().interpolate()["1985":]
table = series.rename_axis("month").reset_index()
known, future = table[:132], table[132:]

gp = GPSpectralRegressor().fit(known[["month"]], known["co2"])
mean, std = gp.predict(future[["month"]], return_std=True)
inside = abs(future["co2"] - mean) < 1.96 * std
print(f"{inside.mean():.0%} of {len(future)} months to come are in the band of 95 %.")

_, ax = plt.subplots(figsize=(9, 4), layout="constrained")
ax.plot(table["month"], table["co2"], "k.", markersize=3, label="measured")
ax.plot(future["month"], mean, label="forecast")
ax.fill_between(future["month"], mean - 1.96 * std, mean + 1.96 * std, alpha=0.3)
ax.axvline(future["month"].iloc[0], color="0.7")
ax.set_ylabel("CO₂ at Mauna Loa, ppm")
ax.legend()

# %%
# The learned spectrum against the periodogram: a year, and half of it.
SpectrumDisplay.from_estimator(gp)
