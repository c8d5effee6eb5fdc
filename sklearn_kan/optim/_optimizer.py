"""torch's optimizer without torch's compiler."""

import inspect

import torch


class Optimizer(torch.optim.Optimizer):
    """An optimizer of torch that does not import the compiler, which takes a second or more and over 100 MB.

    torch keeps the compiler out of these methods, and imports it to do so.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)
