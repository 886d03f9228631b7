"""The first folder of a study, drafted from its data dictionary."""
