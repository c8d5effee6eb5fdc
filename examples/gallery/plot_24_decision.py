"""
A decision, and what would have changed it
==========================================

Contributions say why a row got its probability. A sweep says what would have had to be different, which is another
question: the answer need not be possible, and it says nothing about causes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sklearn_kan import KANClassifier
from sklearn_kan.inspection import ExplanationDisplay, explain

X, is_benign = load_breast_cancer(return_X_y=True, as_frame=True)
X = X[[name for name in X if name.startswith("mean")]]
y = np.where(is_benign == 1, "benign", "malignant")
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = KANClassifier(random_state=0).fit(X_train, y_train)
print(f"Accuracy: {model.score(X_test, y_test):.3f}")

# %%
# A tumour near the line: of those called malignant, the one with the lowest probability. Contributions are log-odds.
malignant = model.predict_proba(X_test)[:, 1]
near = np.flatnonzero(malignant > 0.5)[malignant[malignant > 0.5].argmin()]
tumour = X_test.iloc[[near]]
print(f"Probability of being malignant: {malignant[near]:.2f}. It is {y_test[near]}.")
ExplanationDisplay.from_estimator(model, tumour)

# %%
# Each of the four columns that count most, changed alone within what occurs, and the probability that follows. Where a
# curve crosses one half the decision changes.
explanation = explain(model, tumour)
strongest = np.abs(explanation.values[0]).argsort()[::-1][:4]
_, axes = plt.subplots(1, 4, figsize=(11, 3), sharey=True, layout="constrained")
for ax, name in zip(axes, X.columns[strongest], strict=True):
    values = np.linspace(*X_train[name].quantile([0.01, 0.99]), 200)
    sweep = tumour.iloc[np.zeros(200, dtype=int)].assign(**{name: values})
    ax.plot(values, model.predict_proba(sweep)[:, 1])
    ax.axhline(0.5, color="0.7", linewidth=1)
    ax.axvline(tumour[name].iloc[0], color="C3", linestyle=":")
    ax.set_xlabel(name)
axes[0].set_ylabel("probability of malignant")
