"""Names that go: how a parameter or a function is renamed so that code of users runs on, and says what to change.

A name that is public in one release is deprecated for two minor releases before it goes: the first in which it warns is
`since`, the one in which it is gone is `until`. Warnings are FutureWarning, which users see, once for each call.
"""

import warnings
from functools import wraps


def renamed_parameters(since, until, **names):
    """A decorator for functions, methods and classes whose parameters have new names.

    Parameters
    ----------
    since, until : str
        Releases.
    **names : str
        New names, by the old ones.

    Returns
    -------
    callable

    Raises
    ------
    TypeError
        By what is decorated, if a parameter is given under both names.

    Examples
    --------
    >>> from sklearn_kan._deprecation import renamed_parameters
    >>> @renamed_parameters("0.2", "0.4", grid="n_knots")
    ... def spline(n_knots=8):
    ...     return n_knots
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     value = spline(grid=5)
    >>> value, str(caught[0].message)
    (5, 'spline: grid is called n_knots since 0.2, and will be gone in 0.4. Pass n_knots instead.')
    """

    def decorate(function):
        @wraps(function)
        def called(*args, **parameters):
            for old, new in names.items():
                if old not in parameters:
                    continue
                if new in parameters:
                    raise TypeError(f"{function.__name__} got both {new} and {old}, its old name. Pass {new} only.")
                warnings.warn(
                    f"{function.__name__}: {old} is called {new} since {since}, and will be gone in {until}. "
                    f"Pass {new} instead.",
                    FutureWarning,
                    stacklevel=2,
                )
                parameters[new] = parameters.pop(old)
            return function(*args, **parameters)

        return called

    return decorate
