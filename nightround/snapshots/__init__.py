"""Snapshots: the data of each pull on disk, immutable, and what differs between two."""
