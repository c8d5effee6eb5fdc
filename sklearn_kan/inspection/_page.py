"""A static page: sections, tables and pictures in one file."""

import base64
from html import escape
from io import BytesIO

DPI = 80
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1080px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; font-size: 13px; } th, td { text-align: left; padding: 2px 14px 2px 0; }
th { border-bottom: 1px solid #999; } td { border-bottom: 1px solid #eee; overflow-wrap: anywhere; }
img { max-width: 100%; display: block; margin: 0.5em 0; } nav a { margin-right: 1em; color: #1f6f9f; }
"""


def as_picture(figure):
    """A figure as an image within the page; it is closed."""
    import matplotlib.pyplot as plt

    file = BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    plt.close(figure)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="" src="data:image/png;base64,{data}">'


def table(heads, rows):
    """A table of texts."""
    head = "".join(f"<th>{escape(str(cell))}</th>" for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def page(title, sections):
    """A whole page of sections ``(heading, parts)``, whose parts are HTML."""
    links = "".join(f'<a href="#s{i}">{escape(heading)}</a>' for i, (heading, _) in enumerate(sections))
    body = "".join(
        f'<h2 id="s{i}">{escape(heading)}</h2>{"".join(parts)}' for i, (heading, parts) in enumerate(sections)
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1><nav>{links}</nav>{body}</body></html>\n"
    )
