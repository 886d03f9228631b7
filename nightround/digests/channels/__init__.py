"""The ways a digest can take, one file a channel."""
