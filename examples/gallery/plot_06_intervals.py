"""
Intervals that hold what they say
=================================

Intervals of 90 % come from the errors of rows that members of the ensemble held out. They need no assumption about
the noise, and nothing is trained again.
"""

import matplotlib.pyplot as plt
import numpy as np
from plotnine.data import diamonds
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor

table = diamonds.sample(3_000, random_state=1)
X, y = table[["carat", "cut", "color", "clarity"]], table["price"]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = KANRegressor(max_iter=20, random_state=0).fit(X_train, y_train)
prediction, interval = model.predict(X_test, return_interval=0.9)

inside = (interval[:, 0] <= y_test) & (y_test <= interval[:, 1])
print(f"{inside.mean():.1%} of new diamonds are inside.")

# %%
# Expensive diamonds are predicted less well, and their intervals are longer: the scale of the errors is learned as a
# function of the prediction.
shown = np.argsort(prediction)[::8]
_, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.vlines(range(len(shown)), *interval[shown].T, color="0.75", linewidth=3, label="interval of 90 %")
ax.plot(prediction[shown], label="prediction")
colours = np.where(inside.iloc[shown], "tab:green", "tab:red")
ax.scatter(range(len(shown)), y_test.iloc[shown], c=colours, s=10, zorder=3, label="price")
ax.set(xlabel="new diamonds, from cheap to expensive", ylabel="price, dollars")
ax.legend()
