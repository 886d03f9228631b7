"""What Nightround remembers: snapshots, findings, runs, and what was sent."""
