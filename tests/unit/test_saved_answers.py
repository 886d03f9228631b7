"""To which finding a saved query belongs: record, field, event and instance, however a file writes them."""

from __future__ import annotations

from datetime import date

import pytest

from nightround.findings.finding_answers import Terms
from nightround.findings.saved_answers import QueryFate, SavedAnswers
from nightround.model.finding import FindingState
from nightround.model.finding_answer import Author
from redcap_sync.dictionary import Dictionary
from redcap_sync.write_back.query_module import QueryResponse, QueryStatus
from redcap_sync.write_back.saved_queries import SavedQuery
from tests.made_findings import NIGHT, made_finding, made_row
from tests.sandbox_examples import longitudinal_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    """A project with events in one arm."""
    return longitudinal_project(tmp_path_factory.mktemp("project")).dictionary


def reader(project: Dictionary) -> SavedAnswers:
    """A reader for which every response holds."""
    terms = Terms(second_person_for_all=False, today=date(2025, 5, 14))
    return SavedAnswers(project, {}, Author("file", NIGHT), terms, lambda _: (), lambda _: True, lambda user: user)


def query(event: str = "Follow-up", record: str = "1", name: str = "weight", instance: int = 0) -> SavedQuery:
    """A confirmed value."""
    return SavedQuery(2, record, event, name, instance, QueryStatus.CLOSED, QueryResponse.CONFIRMED_CORRECT, by="ben")


def followup_id(project: Dictionary) -> str:
    """The number of the event."""
    return str(next(one.event_id for one in project.events if one.unique_name == "followup_arm_1"))


@pytest.mark.parametrize(
    ("saved", "fate"),
    [
        (query(), "answered"),
        (query("followup_arm_1"), "answered"),
        (query("Follow-up (Arm 1: Treated)"), "answered"),
        (query("Follow-up (Arm 1: a name of before)"), "answered"),
        (query("Follow-up (Arm 2: Treated)"), "unmatched"),
        (query("Screening"), "unmatched"),
        (query(""), "unmatched"),
        (query(record="2"), "unmatched"),
        (query(name="height"), "unmatched"),
        (query(name=""), "unmatched"),
        (query(instance=1), "answered"),
        (query(instance=2), "unmatched"),
    ],
)
def test_a_query_belongs_to_the_finding_of_its_very_place(project: Dictionary, saved: SavedQuery, fate: str) -> None:
    """A place that nothing tells is none: it is counted, and named by its row."""
    finding = made_finding(row=made_row("1", event="followup_arm_1", instrument="labs"), fields=("weight",))
    [found] = reader(project).read([saved], [finding])
    assert (found.fate.value, found.findings) == (fate, (finding.id,) if fate == "answered" else ())


def test_an_event_by_its_number(project: Dictionary) -> None:
    """As the module's JSON has it."""
    finding = made_finding(row=made_row("1", event="followup_arm_1", instrument="labs"), fields=("weight",))
    [found] = reader(project).read([query(followup_id(project))], [finding])
    assert found.fate is QueryFate.ANSWERED


def test_instances_are_told_apart(project: Dictionary) -> None:
    """A query of the second instance answers no finding of the first."""
    rows = [made_row("1", event="followup_arm_1", instrument="visit", instance=one) for one in (1, 2)]
    findings = [made_finding(row=row, fields=("pain",)) for row in rows]
    [found] = reader(project).read([query(name="pain", instance=2)], findings)
    assert found.findings == (findings[1].id,)


def test_every_finding_of_the_field_is_answered_and_a_closed_one_is_not(project: Dictionary) -> None:
    """What was said of a value answers each question about it, once; a finding that is over asks none."""
    row = made_row("1", event="followup_arm_1", instrument="labs")
    findings = [made_finding(rule, row, fields=("weight",)) for rule in ("R1", "R2")]
    over = made_finding("R3", row, fields=("weight",), state=FindingState.RESOLVED)
    answers = reader(project)
    first, second = answers.read([query(), query("followup_arm_1")], [*findings, over])
    assert set(first.findings) == {one.id for one in findings}
    assert {one.id for one in answers.moves} == {one.id for one in findings}
    assert second.fate is QueryFate.WITHOUT
