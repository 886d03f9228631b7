"""REDCap's own custom Data Quality rules, as its pages export and import them: name and logic."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message

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
        raise _wrong(path, Message.of("file.reason.no_csv", error=type(error).__name__)) from None
    if any(row.get(name) is None for row in rows for name in HEADER[:2]):
        raise _wrong(path, Message.of("file.reason.header", header=",".join(HEADER)))
    return tuple(CustomRule(row[HEADER[0]], row[HEADER[1]]) for row in rows)


def _wrong(path: Path, reason: Message) -> ProjectFileWrong:
    return ProjectFileWrong("file.not_rules", file=path.name, reason=reason)
