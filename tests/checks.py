"""Some of scikit-learn's checks by name."""

from sklearn.utils.estimator_checks import estimator_checks_generator


def checks_of(estimator, names):
    """Those of scikit-learn's checks for an estimator that have one of the names, in their plain form."""
    for _, check in estimator_checks_generator(estimator, legacy=True):
        if check.func.__name__ in names and not check.keywords:
            yield check
