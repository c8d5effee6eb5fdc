"""Rows -> a trained network."""
