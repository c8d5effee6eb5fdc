"""Values as JSON and plain arrays, and back: what a file of a model may hold, and nothing that runs."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._types import FUNCTIONS, LEVELS, NAMES, RECORDS, STATES, levels_from, levels_to

PLAIN_KINDS = "biuf"  # of arrays that are stored as they lie in memory
DATE_KINDS = "mM"
CONTAINERS = {"tuple": tuple, "set": set, "frozenset": frozenset}


class Writer:
    """Turns values into JSON and collects their arrays.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the names under which JSON refers to them.
    """

    def __init__(self):
        self.arrays = {}

    def tree(self, value, path):
        """A value as JSON; `path` says where it stands, for errors."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, np.generic):
            return {"scalar": self.array(np.asarray(value), path)}
        if isinstance(value, np.ndarray) and type(value) is np.ndarray:
            return self.array(value, path)
        if type(value) is list:
            return self.items(value, path)
        if type(value) is dict:
            return {
                "dict": [[self.tree(key, path), self.tree(item, f"{path}[{key!r}]")] for key, item in value.items()]
            }
        return self.composed(value, path)

    def items(self, values, path):
        return [self.tree(value, f"{path}[{i}]") for i, value in enumerate(values)]

    def array(self, value, path):
        kind = value.dtype.kind
        if kind in PLAIN_KINDS and value.dtype.itemsize <= 8:
            return self.stored(np.ascontiguousarray(value).reshape(value.shape))
        if kind in DATE_KINDS:
            return {"array": self.stored(value.astype(np.int64))["array"], "dates": value.dtype.str}
        if kind in "OU":
            return {"objects": self.items(value.ravel().tolist(), path), "shape": value.shape, "dtype": value.dtype.str}
        raise TypeError(f"{path} is an array of dtype {value.dtype}, which cannot be stored. Convert it to numbers.")

    def stored(self, array):
        name = f"a{len(self.arrays)}"
        self.arrays[name] = array
        return {"array": name}

    def composed(self, value, path):
        for name, kind in CONTAINERS.items():
            if type(value) is kind:
                items = value if kind is tuple else sorted(value, key=repr)
                return {name: self.items(list(items), path)}
        name = NAMES.get(type(value), type(value).__name__)
        if isinstance(value, np.random.RandomState):
            return {"random_state": self.tree(value.get_state(legacy=True), path)}
        if type(value) is LEVELS:
            return {"levels": self.tree(levels_to(value), path)}
        if RECORDS.get(name) is type(value):
            return {"record": name, "fields": self.fields(value._asdict(), path)}
        if STATES.get(name) is type(value):
            state = value.__getstate__() if "__getstate__" in vars(type(value)) else vars(value)
            return {"state": name, "fields": self.fields(state, path)}
        if getattr(value, "__name__", None) in FUNCTIONS and FUNCTIONS[value.__name__] is value:
            return {"function": value.__name__}
        described = f"the class {value.__name__}" if isinstance(value, type) else f"of type {name}"
        raise TypeError(
            f"{path} is {described}, which cannot be stored without code. Fit with a value that NumPy or JSON can hold "
            "(a basis by its name, callbacks=None), or use pickle."
        )

    def fields(self, fields, path):
        return {name: self.tree(value, f"{path}.{name}") for name, value in fields.items()}


class Reader:
    """Turns JSON and arrays into values again."""

    def __init__(self, arrays):
        self.arrays = arrays

    def value(self, tree) -> Any:
        """The value that JSON stands for."""
        if type(tree) is list:
            return [self.value(item) for item in tree]
        if type(tree) is not dict:
            return tree
        return READERS[known(next(iter(tree), None), READERS)](self, tree)

    def array(self, tree):
        array = self.arrays[tree["array"]]
        return array.astype(np.int64).view(tree["dates"]) if "dates" in tree else array

    def objects(self, tree):
        values = np.empty(len(tree["objects"]), dtype=object)
        values[:] = self.value(tree["objects"])
        return values.astype(tree["dtype"]).reshape(tree["shape"])

    def fields(self, tree):
        return {name: self.value(item) for name, item in tree["fields"].items()}

    def state(self, tree):
        kind = STATES[known(tree["state"], STATES)]
        made = kind.__new__(kind)
        if hasattr(made, "__setstate__"):
            made.__setstate__(self.fields(tree))
        else:
            made.__dict__.update(self.fields(tree))
        return made

    def random_state(self, tree):
        random = np.random.RandomState()
        random.set_state(self.value(tree["random_state"]))
        return random


def known(name, table):
    """A name, if it is in a table of what files may hold."""
    if name not in table:
        raise ValueError(f"The file holds {name!r}, which this version of sklearn_kan does not know. Upgrade it.")
    return name


READERS: dict[str, Callable] = {
    "scalar": lambda reader, tree: reader.value(tree["scalar"])[()],
    "objects": Reader.objects,
    "array": Reader.array,
    "float": lambda _, tree: float(tree["float"]),
    "dict": lambda reader, tree: {reader.value(key): reader.value(item) for key, item in tree["dict"]},
    "tuple": lambda reader, tree: tuple(reader.value(tree["tuple"])),
    "set": lambda reader, tree: set(reader.value(tree["set"])),
    "frozenset": lambda reader, tree: frozenset(reader.value(tree["frozenset"])),
    "random_state": Reader.random_state,
    "levels": lambda reader, tree: levels_from(reader.value(tree["levels"])),
    "record": lambda reader, tree: RECORDS[known(tree["record"], RECORDS)](**reader.fields(tree)),
    "state": Reader.state,
    "function": lambda _, tree: FUNCTIONS[known(tree["function"], FUNCTIONS)],
}
