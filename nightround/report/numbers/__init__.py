"""The interim report as a whole: numbers from a snapshot, how far to trust them, the gate before release."""
