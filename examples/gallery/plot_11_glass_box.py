"""
A glass box, read and edited
============================

With ``interaction_cst="auto"`` the model is a sum of one function for each column and of those pairs that held-out rows
ask for. Nothing else is in it, and each part can be changed by hand.
"""

import numpy as np
from plotnine.data import diamonds
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor
from sklearn_kan.inspection import EffectDisplay, monotonize

table = diamonds.sample(5_000, random_state=0)
X, log_price = table[["carat", "depth", "color", "clarity"]], np.log(table["price"])
X_train, X_test, y_train, y_test = train_test_split(X, log_price, random_state=0)

glass = KANRegressor(interaction_cst="auto", n_members=4, max_iter=20, random_state=0).fit(X_train, y_train)
print(f"R² on new diamonds: {glass.score(X_test, y_test):.3f}")
for term, importance in zip(glass.terms_, glass.term_importances_, strict=True):
    print(f"{' with '.join(term):20} {importance:.3f}")

# %%
pairs = [term for term in glass.terms_ if len(term) == 2]
EffectDisplay.from_estimator(glass, X_test, ["carat", "depth", *pairs[:1]])

# %%
# Should a price fall with the weight anywhere? Not in our model: the closest function that never falls takes its place,
# and nothing is trained again.
rising = monotonize(glass, "carat", increasing=True)
print(f"R² after the edit: {rising.score(X_test, y_test):.3f}")
