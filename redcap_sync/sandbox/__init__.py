"""A REDCap server to try everything on: its API over HTTP, its state in memory, its data synthetic."""

from redcap_sync.sandbox.faults import Faults
from redcap_sync.sandbox.running import Running, running

__all__ = ["Faults", "Running", "running"]
