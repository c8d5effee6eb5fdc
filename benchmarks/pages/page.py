"""What all measured pages share: result files, tables, a head with the claim and a foot with the source."""

import ast
import json
from pathlib import Path
from typing import NamedTuple

BENCHMARKS = Path(__file__).parent.parent
NOTICE = "<!-- Written by `python -m benchmarks.readme` from benchmarks/results. Do not edit. -->"


class Page(NamedTuple):
    """A page of ``docs/measured``: the claim, the tables, and the result files by the commands that wrote them."""

    title: str
    claim: str
    body: list[str]
    sources: dict[str, str]
    reading: str | None = None  # page of the notebook that discusses the results

    def text(self):
        """The whole page as Markdown."""
        parts = [NOTICE, f"# {self.title}", self.claim, *self.body]
        if self.reading is not None:
            parts.append(f"What we make of it: [notebook/{self.reading}](../notebook/{self.reading}).")
        parts += ["## Source", "\n".join(source(command, name) for command, name in self.sources.items())]
        return "\n\n".join(parts) + "\n"


def claim(script):
    """The first line of a benchmark's docstring, its first word bold."""
    path = (BENCHMARKS / script.replace(".", "/")).with_suffix(".py")
    kind, text = ast.get_docstring(ast.parse(path.read_text())).splitlines()[0].split(": ", 1)
    return f"**{kind}:** {text}"


def source(command, name):
    """A result file, the command that wrote it, and the machine and versions that it was measured with."""
    result = read(name)
    versions = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    return (
        f"- [`{name}.json`](../../benchmarks/results/{name}.json), written by `python -m benchmarks.{command}`. "
        f"{result['device']}, {counted(result['threads'], 'thread')}; {versions}."
    )


def read(name):
    """A result file."""
    return json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())


def table(heads, rows):
    """A table in Markdown."""
    lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|" for cells in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


def mean(rows, key):
    """Mean of one entry over rows."""
    return sum(row[key] for row in rows) / len(rows)


def counted(n, noun):
    """A number and its noun."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(things):
    """Things as a list in a sentence."""
    *rest, last = map(str, things)
    return f"{', '.join(rest)} and {last}" if rest else last
