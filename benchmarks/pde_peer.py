"""Claim: after a second the error is orders of magnitude below that of GP-HM's own code after minutes on a CPU.

python -m benchmarks.pde_peer CODE [--minutes 8] [--kernels Matern52_Cos_1d]

CODE is the folder ``code`` of a clone of github.com/xuangu-fang/Gaussian-Process-Slover-for-High-Freq-PDE, which needs
JAX, optax, fire and tqdm. Its own `train` runs with its own configuration; only its step is watched.
"""

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
import types
from importlib.metadata import version
from pathlib import Path

import numpy as np
import yaml

from benchmarks.environment import environment
from benchmarks.pde import fine_points, measured, relative
from benchmarks.pde_problems import paper_problems

RESULTS = Path(__file__).parent / "results" / "pde_peer.json"
EQUATION = "poisson_1d-single_sin"
COMPILED = 2  # steps that compile, and are not counted
CHECKED = 1, 3, 10, 30, 60, 120, 240, 480, 960, 1920  # seconds after which errors are measured


def authors_code(folder):
    """Their modules, on one thread."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import jax

    sys.modules["jax.config"] = types.SimpleNamespace(config=jax.config)  # where JAX 0.4.8 had it
    sys.path.insert(0, folder)
    importlib.import_module("utils")  # which the others import in a circle
    return importlib.import_module("model_GP_solver_1d"), importlib.import_module("kernel_matrix")


def peer(folder, kernel, problem, seconds):
    """Errors against time of the authors' solver, in one run."""
    solver, kernels = authors_code(folder)
    settings = yaml.safe_load(Path(folder, "config", f"{EQUATION}.yaml").read_text())
    settings |= {"equation": EQUATION, "kernel": getattr(kernels, kernel)}
    (axis,) = problem.axes
    Z = fine_points(problem.axes, None)[::10]  # their prediction of all points takes as long as many steps
    rows, used = [], [0.0]

    class Watched(solver.GP_solver_1d_single):
        def step(self, params, opt_state, key):
            start = time.process_time()
            result = super().step(params, opt_state, key)
            result[2].block_until_ready()
            used.append(used[-1] + time.process_time() - start)
            n_steps = len(used) - 1
            if n_steps <= COMPILED:
                return result
            before, now = used[-2] - used[COMPILED], used[-1] - used[COMPILED]
            if now > seconds or any(before < place <= now for place in CHECKED):
                self.look(result[0], n_steps)
            if now > seconds:
                raise TimeoutError
            return result

        def look(self, params, n_steps):
            found = np.asarray(self.preds(params, Z)[0]).ravel()
            rows.append(
                {"seconds": used[-1] - used[COMPILED], "steps": n_steps, "error": relative(found, problem.solution(Z))}
            )
            print(kernel, rows[-1], flush=True)

    ends = np.array([0, len(axis) - 1])
    source = problem.second(axis)
    model = Watched(ends, problem.solution(axis[ends, None]), axis[:, None], source, 1e-6, Z[::7],
                    problem.solution(Z[::7]), settings)  # fmt: skip
    with contextlib.suppress(TimeoutError):
        model.train(settings["nepoch"])
    return {"kernel": kernel, "steps_asked": settings["nepoch"], "compile_seconds": used[COMPILED], "errors": rows}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("code")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--kernels", nargs="+", default=["Matern52_Cos_1d"])
    asked = parser.parse_args()
    problem = paper_problems()[0]
    rows = [peer(asked.code, kernel, problem, 60 * asked.minutes) for kernel in asked.kernels]
    commit = subprocess.run(["git", "-C", asked.code, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    head = {"claim": __doc__.split("\n")[0], **environment(), "problem": problem.name, "equation": EQUATION}
    head["versions"] = head["versions"] | {name: version(name) for name in ("jax", "optax")}
    RESULTS.write_text(json.dumps(head | {"commit": commit.strip(), "peer": rows, "ours": measured(problem)}, indent=1)
                       + "\n")  # fmt: skip


if __name__ == "__main__":
    main()
