"""Where rules are written and come to be trusted: examples, lint, catalogue, and a look back over past nights."""
