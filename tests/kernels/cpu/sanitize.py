"""Random layers and crafted tables through a library with sanitizers, which end it at the first fault.

Values are compared with plain torch where a table is as `piece_table` makes them. ``make sanitize`` builds the library,
and runs this with the sanitizer loaded first, so that it watches the memory of tensors too.
"""

import argparse
import ctypes
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from sklearn_kan.bases import BSpline, TruncatedPower
from sklearn_kan.bases._base import Basis
from sklearn_kan.bases._truncated_power import edge_polynomials
from sklearn_kan.kernels import cpu
from sklearn_kan.kernels.cpu import _library, _network, _predict
from sklearn_kan.network._kan import KAN
from sklearn_kan.network._stored import packed
from sklearn_kan.training._fused import FusedAdamW, Task
from sklearn_kan.training._losses import squared_error
from sklearn_kan.training._rows import Rows

STACK = 256 * 1024  # of the threads, as of those of musl and of web servers
OUTSIDE = [float("nan"), float("inf"), -float("inf"), 1e30, -1e30]


class Case:
    """A layer of random size, rows for it, and what is wrong with it."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = self.choice([torch.float32, torch.float64])
        self.n, self.n_inputs = self.choice([0, 1, 7, 40, 257, 1030]), self.choice([0, 1, 3, 9])
        self.n_outputs, self.n_members = self.choice([1, 2, 4, 5, 17, 35]), self.choice([1, 1, 3])
        self.degree, self.n_knots = self.choice(range(6)), self.choice([2, 3, 8, 16, 17, 40, 300])
        self.wrong = self.choice([None, None, "knots", "first", "numbers", "values", "sizes", "degree"])

    def choice(self, items):
        return list(items)[int(torch.randint(len(items), (), generator=self.generator))]

    def random(self, *shape):
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(self.dtype)

    def spoiled(self, table):
        """The table with the fault of this case."""
        knots, pieces, origin, rate, first = (part.clone() for part in table)
        if self.wrong == "knots":
            knots = knots[:, torch.randperm(knots.shape[1], generator=self.generator)].contiguous()
        elif self.wrong == "first":
            first.random_(-(2**62), 2**62, generator=self.generator)
        elif self.wrong == "numbers":
            for part in (knots, pieces, origin, rate):
                some = torch.rand(part.shape, generator=self.generator) < 0.2
                part[some] = self.choice(OUTSIDE)
        elif self.wrong == "sizes":
            others = [(knots[:, 1:], rate), (knots, rate[1:]), (knots, rate.repeat(2)), (knots, rate.bool())]
            knots, rate = self.choice(others)
        return table._replace(knots=knots, pieces=pieces, origin=origin, rate=rate, first=first)

    def rows(self, *shape):
        x = 1.5 * self.random(*shape)
        if self.wrong == "values":
            x[torch.rand(shape, generator=self.generator) < 0.2] = self.choice(OUTSIDE)
        return x

    def run(self):
        return self.choice([self.check_splines, self.check_splines, self.check_edges, self.check_network])()

    def check_splines(self):
        """Sums of splines, and where nothing is wrong, the same by plain torch."""
        basis = BSpline(self.n_inputs, n_knots=self.n_knots, degree=min(self.degree, 3), knots="quantile")
        basis = basis.to(self.dtype)
        basis.place_knots(self.random(60, self.n_inputs))
        shape = (self.n, self.n_inputs) if self.n_members == 1 else (self.n, self.n_members, self.n_inputs)
        x, weight = self.rows(*shape), self.random(self.n_inputs, basis.n_basis, self.n_outputs * self.n_members)
        degree = self.choice([-1, 4, 7, basis.degree + 1]) if self.wrong == "degree" else basis.degree
        plain = Basis.contract if self.n_members == 1 else Basis.contract_members

        def kernel(x, weight):
            return cpu.spline_contract(x, weight, self.spoiled(basis.table()), degree, None)

        return self.compare(kernel, lambda x, weight: plain(basis, x, weight), x, weight)

    def check_edges(self):
        """Sums of edges with knots of their own."""
        n_knots = min(self.n_knots, 40)
        basis = TruncatedPower(
            max(1, self.n_inputs), out_features=self.n_outputs, n_knots=n_knots, degree=self.degree,
            individual_knots=True,
        ).to(self.dtype)  # fmt: skip
        x, weight = self.rows(self.n, basis.in_features), self.random(basis.in_features, basis.n_basis, self.n_outputs)

        def kernel(x, weight):
            polynomials, table = edge_polynomials(basis.table(), weight), self.spoiled(basis.table())
            polynomials = polynomials.repeat(1, 3) if self.wrong == "degree" else polynomials
            return cpu.edges_contract(x, polynomials, table.knots, table.origin, table.rate)

        return self.compare(kernel, lambda x, weight: basis.edge_functions(x, weight).sum(2), x, weight)

    def check_network(self):
        """Outputs of a whole network, and a step on some of the rows, whatever they hold."""
        sizes, n_levels = [self.choice([1, 4, 17])] * self.choice([1, 2]), self.choice([(), (3,), (40, 2)])
        n_places = self.choice([(), (5, 70)])
        module = KAN(
            max(1, self.n_inputs), self.n_outputs, hidden_layer_sizes=sizes, n_levels=n_levels, n_places=n_places,
            scaled=True, n_members=self.n_members, n_knots=[self.n_knots] + [min(self.n_knots, 40)] * len(sizes),
            degree=1 + self.degree % 3, fine_knots=self.choice([None, 9]), generator=self.generator,
        ).to(self.dtype)  # fmt: skip
        codes = torch.cat([(10 * self.rows(self.n, len(n_levels))).trunc(), 30 * self.rows(self.n, len(n_places))], 1)
        X = torch.cat([self.rows(self.n, module.layers[0].in_features), codes], 1)
        pack = packed(module)
        y = pack.outputs(X)
        if pack.prepared is not None and self.n:
            self.check_table(pack, module, n_levels, n_places)
        if self.n:
            rows = Rows(X, self.random(self.n, self.n_outputs), torch.ones(self.n, dtype=self.dtype))
            optimizer = FusedAdamW(module, lr=0.01, weight_decay=1.0, betas=(0.9, 0.95))
            order = torch.randperm(self.n, generator=self.generator)
            bounds = [0, self.n // 2, self.n]
            optimizer.take(Task(rows, squared_error, optimizer), order, bounds, [0.5, 1.0])
        return "survived" if y.isfinite().all() else "not finite"

    def check_table(self, pack, module, n_levels, n_places):
        """Average outputs for a table as it lies in memory, forwards, backwards or by columns."""
        n_inputs = module.layers[0].in_features
        places = {k % n_inputs: np.sort(self.rows(n).double().numpy()) for k, n in enumerate(n_places)}
        if len(places) < len(n_places):
            return
        reader = _predict.Reader(
            center=self.random(n_inputs), rate=self.random(n_inputs), bound=3.0, n_categories=len(n_levels),
            bends={0: np.sort(self.random(2, 9).double().numpy())}, atoms={}, missing=[], places=places,
        )  # fmt: skip
        numbers = self.rows(self.n, n_inputs).to(self.choice([torch.float32, torch.float64])).numpy()
        numbers = self.choice([numbers, numbers[::-1], np.asfortranarray(numbers), numbers[::2]])
        categories = (30 * self.random(len(numbers), len(n_levels))).long().numpy()
        table = _predict.table_of(reader, numbers, categories)
        weights = torch.full((pack.n_members,), 1 / pack.n_members, dtype=self.dtype)
        found = pack.predict(table, len(numbers), weights, self.choice(_network.AVERAGES))
        assert (found is None) == np.isinf(numbers).any(), "Infinity was missed, or seen where there is none."

    def compare(self, kernel, plain, *leaves):
        """Outputs and gradients of both, or that the kernel has refused."""
        leaves = [leaf.requires_grad_() for leaf in leaves]
        try:
            y = kernel(*leaves)
        except ValueError:
            assert self.wrong, "A layer with nothing wrong was refused."
            return "refused"
        found = [y, *torch.autograd.grad(y.sin().sum(), leaves, materialize_grads=True)]
        if self.wrong:
            return "survived"
        y = plain(*leaves)
        expected = [y, *torch.autograd.grad(y.sin().sum(), leaves, materialize_grads=True)]
        tolerance = 1e-9 if self.dtype == torch.float64 else 5e-3
        for ours, theirs in zip(found, expected, strict=True):
            largest = theirs.abs().max().clamp(min=1.0) if theirs.numel() else 1.0
            assert ((ours - theirs).abs() <= tolerance * largest).all(), "Values differ from plain torch."
        return "compared"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("--cases", type=int, default=300)
    arguments = parser.parse_args()
    if "libasan" not in Path("/proc/self/maps").read_text():
        raise SystemExit("The sanitizer is not loaded: run `make sanitize`.")
    _library.LIBRARY = ctypes.CDLL(arguments.library)
    _library.WORK_PER_THREAD = 1000  # several threads in most cases
    torch.set_num_threads(2)
    counts, left = Counter(), list(range(arguments.cases))

    def work():
        while left:
            counts[Case(left[0]).run()] += 1
            left.pop(0)

    threading.stack_size(STACK)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    print(dict(counts))
    if left:
        raise SystemExit(f"Case {left[0]} failed.")


if __name__ == "__main__":
    main()
