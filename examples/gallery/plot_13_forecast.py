"""
A forecast that finds its own frequencies
=========================================

``GPSpectralRegressor`` looks for peaks in the spectrum of a series: no season has to be given. Bands hold the noise,
and how far the models are apart that the forecast averages over.
"""

import matplotlib.pyplot as plt
from statsmodels.datasets import co2

from sklearn_kan import GPSpectralRegressor
from sklearn_kan.inspection import ForecastDisplay, SpectrumDisplay

series = co2.load_pandas().data["co2"].resample("MS").mean().interpolate()["1985":]
table = series.rename_axis("month").reset_index()
known, future = table[:132], table[132:]
gp = GPSpectralRegressor().fit(known[["month"]], known["co2"])

forecast = gp.forecast(len(future), level=0.9)
inside = future["co2"].between(forecast["lower"].to_numpy(), forecast["upper"].to_numpy())
print(forecast.head(3).round(2).to_string())
print(f"{inside.mean():.0%} of {len(future)} months to come are in the band of 90 %.")

# %%
# The last years that were learned from, what is expected after them, and what came.
_, ax = plt.subplots(figsize=(9, 4), layout="constrained")
ForecastDisplay.from_estimator(gp, len(future), ax=ax)
ax.plot(future["month"], future["co2"], "k.", markersize=4)
ax.set_ylabel("CO₂ at Mauna Loa, ppm")

# %%
# The learned spectrum against the periodogram: a year, and half of it.
SpectrumDisplay.from_estimator(gp)
