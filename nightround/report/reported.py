"""Which snapshots a report was made of: read without the rest of the report, because every night asks for it."""

from __future__ import annotations

import json
from pathlib import Path

REGISTER = "register.json"
"""The register of reports, in their folder; `register.py` says what is in it."""


def reported_snapshots(folder: Path) -> frozenset[str]:
    """The ids of the snapshots that the reports of a folder were made of; raises ValueError for a damaged register."""
    path = folder / REGISTER
    if not path.exists():
        return frozenset()
    try:
        return frozenset(str(one["snapshot"]) for one in json.loads(path.read_bytes()))
    except (TypeError, KeyError) as error:
        raise ValueError("it is no register") from error
