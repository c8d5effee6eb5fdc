"""The site and the package agree: pages, menus, what examples import; and functions say what they return."""

import ast
import inspect
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor, KANSearchCV
from sklearn_kan._documented import SITE
from sklearn_kan.symbolic import KANSymbolicClassifier, KANSymbolicRegressor

DOCS = Path(__file__).parent.parent / "docs"
ROOMS = "equations", "export", "gp", "inspection", "search", "symbolic"


@pytest.fixture
def extensions(monkeypatch):
    """The site's own extensions can be imported."""
    monkeypatch.syspath_prepend(DOCS / "_ext")
    yield
    for name in ("api", "sections"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("estimator", "page"),
    [
        (KANRegressor(), "sklearn_kan.KANRegressor"),
        (KANClassifier(), "sklearn_kan.KANClassifier"),
        (GPSpectralRegressor(), "sklearn_kan.GPSpectralRegressor"),
        (KANSearchCV(KANRegressor()), "sklearn_kan.KANSearchCV"),
        (KANSymbolicRegressor(), "sklearn_kan.symbolic.KANSymbolicRegressor"),
        (KANSymbolicClassifier(), "sklearn_kan.symbolic.KANSymbolicClassifier"),
    ],
)
@pytest.mark.usefixtures("extensions")
def test_pictures_of_estimators_link_to_the_reference(estimator, page, tmp_path):
    assert f"/api/generated/{page}.html" in estimator_html_repr(estimator)
    import api

    api.write(tmp_path / "index.rst")
    module, _, name = page.rpartition(".")
    modules = (tmp_path / "index.rst").read_text().split(".. currentmodule:: ")
    listed = next(part for part in modules if part.startswith(f"{module}\n"))
    assert f"   {name}\n" in listed


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize("folder", ["guide", "methods", "measured", "notebook"])
def test_menus_of_the_site_have_all_pages_in_the_order_of_their_lists(folder):
    import sections

    env = SimpleNamespace(doc2path=lambda name: DOCS / f"{name}.md")
    source = [(DOCS / folder / "index.md").read_text()]
    sections.complete(SimpleNamespace(srcdir=DOCS, env=env), f"{folder}/index", source)
    text, _, tree = source[0].partition("```{toctree}\n:hidden:\n\n")
    pages = tree.removesuffix("\n```\n").split("\n")
    assert set(pages) == {page.stem for page in (DOCS / folder).glob("*.md")} - {"index"}
    places = [text.index(f"({page}.md)") for page in pages]  # all of them are in a list that readers see
    assert places == sorted(places)


@pytest.mark.parametrize(
    "example", sorted((DOCS.parent / "examples" / "gallery").glob("plot_*.py")), ids=lambda e: e.stem
)
def test_examples_have_a_title_and_import_what_there_is(example):
    tree = ast.parse(example.read_text())
    title, line, *_ = ast.get_docstring(tree).splitlines()
    assert set(line) == {"="}
    assert len(line) >= len(title)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "sklearn_kan":
            module = import_module(node.module)
            assert [name.name for name in node.names if name.name not in module.__all__] == []


def test_classes_of_users_have_no_link():
    class Own(KANRegressor):
        pass

    Own.__module__ = "elsewhere"
    assert Own()._get_doc_link() == ""


def public_functions():
    """Functions and estimators' methods that users call, by name."""
    for module in ("sklearn_kan", *(f"sklearn_kan.{room}" for room in ROOMS)):
        for name in import_module(module).__all__:
            found = getattr(import_module(module), name)
            if inspect.isfunction(found):
                yield name, found
            elif inspect.isclass(found) and hasattr(found, "fit" if issubclass(found, BaseEstimator) else "plot"):
                methods = [(key, value) for kind in found.__mro__ if kind.__module__.startswith("sklearn_kan.")
                           for key, value in vars(kind).items() if not key.startswith("_")]  # fmt: skip
                for key, value in methods:
                    own = inspect.unwrap(getattr(value, "__func__", value))
                    if inspect.isfunction(own):
                        yield f"{name}.{key}", own


def test_public_functions_say_what_they_return():
    found = {name: inspect.signature(own).return_annotation for name, own in public_functions()}
    assert {"KANRegressor.fit", "GPSpectralRegressor.forecast", "EffectDisplay.plot", "explain"} <= found.keys()
    assert [name for name, kind in found.items() if kind is inspect.Signature.empty] == []


def test_the_urls_of_the_project_are_pages_of_the_site():
    urls = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]["urls"]
    assert urls.pop("Documentation") == SITE
    pages = [url.removeprefix(f"{SITE}/").replace(".html", ".md") for url in urls.values()]
    assert [page for page in pages if not (DOCS / page).exists()] == []
