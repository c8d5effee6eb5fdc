"""Solvers as lists of phases: which optimizer, on how many rows at a time, for how long."""

import math
from collections import defaultdict
from typing import Any, NamedTuple

import torch

from ..optim import KFAC, EvidenceGaussNewton, GaussNewton
from ._losses import fisher_root, squared_error

SOLVERS = ("adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise")
SINGLE = ("kfac", "gauss_newton", "layerwise")  # solvers that train one network, whatever the number of members
STREAMING = ("adam", "hybrid", "layerwise")  # solvers that have a phase of Adam
ADAM_BETAS = (0.9, 0.95)
WARM_UP = 0.1  # share of all steps in which the learning rate rises
COFACTOR_RATE = 0.3  # share of the learning rate for what products start with at zero
FACTOR_RATE = 6.0  # of the learning rate, for inputs' factors (RealMLP's; Holzmüller et al. 2024, table A.1)
FULL_RATE_INPUTS = 64  # of a layer, beyond which Adam takes smaller steps on its coefficients
LBFGS_STEPS = 10  # quasi-Newton steps of one epoch
LBFGS_HISTORY = 20
LBFGS_SCALE = 2.0**40  # torch's L-BFGS drops curvature below 1e-10, which small losses have everywhere
START_SHARE = 0.25  # of all passes, for each layer of a start layer by layer
GAUSS_NEWTON_WORTH = 5  # passes of other solvers that a step counts for when it brings nothing
KFAC_ADAM_SHARE = 0.1  # of the learning rate, for Adam alongside K-FAC


class Phase(NamedTuple):
    """One stretch of training.

    Parameters
    ----------
    optimizer : type of torch.optim.Optimizer
    params : dict
        Its keyword arguments.
    max_iter : int
        Passes over the rows.
    batch_size : int or None
        None for all rows at once.
    schedule : {"cosine", "constant"}
        Of the learning rate.
    penalty : float
        Strength of ``penalty / 2 * ||coefficients||**2`` in the objective, for optimizers without weight decay.
    smoothness : float
        Strength of the roughness of edges: decoupled for optimizers with weight decay, else in the objective.
    dtype : torch.dtype or None
        Precision inside; None for the module's own.
    n_steps : int
        For how many passes without improvement one pass counts: the steps that its optimizer takes on one batch.
    scale : float
        Factor on what the optimizer sees of the objective.
    depth : int or None
        Train the layer of this number, from 1, with a linear read-out in place of those behind it; None for all.
    is_exact : bool
        Whether the smallest improvement counts, where losses fall by powers of ten.
    """

    optimizer: type
    params: dict[str, Any]
    max_iter: int
    batch_size: int | None
    schedule: str = "constant"
    penalty: float = 0.0
    smoothness: float = 0.0
    dtype: torch.dtype | None = None
    n_steps: int = 1
    scale: float = 1.0
    depth: int | None = None
    is_exact: bool = False


