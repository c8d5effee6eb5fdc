"""
A search that knows its parameters
==================================

``KANSearchCV`` brings its own space: which basis, then what belongs to it. Usually trials that fall behind
are stopped inside a fold. The estimator's own setting is the first trial, so a search never ends worse, by its measure.
"""

from optuna.pruners import NopPruner
from sklearn.datasets import load_wine

from sklearn_kan import KANClassifier, KANSearchCV
from sklearn_kan.inspection import SearchDisplay

X, y = load_wine(return_X_y=True, as_frame=True)
model = KANClassifier((8,), max_iter=20, n_members=2)
search = KANSearchCV(
    model,
    bases=["bspline", "rbf"],
    n_trials=8,
    cv=2,
    scoring="neg_log_loss",
    pruner=NopPruner(),  # let all trials finish, for the picture
    random_state=0,
)
search.fit(X[["alcohol", "hue", "malic_acid", "ash"]], y)
print(f"log-loss {-search.best_score_:.3f}")
print(search.best_params_)

SearchDisplay.from_estimator(search)
