"""Steps for one row as loops over numbers: what source code in C and in Python is printed from.

Expressions are the same in both languages: numbers, names with one index, arithmetic, and calls of a few functions that
each language defines for itself. Tables are flat; their shapes are known, since there is one row.
"""

import math
from itertools import count
from typing import NamedTuple

import numpy as np

from ._predictor import run

INFIX = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
CALLS = {
    "Max": "maximum", "Min": "minimum", "Where": "where", "IsNaN": "is_nan", "Equal": "equal",
    "GreaterOrEqual": "at_least", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Sin": "sin", "Cos": "cos",
    "Floor": "floor", "Erf": "erf", "Abs": "fabs", "Relu": "relu", "Sigmoid": "sigmoid", "Softplus": "softplus",
    "Rounded": "rounded", "Neg": "-",
}  # fmt: skip
SAME = {"Reshape", "Squeeze", "Unsqueeze", "Kept", "Precise", "Whole", "Real"}  # in a flat table of numbers
REDUCED = {"ReduceSum": "{0} + {1}", "ReduceMean": "{0} + {1}", "ReduceMax": "maximum({0}, {1})"}


class Loop(NamedTuple):
    """Statements for each value of a variable from 0 on."""

    variable: str
    size: int
    body: list


class Set(NamedTuple):
    """An element of a table becomes the value of an expression."""

    target: str
    value: str


class Call(NamedTuple):
    """A call of a function that writes a table."""

    text: str


class Program(NamedTuple):
    """Statements with what they need.

    Parameters
    ----------
    statements : list of Loop, Set and Call
    tables : dict of str to int
        Sizes of the tables that statements write.
    constants : dict of str to ndarray
        Flat.
    output : str
        The name of the table that holds probabilities or predictions.
    """

    statements: list
    tables: dict[str, int]
    constants: dict[str, np.ndarray]
    output: str


def lowered(do, n_numbers, n_codes, output):
    """The program of steps, from tables ``numbers`` and ``codes`` of one row.

    Parameters
    ----------
    do : Steps
    n_numbers, n_codes : int
    output : str
        The last step's table.

    Returns
    -------
    Program
    """
    given = {"numbers": np.zeros((1, n_numbers)), "codes": np.zeros((1, n_codes), dtype=np.int64)}
    with np.errstate(all="ignore"):
        shapes = {name: np.shape(table) for name, table in run(do.steps, do.arrays | given).items()}
    lowering = Lowering(do.arrays, shapes)
    for operator, inputs, table, attributes in do.steps:
        lowering.step(operator, inputs, table, attributes)
    return lowering.program(output)


