"""Findings: violations followed from the night they open to a proven end."""
