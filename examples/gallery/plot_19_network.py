"""
A network small enough to be drawn
==================================

``prune`` takes out columns, members and units as long as held-out rows do not mind. What is left can be drawn edge by
edge.
"""

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sklearn_kan import KANClassifier
from sklearn_kan.inspection import LearningCurveDisplay, NetworkDisplay, prune

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
X_fit, X_prune, y_fit, y_prune = train_test_split(X_train, y_train, stratify=y_train, test_size=0.4, random_state=0)

model = KANClassifier((4,), n_members=1, early_stopping=True, random_state=0).fit(X_fit, y_fit)
small = prune(model, X_prune, y_prune, n_features=5)
print(f"Accuracy with 30 columns {model.score(X_test, y_test):.3f}, with 5 {small.score(X_test, y_test):.3f}")

NetworkDisplay.from_estimator(small)

# %%
# How the network was trained: losses of the rows it learns from, and of those held out.
LearningCurveDisplay.from_estimator(model)
