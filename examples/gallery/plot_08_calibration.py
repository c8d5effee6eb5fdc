"""
Probabilities that can be taken at their word
=============================================

``KANClassifier`` divides its logits by a temperature that it learns on held-out rows. Here its probabilities meet those
of gradient boosting, on a survey of 6,366 marriages: who had an affair?
"""

import matplotlib.pyplot as plt
from sklearn.calibration import CalibrationDisplay
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from statsmodels.datasets import fair

from sklearn_kan import KANClassifier

table = fair.load_pandas().data
X, y = table.drop(columns="affairs"), table["affairs"] > 0
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=2_000, stratify=y, random_state=0)

_, ax = plt.subplots(layout="constrained")
for model in (KANClassifier(random_state=0), HistGradientBoostingClassifier(random_state=0)):
    model.fit(X_train, y_train)
    loss = log_loss(y_test, model.predict_proba(X_test))
    name = f"{type(model).__name__}, log-loss {loss:.3f}"
    CalibrationDisplay.from_estimator(model, X_test, y_test, n_bins=10, strategy="quantile", name=name, ax=ax)
ax.legend(loc="lower right")
