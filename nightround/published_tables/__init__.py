"""Recompute published tables from what they print, and name each cell that cannot be right."""
