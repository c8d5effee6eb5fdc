"""What every kernel asks of the tensors that it is given."""

import torch

PLAIN = (torch.Tensor, torch.nn.Parameter)


def is_plain(*tensors):
    """Whether these are numbers in memory, and nothing of torch's is watching that a kernel would pass by."""
    return (
        all(type(tensor) in PLAIN for tensor in tensors)
        and torch._C._len_torch_dispatch_stack() == 0
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and not torch._C._functorch.maybe_current_level()
        and torch.autograd.forward_ad._current_level < 0
    )


def check_inputs(x, n_inputs):
    """Raise unless each row of `x`, or each member's in a row, has a value for every input."""
    if x.ndim < 2 or x.shape[-1] != n_inputs:
        raise ValueError(f"x has shape {tuple(x.shape)}. Pass (n_samples, {n_inputs}).")
