"""REDCap's own custom Data Quality rules, as its pages export and import them: name and logic."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from redcap_sync.errors import ProjectFileWrong

HEADER = ("rule_name", "rule_logic", "real_time_execution")


class CustomRule(NamedTuple):
    """A rule of the project; its logic is true where there is a discrepancy."""

    name: str
    logic: str


def read_custom_rules(path: Path) -> tuple[CustomRule, ...]:
    """Read the CSV of REDCap's Data Quality page, in its order; raises ProjectFileWrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _wrong(path, f"it is no readable CSV file ({type(error).__name__})") from None
    if any(row.get(name) is None for row in rows for name in HEADER[:2]):
        raise _wrong(path, f"its header is not {','.join(HEADER)}")
    return tuple(CustomRule(row[HEADER[0]], row[HEADER[1]]) for row in rows)


def _wrong(path: Path, why: str) -> ProjectFileWrong:
    return ProjectFileWrong(
        f"{path.name} is not a file of Data Quality rules.",
        why=why,
        remedy="download it in REDCap: Data Quality, Upload or download Data Quality rules (CSV)",
    )
