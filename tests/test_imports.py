"""Who may import whom, by reading the imports: data flows one way, and imports point down."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sklearn_kan

ROOT = Path(sklearn_kan.__file__).parent
NAME = ROOT.name
TORCH = {"torch"}
TABLES = {"numpy", "scipy", "sklearn", "torch"}
OPTIONAL = {"matplotlib", "finufft", "onnx", "onnxscript", "dask", "accelerate"}  # may be imported inside a function

# Part of the package: (parts of the package, packages outside the standard library) that it may import.
ALLOWED = {
    "knots": (set(), TORCH),
    "bases": ({"kernels", "knots"}, TORCH),
    "kernels": (set(), TORCH | {"triton"}),
    "optim": (set(), TORCH),
    "_losses": ({"optim"}, TORCH | {"scipy"}),
    "_norms": (set(), TORCH),
    "_lookup": ({"_norms"}, TORCH),
    "_network": ({"_lookup", "_norms", "bases", "knots"}, TORCH),
    "_layerwise": (set(), TORCH),
    "_constrained": ({"_lookup", "_network", "_norms", "bases"}, TORCH),
    "_constraints": ({"_table"}, TABLES),
    "_table": (set(), {"numpy", "sklearn", "narwhals"}),
    "_encoding": ({"_table", "knots"}, TABLES),
    "_show_versions": ({"kernels"}, TORCH),
    "_validation": ({"_table"}, TABLES),
    "_phases": ({"optim"}, TORCH),
    "_parallel": (set(), TORCH),
    "_roughness": ({"bases"}, TORCH),
    "_observation": (set(), set()),
    "_rows": ({"_parallel"}, TORCH | {"skorch"}),
    "_holdout": ({"_rows"}, TABLES),
    "_shares": ({"_losses"}, TABLES | {"scipy"}),
    "_refit": ({"_losses", "_rows", "_training", "_watching"}, TORCH),
    "_watching": ({"_rows"}, TORCH | {"skorch", "tqdm"}),
    "_training": (
        {"_layerwise", "_losses", "_observation", "_parallel", "_phases", "_roughness", "_rows", "_watching", "optim"},
        TABLES | {"skorch", "threadpoolctl", "tqdm"},
    ),
    "_parameters": (
        {"_constraints", "_network", "_norms", "_parallel", "_phases", "_validation", "_watching", "bases"}, TABLES,
    ),
    "_base": (
        {"_constrained", "_constraints", "_encoding", "_holdout", "_losses", "_network", "_parameters", "_phases",
         "_refit", "_roughness", "_rows", "_shares", "_table", "_training", "_validation", "_watching", "knots"},
        TABLES,
    ),
    "_streaming": ({"_base", "_phases", "_training"}, TABLES),
    "_classifier": ({"_losses", "_streaming", "_validation"}, TABLES),
    "_regressor": ({"_encoding", "_losses", "_streaming", "_validation"}, TABLES),
    "gp": ({"_validation"}, TABLES),
    "inspection": ({"_network", "_encoding", "_table", "bases", "gp"}, TABLES),
    "symbolic": ({"_network", "bases"}, TABLES | {"sympy"}),
    "search": (
        {"_base", "_observation", "_parameters", "_phases", "bases", "gp"},
        TABLES | {"joblib", "optuna", "threadpoolctl"},
    ),
}  # fmt: skip

FILES = sorted(ROOT.rglob("*.py"))


def module_name(path):
    parts = (NAME, *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imports(path):
    """Imported modules of a file, absolute, each with whether it stands inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
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
    assert ("skorch", False) in imports(ROOT / "_training.py")
    assert (f"{NAME}.knots", False) in imports(ROOT / "bases" / "_bspline.py")
    assert (f"{NAME}.bases._base", False) in imports(ROOT / "bases" / "_bspline.py")
    assert (f"{NAME}.bases", False) in imports(ROOT / "_network.py")


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
    [
        ("skorch", {"_rows.py", "_training.py", "_watching.py"}),
        ("narwhals", {"_table.py"}),
        ("optuna", {str(path.relative_to(ROOT)) for path in (ROOT / "search").glob("*.py")}),
        ("triton", {str(Path("kernels", "cuda", f"_{family}_device.py")) for family in ("spline", "rational")}),
    ],
)
def test_some_packages_are_known_to_one_file_only(package, owners):
    users = {identity(path) for path in FILES for module, _ in imports(path) if module.split(".")[0] == package}
    assert users <= owners


@pytest.mark.parametrize("leaf", ["_classifier", "_regressor"])
def test_only_the_package_itself_imports_the_estimators(leaf):
    users = {identity(path) for path in FILES for module, _ in imports(path) if module == f"{NAME}.{leaf}"}
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
