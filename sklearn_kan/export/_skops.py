"""The package's own types in files of skops, to be trusted together."""

from ._types import FUNCTIONS, LEVELS, RECORDS, STATES

ESTIMATORS = (
    "estimators._classifier.KANClassifier",
    "estimators._regressor.KANRegressor",
    "gp._blend.Blend",
    "gp._blend.Share",
    "gp._link.Link",
    "gp._process.Process",
    "gp._reading.Axis",
    "gp._regressor.GPSpectralRegressor",
    "gp._units.Units",
    "gp.covariance._mixture.SpectralMixture",
    "gp.covariance._ties.Ties",
    "gp.inference._choice.Solvers",
    "gp.inference._points.Data",
    "gp.learning._averaging.Model",
)


def qualified(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


PACKAGE = __package__.partition(".")[0]
SKOPS_TYPES = sorted(
    {qualified(kind) for kind in (LEVELS, *RECORDS.values(), *STATES.values(), *FUNCTIONS.values())}
    | {f"{PACKAGE}.{name}" for name in ESTIMATORS}
)
