"""What people said of findings, in the report: confirmed values leave the doubt, snoozed ones stay in it and say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from nightround.model.finding import Finding, FindingState, LedgerDelta, in_doubt
from nightround.model.finding_answer import AnswerCode, FindingAnswer, Snooze
from nightround.model.language import Language
from nightround.model.rule import Severity
from nightround.report.edition import stripped
from nightround.report.printing.context import build_report
from nightround.report.printing.render import html
from nightround.report.tables.answered_tables import answered_tables
from nightround.report.tables.quality_page import open_findings_table
from nightround.texts.catalogue import read_wording
from tests.report_samples import CUTOFF, TEMPLATES, finding, night

COMMENT = "the paper chart says 7"


def confirmed(number: int, *, grade: Severity | None = None, **other: object) -> Finding:
    """A waived finding."""
    code = AnswerCode.ASSESSED if grade else AnswerCode.CONFIRMED_CORRECT
    said = FindingAnswer(
        code,
        "coordinator",
        CUTOFF,
        "",
        {"comment": COMMENT},
        accepted_by="data_manager",
        accepted_at=CUTOFF,
        grade=grade,
    )
    return replace(finding(number, 5), state=FindingState.WAIVED, answer=said, **other)  # type: ignore[arg-type]


def put_off(number: int) -> Finding:
    """A snoozed finding."""
    until = (CUTOFF + timedelta(days=9)).date()
    said = Snooze("coordinator", CUTOFF, until, Severity.MAJOR, "", {"comment": COMMENT})
    return replace(finding(number, 5), state=FindingState.SNOOZED, snooze=said)


def test_what_is_in_doubt() -> None:
    """Open, answered and snoozed findings are; waived ones, what they speak for, deviations and closed ones are not."""
    waived = confirmed(1)
    under = replace(finding(2, 1), under=waived.id)
    deviation = replace(finding(3, 1), deviation=True)
    closed = replace(finding(4, 1), state=FindingState.RESOLVED)
    doubtful = (finding(5, 1), put_off(6), replace(finding(7, 1), state=FindingState.ANSWERED))
    assert in_doubt((waived, under, deviation, closed, *doubtful)) == doubtful


def test_an_edition_keeps_no_comment() -> None:
    """A comment may contain a patient's value: the files of a report have none."""
    kept = [one.answer or one.snooze for one in stripped((confirmed(1), put_off(2)))]
    assert [said.kept_comment for said in kept if said] == [{}, {}]


@pytest.mark.parametrize(("language", "said"), [("en", "confirmed by data_manager, "), ("zh", "由 data_manager 于 ")])
def test_the_page_names_who_confirmed_and_what_is_put_off(language: Language, said: str) -> None:
    """Confirmed values are listed by rule with role and day, deviations by grade; snoozed ones are marked as such."""
    deviation = confirmed(3, grade=Severity.MINOR, deviation=True)
    open_deviation = replace(finding(4, 1), deviation=True)
    delta = LedgerDelta(opened=(finding(1, 0), open_deviation), quiet=(confirmed(2), deviation, put_off(5)))
    page = html(build_report(night(delta=delta), language, TEMPLATES), TEMPLATES)
    assert f"{said}{CUTOFF:%Y-%m-%d}" in page
    assert COMMENT not in page
    say = read_wording([TEMPLATES], language)
    confirmed_rows, deviation_rows = (table.rows for table in answered_tables(night(delta=delta), say))
    assert [row.cells[0].text for row in confirmed_rows] == ["1"]
    assert [[cell.text for cell in row.cells] for row in deviation_rows] == [["2", "2", "0", "0", "1", "1"]]
    doubt = open_findings_table(night(delta=delta), say)
    assert doubt.rows[-1].cells[0].text == "2"
    assert f"{(CUTOFF + timedelta(days=9)):%Y-%m-%d}" in str(doubt.notes)


def test_a_report_without_answers_has_no_table_of_them() -> None:
    """Nothing is printed where nobody confirmed anything and no deviation is known."""
    assert list(answered_tables(night(), read_wording([TEMPLATES], "en"))) == []
