"""Measured pages are what the result files say."""

from benchmarks.readme import ROOT, written


def test_pages_are_what_the_script_writes():
    texts = written()
    assert {path: path.read_text() for path in texts} == texts


def test_no_page_of_measurements_is_typed():
    pages = set((ROOT / "docs" / "measured").glob("*.md"))
    assert pages == {path for path in written() if path.parent.name == "measured"}
