"""The tables and pages of a report, as ready text."""
