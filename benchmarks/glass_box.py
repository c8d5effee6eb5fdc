"""Claim: glass boxes come within a few percent of explainable boosting machines, in at most a quarter of their time.

Explainable boosting machines (EBM; Nori et al. 2019) are the additive models with pairs that people use. Both families
are fitted with their defaults and without pairs, and the default network, which is no sum, with them: in one run, on
the same 75/25 splits, on one thread. A suite is as in `benchmarks.tabular.suite`. Losses are nRMSE or log-loss.

    python -m benchmarks.glass_box --suite FOLDER --seeds 0 --tables concrete german
"""

import argparse
import json
import os
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

from benchmarks.environment import environment
from benchmarks.tabular.suite import score
from sklearn_kan import KANClassifier, KANRegressor

RESULTS = Path(__file__).parent / "results" / "glass_box.json"


def kan(**params):
    return lambda is_regression, categorical, seed: (KANRegressor if is_regression else KANClassifier)(
        random_state=seed, **params
    )


def ebm(**params):
    return lambda is_regression, categorical, seed: (
        ExplainableBoostingRegressor if is_regression else ExplainableBoostingClassifier
    )(random_state=seed, n_jobs=1, **params)


METHODS = {
    "glass box": kan(interaction_cst="auto"),
    "glass box without pairs": kan(interaction_cst="no_interactions"),
    "EBM": ebm(),
    "EBM without pairs": ebm(interactions=0),
    "default network": kan(),
}


KEYS = "method", "table", "seed"  # of a fit


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tables", nargs="+", help="default: all of the suite")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--resume", action="store_true", help="keep the rows of the result file that are of other fits")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    found = environment()
    found["versions"]["interpret-core"] = version("interpret-core")
    kept = json.loads(RESULTS.read_text())["rows"] if options.resume else []
    result = {"claim": __doc__.splitlines()[0], **found, "rows": kept}
    entries = {entry["name"]: entry for entry in json.loads((options.suite / "suite.json").read_text())}
    for seed in options.seeds:
        for name in options.tables or entries:
            for method in options.methods:
                row = score(method, METHODS[method], options.suite, entries[name], seed)
                others = [other for other in result["rows"] if any(other[key] != row[key] for key in KEYS)]
                result["rows"] = [*others, row]
                print(row, flush=True)
                RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
