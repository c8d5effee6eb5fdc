"""What `benchmarks.formulas` compares with: functions of (rows, target, seconds, seed) to a formula of sympy.

pip install pyoperon gplearn
"""

import time

import sympy as sp

COLUMNS = "abcdefghijklm"  # names without a meaning for any of the packages
OPERON_FUNCTIONS = "add,sub,mul,div,constant,variable,sin,cos,exp,log,sqrt,square,tanh,asin,acos"
ENOUGH, MOST_WAIT = 0.8, 10  # of the seconds of computing; times as many seconds of waiting
GPLEARN_FUNCTIONS = ("add", "sub", "mul", "div", "sqrt", "log", "sin", "cos")


def operon(X, y, seconds, seed, columns=COLUMNS):
    """Operon (Burlacu et al. 2020) with nonlinear least squares for constants.

    Its limit is one of wall time: where other work has left it much less computing, it is run again with a longer one.
    """
    from pyoperon.sklearn import SymbolicRegressor

    limit, spent = seconds, 0.0
    while spent < ENOUGH * seconds and limit < MOST_WAIT * seconds:
        start = time.process_time()
        model = SymbolicRegressor(
            OPERON_FUNCTIONS, optimizer_iterations=10, objectives=["r2", "length"], max_length=50, generations=10**6,
            max_evaluations=10**9, max_time=round(limit), n_threads=1, random_state=seed,
        ).fit(X, y)  # fmt: skip
        spent = time.process_time() - start
        limit *= max(1.2, seconds / spent)
    text = model.get_model_string(model.model_, 12).replace("^", "**")
    names = {f"X{i + 1}": sp.Symbol(columns[i]) for i in range(X.shape[1])}
    return sp.sympify(text, locals=names | {"square": lambda a: a**2})


def gplearn(X, y, seconds, seed):
    """Gplearn, generation by generation until time is up."""
    from gplearn.genetic import SymbolicRegressor

    end, generations = time.process_time() + seconds, 1
    names = list(COLUMNS[: X.shape[1]])
    model = SymbolicRegressor(
        1000, generations=1, function_set=GPLEARN_FUNCTIONS, warm_start=True, feature_names=names, random_state=seed
    )
    model.fit(X, y)
    while time.process_time() < end:
        generations += 1
        model.set_params(generations=generations).fit(X, y)
    functions = {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
        "sqrt": lambda a: sp.sqrt(sp.Abs(a)), "log": lambda a: sp.log(sp.Abs(a)), "sin": sp.sin, "cos": sp.cos,
    }  # fmt: skip
    symbols = {name: sp.Symbol(name) for name in names}
    return sp.sympify(str(model._program), locals=functions | symbols)


PEERS = {"operon": operon, "gplearn": gplearn}
