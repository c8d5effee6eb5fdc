"""Compile what the host code launches for an H100, on any machine: prints kernel, type and precision, line by line.

The first line says whether device code was imported with the package, "at once", or will be when it is needed.
"""

import re
import sys

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sklearn_kan.bases import BSpline
from sklearn_kan.kernels import cuda
from sklearn_kan.kernels.cuda._launch import device_code

TYPES = {torch.float32: "*fp32", torch.float64: "*fp64", torch.bfloat16: "*bf16", torch.int64: "*i64"}
TARGET = GPUTarget("cuda", 90, 32)


class Compiler:
    """Stands in for a kernel: a launch compiles it, specialised as Triton would for these arguments."""

    def __init__(self, kernel):
        self.kernel = kernel

    def __getitem__(self, grid):
        return self.compile

    def compile(self, *arguments, num_warps, **constants):
        signature, values, attributes = dict.fromkeys(constants, "constexpr"), dict(constants), {}
        for place, (name, value) in enumerate(zip(self.kernel.arg_names, arguments, strict=False)):
            if isinstance(value, torch.Tensor):
                signature[name] = TYPES[value.dtype]
            elif value == 1:  # Triton takes a one for a constant
                signature[name], values[name] = "constexpr", 1
            else:
                signature[name] = "i32"
            if isinstance(value, torch.Tensor) or value % 16 == 0:
                attributes[(place,)] = [["tt.divisibility", 16]]
        signature = {name: signature[name] for name in self.kernel.arg_names}
        source = ASTSource(self.kernel, signature, values, attributes)
        assembly = triton.compile(source, target=TARGET, options={"num_warps": num_warps}).asm
        atomic = "atomic" if re.search(r"\b(atom|red)\.", assembly["ptx"]) else "plain"
        dtype = str(arguments[0].dtype).removeprefix("torch.")
        print(self.kernel.__name__, dtype, constants["PRECISION"], atomic, len(assembly["cubin"]))


def train(dtype, n, n_inputs, n_outputs, degree, ends):
    """Forward and backward of both families; what comes out is of no meaning, since nothing runs."""

    def zeros(*shape):
        return torch.zeros(shape, dtype=dtype, requires_grad=True)

    basis = BSpline(n_inputs, degree=degree).to(dtype)
    x, weight = zeros(n, n_inputs), zeros(n_inputs, basis.n_basis, n_outputs)
    cuda.spline_contract(x, weight, basis.table(), degree, None).sum().backward()
    cuda.rational_contract(x, zeros(n_inputs, n_outputs), zeros(2, 6), zeros(2, 4), ends, None).sum().backward()


def main():
    is_there = any(name.startswith("sklearn_kan.") and name.endswith("_device") for name in sys.modules)
    print("at once" if is_there else "on demand")
    for family in ("spline", "rational"):
        code = device_code(family)
        for name in [name for name in vars(code) if name.startswith(family)]:
            setattr(code, name, Compiler(getattr(code, name)))
    train(torch.float32, 1, 1, 1, 0, (-float("inf"), float("inf")))  # at the default precision, "ieee"
    for dtype, is_rounded, degree in [(torch.float32, True, 3), (torch.float64, False, 1), (torch.bfloat16, False, 2)]:
        torch.backends.cuda.matmul.allow_tf32 = is_rounded
        train(dtype, 16, 24, 16, degree, (-2.0, 2.0))


if __name__ == "__main__":
    main()
