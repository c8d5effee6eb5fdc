"""Looking into a fitted network."""

from ._edges import EdgeFunctionDisplay

__all__ = ["EdgeFunctionDisplay"]
