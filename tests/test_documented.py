"""An estimator's HTML picture links to its page, and the reference has such a page."""

import sys
from pathlib import Path

import pytest
from sklearn.utils import estimator_html_repr

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor, KANSearchCV
from sklearn_kan.symbolic import KANSymbolicRegressor

DOCS = Path(__file__).parent.parent / "docs"


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
def test_pictures_of_estimators_link_to_the_reference(estimator, page, monkeypatch, tmp_path):
    assert f"/api/generated/{page}.html" in estimator_html_repr(estimator)
    monkeypatch.syspath_prepend(DOCS / "_ext")
    import api

    api.write(tmp_path / "index.rst")
    module, _, name = page.rpartition(".")
    modules = (tmp_path / "index.rst").read_text().split(".. currentmodule:: ")
    listed = next(part for part in modules if part.startswith(f"{module}\n"))
    assert f"   {name}\n" in listed
    sys.modules.pop("api")


def test_classes_of_users_have_no_link():
    class Own(KANRegressor):
        pass

    Own.__module__ = "elsewhere"
    assert Own()._get_doc_link() == ""
