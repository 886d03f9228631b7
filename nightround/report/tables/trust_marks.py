"""The mark in the margin of a line whose values are in doubt; how many they are has a table of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nightround.report.numbers.facts import Line, LineVerdict, Trust
from nightround.report.tables.views import Note, Row
from nightround.texts.catalogue import Wording

DOUBT, TURNS = "○", "●"
"""Values of the line are in doubt; correcting them could turn a conclusion."""


def trust_mark(trust: Trust, line: Line) -> str:
    """The mark of a line; '' where none of its values is in doubt."""
    found = trust.of(line)
    if found is None or not found.open_values:
        return ""
    return TURNS if found.verdict is LineVerdict.CONCLUSION else DOUBT


def trust_notes(rows: Iterable[Row], say: Wording) -> Iterator[Note]:
    """What the marks of some rows mean; nothing where there is none."""
    marks = {row.mark for row in rows}
    if TURNS in marks:
        yield Note(say("trust_marks_note"))
    elif DOUBT in marks:
        yield Note(say("trust_mark_note"))
