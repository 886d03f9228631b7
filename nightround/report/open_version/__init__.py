"""The open version of a report, and what it withholds."""
