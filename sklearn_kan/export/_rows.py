"""How a row becomes numbers and codes, as data for source code: which columns, tables of labels, cycles of dates."""

from typing import NamedTuple

from ..data._calendar import PERIODS
from ._outputs import columns_of


class Field(NamedTuple):
    """A column of the table that a model was fitted to.

    Parameters
    ----------
    name : str or int
    kind : {"number", "category", "date", "duration"}
    codes : list of (label, code)
        Of a category.
    missing : int
        The code of a missing label.
    turns : list of float
        Days of the cycles whose phases are numbers.
    week : tuple of (codes, missing) or None
        Codes of weekdays, from Monday on, 0 where there is none.
    """

    name: str | int
    kind: str
    codes: list
    missing: int
    turns: list
    week: tuple | None


def fields_of(model):
    """The columns that a model reads, in the order of its table."""
    fields = []
    for column in columns_of(model):
        if not column["used"]:
            continue
        week = [cycle for cycle in column["cycles"] if cycle["name"] == "week"]
        turns = [PERIODS[cycle["name"]] for cycle in column["cycles"] if cycle["name"] != "week"]
        days = None
        if week:
            known = {int(day): code for day, code in week[0]["codes"]}
            days = [known.get(day, 0) for day in range(7)], week[0]["missing"]
        fields.append(
            Field(column["name"], column["kind"], column.get("codes", []), column.get("missing", 0), turns, days)
        )
    return fields


def sizes_of(fields):
    """How many numbers, and how many codes, fields become."""
    n_numbers = sum(1 + 2 * len(field.turns) for field in fields if field.kind != "category")
    return n_numbers, sum(field.kind == "category" or field.week is not None for field in fields)
