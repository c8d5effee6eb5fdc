"""A fitted model as a list of steps: what the predictor without torch carries out, and what ONNX graphs are made of.

A step is an operator of the ONNX standard, the tables that it reads, the table that it writes, and attributes. Few are
our own: ``Interpolate`` (numpy.interp), ``Sorted``, ``Whole`` and ``Real``, which change the type, and
``Rounded`` and ``Kept``, where encoded numbers become the network's: in single precision, or as they are. From
``Precise`` to ``Real`` graphs compute in double precision.
"""

import numpy as np


class Steps:
    """Steps, and the arrays that they need.

    Attributes
    ----------
    steps : list of (operator, inputs, output, attributes)
    arrays : dict of str to ndarray
        float64 or int64.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan.export._steps import Steps
    >>> do = Steps()
    >>> do("Add", "numbers", np.ones(2))
    't0'
    >>> do.steps
    [('Add', ['numbers', 'c0'], 't0', {})]
    """

    def __init__(self):
        self.steps, self.arrays = [], {}

    def __call__(self, operator, *inputs, output=None, **attributes):
        """Add a step; inputs are names of tables, or arrays. Returns the name of what it writes."""
        names = [table if isinstance(table, str) else self.array(table) for table in inputs]
        output = output or f"t{len(self.steps)}"
        self.steps.append((operator, names, output, attributes))
        return output

    def array(self, values):
        values = np.asarray(values)
        name = f"c{len(self.arrays)}"
        self.arrays[name] = values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
        return name

    def shaped(self, table, *shape):
        """A table in another shape; 0 leaves an axis as it is."""
        return self("Reshape", table, np.array(shape, dtype=np.int64))

    def expanded(self, table, *axes):
        return self("Unsqueeze", table, np.array(axes, dtype=np.int64))

    def clipped(self, table, low, high):
        return self("Min", self("Max", table, np.float64(low)), np.float64(high))

    def total(self, tables):
        """The sum of tables."""
        first, *others = tables
        for table in others:
            first = self("Add", first, table)
        return first

    def reduced(self, operator, table, *axes, keepdims=1):
        return self(operator, table, np.array(axes, dtype=np.int64), keepdims=keepdims)
