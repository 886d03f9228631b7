"""Where the profile of a patient lies, so that who makes it and who forgets it agree."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

PROFILES = "patients"
"""The folder in the reports folder that profiles go to."""


def name_of_profile(record: str) -> str:
    """The beginning of the file names of a record's profile: sixteen hexadecimal digits of a SHA-256."""
    return hashlib.sha256(record.encode()).hexdigest()[:16]


def profiles_of(folder: Path, records: Collection[str]) -> Iterator[Path]:
    """The files of the profiles of some records in a folder of reports."""
    for record in records:
        yield from sorted((folder / PROFILES).glob(f"{name_of_profile(record)}_*.pdf"))
