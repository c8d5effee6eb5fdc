"""A report on a model as one meets it who is sent the file. `make docs` runs this; `make test` does not collect it."""

import numpy as np
import pandas as pd
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import report
from tests.site.browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

rng = np.random.default_rng(0)
TABLE = pd.DataFrame({
    "living area of the flat in square metres": rng.uniform(20, 150, 300),
    "quarter": pd.Categorical(rng.choice(["Altstadt", "<Hafen & Speicher>", "Neustadt"], 300)),
    "floor": np.where(rng.random(300) < 0.2, np.nan, rng.integers(0, 9, 300)),
})  # fmt: skip
RENT = 10 * TABLE.iloc[:, 0] + 200 * (TABLE["quarter"] == "Altstadt") + rng.normal(0, 30, 300)
MODELS = {
    "regressor": (KANRegressor(max_iter=10, random_state=0), RENT),
    "glass box": (KANRegressor(interaction_cst={"pairs": 1}, max_iter=10, random_state=0), RENT),
    "classifier": (KANClassifier(max_iter=10, random_state=0), pd.cut(RENT, 3, labels=["low", "middle", "high"])),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.mark.parametrize("name", MODELS)
def test_a_report_opens_whole_from_its_file_alone(browser, tmp_path, name):
    model, target = MODELS[name]
    file = tmp_path / "model.html"
    report(model.fit(TABLE, target), TABLE, target, file)
    for width in (1300, 400):
        browser.resize(width)
        browser.open(file.as_uri())
        assert browser.errors() == []
        assert {url for url in browser.addresses() if not url.startswith("data:")} == {file.as_uri()}
        assert browser.run("document.documentElement.scrollWidth") <= width
        sizes = browser.run("[...document.images].map(image => image.complete ? image.naturalWidth : 0)")
        assert len(sizes) > 3
        assert min(sizes) > 100
    text = browser.run("document.body.innerText")
    assert "living area of the flat in square metres" in text
    assert "<Hafen & Speicher>" in text
