"""Claim: estimators work in what works with scikit-learn's estimators, untouched or with a note.

Each client is a few lines that use an estimator as its documentation does, and assert what they get. What is not
installed is not run.

    pip install ".[clients]"
    python -m benchmarks.clients
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import argparse
import importlib
import json
import tempfile
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import client_packages, client_sklearn
from benchmarks.environment import environment

RESULTS = Path(__file__).parent / "results" / "clients.json"


def tried(client):
    """What became of a client, as a row of the result."""
    row = {"client": client.name, "package": client.package, "use": client.use, "note": client.note}
    try:
        row["version"] = version(client.package)
        for module in client.modules:
            importlib.import_module(module)
    except (PackageNotFoundError, ImportError) as error:
        return row | {"outcome": "not run", "reason": str(error)}
    start = time.process_time()
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client.run(Path(folder))
    except Exception as error:
        return row | {"outcome": "fails", "reason": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    return row | {"outcome": "works", "cpu_seconds": round(time.process_time() - start, 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of clients")
    only = parser.parse_args().only
    clients = [*client_sklearn.CLIENTS, *client_packages.CLIENTS]
    rows = []
    for client in clients:
        if not only or client.name in only:
            rows.append(tried(client))
            print(rows[-1], flush=True)
    if not only:
        result = {"seed": client_sklearn.SEED, "settings": client_sklearn.FEW, "rows": rows, **environment()}
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
