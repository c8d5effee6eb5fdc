"""Steps that encode a table: numbers as the network sees them, and where codes come from."""

from typing import NamedTuple

import numpy as np

from ..data._encoding import CLIP


class Code(NamedTuple):
    """A code column of the encoded table, as steps have it.

    Parameters
    ----------
    kind : {"code", "hot", "place"}
        Integers (n,), an indicator for each code from 1 on (n, n_codes), or places among knots (n, 1), which are real.
    table : str
    """

    kind: str
    table: str


def encoded(do, encoder, dtype):
    """Steps from the tables ``numbers`` (n, n_numeric) and ``codes`` (n, n_categorical).

    Parameters
    ----------
    do : Steps
    encoder : TableEncoder
    dtype : {"float32", "float64"}
        Of the network, to which encoded numbers are rounded.

    Returns
    -------
    x : str or None
        The table (n, n_numeric) of numbers as the network sees them; None without such.
    codes : list of Code
    """
    columns = [numbered(do, "codes", i) for i in range(len(encoder.levels_))]
    codes = [Code("code", do("Squeeze", column, np.array([1]))) for column in columns]
    if not encoder.n_numeric_:
        return None, codes
    finish = "Rounded" if dtype == "float32" else "Kept"
    of_input = {
        i: numbered(do, "numbers", i) for i in {*encoder.bends_, *encoder.atoms_, *encoder.missing_.tolist(),
                                                *encoder.places_}
    }  # fmt: skip
    for i, atoms in encoder.atoms_.items():
        codes.append(Code("hot", do("Real", do("Equal", of_input[i], atoms[None].astype(float)))))
    codes += [Code("hot", do("Real", do("IsNaN", of_input[i]))) for i in encoder.missing_.tolist()]
    for i, places in encoder.places_.items():
        inside = do("Interpolate", of_input[i], places, np.arange(1.0, len(places) + 1))
        place = do("Where", do("IsNaN", of_input[i]), np.float64(0), inside)
        codes.append(Code("place", place if finish == "Kept" else do(finish, place)))  # of a thousand knots
    return do(finish, squeezed(do, encoder, of_input)), codes


def numbered(do, table, i):
    return do("Gather", table, np.array([i]), axis=1)


def squeezed(do, encoder, of_input):
    """Numbers on the network's axis; 0 where missing."""
    is_missing = do("IsNaN", "numbers")
    present = do("Where", is_missing, encoder.center_[None], "numbers")
    z = do("Mul", do("Sub", present, encoder.center_), encoder.rate_)
    if encoder.bends_:
        own = np.eye(encoder.n_numeric_)
        share = np.ones(encoder.n_numeric_)
        share[list(encoder.bends_)] = 0.5
        ranks = [
            do("Mul", do("Interpolate", numbered(do, present, i), bend.places, bend.ranks), 0.5 * own[i])
            for i, bend in encoder.bends_.items()
        ]
        z = do.total([do("Mul", z, share), *ranks])
    z = do.clipped(z, -1e100, 1e100)  # as the encoder has it
    part = do("Div", z, np.float64(CLIP))
    z = do("Div", z, do("Sqrt", do("Add", do("Mul", part, part), np.float64(1))))
    return do("Where", is_missing, np.float64(0), z) if encoder.bends_ else z
