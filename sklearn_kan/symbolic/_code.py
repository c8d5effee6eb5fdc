"""Formulas as source code of other languages."""

import keyword
import re

import sympy as sp
from sympy.printing.c import C99CodePrinter
from sympy.printing.pycode import PythonCodePrinter

HEAD_PYTHON = '''import math


def {name}({arguments}):
    """{title}"""
    return {body}
'''
HEAD_C = """#include <math.h>

/* {title} */
double {name}({arguments})
{{
    return {body};
}}
"""


def identifiers(names, reserved=()):
    """A valid identifier for each column, all different."""
    chosen: list = []
    for name in names:
        plain = re.sub(r"\W", "_", str(name), flags=re.ASCII) or "_"
        plain = f"_{plain}" if plain[0].isdigit() or keyword.iskeyword(plain) or plain in reserved else plain
        while plain in chosen:
            plain += "_"
        chosen.append(plain)
    return chosen


class PlainPython(PythonCodePrinter):
    """Python with the standard library only."""

    def _print_Pow(self, expr, rational=False):
        if expr.exp == sp.Rational(1, 2):
            return f"math.sqrt({self._print(expr.base)})"
        return super()._print_Pow(expr, rational=rational)

    def _print_cot(self, expr):
        return f"(1/math.tan({self._print(expr.args[0])}))"


def to_python(formula, symbols, name="law"):
    """A function of numbers."""
    names = identifiers([s.name for s in symbols], reserved=("math",))
    plain = formula.xreplace({s: sp.Symbol(n) for s, n in zip(symbols, names, strict=True)})
    body = PlainPython({"fully_qualified_modules": True}).doprint(plain)
    return HEAD_PYTHON.format(name=name, arguments=", ".join(names), title=title(formula), body=body)


def to_c(formula, symbols, name="law"):
    """A function of C99."""
    reserved = (
        "double",
        "int",
        "float",
        "char",
        "long",
        "short",
        "void",
        "const",
        "static",
        "struct",
        "switch",
        "case",
    )
    names = identifiers([s.name for s in symbols], reserved)
    plain = formula.xreplace({s: sp.Symbol(n) for s, n in zip(symbols, names, strict=True)})
    arguments = ", ".join(f"double {n}" for n in names)
    return HEAD_C.format(
        name=name, arguments=arguments or "void", title=title(formula).replace("*/", "* /"),
        body=C99CodePrinter().doprint(plain),
    )  # fmt: skip


def title(formula):
    text = str(formula).replace("\\", " ").replace('"', "'")
    return text if len(text) < 100 else f"{text[:97]}..."


SQL_FUNCTIONS = {
    sp.exp: "EXP", sp.log: "LN", sp.sin: "SIN", sp.cos: "COS", sp.tan: "TAN", sp.cot: "COT", sp.asin: "ASIN",
    sp.acos: "ACOS", sp.atan: "ATAN", sp.Abs: "ABS", sp.sign: "SIGN", sp.Max: "GREATEST", sp.Min: "LEAST",
    sp.sinh: "SINH", sp.cosh: "COSH", sp.tanh: "TANH",
}  # fmt: skip


def to_sql(formula, symbols, indicators=()):
    """An expression of standard SQL, with columns in double quotes.

    `indicators` has a pair of a column's name and a label for each symbol that is 1 where the column has the label.
    """
    columns = {s: quoted(s.name) for s in symbols}
    for symbol, (name, label) in dict(indicators).items():
        columns[symbol] = f"(CASE WHEN {quoted(name)} = {literal(label)} THEN 1.0 ELSE 0.0 END)"
    return sql(formula, columns)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(label):
    return repr(label) if isinstance(label, int | float) else "'" + str(label).replace("'", "''") + "'"


def sql(node, columns):
    """Every operation in brackets; numbers are doubles, since whole ones would be divided as such."""
    if node in columns:
        return columns[node]
    if node.is_number:
        return f"{float(node)!r}"
    if node.is_Add:
        return "(" + " + ".join(sql(term, columns) for term in node.args) + ")"
    if node.is_Mul:
        return "(" + " * ".join(sql(factor, columns) for factor in node.args) + ")"
    if node.is_Pow:
        if node.exp == -1:
            return f"(1.0 / {sql(node.base, columns)})"
        if node.exp == sp.Rational(1, 2):
            return f"SQRT({sql(node.base, columns)})"
        return f"POWER({sql(node.base, columns)}, {sql(node.exp, columns)})"
    if isinstance(node, sp.Piecewise):
        parts = "".join(f" WHEN {condition(c, columns)} THEN {sql(value, columns)}" for value, c in node.args)
        return f"(CASE{parts} END)"
    if node.func in SQL_FUNCTIONS:
        return f"{SQL_FUNCTIONS[node.func]}({', '.join(sql(argument, columns) for argument in node.args)})"
    raise ValueError(f"SQL has no function {node.func.__name__}. Use to_python or to_c, or a formula without it.")


def condition(node, columns):
    if node == sp.true:
        return "TRUE"
    if isinstance(node, sp.And | sp.Or):
        word = " AND " if isinstance(node, sp.And) else " OR "
        return "(" + word.join(condition(part, columns) for part in node.args) + ")"
    return f"{sql(node.lhs, columns)} {node.rel_op} {sql(node.rhs, columns)}"
