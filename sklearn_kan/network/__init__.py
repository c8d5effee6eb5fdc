"""Layers and networks: an encoded table -> raw outputs."""
