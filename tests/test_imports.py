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
    "_interrupts": (set(), set()),
    "_adoption": (set(), set()),
    "_deprecation": (set(), set()),
    "_documented": (set(), set()),
    "_surroundings": ({"_compat", "kernels"}, TORCH | {"threadpoolctl"}),
    "bases": ({"kernels", "knots"}, TORCH),
    "data": ({"_compat", "knots"}, TABLES | {"narwhals"}),
    "network": ({"_compat", "_equality", "_surroundings", "bases", "kernels", "knots", "optim"}, TORCH),
    "training": ({"_interrupts", "bases", "kernels", "knots", "network", "optim"}, TABLES | {"skorch", "tqdm"}),
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
    "gp": ({"_adoption", "_compat", "_devices", "_documented", "_surroundings", "data"}, TABLES),
    "equations": ({"_adoption", "_compat", "_devices", "_documented", "_surroundings", "data", "gp"}, TABLES),
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
        {
            "_adoption",
            "_compat",
            "_documented",
            "_interrupts",
            "_surroundings",
            "bases",
            "data",
            "model",
            "network",
            "optim",
        },
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


def test_the_reader_sees_what_is_there():
    assert ("skorch", False) in imports(ROOT / "training" / "_scored_net.py")
    assert (f"{NAME}.knots", False) in imports(ROOT / "bases" / "_bspline.py")
    assert (f"{NAME}.bases._base", False) in imports(ROOT / "bases" / "_bspline.py")
    assert (f"{NAME}.bases", False) in imports(ROOT / "network" / "_layer.py")


def is_allowed(here, module):
    """Whether a part of the package may import a module."""
    parts, packages = ALLOWED[here]
    top = module.split(".")[0]
    if top == NAME:
        return part(module) in parts | {here}
    return top in sys.stdlib_module_names or top in packages | OPTIONAL


def test_imports_go_in_the_directions_of_the_design():
    files = {path: part(module_name(path)) for path in FILES if path != ROOT / "__init__.py"}
    assert set(files.values()) - ALLOWED.keys() == set(), "New: say in ALLOWED what they may import."
    wrong = [(identity(path), module) for path, here in files.items() for module, _ in imports(path)
             if not is_allowed(here, module)]  # fmt: skip
    assert wrong == [], "These files must not import these modules."


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


def test_optional_extras_and_nothing_else_are_imported_inside_functions():
    wrong = [(identity(path), module) for path in FILES for module, is_inside in imports(path)
             if is_inside != (module.split(".")[0] in OPTIONAL)]  # fmt: skip
    assert wrong == []


def test_scipy_signal_is_imported_when_it_is_first_asked_for():  # half a second
    assert [identity(path) for path in FILES for module, _ in imports(path) if module == "scipy.signal"] == []


def test_own_modules_are_imported_relatively_and_by_name():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level or node.module.split(".")[0] != NAME, identity(path)
                assert all(alias.name != "*" for alias in node.names), identity(path)
            elif isinstance(node, ast.Import):
                assert all(alias.name.split(".")[0] != NAME for alias in node.names), identity(path)


def test_there_are_no_cycles():
    graph = {name: {module for module, _ in imports(path) if module in MODULES} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"Import cycle: {' -> '.join(error.args[1])}")


def test_the_table_of_allowed_imports_has_no_cycles():
    TopologicalSorter({name: parts for name, (parts, _) in ALLOWED.items()}).prepare()
