"""How the site is built from the pages of this folder: see `make docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import api  # noqa: E402
import matplotlib as mpl  # noqa: E402
from sphinx_gallery.sorting import FileNameSortKey  # noqa: E402

import sklearn_kan  # noqa: E402

mpl.use("Agg")
api.write(HERE / "api" / "index.rst")  # before autosummary looks for names

project, author = "sklearn_kan", "The sklearn_kan developers"
version = release = sklearn_kan.__version__
html_title = f"sklearn_kan {release}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "docstrings",
    "mathml",
    "names",
    "sections",
]
exclude_patterns = ["_ext", "_templates", "gallery/*.ipynb", "gallery/*.py"]
templates_path = ["_templates"]
default_role = "literal"
show_warning_types = True
suppress_warnings = ["config.cache"]  # functions in sphinx_gallery_conf are not kept between builds

# Markdown as GitHub reads it
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

# docstrings
autosummary_generate = True
autodoc_typehints = "none"
autodoc_default_options = {"member-order": "bysource"}
numpydoc_show_class_members = False
numpydoc_validation_checks: set[str] = set()
elsewhere = "sklearn|torch|numpy|np|pandas|optuna|skorch|scipy|sympy|matplotlib|shap|Module"
nitpick_ignore_regex = [("py:.*", rf"({elsewhere})\b.*")]

sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples" / "gallery"),
    "gallery_dirs": "gallery",
    "backreferences_dir": "api/examples",
    "doc_module": ("sklearn_kan",),
    "within_subsection_order": FileNameSortKey,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "capture_repr": (),
    "show_memory": False,
    "write_computation_times": False,  # its page asks the network for scripts
    "min_reported_time": 5,
    "copyfile_regex": r"$^",
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "sklearn_kan", "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "install": [], "first_model": [], "changelog": [], "contributing": []}
