"""
Columns with fine structure: carbon dioxide
===========================================

Six knots are right for most columns, and far too few for a time stamp. ``fit`` notices which columns need hundreds.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split
from statsmodels.datasets import co2

from sklearn_kan import KANRegressor

series = co2.load_pandas().data["co2"].dropna()
years = (series.index - series.index[0]).days.to_numpy()[:, None] / 365.25
X_train, X_test, y_train, y_test = train_test_split(years, series.to_numpy(), random_state=0)

fine = KANRegressor(max_iter=20, random_state=0).fit(X_train, y_train)
coarse = KANRegressor(max_iter=20, fine_knots=None, random_state=0).fit(X_train, y_train)
print("Knots that were given to the column:", fine.fine_knots_)

_, ax = plt.subplots(figsize=(9, 4), layout="constrained")
shown = np.linspace(30, 38, 800)[:, None]
near = (X_test[:, 0] > 30) & (X_test[:, 0] < 38)
ax.plot(X_test[near], y_test[near], "k.", markersize=4, label="held-out weeks")
for name, model in (("fine_knots=None", coarse), ("default", fine)):
    ax.plot(shown, model.predict(shown), label=f"{name}, R² {model.score(X_test, y_test):.4f}")
ax.set(xlabel="years since 1958", ylabel="CO₂ at Mauna Loa, ppm")
ax.legend()

# %%
# This fills gaps between weeks that were measured. For the years to come, see the next example.
