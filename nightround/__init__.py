"""A ward round of a REDCap study every night: pull, check, follow up, report."""

__version__ = "0.1.0"
