"""A fitted network, apart from the estimator that fitted it."""
