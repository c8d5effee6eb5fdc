"""Docstrings that come from scikit-learn, made to read well here."""

import re

ROLE = re.compile(r":(?:ref|term|class|func|meth):`~?([^`<]*?)\s*(?:<[^>]*>)?`")
SHARED = re.compile(r"set_\w+_request|get_metadata_routing|count|index")
REFERENCE = re.compile(r"(?<=\w)_(?=[,)])")


def readable(app, what, name, object_, options, lines):
    """Links to scikit-learn's own pages as plain text: the site is built without a network.

    Names of fitted attributes in shapes end in an underscore, which would be a link, too.
    """
    lines[:] = [REFERENCE.sub(r"\\_", line) if "shape (" in line and ">>>" not in line else line for line in lines]
    if not str(getattr(object_, "__module__", "")).startswith("sklearn_kan"):
        lines[:] = [ROLE.sub(r"\1", line) for line in lines]


def skip(app, what, name, object_, is_skipped, options):
    """Methods of metadata routing, six for each estimator and the same for all of scikit-learn; and what tuples have.

    Fields of named tuples stand among the parameters of their classes.
    """
    is_field = str(getattr(object_, "__doc__", "")).startswith("Alias for field")
    return True if is_field or SHARED.fullmatch(name) else None


def setup(app):
    app.connect("autodoc-process-docstring", readable, priority=900)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
