"""Ways to compute a kernel's likelihood, its gradient, and predictions; each suits other data."""
