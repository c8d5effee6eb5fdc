"""
What the model makes of a column: diamonds
==========================================

Any model can be read, also one with hidden layers: by what its prediction does if one column changes. Bands are where
the members of the ensemble differ.
"""

import numpy as np
from plotnine.data import diamonds
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor
from sklearn_kan.inspection import EffectDisplay, additive_share

table = diamonds.sample(3_000, random_state=0).drop(columns=["x", "y", "z"])
X, log_price = table.drop(columns="price"), np.log(table["price"])
X_train, X_test, y_train, y_test = train_test_split(X, log_price, random_state=0)

model = KANRegressor(max_iter=20, random_state=0).fit(X_train, y_train)
print(f"R² on new diamonds: {model.score(X_test, y_test):.3f}")

# %%
# The first picture is a curve with the density of rows below it, the second has a bar for each label, the third what a
# pair adds to the effects of its columns.
EffectDisplay.from_estimator(model, X_test, ["carat", "clarity", ("carat", "clarity")])

# %%
# How much of the prediction's variance a sum of one function for each column can tell:
print(f"{additive_share(model, X_test):.1%}")
