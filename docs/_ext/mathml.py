"""Formulas as MathML, which browsers draw without scripts: the site needs no network."""

from latex2mathml.converter import convert


def inline(translator, node):
    translator.body.append(f'<span class="math">{convert(node.astext())}</span>')


def display(translator, node):
    translator.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')


def nothing(translator, node):
    pass


def formula(visit):
    """A visitor that writes the formula and leaves out the source that would follow."""
    from docutils.nodes import SkipNode

    def visitor(translator, node):
        visit(translator, node)
        raise SkipNode

    return visitor


def setup(app):
    app.add_html_math_renderer("mathml", (formula(inline), nothing), (formula(display), nothing))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
