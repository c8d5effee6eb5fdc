"""The list of all public names, as the packages' `__all__` have them."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from shutil import rmtree

import sklearn_kan

INTERNAL = {"kernels"}  # its names are for other packages of the library
HEAD = """API
===

Every public name, from its docstring. Parameters, methods and examples stand on a page for each.

"""


def modules():
    """The package and those of its subpackages that have public names."""
    found = [sklearn_kan]
    for module in iter_modules(sklearn_kan.__path__):
        if module.ispkg and not module.name.startswith("_") and module.name not in INTERNAL:
            package = import_module(f"sklearn_kan.{module.name}")
            if getattr(package, "__all__", []):
                found.append(package)
    return found


def is_documented(value):
    """Whether a name has a docstring of its own; constants such as numbers and lists do not."""
    return callable(value)


def section(module):
    """One module: what it is for, and a table of its names, but for those that the package itself has, too."""
    own = [name for name in module.__all__ if module is sklearn_kan or name not in sklearn_kan.__all__]
    names = [name for name in sorted(own, key=str.lower) if is_documented(getattr(module, name))]
    constants = [name for name in own if name not in names and not name.startswith("__")]
    lines = [f"{module.__name__}", "-" * len(module.__name__), "", module.__doc__.strip(), ""]
    lines += [f".. currentmodule:: {module.__name__}", ""]
    if names:
        lines += [".. autosummary::", "   :toctree: generated/", "", *(f"   {name}" for name in names), ""]
    twice = [name for name in module.__all__ if name not in own]
    if twice:
        lines += ["And, as in ``sklearn_kan``: " + ", ".join(f"``{name}``" for name in twice) + ".", ""]
    if constants:
        lines += ["Constants: " + ", ".join(f"``{name}``" for name in constants) + ".", ""]
    return "\n".join(lines)


def write(path: Path):
    """Write the page, unless it is there and the same: builds then do less. Pages of former names go."""
    text = HEAD + "\n".join(section(module) for module in modules())
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        rmtree(path.parent / "generated", ignore_errors=True)
