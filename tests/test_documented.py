"""An estimator's HTML picture links to its page, and the reference has such a page."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from sklearn.utils import estimator_html_repr

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor, KANSearchCV
from sklearn_kan.symbolic import KANSymbolicRegressor

DOCS = Path(__file__).parent.parent / "docs"


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


def test_classes_of_users_have_no_link():
    class Own(KANRegressor):
        pass

    Own.__module__ = "elsewhere"
    assert Own()._get_doc_link() == ""
