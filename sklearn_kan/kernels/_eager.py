"""What every kernel asks of the tensors that it is given."""

import torch

from .._compat import is_transformed

PLAIN = (torch.Tensor, torch.nn.Parameter)


def is_plain(*tensors):
    """Whether these are numbers in memory, and nothing of torch's is watching that a kernel would pass by."""
    return (
        all(type(tensor) in PLAIN for tensor in tensors)
        and not torch.compiler.is_compiling()  # first: not all compilers can follow what is_transformed asks
        and not is_transformed()
        and not torch.jit.is_tracing()
    )


def check_inputs(x, n_inputs):
    """Raise unless each row of `x`, or each member's in a row, has a value for every input."""
    if x.ndim < 2 or x.shape[-1] != n_inputs:
        raise ValueError(f"x has shape {tuple(x.shape)}. Pass (n_samples, {n_inputs}).")
