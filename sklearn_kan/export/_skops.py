"""The package's own types in files of skops, to be trusted together."""

from ._types import FUNCTIONS, LEVELS, RECORDS, STATES

ESTIMATORS = (
    "estimators._classifier.KANClassifier",
    "estimators._regressor.KANRegressor",
    "gp._regressor.GPSpectralRegressor",
)


def qualified(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


PACKAGE = __package__.partition(".")[0]
SKOPS_TYPES = sorted(
    {qualified(kind) for kind in (LEVELS, *RECORDS.values(), *STATES.values(), *FUNCTIONS.values())}
    | {f"{PACKAGE}.{name}" for name in ESTIMATORS}
)
