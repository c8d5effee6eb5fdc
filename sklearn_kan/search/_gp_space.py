"""The default space of Gaussian processes."""

from typing import Any

from .._equality import plain
from ._ranges import free_ranges, is_free, suggest

RANGES = {"n_components": (0, 16), "trend_degree": ["auto", 0, 1], "n_restarts_optimizer": [0, 2]}
SPECTRA: dict[str, dict[str, Any]] = {"auto": {}, "student_t": {"nu": [0.5, 1.5, 2.5]}, "gaussian": {}}


def gp_space(model, prefix):
    """Components, spectrum and what its shape has, trend, starts."""
    common = free_ranges(model, RANGES)
    spectra = SPECTRA if is_free(model, "spectrum") else {model.spectrum: SPECTRA[model.spectrum]}
    branches = {name: free_ranges(model, ranges) for name, ranges in spectra.items()}

    def draw(trial):
        name = trial.suggest_categorical(f"{prefix}spectrum", list(spectra)) if len(spectra) > 1 else model.spectrum
        params = {"spectrum": name} if "spectrum" in model.get_params() else {}
        params |= {key: suggest(trial, f"{prefix}{name}__{key}", values) for key, values in branches[name].items()}
        params |= {key: suggest(trial, prefix + key, values) for key, values in common.items()}
        return {prefix + key: value for key, value in params.items()}

    own = {f"{prefix}{key}": plain(getattr(model, key)) for key in common}
    own |= {f"{prefix}spectrum": model.spectrum} if len(spectra) > 1 else {}
    own |= {f"{prefix}{model.spectrum}__{key}": plain(getattr(model, key)) for key in branches[model.spectrum]}
    return draw, own
