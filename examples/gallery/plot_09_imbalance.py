"""
Rare classes
============

One diamond in 33 has a cut that is only fair. Plain probabilities and a threshold of your own find them; so do weights
of classes, which move the threshold during training and cost calibration.
"""

import matplotlib.pyplot as plt
from plotnine.data import diamonds
from sklearn.metrics import PrecisionRecallDisplay, brier_score_loss, confusion_matrix
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split

from sklearn_kan import KANClassifier

table = diamonds.sample(6_000, random_state=0)
X, y = table[["carat", "depth", "table", "price", "color", "clarity"]], table["cut"] == "Fair"
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

_, ax = plt.subplots(layout="constrained")
for weight in (None, "balanced"):
    model = KANClassifier(class_weight=weight, max_iter=15, random_state=0).fit(X_train, y_train)
    brier = brier_score_loss(y_test, model.predict_proba(X_test)[:, 1])
    print(f"class_weight={weight!r}: Brier score {brier:.4f}")
    print(confusion_matrix(y_test, model.predict(X_test)))
    PrecisionRecallDisplay.from_estimator(model, X_test, y_test, name=f"class_weight={weight!r}", ax=ax)

# %%
# Both rank stones about equally well; they differ in where they draw the line. scikit-learn chooses it for a score of
# your choice, by cross-validation, and leaves the probabilities alone:
tuned = TunedThresholdClassifierCV(KANClassifier(max_iter=10, n_members=8, random_state=0), scoring="f1", cv=3)
tuned.fit(X_train, y_train)
print(f"threshold {tuned.best_threshold_:.2f}")
print(confusion_matrix(y_test, tuned.predict(X_test)))
