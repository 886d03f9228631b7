"""What the summary begins with: the answer, what changed it, what could change it, what waits for a decision."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.report.making import pages_of
from nightround.report.numbers.changed_numbers import Side, changed_numbers, compared
from nightround.report.numbers.computing import results_of
from nightround.report.numbers.facts import Cause, CauseKind, ChangedNumber, News
from nightround.report.numbers.gathering import inputs_of, with_events
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.opened import open_inputs
from nightround.report.self_audit.audit_page import contradictions_of_page
from nightround.report.tables.answer_page import answers
from nightround.report.tables.news_page import MOST_CAUSES, news_table
from nightround.texts.catalogue import read_wording
from tests.interim_samples import PATENCY_RULE, PLANNED, TAKEN, edition_of, open_finding, patients, snapshot_of
from tests.report_samples import TEMPLATES

ENGLISH = read_wording([TEMPLATES], "en")


@cache
def second_report() -> ReportInputs:
    """Records 3 and 6 were found patent since the last report, and record 9 is in doubt."""
    rows = [{**row, "patency": "1"} if row["record_id"] in {"3", "6"} else row for row in patients()]
    before, now = snapshot_of(patients()), snapshot_of(rows, "b", TAKEN + timedelta(days=7))
    sides = [Side(PLANNED, results_of(PLANNED, one), with_events(PLANNED, one), {}) for one in (before, now)]
    news = News(TAKEN, before.id, compared(*(s.results for s in sides)), tuple(changed_numbers(*sides)), 0, 2)
    return inputs_of(edition_of(now, [open_finding(PATENCY_RULE, "9")], news=news), now)


def said(inputs: ReportInputs) -> str:
    """Every answer in English."""
    return "\n".join(text for one in answers(inputs, ENGLISH) for text in one.texts)


def test_the_records_behind_a_changed_endpoint_are_named() -> None:
    """Which records moved the primary endpoint, from where to where, is one sentence."""
    assert "2 records were edited (3, 6): Patency at 6 months 66.7% → 75.0%." in said(second_report())


def test_a_record_that_may_not_be_named_is_counted() -> None:
    """Where the study keeps record ids out of messages, the answers hold none."""
    text = said(replace(second_report(), record_ids=False))
    assert "2 records were edited: Patency at 6 months" in text
    assert "(record" not in text


def test_a_critical_finding_waits_for_a_decision() -> None:
    """What is open and critical is among what needs a decision; a report with nothing to decide says so."""
    assert "1 critical finding is open (record 9)." in said(second_report())
    calm = replace(second_report(), delta=replace(second_report().delta, opened=()))
    assert "Nothing." in said(replace(calm, trust=replace(calm.trust, weights=())))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("version", ["closed", "open"])
def test_every_number_of_an_answer_is_told_elsewhere(language: Language, version: str) -> None:
    """The audit of the page knows each number of the answers, and finds none that is not there."""
    inputs = open_inputs(second_report()) if version == "open" else second_report()
    pages = pages_of(inputs, TEMPLATES)
    context = pages.contexts[language]
    assert list(contradictions_of_page(pages.html[language], context, inputs)) == []
    first = context.answers[0]
    wrong = replace(context, answers=(replace(first, texts=("Patency is 81.37%.",)), *context.answers[1:]))
    assert list(contradictions_of_page(pages.html[language], wrong, inputs))


def test_the_open_version_does_not_tell_what_the_groups_are() -> None:
    """Where the groups are the answers to the endpoint, neither its rate nor what moved it is reported."""
    text = said(open_inputs(second_report()))
    assert "75.0" not in text
    assert "→" not in text


def test_causes_are_grouped_and_no_number_is_lost() -> None:
    """A table of at most eight lines accounts for every changed number, those it does not list in its note."""
    some = tuple(
        ChangedNumber("flow", "treated", "n", "", "", "", f"{n}", f"{n + 1}", (Cause(CauseKind.EDITED, (str(n),)),))
        for n in range(11)
        for _ in range(n + 1)
    )
    inputs = second_report()
    assert inputs.news
    table = news_table(inputs, replace(inputs.news, changed=some), ENGLISH)
    listed = sum(int(row.cells[0].text) for row in table.rows)
    assert len(table.rows) == MOST_CAUSES
    assert f"the others moved {len(some) - listed} numbers" in table.notes[0].text
