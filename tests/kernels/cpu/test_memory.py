"""The compiled library keeps to its memory: small stacks, many knots, tables that are not what they should be."""

import sys
import threading

import pytest
import torch

from sklearn_kan import KANLayer, kernels
from sklearn_kan.bases import BSpline, TruncatedPower
from sklearn_kan.bases._pieces import evaluate_pieces
from sklearn_kan.kernels.cpu import MAX_KNOTS, _library, edges_contract, spline_contract
from tests.processes import exit_code, started
from tests.tables import random

pytestmark = pytest.mark.skipif(not kernels.has_library(), reason="installed without a compiler")


def contract_on_a_small_stack():
    """Exit with 0 if a thread with little memory could evaluate and differentiate all kinds of layers."""

    def work():
        for dtype in (torch.float32, torch.float64):
            for degree in range(4):
                bases = BSpline(3, degree=degree), BSpline(3, n_knots=400, degree=degree)
                edges = TruncatedPower(3, out_features=40, degree=degree, individual_knots=True)
                for basis, n_outputs in [*((basis, n) for basis in bases for n in (1, 40)), (edges, 40)]:
                    x = random(300, 3, dtype=dtype).requires_grad_()
                    weight = random(3, basis.n_basis, n_outputs, dtype=dtype).requires_grad_()
                    basis.to(dtype).contract(x, weight).sum().backward()
        done.append(True)

    done = []
    threading.stack_size(192 * 1024)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    sys.exit(0 if done else 1)


def test_threads_may_have_small_stacks():
    assert exit_code(started(contract_on_a_small_stack)) == 0


@pytest.mark.parametrize("n_knots", [MAX_KNOTS, MAX_KNOTS + 1, 300_000])
def test_many_knots_are_as_good_as_few(n_knots):
    layer = KANLayer(1, 1, n_knots=n_knots, degree=0, base=False)
    x = torch.tensor([[-2.0], [-0.99999], [0.3], [0.99999], [2.0]])
    with torch.no_grad():
        interval = ((x[:, 0] + 1) * (n_knots - 1) / 2).floor().clamp(0, n_knots - 2).long()
        torch.testing.assert_close(layer(x), layer.edge_weight[0, interval])


@pytest.mark.parametrize("n_knots", [300, MAX_KNOTS + 1])
def test_edges_may_have_many_knots(n_knots):
    basis = TruncatedPower(1, out_features=2, n_knots=n_knots, degree=1, individual_knots=True).double()
    x = random(5, 1).requires_grad_()
    weight = basis.knots.T[None] * torch.tensor([1.0, -1.0], dtype=torch.float64)  # values at knots: x and -x
    y = basis.contract(x, weight)
    torch.testing.assert_close(y, torch.cat([x, -x], 1))
    (slope,) = torch.autograd.grad(y[:, 0].sum(), x)
    torch.testing.assert_close(slope, torch.ones_like(slope))


@pytest.mark.parametrize("n_outputs", [2, 40])
@pytest.mark.parametrize("fault", [[3.0, -1.0, 0.0, 1.0, 2.0], [-1.0, 0.0, float("nan"), 1.0, 2.0]])
def test_knots_that_do_not_increase_are_refused_whatever_brought_them(fault, n_outputs):
    basis = BSpline(2, n_knots=5).double()
    x, weight = random(2000, 2).requires_grad_(), random(2, 7, n_outputs).requires_grad_()
    y = basis.contract(x, weight)
    basis.knots.copy_(torch.tensor(fault))
    with pytest.raises(ValueError, match="knots decrease, or are not numbers"):
        basis.contract(x, weight)
    with pytest.raises((ValueError, RuntimeError)):
        y.sum().backward()


@pytest.mark.parametrize("n_outputs", [2, 40])
def test_functions_that_a_table_does_not_have_are_its_last(n_outputs):
    basis = BSpline(2, n_knots=5).double()
    x, weight = random(300, 2), random(2, 7, n_outputs)
    table = basis.table()
    wild = torch.where(torch.arange(len(table.first)) % 2 > 0, 2**40, -(2**40))
    y = spline_contract(x, weight, table._replace(first=wild), 3, None)
    expected = evaluate_pieces(x, table._replace(first=wild.clamp(0, 3)), 7).flatten(1) @ weight.flatten(0, 1)
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("knots", lambda knots: knots[:, :4]),
        ("knots", lambda knots: knots.float()),
        ("knots", lambda knots: knots.T.contiguous().T),
        ("pieces", lambda pieces: pieces[:, :9]),
        ("origin", lambda origin: origin[1:]),
        ("rate", lambda rate: rate[:-1]),
        ("first", lambda first: first.int()),
    ],
)
def test_tables_of_other_sizes_are_refused(name, change):
    basis = BSpline(2, n_knots=5).double()
    table = basis.table()
    table = table._replace(**{name: change(getattr(table, name))})
    with pytest.raises(ValueError, match=r"A table of splines has .* where its kernel needs \d+ values of"):
        spline_contract(random(9, 2), random(2, 7, 3), table, 3, None)


def test_weights_of_other_sizes_are_refused():
    table = BSpline(2, n_knots=5).double().table()
    with pytest.raises(ValueError, match="more knots, or fewer basis functions, than its kernel can take"):
        spline_contract(random(9, 2), random(2, 3, 3), table, 3, None)
    with pytest.raises(ValueError, match=r"has 3 outputs, which 2 members cannot share evenly"):
        spline_contract(random(9, 2, 2), random(2, 7, 3), table, 3, None)
    edges = random(6 * 5, 4), random(6, 4).sort().values, random(6 * 5), random(6 * 5)
    for place in range(4):
        wrong = [tensor[:-1] if k == place else tensor for k, tensor in enumerate(edges)]
        with pytest.raises(ValueError, match=r"kernel needs|does not divide"):
            edges_contract(random(9, 2), *wrong)


def test_knots_that_are_no_numbers_stay_in_their_edges():
    basis = TruncatedPower(2, out_features=3, n_knots=5, individual_knots=True).double()
    x, weight = random(50, 2), random(2, 7, 3)
    expected = basis.contract(x, weight)
    basis.knots[3, 2] = float("nan")  # of the edge from input 1 to output 1
    y = basis.contract(x, weight)
    torch.testing.assert_close(y[:, [0, 2]], expected[:, [0, 2]])


def test_no_memory_is_an_error_in_python(monkeypatch):
    basis = BSpline(2).double()
    call = _library.Call.__init__

    def without_memory(self, *arguments):
        call(self, *arguments)
        self.function = lambda *arguments: 1

    monkeypatch.setattr(_library.Call, "__init__", without_memory)
    with pytest.raises(MemoryError, match="no memory for a kernel to work in"):
        basis.contract(random(5, 2), random(2, basis.n_basis, 3))
