"""
Why this prediction: fuel of cars
=================================

Contributions of columns to one prediction, which add up to it: Shapley values against rows of the training table.
"""

from plotnine.data import mpg
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor
from sklearn_kan.inspection import ExplanationDisplay, explain

X, y = mpg.drop(columns=["hwy", "cty", "model"]), mpg["hwy"]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

model = KANRegressor(random_state=0).fit(X_train, y_train)
print(f"R² on other cars: {model.score(X_test, y_test):.2f}")

# %%
# The most economical car among those that the model has not seen:
car = X_test.loc[[y_test.idxmax()]]
print(car.to_string(index=False))
ExplanationDisplay.from_estimator(model, car)

# %%
# The sum of all contributions, and of the mean over the background, is the prediction.
explanation = explain(model, car)
print(explanation.values.sum() + explanation.base_values, model.predict(car))
