"""Public names in running text become links to the reference: pages need no markup that GitHub does not know."""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

TELLING = re.compile(r"\w*([A-Z]|_)\w*(\.\w+)?")  # a name that is no ordinary word


def short_names(objects):
    """Names without their module, and where they are described: of classes and functions, and of classes' methods."""
    found = {}
    for full, entry in objects.items():
        parts = full.split(".")
        depth = 2 if entry.objtype in ("method", "property") else 1
        if entry.objtype in ("class", "function", "method", "property"):
            found.setdefault(".".join(parts[-depth:]), (entry.docname, entry.node_id))
    return found


class Links(SphinxPostTransform):
    """Turns literal names into references, but for those in links, in headings, and on the page they lead to."""

    default_priority = 500
    builders = ("html",)

    def run(self, **kwargs):
        names = short_names(self.env.get_domain("py").objects)
        here = self.env.current_document.docname
        for literal in list(self.document.findall(nodes.literal)):
            text = literal.astext().removesuffix("()")
            if not TELLING.fullmatch(text) or text not in names or self.is_bound(literal):
                continue
            page, anchor = names[text]
            if page != here:
                address = self.app.builder.get_relative_uri(here, page) + "#" + anchor
                link = nodes.reference("", "", internal=True, refuri=address)
                literal.replace_self(link)
                link += literal

    def is_bound(self, node):
        """Whether a node stands where a link cannot or should not be."""
        while node.parent is not None:
            node = node.parent
            if isinstance(node, nodes.reference | nodes.title | nodes.caption):
                return True
        return False


def setup(app):
    app.add_post_transform(Links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
