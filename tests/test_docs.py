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


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_code_is_python_or_for_the_shell(page):
    assert {language for language, _ in blocks(page)} <= {"python", "sh"}


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(BLOCK.sub("", page.read_text())):
        if target.startswith("https:"):
            continue
        goal = (page.parent / target).resolve() if target else page
        assert goal.exists(), target
        assert not anchor or anchor in anchors(goal), target + anchor


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_are_named_exist(page):
    assert [file for file in FILE.findall(page.read_text()) if not (ROOT / file).exists()] == []
