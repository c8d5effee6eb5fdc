"""What networks the compiled library sees in one: a network itself, or the parts of a sum over groups of inputs."""

from typing import Any, NamedTuple

from ._constrained import ConstrainedKAN


class Branch(NamedTuple):
    """Layers one after the other, and which inputs and units of a module they have.

    Parameters
    ----------
    module : KAN
    prefix : str
        Of the names of its parameters in the whole network.
    inputs : list of int
        Numeric inputs.
    codes : list of int
        Columns of codes that have a table, by their number among those.
    units : list of range
        Outputs of each layer, of one member.
    has_bias : bool
        Whether the last layer's bias is its own; that of a sum belongs to the first part.
    """

    module: Any
    prefix: str
    inputs: list[int]
    codes: list[int]
    units: list[range]
    has_bias: bool = True


def branches_of(module):
    """The network whose inputs are all columns, None if a sum has no such one; and further parts of the sum."""
    if not isinstance(module, ConstrainedKAN):
        return whole(module, ""), []
    if len(module.layers) == 1:
        return whole(module, ""), []
    parts = [group(module, number) for number in range(len(module.groups))]
    return None if module.direct is None else whole(module.direct, "direct."), parts


def whole(module, prefix):
    first = module.layers[0]
    n_codes = 0 if module.lookup is None else len(module.lookup.direct)
    units = [range(layer.out_features) for layer in module.layers]
    return Branch(module, prefix, list(range(first.in_features)), list(range(n_codes)), units)


def group(module, number):
    """The part of a sum that reads the inputs of one group."""
    n_numeric, n_groups = module.layers[0].in_features, len(module.groups)
    own = module.groups[number]
    sizes = [layer.out_features // n_groups for layer in module.layers[:-1]]
    units = [range(number * size, (number + 1) * size) for size in sizes] + [range(module.layers[-1].out_features)]
    codes = [] if module.lookup is None else module.lookup.direct
    return Branch(
        module, "", [i for i in own if i < n_numeric],
        [place for place, code in enumerate(codes) if n_numeric + code in own], units, has_bias=number == 0,
    )  # fmt: skip
