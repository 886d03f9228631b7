"""Answers on records: who REDCap's log says saved them, and which of them are taken over."""

from __future__ import annotations

import pytest

from nightround.findings.question_answers import LinesOfAnswers
from redcap_sync.pulling.change_log import Edit
from redcap_sync.rows.tables import RowKey

OURS = "api_user"


def line(user: str, record: str = "2", instance: int = 0, fields: tuple[str, ...] = ("dq_code",)) -> Edit:
    """A line of the log; the log leaves out that an instance is the first one."""
    return Edit("2025-07-02 09:00", user, "update", record, fields, instance)


def row(record: str = "2", instance: int = 1, event: str = "") -> RowKey:
    """The place of a question that is answered."""
    return RowKey(record, event, "data_query", instance)


@pytest.mark.parametrize(
    ("lines", "who"),
    [
        ([line("anna")], "anna"),
        ([line("anna"), line("ben")], "ben"),
        ([line("anna"), line("ben", fields=("dq_comment",))], "anna"),
        ([line("anna"), line("ben", instance=2)], "anna"),
        ([line("anna"), line("ben", record="3")], "anna"),
        ([line("anna"), line(OURS)], ""),
        ([line("anna", fields=("age",))], ""),
        ([], ""),
    ],
)
def test_the_last_one_who_saved_the_code(lines: list[Edit], who: str) -> None:
    """Of this record and instance; a comment, another question and our own account say nothing of a person."""
    found = LinesOfAnswers(lines, whole=True, own=frozenset({OURS}))
    assert found.who_saved([row()])(row()) == who


def test_a_log_with_gaps_names_nobody() -> None:
    """The last line that is there may not be the last one."""
    assert LinesOfAnswers([line("anna")], whole=False).who_saved([row()])(row()) == ""


def test_two_events_with_the_same_instance() -> None:
    """The log names no event: one user for both is known, of two users it is not known who saved which."""
    both = [row(event="first"), row(event="second")]
    one = LinesOfAnswers([line("anna"), line("anna")], whole=True)
    two = LinesOfAnswers([line("anna"), line("ben")], whole=True)
    assert [one.who_saved(both)(answer) for answer in both] == ["anna", "anna"]
    assert [two.who_saved(both)(answer) for answer in both] == ["", ""]


def test_the_lines_of_a_renamed_record() -> None:
    """A line names the record as it was called then."""
    found = LinesOfAnswers([line("anna", record="2")], whole=True, names={"2": "20"})
    assert found.who_saved([row("20")])(row("20")) == "anna"
