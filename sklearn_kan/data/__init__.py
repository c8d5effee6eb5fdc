"""A user's table, target and weights -> numbers."""
