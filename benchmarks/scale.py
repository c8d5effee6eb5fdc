"""Claim: a fit takes time in proportion to the rows, and memory for the encoded table and a constant.

Two passes over 10,000 to 1,000,000 rows of 50 float32 columns, each in a process of its own; `fit` and, for rows that
are never in memory together, `fit_chunks` over a memory-mapped file.

    python -m benchmarks.scale
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from benchmarks.environment import environment, forget_peak, peak_mb
from sklearn_kan import KANRegressor

SEED, D, EPOCHS, CHUNK = 0, 50, 2, 50_000
SIZES = [10_000, 100_000, 1_000_000]
RESULTS = Path(__file__).parent / "results" / "scale.json"


class Chunks:
    """Rows of a memory-mapped table, some at a time."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __iter__(self):
        for start in range(0, len(self.X), CHUNK):
            part = slice(start, start + CHUNK)
            yield np.array(self.X[part]), np.array(self.y[part])


def measure(pipe, path, n, how):
    torch.set_num_threads(1)
    X = np.load(path, mmap_mode="r")[:n]
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
    KANRegressor(max_iter=1, random_state=SEED).fit(np.array(X[:500]), y[:500])  # loads what is loaded once
    X = np.array(X) if how == "fit" else X
    held, start = forget_peak(), time.process_time()
    model = KANRegressor(max_iter=EPOCHS, random_state=SEED)
    model.fit(X, y) if how == "fit" else model.fit_chunks(Chunks(X, y))
    seconds, peak = time.process_time() - start, peak_mb()
    r2 = model.score(np.array(X[:10_000]), y[:10_000])
    pipe.send(
        {"how": how, "n": n, "cpu_seconds": seconds, "table_mb": X.nbytes / 2**20, "extra_mb": peak - held, "r2": r2}
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().sizes
    context, rows = multiprocessing.get_context("spawn"), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.npy"
        np.save(path, np.random.default_rng(SEED).standard_normal((max(sizes), D), dtype=np.float32))
        for how in ("fit", "fit_chunks"):
            for n in sizes:
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=measure, args=(sender, path, n, how))
                process.start()
                rows.append(receiver.recv())
                process.join()
                print(rows[-1], flush=True)
    result = {"claim": __doc__.split("\n")[0], **environment(), "seed": SEED, "columns": D, "passes": EPOCHS}
    RESULTS.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
