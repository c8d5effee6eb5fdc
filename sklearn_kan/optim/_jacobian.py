"""Rows of the Jacobian of a model's outputs, times a root of the loss's curvature, in blocks of parameters.

Layout: a block's parameters are one vector; its rows are ``(n_columns, n, size)``, for all columns of the root, which
share features. Linear maps have rows in closed form, features times gradients, and so have the weights of norms.
Whatever else there is, functions that a basis learns, tables, coefficients under constraints, takes part by way of
``torch.func``, row by row.
"""

import warnings
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch.func import functional_call, jacrev, jvp, vjp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from ._factors import MAX_FEATURE_VALUES
from ._maps import ElementwiseMap


class MatrixBlock:
    """Coefficients and biases of a linear map."""

    def __init__(self, linear):
        self.linear, self.parameters = linear, linear.parameters
        self.size = sum(p.numel() for p in linear.parameters)
        self.n_coefficients = self.size - (0 if linear.bias is None else linear.out_features)

    def vector(self, tensors):
        matrix, bias = self.linear.matrix(tensors)
        return torch.cat([matrix.flatten(), *([] if bias is None else [bias])])

    def tensors(self, vector):
        coefficients, bias = vector.split([self.n_coefficients, self.size - self.n_coefficients])
        matrix = coefficients.unflatten(0, (self.linear.in_features, self.linear.side, self.linear.out_features))
        return self.linear.tensors(matrix, None if self.linear.bias is None else bias)

    def calls(self, record, part):
        """Features (rows, m, side) and gradients (n_columns, rows, m, out) of each call, of `part` of the rows."""
        for x, g in record.of(self.linear):
            x, g = x[part], self.linear.pull(x[part], g[:, part])
            features = self.linear.features(x.flatten(0, -2)).flatten(1)
            yield features.unflatten(0, (len(x), -1)), g.reshape(*g.shape[:2], -1, g.shape[-1])

    def rows(self, record, part):
        total: Any = 0.0
        for features, g in self.calls(record, part):
            row = torch.einsum("nmf,cnmo->cnfo", features, g).flatten(2)
            total = total + (row if self.linear.bias is None else torch.cat([row, g.sum(2)], 2))
        return total

    def times(self, record, vector):
        return record.effect(self.linear, self.tensors(vector))

    def transposed(self, record, u):
        total = u.new_zeros(self.size)
        for part in parts(u.shape[1], self.linear.in_features * self.linear.side):
            for features, g in self.calls(record, part):
                g = (g * u[:, part, None, None]).sum(0).flatten(0, 1)
                bias = [] if self.linear.bias is None else [g.sum(0)]
                total += torch.cat([(features.flatten(0, 1).T @ g).flatten(), *bias])
        return total


