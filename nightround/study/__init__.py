"""Reads a study folder: study.toml, rule files, the analysis plan."""
