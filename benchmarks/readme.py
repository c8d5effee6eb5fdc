"""Write the pages of ``docs/measured`` and the table of the README from the result files of the benchmarks.

python -m benchmarks.readme
"""

from pathlib import Path

from benchmarks.pages import PAGES
from benchmarks.pages.page import NOTICE
from benchmarks.pages.tables import headline

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- written by `python -m benchmarks.readme` -->\n", "<!-- end -->"


def written():
    """The text of every file that is made of results, by its path."""
    pages = {name: page() for name, page in PAGES.items()}
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    files = {readme: before + BEGIN + headline() + "\n" + END + rest.split(END, 1)[1]}
    files[ROOT / "docs" / "measured" / "index.md"] = index(pages)
    return files | {ROOT / "docs" / "measured" / f"{name}.md": page.text() for name, page in pages.items()}


def index(pages):
    """The list of all pages, each with its claim."""
    lines = [f"- [{page.title}]({name}.md). {page.claim}" for name, page in pages.items()]
    intro = (
        "No number on these pages is typed: `python -m benchmarks.readme` writes them from the files in "
        "`benchmarks/results`. Each page states its claim, shows what was measured whether that bears the claim out or "
        "not, and names the script that measures it again. Times are CPU seconds on one thread. Nothing here has been "
        "measured on a GPU yet."
    )
    return "\n\n".join([NOTICE, "# Measured", intro, "\n".join(lines)]) + "\n"


def main():
    for path, text in written().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
