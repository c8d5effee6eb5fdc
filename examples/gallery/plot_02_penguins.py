"""
Classes, gaps and categories: penguins
======================================

Tables go in as they are. This one has categories, numbers, and penguins of which some were not measured.
"""

import matplotlib.pyplot as plt
from plotnine.data import penguins
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from sklearn_kan import KANClassifier

X, y = penguins.drop(columns=["species", "year"]), penguins["species"]
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = KANClassifier(random_state=0).fit(X_train, y_train)

print(X_train.isna().sum().sum(), "values are missing.")
ConfusionMatrixDisplay.from_estimator(model, X_test, y_test, colorbar=False)

# %%
# Two measurements of the bill nearly suffice. Borders between species are smooth and bend where they have to.
bill = ["bill_length_mm", "bill_depth_mm"]
known = penguins.dropna(subset=bill)
small = KANClassifier(random_state=0).fit(known[bill], known["species"])

_, ax = plt.subplots(layout="constrained")
DecisionBoundaryDisplay.from_estimator(small, known[bill], response_method="predict_proba", alpha=0.5, ax=ax)
for species, group in known.groupby("species", observed=True):
    ax.scatter(group[bill[0]], group[bill[1]], s=12, label=species)
ax.legend()
