"""The built site as a visitor meets it. `make docs` runs this; `make test` does not collect it."""

import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.site.browser import CHROMIUM, Browser

SITE = Path(__file__).parent.parent.parent / "build" / "docs"
PAGES = [
    "index.html", "first_model.html", "guide/index.html", "guide/tables.html", "guide/reading.html",
    "gallery/index.html", "gallery/plot_03_effects.html", "methods/index.html", "methods/splines.html",
    "api/index.html", "api/generated/sklearn_kan.KANRegressor.html", "measured/tables.html", "notebook/solvers.html",
    "changelog.html",
]  # fmt: skip
WIDTH = "document.documentElement.scrollWidth"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="the site is not built: make docs"),
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(tab):
    tab.resize(1300)
    return tab


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_without_errors_and_without_a_network(browser, address, page):
    browser.open(address + page)
    assert browser.errors() == []
    assert [url for url in browser.addresses() if not url.startswith((address, "data:"))] == []
    assert browser.run("document.querySelector('h1').innerText.length > 2")
    assert browser.run("[...document.images].filter(image => !image.complete || !image.naturalWidth).length") == 0


def test_no_page_asks_the_network_for_scripts_or_styles():
    asking = re.compile(
        r"""<(?:script|img|iframe)[^>]* src="(?:https?:)?//|<link[^>]* rel="stylesheet"[^>]*href="http"""
    )
    assert [page.name for page in SITE.rglob("*.html") if asking.search(page.read_text())] == []


@pytest.mark.parametrize("page", PAGES)
def test_pages_fit_a_telephone(browser, address, page):
    browser.resize(400)
    browser.open(address + page)
    assert browser.run(WIDTH) <= 400


def test_one_gets_from_the_front_to_a_page_of_the_guide_and_on(browser, address):
    browser.open(address)
    browser.click("header a.nav-link[href*='guide/index']")
    assert browser.run("document.querySelector('h1').innerText").startswith("Guide")
    browser.click(".bd-sidebar-primary a[href*='tables.html']")
    assert browser.run("document.querySelector('h1').innerText").startswith("Tables")
    browser.click("a.right-next")
    assert browser.run("location.pathname").endswith("/guide/ensembles.html")
    assert browser.errors() == []


def test_the_menu_of_a_telephone_leads_to_pages(browser, address):
    browser.resize(400)
    browser.open(address + "guide/tables.html")
    browser.run("document.querySelector('button.primary-toggle').click()")
    seen = "getComputedStyle(document.querySelector('#pst-primary-sidebar-modal')).display !== 'none'"
    browser.until(seen)
    browser.click("#pst-primary-sidebar-modal a[href*='api/index']")
    assert browser.run("document.querySelector('h1').innerText").startswith("API")


@pytest.mark.parametrize(
    ("words", "goal"),
    [
        ("monotonic_cst", "guide/constraints"),
        ("KANSearchCV", "api/generated/sklearn_kan.KANSearchCV"),
        ("Gauss-Newton", "guide/solvers"),
    ],
)
def test_search_finds_what_there_is(browser, address, words, goal):
    browser.open(address + f"search.html?q={words}")
    found = "[...document.querySelectorAll('ul.search li a')].map(link => link.pathname)"
    browser.until(f"{found}.some(path => path.includes('{goal}'))")
    assert browser.errors() == []


def test_a_page_of_the_gallery_has_its_picture_its_code_and_a_button_to_copy_it(browser, address):
    browser.open(address + "gallery/index.html")
    browser.click(".sphx-glr-thumbcontainer a[href*='plot_06_intervals']")
    assert browser.run("document.querySelector('img.sphx-glr-single-img').naturalWidth") > 300
    assert "return_interval" in browser.run("document.querySelector('.highlight-Python pre').innerText")
    assert browser.run("document.querySelectorAll('.highlight-Python button.copybtn').length") >= 1
    assert "inside" in browser.run("document.querySelector('.sphx-glr-script-out').innerText")


def test_formulas_are_drawn(browser, address):
    browser.open(address + "methods/splines.html")
    heights = browser.run("[...document.querySelectorAll('math')].map(each => each.getBoundingClientRect().height)")
    assert len(heights) > 2
    assert min(heights) > 5


def test_names_in_running_text_lead_to_their_pages(browser, address):
    browser.open(address + "guide/tables.html")
    browser.click("article a[href*='sklearn_kan.KANClassifier']")
    assert browser.run("document.querySelector('h1').innerText").startswith("KANClassifier")


def test_names_in_examples_lead_to_their_pages(browser, address):
    browser.open(address + "gallery/plot_01_additive.html")
    browser.click("a.sphx-glr-backref-module-sklearn_kan[href*='KANRegressor']")
    assert "KANRegressor" in browser.run("document.querySelector('h1').innerText")
