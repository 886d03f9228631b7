"""Texts for people, in the languages of a study."""
