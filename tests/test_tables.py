"""The helpers that decide what other tests see."""

from itertools import combinations, product

from tests.tables import every_pair


def test_every_allowed_pair_occurs_and_nothing_else():
    choices = {"a": "pqrst", "b": range(4), "c": [None, []], "d": [1.5, 2.5, 3.5]}

    def is_allowed(a, b, c, d):
        return not (a == "p" and b == 0) and (c is None or d > 2)

    def pairs(settings):
        return {(i, j, str(row[i]), str(row[j])) for row in settings for i, j in combinations(choices, 2)}

    settings = every_pair(is_allowed, **choices)
    allowed = [
        row for values in product(*choices.values()) if is_allowed(**(row := dict(zip(choices, values, strict=True))))
    ]
    assert all(is_allowed(**setting) for setting in settings)
    assert pairs(settings) == pairs(allowed)
    assert len(settings) < len(allowed) / 3
