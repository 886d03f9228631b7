"""REDCap's own custom Data Quality rules, as its pages export and import them: name and logic."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.regular_files import read_text_file

HEADER = ("rule_name", "rule_logic", "real_time_execution")
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class CustomRule(NamedTuple):
    """A rule of the project; its logic is true where there is a discrepancy."""

    name: str
    logic: str


def read_custom_rules(path: Path) -> tuple[CustomRule, ...]:
    """Read the CSV of REDCap's Data Quality page, in its order; raises ProjectFileWrong."""
    try:
        text = read_text_file(path)
    except FileNotFoundError:
        raise _wrong(path, Message.of("file.reason.no_csv", error="FileNotFoundError")) from None
    if found := NO_TEXT.search(text):
        raise _wrong(path, Message.of("file.reason.control", code=f"{ord(found[0]):04X}"))
    rows = _table(path, text)
    return tuple(CustomRule(row[HEADER[0]], row[HEADER[1]]) for row in rows)


def _table(path: Path, text: str) -> list[dict[str, str]]:
    """The rows as every program writes CSV; where that cannot be read, as PHP escapes quotes: with a backslash."""
    try:
        return _rows(path, text)
    except ProjectFileWrong as wrong:
        try:
            return _rows(path, text.replace('\\"', '""'))
        except ProjectFileWrong:
            raise wrong from None


def _rows(path: Path, text: str) -> list[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        header = reader.fieldnames or []
        rows = list(reader)
    except csv.Error as error:
        raise _wrong(path, Message.of("file.reason.no_csv", error=type(error).__name__)) from None
    if twice := [name for name in HEADER if header.count(name) > 1]:
        raise _wrong(path, Message.of("file.reason.same_header", name=twice[0]))
    if rows and not set(HEADER[:2]) <= set(header):
        raise _wrong(path, Message.of("file.reason.header", header=",".join(HEADER)))
    uneven = (n for n, row in enumerate(rows, start=2) if None in row or None in [row[name] for name in HEADER[:2]])
    if number := next(uneven, 0):
        raise _wrong(path, Message.of("file.reason.cells", row=number))
    return rows


def _wrong(path: Path, reason: Message) -> ProjectFileWrong:
    return ProjectFileWrong("file.not_rules", file=path.name, reason=reason)
