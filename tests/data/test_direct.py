"""Tables that are encoded as they lie in memory give what reading them column by column gives."""

import warnings

import numpy as np
import pandas as pd
import pytest

from sklearn_kan import KANRegressor

N = 60
GENERATOR = np.random.default_rng(0)
NUMBERS = GENERATOR.normal(size=(N, 3))
FRAME = pd.DataFrame(NUMBERS, columns=["a", "b", "c"])
DAYS = pd.to_datetime(GENERATOR.choice(["2020-01-01", "2021-05-05"], N))
MIXED = FRAME.assign(
    b=GENERATOR.integers(0, 5, N), k=pd.Categorical(GENERATOR.choice(["x", "y", "z"], N)),
    s=np.where(GENERATOR.random(N) < 0.2, None, GENERATOR.choice(["u", "v"], N)),
)  # fmt: skip
GAPS = FRAME.mask(GENERATOR.random((N, 3)) < 0.2)
HEAVY = np.where(GENERATOR.random((N, 3)) < 0.3, -999.0, 10.0 ** (4 * NUMBERS))
HEAVY[::7, 1] = np.nan
TABLES = {
    "array": (NUMBERS, NUMBERS),
    "single precision": (NUMBERS, NUMBERS.astype(np.float32)),
    "Fortran order": (NUMBERS, np.asfortranarray(NUMBERS)),
    "every other row": (NUMBERS, NUMBERS[::2]),
    "integers": (NUMBERS, NUMBERS.astype(int)),
    "heavy values and several scales": (HEAVY, HEAVY),
    "gaps": (GAPS.to_numpy(), GAPS.to_numpy()),
    "frame": (FRAME, FRAME),
    "frame with gaps": (GAPS, GAPS),
    "nullable numbers": (FRAME, GAPS.astype("Float64")),
    "mixed": (MIXED, MIXED),
    "other categories": (MIXED, MIXED.assign(k=pd.Categorical(["y", "new"] * (N // 2)))),
    "nothing but unknown": (MIXED, MIXED.assign(k=pd.Categorical(["new"] * N))),
    "unknown and missing": (MIXED, MIXED.assign(s=["new", None] * (N // 2))),
    "dates as categories": (FRAME.assign(d=pd.Categorical(DAYS)), FRAME.assign(d=pd.Categorical(DAYS))),
    "one row": (MIXED, MIXED[:1]),
    "one row with gaps": (MIXED, MIXED[MIXED["s"].isna()][:1]),
    "a row of strings": (MIXED, MIXED[:1].astype({"s": "string"})),
    "an unknown label": (MIXED, MIXED[:1].assign(s="new")),
    "integers in a frame": (MIXED[["a", "b"]], MIXED[["a", "b"]].astype({"a": int})),
    "other columns": (FRAME, FRAME[["c", "a", "b"]]),
}
TABLES |= {
    f"{name}, many rows": (TABLES[name][0], pd.concat([TABLES[name][1]] * 3, ignore_index=True))
    for name in ("frame", "frame with gaps", "nullable numbers", "mixed", "other categories", "nothing but unknown")
}


def told(call):
    """What a call gives, and the warnings it comes with."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return call(), [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", TABLES)
def test_both_ways_give_the_same(name):
    learned, table = TABLES[name]
    model = KANRegressor((4,), n_members=2, max_iter=2, random_state=0, dtype="float64").fit(learned, NUMBERS[:, 0])
    if name == "other columns":
        with pytest.raises(ValueError, match="feature names"):
            model.predict(table)
        return
    direct, told_directly = told(lambda: model._raw(table))
    read, told_reading = told(lambda: model._state.model.raw(model._columns(table)))
    np.testing.assert_array_equal(direct, read)
    assert told_directly == told_reading


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused(value):
    model = KANRegressor((4,), n_members=2, max_iter=2, random_state=0).fit(FRAME, NUMBERS[:, 0])
    with pytest.raises(ValueError, match="Column 'b' of X contains infinity"):
        model.predict(FRAME.assign(b=value))
