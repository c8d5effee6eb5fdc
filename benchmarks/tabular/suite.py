"""Claim: on real tables the defaults are level with CatBoost or ahead of it, and ahead of neural and other peers.

A suite is a folder of parquet tables and a ``suite.json`` that names, for each, the target, the task and the
categorical columns. Every method is fitted in the same run, on one thread, on the same 75/25 splits; losses are
nRMSE or the error rate, summed up by their shifted geometric mean (offset 0.01).

    python -m benchmarks.tabular.suite --suite FOLDER --seeds 0 1 2

CatBoost and pytabkit's RealMLP take part where they are installed. `--name` is that of the result file.
"""

import argparse
import json
import os
import time
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from benchmarks.environment import environment
from sklearn_kan import KANClassifier, KANRegressor

OFFSET = 0.01
RESULTS = Path(__file__).parent.parent / "results"


def kan(is_regression, categorical, seed):
    return (KANRegressor if is_regression else KANClassifier)(random_state=seed)


def hist_gradient_boosting(is_regression, categorical, seed):
    return (HistGradientBoostingRegressor if is_regression else HistGradientBoostingClassifier)(random_state=seed)


def mlp(is_regression, categorical, seed):
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepare = ColumnTransformer([("categories", one_hot, categorical)], remainder=numeric)
    model = make_pipeline(prepare, (MLPRegressor if is_regression else MLPClassifier)(random_state=seed))
    return TransformedTargetRegressor(model, transformer=StandardScaler()) if is_regression else model


def catboost(is_regression, categorical, seed):
    from catboost import CatBoostClassifier, CatBoostRegressor

    model = (CatBoostRegressor if is_regression else CatBoostClassifier)(
        random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False, cat_features=categorical
    )
    return make_pipeline(FunctionTransformer(as_strings, kw_args={"columns": categorical}), model)


def as_strings(table, columns):
    """Categories as CatBoost takes them, missing ones too."""
    return table.assign(**{column: table[column].astype(object).fillna("missing").astype(str) for column in columns})


def realmlp(is_regression, categorical, seed):
    from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor

    model = (RealMLP_TD_S_Regressor if is_regression else RealMLP_TD_S_Classifier)(
        device="cpu", random_state=seed, n_cv=1, n_threads=1, verbosity=0
    )
    numbers = SimpleImputer(strategy="median"), make_column_selector(dtype_include="number")
    prepare = make_column_transformer(numbers, remainder="passthrough", verbose_feature_names_out=False)
    return make_pipeline(FunctionTransformer(with_missing), prepare.set_output(transform="pandas"), model)


def with_missing(table):
    """Missing categories as a category of their own."""
    categories = table.select_dtypes("category")
    return table.assign(
        **{name: column.cat.add_categories("missing").fillna("missing") for name, column in categories.items()}
    )


METHODS = {"sklearn_kan": kan, "MLP": mlp, "HistGradientBoosting": hist_gradient_boosting}
if find_spec("catboost"):
    METHODS["CatBoost"] = catboost
if find_spec("pytabkit"):
    METHODS["RealMLP-TD-S"] = realmlp


def load(folder, entry):
    table = pd.read_parquet(folder / f"{entry['name']}.parquet")
    y = table.pop(entry["target"])
    table[entry["categorical"]] = table[entry["categorical"]].astype("category")
    is_regression = entry["task"] == "regression"
    return table, y.to_numpy(float) if is_regression else y.astype("category").cat.codes.to_numpy(int)


def score(method, make, folder, entry, seed):
    """One fit of a model ``make(is_regression, categorical, seed)``: losses and seconds."""
    X, y = load(folder, entry)
    is_regression = entry["task"] == "regression"
    stratify = None if is_regression else y
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=stratify)
    model = make(is_regression, entry["categorical"], seed)
    if hasattr(model, "choose"):
        model = model.choose(X_train, y_train)
    start = time.process_time()
    model = model.fit(X_train, y_train)
    row = {"method": method, "table": entry["name"], "task": entry["task"], "seed": seed}
    row["fit_cpu_seconds"] = time.process_time() - start
    if hasattr(model, "module_"):
        row["n_parameters"] = sum(int(p.count_nonzero()) for p in model.module_.parameters())
    start = time.process_time()
    predicted = model.predict(X_test) if is_regression else model.predict_proba(X_test)
    row["predict_cpu_seconds"] = time.process_time() - start
    if is_regression:
        row["loss"] = float(np.sqrt(np.mean((predicted - y_test) ** 2)) / y_test.std())
    else:
        row["loss"] = float(np.mean(predicted.argmax(1) != y_test))
        row["log_loss"] = float(log_loss(y_test, predicted))
        score = predicted if predicted.shape[1] > 2 else predicted[:, 1]
        row["auc"] = float(roc_auc_score(y_test, score, multi_class="ovo"))
    if not np.isfinite(row["loss"]):
        raise FloatingPointError(f"{method} on {entry['name']}, seed {seed}: loss is {row['loss']}")
    return row


def summary(rows):
    """Shifted geometric means over tables of each method's mean loss over seeds."""
    frame = pd.DataFrame(rows)
    frame = frame.reindex(columns=frame.columns.union(["log_loss", "auc"]))  # of classification alone
    loss = frame.pivot_table(index="table", columns="method", values="loss")
    is_regression = frame.groupby("table")["task"].first() == "regression"
    parts = {"all": loss, "regression": loss[is_regression], "classification": loss[~is_regression]}
    result = {
        method: {name: float(np.exp(np.log(part[method] + OFFSET).mean()) - OFFSET) for name, part in parts.items()}
        for method in loss
    }
    for method, rest in frame.groupby("method"):
        result[method] |= {
            "mean_rank": float(loss.rank(axis=1)[method].mean()),
            "log_loss": float(rest["log_loss"].mean()),
            "auc": float(rest["auc"].mean()),
            "median_fit_cpu_seconds": float(rest["fit_cpu_seconds"].median()),
        }
    return result


def run(claim, methods, folder, seeds, path):
    """Score all methods on all tables and splits, and write each row as it comes.

    Rows of methods, tables and splits that are not asked for stay in the file, in their places.
    """
    torch.set_num_threads(1)
    entries = json.loads((folder / "suite.json").read_text())
    before = json.loads(path.read_text()) if path.exists() else {"rows": [], "versions": {}}
    by_fit = {(row["method"], row["table"], row["seed"]): row for row in before["rows"]}
    here = environment()
    here["versions"] = before["versions"] | here["versions"]  # of peers whose rows stay, too
    for entry in entries:
        for seed in seeds:
            for method, make in methods.items():
                row = by_fit[method, entry["name"], seed] = score(method, make, folder, entry, seed)
                print({key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()}, flush=True)
                rows = list(by_fit.values())
                result = {"claim": claim, **here, "seeds": sorted({row["seed"] for row in rows})}
                path.write_text(json.dumps({**result, "summary": summary(rows), "rows": rows}, indent=1) + "\n")
    print(json.dumps(summary(rows), indent=1))


def arguments(description, methods, name):
    """What is asked for on the command line: folder of the suite, seeds, methods by name, name of the results."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", choices=methods, default=list(methods))
    parser.add_argument("--name", default=name)
    return parser.parse_args()


if __name__ == "__main__":
    asked = arguments(__doc__, METHODS, "tabular_suite")
    chosen = {name: METHODS[name] for name in asked.methods}
    run(__doc__.split("\n")[0], chosen, asked.suite, asked.seeds, RESULTS / f"{asked.name}.json")
