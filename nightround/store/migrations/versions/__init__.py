"""One file a revision, named in the order they follow one another."""