def phases_for(settings, n_samples, loss, n_layers):
    """The phases of a solver.

    ``"adam"``: AdamW on mini-batches, in float32 if settings say so. ``"lbfgs"``: L-BFGS with a strong Wolfe line
    search on all rows, in float64. ``"hybrid"``: the first, and from its best state the second. ``"kfac"``: natural-
    gradient steps, on all rows or with a falling learning rate on mini-batches. ``"layerwise"``: Adam on one layer
    after the other, then on all. ``"gauss_newton"``: full Gauss-Newton steps on all rows, in float64. ``"evidence"``:
    the same with penalties by evidence, which no user asks for.

    Parameters
    ----------
    settings : Settings
        With a solver that is decided.
    n_samples : int
        Rows to fit.
    loss : callable
        Its curvature at the outputs is what second-order solvers use.
    n_layers : int

    Returns
    -------
    phases : list of Phase
    """
    max_iter, batch_size = settings.max_iter, settings.batch_rows(n_samples, n_layers)
    penalty, smoothness = settings.alpha / n_samples, settings.smoothness
    adam = streaming_phase(settings, batch_size)._replace(
        max_iter=max_iter, schedule=settings.learning_rate, dtype=torch.float32 if settings.is_quick else None
    )
    lbfgs = Phase(
        torch.optim.LBFGS,
        {"max_iter": LBFGS_STEPS, "history_size": LBFGS_HISTORY, "line_search_fn": "strong_wolfe",
         "tolerance_grad": 1e-9, "tolerance_change": 1e-12},
        max_iter, None, penalty=penalty, smoothness=smoothness / n_samples, dtype=torch.float64,
        n_steps=LBFGS_STEPS, scale=LBFGS_SCALE,
    )  # fmt: skip
    kfac = Phase(
        KFAC,
        {"fisher": fisher_root(loss), "adam_lr": KFAC_ADAM_SHARE * settings.learning_rate_init, "penalty": penalty},
        max_iter, batch_size, schedule="constant" if batch_size >= n_samples else settings.learning_rate,
        penalty=penalty,
    )  # fmt: skip
    gauss_newton = Phase(
        GaussNewton, {"fisher": fisher_root(loss), "penalty": penalty}, max_iter, None, penalty=penalty,
        dtype=torch.float64, n_steps=GAUSS_NEWTON_WORTH, is_exact=True,
    )  # fmt: skip
    by_evidence = Phase(
        EvidenceGaussNewton, {"fisher": fisher_root(loss), "has_noise": loss is squared_error}, max_iter, None,
        dtype=torch.float64, n_steps=GAUSS_NEWTON_WORTH, is_exact=True,
    )  # fmt: skip
    first = adam._replace(max_iter=math.ceil(START_SHARE * max_iter), smoothness=0.0)
    start = [first._replace(depth=depth) for depth in range(1, n_layers + 1) if n_layers > 1]
    return {
        "adam": [adam], "lbfgs": [lbfgs], "hybrid": [adam, lbfgs], "kfac": [kfac],
        "gauss_newton": [gauss_newton], "evidence": [by_evidence], "layerwise": [*start, adam],
    }[settings.solver]  # fmt: skip


def streaming_phase(settings, batch_size):
    """Adam without an end: what `partial_fit` runs one pass of at a time."""
    return Phase(
        torch.optim.AdamW,
        {"lr": settings.learning_rate_init, "weight_decay": settings.alpha, "betas": ADAM_BETAS, "fused": True},
        1, batch_size, smoothness=settings.smoothness,
    )  # fmt: skip


def is_coefficient(name):
    """Whether a parameter is regularised: coefficients of edges are; biases, norms and knots are not.

    Nor are edges past the hidden layers, which nothing scales up again.
    """
    if "direct." in name:
        return False
    kinds = "edge_weight", "base_weight", "table", "mixing", "cofactor"
    return kind_of(name) in kinds or ".embeddings." in name


def kind_of(name):
    """The last part of a parameter's name, the same if a parametrisation computes it from another tensor."""
    return name.removesuffix(".original").rsplit(".", 1)[-1]


def cosine(progress):
    """Linear warm-up, then half a cosine down to zero."""
    if progress < WARM_UP:
        return (progress + 1e-3) / (WARM_UP + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def rate_of(name, parameter):
    """Share of the learning rate for a parameter: Adam moves all inputs' coefficients at once, so many move less.

    The rule of maximal-update parametrisation for Adam, a rate in inverse proportion to fan-in (Yang et al. 2022,
    arXiv:2203.03466, table 3), from 64 inputs. Products are released slowly (Fan et al. 2021, arXiv:2110.06081).
    """
    kind = kind_of(name)
    if kind in ("cofactor", "scale"):
        return COFACTOR_RATE if kind == "cofactor" else FACTOR_RATE
    n_inputs = {"edge_weight": parameter.shape[0], "base_weight": parameter.shape[-1]}.get(kind, 1)
    return min(1.0, FULL_RATE_INPUTS / max(1, n_inputs))


def groups_of(module, params):
    """Parameters with alike rates and decays, as torch's optimizers take them."""
    alike = defaultdict(list)
    for name, parameter in module.named_parameters():
        decay = params["weight_decay"] if is_coefficient(name) else 0.0
        alike[params["lr"] * rate_of(name, parameter), decay].append(parameter)
    return [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in alike.items()]
