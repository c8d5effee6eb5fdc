"""Looking into a fitted model or search."""

from ._edges import EdgeFunctionDisplay
from ._editing import monotonize, remove_terms, round_terms, set_term
from ._effect_display import EffectDisplay
from ._effects import Effects, effects
from ._explain import Explanation, explain
from ._explanation_display import ExplanationDisplay
from ._forecast import ForecastDisplay
from ._formula import FormulaDisplay
from ._importance_display import ImportanceDisplay
from ._learning_display import LearningCurveDisplay
from ._network_display import NetworkDisplay
from ._pruning import prune
from ._report import report
from ._search import SearchDisplay
from ._spectrum import SpectrumDisplay
from ._strengths import additive_share, interaction_strengths
from ._tangent import TangentSpectrum, neural_tangent_kernel, tangent_spectrum
from ._taylor import Polynomial, taylor_expansion

__all__ = [
    "EdgeFunctionDisplay",
    "EffectDisplay",
    "Effects",
    "Explanation",
    "ExplanationDisplay",
    "ForecastDisplay",
    "FormulaDisplay",
    "ImportanceDisplay",
    "LearningCurveDisplay",
    "NetworkDisplay",
    "Polynomial",
    "SearchDisplay",
    "SpectrumDisplay",
    "TangentSpectrum",
    "additive_share",
    "effects",
    "explain",
    "interaction_strengths",
    "monotonize",
    "neural_tangent_kernel",
    "prune",
    "remove_terms",
    "report",
    "round_terms",
    "set_term",
    "tangent_spectrum",
    "taylor_expansion",
]
