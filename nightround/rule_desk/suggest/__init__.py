"""Rules that a study could have, read from its dictionary and its data; each is off until a person accepts it."""
