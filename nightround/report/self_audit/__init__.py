"""The checks that a report passes before it is released."""