class Lowering:
    """Turns steps into statements, one after the other."""

    def __init__(self, arrays, shapes):
        self.arrays, self.shapes = arrays, shapes
        self.names, self.tables, self.statements, self.used = {}, {}, [], {}
        self.numbers = count()

    def name(self, table):
        """The name of a flat table."""
        if table in self.arrays:
            self.used[table] = self.arrays[table].ravel().astype(float)
            return table
        return self.names.get(table, table)

    def step(self, operator, inputs, table, attributes):
        shape = self.shapes[table]
        if operator in SAME or (operator == "Transpose" and not self.moves(inputs[0], attributes["perm"])):
            self.names[table] = self.name(inputs[0])
            return
        self.tables[table] = int(np.prod(shape))
        if operator in INFIX or operator in CALLS:
            self.elementwise(operator, inputs, table)
        elif operator == "MatMul":
            self.product(inputs, table)
        elif operator in REDUCED:
            self.reduced(operator, inputs, table)
        else:
            getattr(self, operator.lower())(inputs, table, attributes)

    def variables(self, shape):
        """A variable for each axis, None where there is one place only."""
        return [f"i{next(self.numbers)}" if size > 1 else None for size in shape]

    def loops(self, variables, shape, body):
        """Statements inside loops over the axes of a shape."""
        for variable, size in reversed(list(zip(variables, shape, strict=True))):
            if variable is not None:
                body = [Loop(variable, size, body)]
        return body

    def element(self, table, variables):
        """An element of a table, whose axes are the last ones of those that variables stand for."""
        shape = self.shapes[table]
        own = variables[len(variables) - len(shape) :]
        return f"{self.name(table)}[{place(shape, own)}]"

    def elementwise(self, operator, inputs, table):
        shape = self.shapes[table]
        variables = self.variables(shape)
        values = [self.element(name, variables) for name in inputs]
        called = f"{CALLS.get(operator)}({', '.join(values)})"
        value = f" {INFIX[operator]} ".join(values) if operator in INFIX else called
        self.statements += self.loops(variables, shape, [Set(self.element(table, variables), value)])

    def product(self, inputs, table):
        left, right = inputs
        shape, size = self.shapes[table], self.shapes[left][-1]
        variables, (inner,) = self.variables(shape), self.variables([size])
        target = self.element(table, variables)
        pair = [self.element(left, [*variables[:-1], inner]),
                self.element(right, [*variables[:-2], inner, variables[-1]])]  # fmt: skip
        add = self.loops([inner], [size], [Set(target, f"{target} + {pair[0]} * {pair[1]}")])
        self.statements += self.loops(variables, shape, [Set(target, "0.0"), *add])

    def reduced(self, operator, inputs, table):
        shape = self.shapes[inputs[0]]
        axes = {int(axis) % len(shape) for axis in self.arrays[inputs[1]]}
        variables = self.variables(shape)
        kept = [None if axis in axes else variable for axis, variable in enumerate(variables)]
        kept_shape = [1 if axis in axes else size for axis, size in enumerate(shape)]
        target = f"{self.name(table)}[{place(kept_shape, kept)}]"
        start = "-inf" if operator == "ReduceMax" else "0.0"
        self.statements += self.loops(kept, kept_shape, [Set(target, start)])
        value = REDUCED[operator].format(target, self.element(inputs[0], variables))
        self.statements += self.loops(variables, shape, [Set(target, value)])
        if operator == "ReduceMean":
            n = math.prod(shape) // math.prod(kept_shape)
            self.statements += self.loops(kept, kept_shape, [Set(target, f"{target} / {n}")])

    def moves(self, table, perm):
        """Whether exchanging axes changes the order of elements."""
        long = [axis for axis in perm if self.shapes[table][axis] > 1]
        return long != sorted(long)

    def transpose(self, inputs, table, attributes):
        shape, perm = self.shapes[table], attributes["perm"]
        variables = self.variables(shape)
        old = [variables[perm.index(axis)] for axis in range(len(perm))]
        value = Set(self.element(table, variables), self.element(inputs[0], old))
        self.statements += self.loops(variables, shape, [value])

    def concat(self, inputs, table, attributes):
        shape, start = self.shapes[table], 0
        axis = attributes["axis"] % len(shape)
        stride = math.prod(shape[axis + 1 :])
        for name in inputs:
            own = self.shapes[name]
            variables = self.variables(own)
            target = f"{self.name(table)}[{place(shape, variables, start * stride)}]"
            self.statements += self.loops(variables, own, [Set(target, self.element(name, variables))])
            start += own[axis]

    def gather(self, inputs, table, attributes):
        source, index = inputs
        shape, axis = self.shapes[source], attributes["axis"]
        variables = self.variables(self.shapes[table])
        n_index = len(self.shapes[index])
        inner = variables[axis + n_index :]
        if index in self.arrays and self.arrays[index].size == 1:
            chosen = str(int(self.arrays[index].ravel()[0]))
        else:
            chosen = self.element(index, variables[axis : axis + n_index])
        stride = math.prod(shape[axis + 1 :])
        rest = place(shape, [*variables[:axis], None, *inner])
        where = f"{chosen if chosen.isdigit() else f'whole({chosen})'} * {stride} + {rest}"
        value = f"{self.name(source)}[{where}]"
        self.statements += self.loops(variables, self.shapes[table], [Set(self.element(table, variables), value)])

    def sorted(self, inputs, table, _):
        size = self.shapes[table][-1]
        self.statements.append(Call(f"sort_into({self.name(table)}, {self.name(inputs[0])}, {size})"))

    def interpolate(self, inputs, table, _):
        x, places, values = inputs
        variables = self.variables(self.shapes[table])
        arguments = f"{self.name(places)}, {self.name(values)}, {len(self.arrays[places])}"
        value = f"interpolate({self.element(x, variables)}, {arguments})"
        self.statements += self.loops(variables, self.shapes[table], [Set(self.element(table, variables), value)])

    def program(self, output):
        return Program(self.statements, self.tables, self.used, self.name(output))


def place(shape, variables, start=0):
    """Where an element lies in a flat table, as an expression."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    parts = [
        variable if stride == 1 else f"{variable} * {stride}"
        for size, variable, stride in zip(shape, variables, strides, strict=True)
        if variable is not None and size > 1
    ]
    return " + ".join([*parts, str(start)] if start or not parts else parts)
