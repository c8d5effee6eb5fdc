"""Where the pages of estimators are: notebooks show a link to them in an estimator's picture."""

import sys

SITE = "https://sklearn-kan.readthedocs.io/en/stable"


class Documented:
    """Gives scikit-learn's HTML picture of an estimator a link to its page in the API reference.

    It stands before `BaseEstimator` among a class's bases. Subclasses outside of this package have no link.
    """

    _doc_link_module = __name__.split(".")[0]
    _doc_link_template = SITE + "/api/generated/{page}.html"

    def _doc_link_url_param_generator(self):
        """The name under which the reference has the class: of the package itself where that has it."""
        name, folder = type(self).__name__, type(self).__module__.partition("._")[0]
        is_at_top = name in sys.modules[self._doc_link_module].__all__
        return {"page": f"{self._doc_link_module if is_at_top else folder}.{name}"}
