"""How estimators take over what a fit has found."""


def adopt(estimator, reader, **fitted):
    """Set all fitted attributes at one blow, since a signal may come at any time; none of an earlier fit is left.

    Parameters
    ----------
    estimator : BaseEstimator
    reader : object
        Knows the columns: its ``n_features_in_`` and ``feature_names_in_`` are taken over, if it has them.
    **fitted
        The other attributes.

    Returns
    -------
    estimator : BaseEstimator
    """
    columns = {name: getattr(reader, name) for name in ("n_features_in_", "feature_names_in_") if hasattr(reader, name)}
    own = {name: value for name, value in estimator.__dict__.items() if not name.endswith("_")}
    estimator.__dict__ = own | columns | fitted
    return estimator
