"""
Digits: which pixels count
==========================

64 columns, ten classes. Importances of columns, as an image, show where a network without any notion of images looks.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_kan import KANClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = KANClassifier(max_iter=20, random_state=0).fit(X_train, y_train)
print(f"Accuracy: {model.score(X_test, y_test):.3f}")

# %%
certain = model.predict_proba(X_test).max(1)
_, axes = plt.subplots(1, 5, figsize=(10, 2.6), layout="constrained")
axes[0].imshow(model.feature_importances_.reshape(8, 8), cmap="Blues")
axes[0].set_title("importances")
for ax, place in zip(axes[1:], certain.argsort()[:4], strict=True):
    ax.imshow(X_test[place].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{y_test[place]}: doubtful, {certain[place]:.0%}")
for ax in axes:
    ax.set_axis_off()
