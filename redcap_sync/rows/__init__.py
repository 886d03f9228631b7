"""The rows of an export, as columns of exact text and as one table an instrument."""
