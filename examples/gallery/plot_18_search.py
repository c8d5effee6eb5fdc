"""
A search over basis and knots
=============================

``KANSearchCV`` searches with Optuna, inside cross-validation. Left alone it brings a space that knows which parameters
belong to which basis; here it gets one of our own. The estimator's own setting is the first trial, so by its own
measure a search never ends worse than it began.
"""

from optuna.pruners import NopPruner
from sklearn.datasets import load_wine

from sklearn_kan import KANClassifier, KANSearchCV
from sklearn_kan.inspection import SearchDisplay


def space(trial):
    return {
        "basis": trial.suggest_categorical("basis", ["bspline", "rbf", "sine"]),
        "n_knots": trial.suggest_int("n_knots", 4, 16),
        "alpha": trial.suggest_float("alpha", 0.1, 10, log=True),
    }


X, y = load_wine(return_X_y=True, as_frame=True)
search = KANSearchCV(
    KANClassifier(max_iter=15, n_members=4),
    space=space,
    n_trials=10,
    cv=2,
    scoring="neg_log_loss",
    pruner=NopPruner(),  # all trials may finish, for the picture
    random_state=0,
)
search.fit(X[["alcohol", "hue", "malic_acid", "ash"]], y)
print(f"log-loss {-search.best_score_:.3f}")
print(search.best_params_)

SearchDisplay.from_estimator(search)
