"""Judges every rule of a study on one snapshot, with Great Expectations."""
