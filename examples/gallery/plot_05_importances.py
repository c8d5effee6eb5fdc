"""
Which columns matter
====================

The importance of a column is the share of the prediction's variance in which it takes part. It asks what the *model*
uses. scikit-learn's permutation importance asks what the *score* loses, on rows that the model has not seen.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_wine
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

from sklearn_kan import KANClassifier
from sklearn_kan.inspection import ImportanceDisplay

X, y = load_wine(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, test_size=0.5, random_state=0)
model = KANClassifier(random_state=0).fit(X_train, y_train)
print(f"Accuracy: {model.score(X_test, y_test):.3f}")

ImportanceDisplay.from_estimator(model)

# %%
# Both find the same four measurements. Where columns say the same twice over, the two differ: if one of them is
# shuffled, the other steps in, and the score moves less than the prediction's variance suggests.
drop = permutation_importance(
    model, X_test, y_test, scoring="neg_log_loss", n_repeats=5, random_state=0
).importances_mean
order = drop.argsort()
_, ax = plt.subplots(layout="constrained")
ax.barh(X.columns[order], drop[order])
ax.set_xlabel("rise of the log-loss if the column is shuffled")
