"""Who may import whom, by reading the imports: data flows one way, and imports point down."""

import ast
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sklearn_kan

ROOT = Path(sklearn_kan.__file__).parent
NAME = ROOT.name
TORCH = {"torch"}
TABLES = {"numpy", "scipy", "sklearn", "torch"}
OPTIONAL = {
    "matplotlib",
    "finufft",
    "onnx",
    "onnxscript",
    "skl2onnx",
    "dask",
    "accelerate",
    "pandas",
}  # may be imported inside a function

# Part of the package: (parts of the package, packages outside the standard library) that it may import.
ALLOWED = {
    "kernels": ({"_compat"}, TORCH | {"triton"}),
    "knots": (set(), TORCH),
    "optim": (set(), TORCH),
    "_devices": (set(), TORCH),
    "_compat": (set(), TABLES),
    "_equality": (set(), set()),
    "_adoption": (set(), set()),
    "_deprecation": (set(), set()),
    "_documented": (set(), set()),
    "_surroundings": ({"_compat", "kernels"}, TORCH | {"threadpoolctl"}),
    "bases": ({"kernels", "knots"}, TORCH),
    "data": ({"_compat", "knots"}, TABLES | {"narwhals"}),
    "network": ({"_compat", "_equality", "_surroundings", "bases", "kernels", "knots", "optim"}, TORCH),
    "training": ({"bases", "kernels", "knots", "network", "optim"}, TABLES | {"skorch", "tqdm"}),
    "model": ({"_devices", "_surroundings", "bases", "data", "knots", "network", "training"}, TABLES),
    "estimators": (
        {
            "_adoption",
            "_compat",
            "_devices",
            "_documented",
            "_equality",
            "_surroundings",
            "bases",
            "data",
            "knots",
            "model",
            "network",
            "training",
        },
        TABLES,
    ),
    "gp": ({"_adoption", "_compat", "_devices", "_documented", "data"}, TABLES),
    "equations": ({"_adoption", "_compat", "_devices", "_documented", "data", "gp"}, TABLES),
    "export": (
        {
            "_compat",
            "_devices",
            "_surroundings",
            "bases",
            "data",
            "estimators",
            "gp",
            "knots",
            "model",
            "network",
            "training",
        },
        TABLES,
    ),
    "inspection": ({"bases", "data", "gp", "model", "network", "training"}, TABLES),
    "search": (
        {"_adoption", "_compat", "_documented", "_equality", "bases", "estimators", "gp", "network", "training"},
        TABLES | {"joblib", "optuna", "threadpoolctl", "tqdm"},
    ),
    "symbolic": (
        {"_adoption", "_compat", "_documented", "_surroundings", "bases", "data", "network", "optim"},
        TABLES | {"joblib", "sympy", "tqdm"},
    ),
    "_show_versions": ({"kernels"}, TORCH),
}

FILES = sorted(ROOT.rglob("*.py"))


def module_name(path):
    parts = (NAME, *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


@cache
def imports(path):
    """Imported modules of a file, absolute, each with whether it stands inside a function."""
    return tuple(imports_of(ast.parse(path.read_text(encoding="utf-8")), path))


def imports_of(tree, path):
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(node, path)
            for alias in node.names:
                submodule = f"{origin}.{alias.name}"
                yield (submodule if submodule in MODULES else origin), id(node) in inside


def absolute(node, path):
    """The module that an `ImportFrom` names, its dots resolved."""
    if not node.level:
        return node.module
    package = (NAME, *path.relative_to(ROOT).parent.parts)
    parts = package[: len(package) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def part(module):
    """``sklearn_kan.bases._sine -> bases``; the package itself is its ``__init__``."""
    return module.split(".")[1] if "." in module else "__init__"


def identity(path):
    return str(path.relative_to(ROOT))


all_files = pytest.mark.parametrize("path", FILES, ids=identity)
inner_files = pytest.mark.parametrize("path", [p for p in FILES if p != ROOT / "__init__.py"], ids=identity)


def test_the_reader_sees_what_is_there():
    assert ("skorch", False) in imports(ROOT / "training" / "_scored_net.py")
    assert (f"{NAME}.knots", False) in imports(ROOT / "bases" / "_bspline.py")
    assert (f"{NAME}.bases._base", False) in imports(ROOT / "bases" / "_bspline.py")
    assert (f"{NAME}.bases", False) in imports(ROOT / "network" / "_layer.py")


@inner_files
def test_imports_go_in_the_directions_of_the_design(path):
    here = part(module_name(path))
    assert here in ALLOWED, f"{here} is new: say in ALLOWED what it may import."
    parts, packages = ALLOWED[here]
    for module, _ in imports(path):
        top = module.split(".")[0]
        if top == NAME:
            assert part(module) in parts | {here}, f"{identity(path)} must not import {module}"
        elif top not in sys.stdlib_module_names:
            assert top in packages | OPTIONAL, f"{identity(path)} must not import {module}"


@pytest.mark.parametrize(
    ("package", "owners"),
    [("skorch", "training"), ("narwhals", "data"), ("optuna", "search"), ("triton", "kernels"), ("sympy", "symbolic")],
)
def test_some_packages_are_known_to_one_room_only(package, owners):
    users = {part(name) for name, path in MODULES.items() for module, _ in imports(path)
             if module.split(".")[0] == package}  # fmt: skip
    assert users == {owners}


@pytest.mark.parametrize("leaf", ["_classifier", "_regressor"])
def test_only_the_package_itself_imports_the_estimators(leaf):
    users = {identity(path) for path in FILES for module, _ in imports(path) if module == f"{NAME}.estimators.{leaf}"}
    assert users == {"__init__.py"}


@all_files
def test_nothing_is_imported_inside_a_function_but_optional_extras(path):
    hidden = {module.split(".")[0] for module, is_inside in imports(path) if is_inside}
    assert hidden <= OPTIONAL


@all_files
def test_optional_extras_are_imported_inside_functions_only(path):
    assert not {module.split(".")[0] for module, is_inside in imports(path) if not is_inside} & OPTIONAL


@all_files
def test_own_modules_are_imported_relatively_and_by_name(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level or node.module.split(".")[0] != NAME
            assert all(alias.name != "*" for alias in node.names)
        elif isinstance(node, ast.Import):
            assert all(alias.name.split(".")[0] != NAME for alias in node.names)


def test_there_are_no_cycles():
    graph = {name: {module for module, _ in imports(path) if module in MODULES} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"Import cycle: {' -> '.join(error.args[1])}")


def test_the_table_of_allowed_imports_has_no_cycles():
    TopologicalSorter({name: parts for name, (parts, _) in ALLOWED.items()}).prepare()
