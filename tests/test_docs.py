"""Pages run as pasted, from top to bottom, and their links lead somewhere."""

import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

mpl.use("Agg")
ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:benchmarks|docs|examples|sklearn_kan|tests)/[\w./]*)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(#[^)\s]*)?\)")


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page):
    """Languages and texts of a page's code blocks, texts at the lines where they stand in the page."""
    text = page.read_text()
    return [(block[1], "\n" * (text[: block.start()].count("\n") + 1) + block[2]) for block in BLOCK.finditer(text)]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(language == "python" for language, _ in blocks(page))], ids=name
)
def test_code_runs_as_pasted(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for language, code in blocks(page):
        if language == "python":
            exec(compile(code, page, "exec"), namespace)
    plt.close("all")


def test_code_is_python_or_for_the_shell():
    languages = {(name(page), language) for page in PAGES for language, _ in blocks(page)}
    assert {(page, language) for page, language in languages if language not in ("python", "sh")} == set()


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_nowhere(page, target, anchor):
    """Whether what a link of a page names is not there."""
    if target.startswith("https:"):
        return False
    goal = (page.parent / target).resolve() if target else page
    return not goal.exists() or bool(anchor and anchor not in anchors(goal))


def test_links_lead_somewhere():
    links = [(page, *link) for page in PAGES for link in LINK.findall(BLOCK.sub("", page.read_text()))]
    assert [(name(link[0]), *link[1:]) for link in links if leads_nowhere(*link)] == []


def test_files_that_are_named_exist():
    named = [(name(page), file) for page in PAGES for file in FILE.findall(page.read_text())]
    assert [(page, file) for page, file in named if not (ROOT / file).exists()] == []
