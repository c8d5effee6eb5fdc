"""Pages run as pasted, from top to bottom, and their links lead somewhere."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

mpl.use("Agg")
ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:benchmarks|docs|examples|sklearn_kan|tests)/[\w./]*)`")
BRINGS = {"as_frame": "pandas", r"Display\b": "matplotlib", r"\.symbolic\b": "sympy", r"\bto_onnx\b": "onnx"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(#[^)\s]*)?\)")


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page):
    """Languages and texts of a page's code blocks, texts at the lines where they stand in the page."""
    text = page.read_text()
    return [(block[1], "\n" * (text[: block.start()].count("\n") + 1) + block[2]) for block in BLOCK.finditer(text)]


WITH_CODE = [page for page in PAGES if any(language == "python" for language, _ in blocks(page))]


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_code_runs_as_pasted(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for language, code in blocks(page):
        if language == "python":
            exec(compile(code, page, "exec"), namespace)
    plt.close("all")


def brought(words):
    """Packages that pip installs for these requirements, those of our extras among them."""
    found = set()
    for word in words:
        name, extras = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", word).groups()
        found.add(name)
        for extra in extras.split(",") if extras and name in (".", "sklearn-kan") else ():
            found |= brought(PROJECT["optional-dependencies"][extra])
    return found


def asked_for(page):
    """What a page tells its reader to install."""
    lines = re.findall(r"pip install ([^`\n]*)", page.read_text())
    return brought(word for line in lines for word in line.replace('"', "").split())


def needed(code):
    """Packages that code imports by itself or through what it calls."""
    nodes = list(ast.walk(ast.parse(code)))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    names = {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names)
    return names | {package for call, package in BRINGS.items() if re.search(call, code)}


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_what_code_needs_is_installed_by_what_pages_say(page):
    known = brought(PROJECT["dependencies"]) | {"sklearn", "sklearn_kan", "kan_predictor"} | asked_for(page)
    if page.name != "README.md":
        known |= asked_for(ROOT / "docs" / "install.md")
    assert {package for language, code in blocks(page) if language == "python" for package in needed(code)} <= known


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
