"""
Dates, cities and gaps in one table
===================================

Monthly sales of houses in Texan cities: a date, a category with 46 labels, numbers with missing values. None of it
needs preparation.
"""

import numpy as np
import pandas as pd
from plotnine.data import txhousing

from sklearn_kan import KANRegressor
from sklearn_kan.inspection import EffectDisplay

table = txhousing.dropna(subset=["sales"]).copy()
table["date"] = pd.to_datetime(table[["year", "month"]].assign(day=1))
table["city"] = table["city"].astype("category")
X, y = table[["date", "city", "listings", "inventory", "median"]], np.log(table["sales"])
is_new = table["date"] >= "2014-01-01"
print(X.isna().sum().to_dict())

few = np.random.default_rng(0).permutation(np.flatnonzero(~is_new))[:4_000]
model = KANRegressor(max_iter=15, random_state=0).fit(X.iloc[few], y.iloc[few])
print(f"R² on the last nineteen months: {model.score(X[is_new], y[is_new]):.3f}")

# %%
# The effect of the date has the seasons in it, and the crisis of 2008.
EffectDisplay.from_estimator(model, X.iloc[few], ["date", "listings", "city"])
