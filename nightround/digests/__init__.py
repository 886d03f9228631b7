"""Tells each person what changed and what is theirs to fix."""
