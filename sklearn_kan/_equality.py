"""Settings compared by value."""


def is_equal(a, b):
    """Whether two settings say the same.

    Numbers and arrays of NumPy and torch count as what they hold, lists and tuples as sequences: ``4`` equals
    ``np.int64(4)``, ``[1, 0]`` equals ``np.array([1, 0])``. NaN equals NaN. A truth value is not a number: ``True``
    does not equal ``1``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan._equality import is_equal
    >>> is_equal({"knots": np.linspace(0, 1, 3)}, {"knots": (0, 0.5, 1)})
    True
    >>> is_equal([None, True], [None, 1])
    False
    """
    a, b = plain(a), plain(b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(is_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(is_equal, a, b))
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    return a is b or bool(a == b) or bool(a != a and b != b)


def plain(value):
    """What an array or a scalar of NumPy or torch holds; other values as they are."""
    return value.tolist() if callable(getattr(value, "tolist", None)) else value