class ElementwiseBlock:
    """Weight and bias of a norm."""

    n_coefficients = 0

    def __init__(self, linear):
        self.linear, self.parameters = linear, linear.parameters
        self.size = sum(p.numel() for p in linear.parameters)

    def vector(self, tensors):
        return torch.cat([tensor.flatten() for tensor in tensors])

    def tensors(self, vector):
        return [half.reshape(self.parameters[0].shape) for half in vector.chunk(2)]

    def rows(self, record, part):
        total: Any = 0.0
        for x, g in record.of(self.linear):
            shape = g[:, part].shape[:2]
            sums = [s[:, part].flatten(0, 1).movedim(self.linear.axis, -1) for s in (g * self.linear.normed(x), g)]
            sums = [s.reshape(len(s), -1, self.size // 2).sum(1) for s in sums]
            total = total + torch.cat(sums, 1).unflatten(0, shape)
        return total

    def times(self, record, vector):
        return record.effect(self.linear, self.tensors(vector))

    def transposed(self, record, u):
        return u.flatten() @ self.rows(record, slice(None)).flatten(0, 1)


class OtherBlock:
    """All other parameters, by derivatives of the model as a function of them."""

    n_coefficients = 0

    def __init__(self, model, parameters):
        known = set(parameters)
        named = {name: p for name, p in model.named_parameters() if p in known}
        self.model, self.names, self.parameters = model, list(named), list(named.values())
        self.size = sum(p.numel() for p in self.parameters)

    def vector(self, tensors):
        return torch.cat([tensor.flatten() for tensor in tensors])

    def tensors(self, vector):
        sizes = [p.numel() for p in self.parameters]
        return [v.reshape(p.shape) for v, p in zip(vector.split(sizes), self.parameters, strict=True)]

    @property
    def values(self):
        return tuple(p.detach() for p in self.parameters)

    def outputs(self, x):
        """The model's outputs for rows x, as a function of the parameters."""

        def function(tensors):
            with torch.enable_grad(), evaluating(self.model), sdpa_kernel(SDPBackend.MATH):  # can be derived twice
                return functional_call(self.model, dict(zip(self.names, tensors, strict=True)), (x,))

        return function

    def pulled(self, x, u):
        """Derivatives of the sum of outputs for rows x, times u (n, k), as a vector."""
        return self.vector(vjp(self.outputs(x), self.values)[1](u)[0])

    def rows(self, record, part):
        def one_row(tensors, row):
            return self.outputs(row[None])(tensors)[0]

        with refusing(self), warnings.catch_warnings():  # vmap makes columns of rows, which lie apart
            x, columns = rows_of(record)[part], record.columns[:, part]
            warnings.filterwarnings("ignore", r"torch\.searchsorted\(\): input value tensor is non-contiguous")
            try:
                jacobian = vmap(jacrev(one_row), (None, 0))(self.values, x)
            except RuntimeError:  # an operation that takes no batches of rows, such as those of recurrent layers
                rows = [self.pulled(x[i : i + 1], column[i : i + 1]) for column in columns for i in range(len(x))]
                return torch.stack(rows).unflatten(0, columns.shape[:2])
        jacobian = torch.cat([part_of.flatten(2) for part_of in jacobian], 2)
        return torch.einsum("cnk,nkp->cnp", columns, jacobian)

    def times(self, record, vector):
        with refusing(self):
            change = pushed(self.outputs(rows_of(record)), self.values, tuple(self.tensors(vector)))
        return (record.columns * change).sum(2)

    def transposed(self, record, u):
        with refusing(self):
            return self.pulled(rows_of(record), (record.columns * u[..., None]).sum(0))


def pushed(function, values, change):
    """The change of a function when its values change by these, to first order."""
    try:
        return jvp(function, (values,), (change,))[1]
    except NotImplementedError:  # an operation without forward derivatives: reverse mode, twice
        outputs, pull = cast(tuple, vjp(function, values))
        return vjp(lambda u: pull(u)[0], torch.zeros_like(outputs))[1](change)[0]


@contextmanager
def refusing(block):
    """Context in which torch may refuse to take derivatives by parameters, for which their modules are named."""
    try:
        yield
    except (RuntimeError, TypeError, NotImplementedError) as error:
        owners = sorted({name.rpartition(".")[0] or "model" for name in block.names})
        raise ValueError(
            f"GaussNewton cannot take derivatives by the parameters of {', '.join(owners)} ({error}). Exclude them by "
            "requires_grad_(False), or use KFAC, which leaves them to Adam."
        ) from error


def rows_of(record):
    """The one tensor that a model was called on."""
    if len(record.inputs) != 1 or not isinstance(record.inputs[0], torch.Tensor):
        raise TypeError("The model was not called on one tensor of rows.")
    return record.inputs[0].detach()


def blocks_of(model, maps):
    """All trainable parameters of a model, in blocks: those of maps, and all others."""
    blocks: list = [
        ElementwiseBlock(linear) if isinstance(linear, ElementwiseMap) else MatrixBlock(linear)
        for linear in maps
        if isinstance(linear, ElementwiseMap) or linear.has_shared_features
    ]
    known = {p for block in blocks for p in block.parameters}
    others = [p for p in model.parameters() if p.requires_grad and p.numel() and p not in known]
    return [*blocks, *([OtherBlock(model, others)] if others else [])]


def parts(n_rows, width):
    """Slices of rows that hold no more than so many numbers, of this width each."""
    step = max(1, MAX_FEATURE_VALUES // max(1, width))
    return [slice(start, start + step) for start in range(0, n_rows, step)]


@contextmanager
def evaluating(model):
    """A model in evaluation, where rows do not depend on each other."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
