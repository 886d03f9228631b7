"""Pulling a project, and proving the pull complete."""
