"""Private names of other packages stand in one file, and their packages have upper bounds that are kept."""

import ast
import builtins
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import sklearn_kan
from sklearn_kan import kernels
from sklearn_kan._compat import is_transformed

ROOT = Path(sklearn_kan.__file__).parent
COMPAT = ROOT / "_compat.py"
FILES = sorted(ROOT.rglob("*.py"))
DISTRIBUTIONS = {"sklearn": "scikit-learn"}
DOCUMENTED = {"_replace", "_asdict", "_fields", "_make", "_print"}  # of named tuples; how sympy's printers go on
PROTOCOLS = {"_parameter_constraints"}  # attributes by which a class tells scikit-learn something


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


@cache
def nodes(path):
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def foreign(path):
    """Names that a file has for packages outside the standard library and this one, and the packages."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name.split(".")[0], alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def dotted(node):
    """``a.b.c`` of an attribute, if it begins with a name."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return inner and f"{inner}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


def private_names(path):
    """Private names of other packages that a file imports, or reaches from what it imports."""
    names = {short: full for short, full in foreign(path) if full.split(".")[0] not in sys.stdlib_module_names}
    reached = {text for node in nodes(path) if (text := dotted(node)) and text.split(".")[0] in names}
    full = {*names.values()} | {".".join([names[text.split(".")[0]], *text.split(".")[1:]]) for text in reached}
    return {name for name in full if any(map(is_private, name.split(".")))}


def requirements():
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {requirement.name: requirement for requirement in map(Requirement, project["dependencies"])}


def test_the_reader_sees_private_names():
    found = private_names(COMPAT)
    assert {"sklearn.base._fit_context", "sklearn.model_selection._search.BaseSearchCV"} <= found
    assert "torch._C._functorch.maybe_current_level" in found


def test_no_other_file_knows_private_names():
    found = {str(path.relative_to(ROOT)): private_names(path) for path in FILES if path != COMPAT}
    assert {path: names for path, names in found.items() if names} == {}


def test_private_attributes_are_our_own_or_named_in_compat():
    """``trial._suggest``: an attribute that no file of ours defines is someone else's."""
    used, defined = set(), set(dir(builtins))
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, ast.Attribute) and is_private(node.attr):
                (used if isinstance(node.ctx, ast.Load) else defined).add(node.attr)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                defined.add(node.id)
    named = set(re.findall(r"\b_\w+", COMPAT.read_text(encoding="utf-8")))
    assert used - defined - DOCUMENTED - PROTOCOLS <= named


def test_the_methods_of_scikit_learn_that_compat_names_are_there():
    from sklearn.metrics._scorer import _MultimetricScorer

    from sklearn_kan._compat import BaseSearchCV

    text = COMPAT.read_text(encoding="utf-8")
    methods = re.search(r"Of its methods we call (.*?), and look at", text, re.DOTALL)[1]
    for name in re.findall(r"\b_\w+", methods):
        assert callable(getattr(BaseSearchCV, name))
    assert "_scorers" in vars(_MultimetricScorer(scorers={}))


@pytest.mark.parametrize(
    ("owner", "name"),
    [(torch._C, "_len_torch_dispatch_stack"), (torch._C, "_functorch"), (torch.autograd.forward_ad, "_current_level")],
)
def test_a_torch_that_cannot_be_asked_does_without_kernels(owner, name, monkeypatch):
    assert not is_transformed()
    monkeypatch.delattr(owner, name)
    assert is_transformed()
    assert not kernels.find("spline_sums", torch.zeros(2, 2))


@pytest.mark.parametrize(
    "package", sorted({name.split(".")[0] for name in private_names(COMPAT)} | {"optuna", "skorch"})
)
def test_their_packages_have_upper_bounds_that_are_kept(package):
    name = DISTRIBUTIONS.get(package, package)
    requirement = requirements()[name]
    assert any(specifier.operator in ("<", "<=") for specifier in requirement.specifier)
    assert requirement.specifier.contains(version(name), prereleases=True)
    pinned = dict(
        re.findall(r"^(\S+)==(\S+)", (ROOT.parent / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert requirement.specifier.contains(pinned[name])


def test_lowest_versions_and_the_recipe_are_what_the_package_asks_for():
    asked = {name: requirement.specifier for name, requirement in requirements().items()}
    bounds = {name: next(each.version for each in asked[name] if each.operator == ">=") for name in asked}
    lowest = dict(re.findall(r"^(\S+)==(\S+)", (ROOT.parent / "constraints-lowest.txt").read_text(), re.MULTILINE))
    assert {name: Version(lowest[name]) for name in asked} == {name: Version(bounds[name]) for name in asked}
    lines = re.findall(r"^    - (\S+) ([<>]\S+)$", (ROOT.parent / "recipe" / "recipe.yaml").read_text(), re.MULTILINE)
    recipe = {name.replace("pytorch", "torch"): SpecifierSet(versions) for name, versions in lines}
    assert {name: recipe.get(name) for name in asked} == asked


def test_what_compat_imports_is_used():
    text = "".join(path.read_text(encoding="utf-8") for path in FILES if path != COMPAT)
    from sklearn_kan import _compat

    assert [name for name in _compat.__all__ if not re.search(rf"_compat import [^\n]*\b{name}\b", text)] == []
