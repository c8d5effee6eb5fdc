"""
A model that is drawn whole
===========================

A network without hidden layers is a sum of one function for each column. Drawing them shows all there is in it.
"""

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor
from sklearn_kan.inspection import EdgeFunctionDisplay

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X["sex"] = X["sex"].map({1.0: "a", 2.0: "b"}).astype("category")
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

model = KANRegressor((), random_state=0).fit(X_train, y_train)
print(f"R² on new patients: {model.score(X_test, y_test):.2f}")

# %%
# Each panel has one line for each member of the ensemble, in the units of the column. Where they agree, the data say
# what the function is.
EdgeFunctionDisplay.from_estimator(model, ["bmi", "bp", "s5", "sex"])
