"""A synthetic study from a dictionary alone: the twin of a project, with no person in it."""
