"""Which kernel does an operation on given tensors, if there is one."""

from . import cpu, cuda
from ._eager import is_plain
from ._plain import expand_and_multiply
from ._quotient import rational_values

IN_TORCH = {"expanded_sums": expand_and_multiply, "rational_values": rational_values}
ON_CPU = {"spline_sums": cpu.spline_contract, "member_sums": cpu.spline_contract, "edge_sums": cpu.edges_contract}
ON_CUDA = {"spline_sums": cuda.spline_contract, "rational_sums": cuda.rational_contract}


def find(operation, *tensors, degree=0, n_knots=0):
    """The kernel for an operation, or None where differentiable torch has to do it.

    Parameters
    ----------
    operation : {"spline_sums", "member_sums", "edge_sums", "expanded_sums", "rational_sums", "rational_values"}
        Sums of splines with knots that edges share, or of those of members with inputs of their own; of edges with
        individual knots; of any basis that knows its slopes; of rational functions; or these themselves.
    *tensors : Tensor
        What the kernel would be given.
    degree, n_knots : int, default=0
        Of the splines.

    Returns
    -------
    kernel : callable or None
        Its arguments stand in its docstring.
    """
    if not is_plain(*tensors):
        return None
    if cuda.takes(*tensors):
        return ON_CUDA.get(operation)
    if not cpu.takes(*tensors):
        return None
    is_compiled = cpu.has_library() and degree <= cpu.MAX_DEGREE and n_knots <= cpu.MAX_KNOTS
    return (IN_TORCH | ON_CPU if is_compiled else IN_TORCH).get(operation)
