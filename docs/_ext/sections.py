"""The tree of pages, from the lists of links that the pages have for readers on GitHub."""

import re

ITEM = re.compile(r"^- \[[^\]]*\]\(([\w/]+)\.md\)", re.MULTILINE)
EXAMPLE = re.compile(r"`examples/gallery(?:/(\w+)\.py)?`")
ROOT = ["install", "first_model", "guide/index", "gallery/index", "methods/index", "api/index", "measured/index"]
MORE = ["notebook/index", "contributing", "changelog"]
LISTED = {"guide/index": "## Guide", "notebook/index": "## Notebook"}  # headings of docs/index.md


def tree(names):
    """A toctree that is not shown."""
    return "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"


def pages_of(path, text):
    """The pages that a folder's list has, in its order, and those that it lacks."""
    listed = [page for page in ITEM.findall(text) if "/" not in page]
    return listed + sorted({page.stem for page in path.parent.glob("*.md")} - {*listed, "index"})


def excerpt(text, heading):
    """What stands below a heading, without the heading."""
    start = text.index("\n", text.index("\n" + heading) + 1)
    end = text.find("\n## ", start)
    return text[start : end if end > 0 else None]


def linked(text):
    """Names of examples as links to their pages."""
    return EXAMPLE.sub(lambda found: f"[{found[0]}](/gallery/{found[1] or 'index'}.rst)", text)


def complete(app, name, source):
    """Give pages that list others their place in the tree."""
    text = (app.srcdir.parent / "CHANGELOG.md").read_text() if name == "changelog" else source[0]
    text = text.replace("../CHANGELOG.md", "changelog.md")
    folder = name.rpartition("/")[0]
    if name == "index":
        text += tree(ROOT + MORE)
    elif name in LISTED:
        listed = excerpt((app.srcdir / "index.md").read_text(), LISTED[name])
        text = text.partition("\n")[0] + listed.replace(f"({folder}/", "(")
    path = app.env.doc2path(name)
    if folder and name.endswith("/index") and path.suffix == ".md":
        text += tree(pages_of(path, text))
    source[0] = linked(text)


def read_again(app, env, added, changed, removed):
    """Pages that take their text or their lists from other files are read in every build."""
    lists = [name for name in env.found_docs if name.endswith("index") and env.doc2path(name).suffix == ".md"]
    return [*lists, "changelog"]


def setup(app):
    app.connect("env-get-outdated", read_again)
    app.connect("source-read", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
