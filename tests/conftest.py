"""One setting for all tests: scikit-learn's array API check runs instead of being skipped."""

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # before SciPy is imported
