"""The round of a night: its steps, its schedule, its lock, and what it says when it fails."""
