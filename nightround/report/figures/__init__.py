"""The figures of a report, drawn from result rows."""
