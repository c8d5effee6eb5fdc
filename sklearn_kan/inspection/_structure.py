"""How many columns a model's functions have, by its construction."""

import math

from ..data._targets import Classes
from ..training._losses import has_levels, what_is_averaged


def most_together(response):
    """Most columns of one function, if what is read is a sum of functions of some columns each; infinite otherwise."""
    model = response.model
    if not is_linear(response):
        return math.inf
    if model.terms is not None:
        return max((len(term.columns) for term in model.terms.terms), default=0)
    constraints, sizes = model.architecture.constraints, model.architecture.hidden_layer_sizes
    if constraints is not None:
        owner = model.encoder.column_of_input_
        return max(len(set(owner[list(group)].tolist())) for group in constraints.groups)
    has_products = any(layer.factor is not None for layer in model.module.layers)
    return math.inf if sizes else 2 if has_products else 1


def is_linear(response):
    """Whether what is read is a linear function of the outputs of all members."""
    model, is_single = response.model, response.model.module.n_members is None
    if isinstance(model.target, Classes):
        is_averaged = is_single or model.architecture.is_sum
        return is_averaged and response.method == "decision_function" and model.target.n_raw == 2
    return what_is_averaged(model.loss) == "outputs" and not has_levels(model.loss)
