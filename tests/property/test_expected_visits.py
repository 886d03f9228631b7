"""Visits that nobody named in the settings: expected where most records have them, or where they are due."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.model.outcome import Outcome
from nightround.model.rule import Rule, RuleKind, Severity
from nightround.model.snapshot import Snapshot
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.folder import load_content_module, load_study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.validation.run import validate
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.project.project_folder import dictionary_from_folder
from redcap_sync.rows.tables import tables_from_records
from tests.made_up import NIGHT, metadata

EVENTS = ("first_arm_1", "second_arm_1", "third_arm_1", "last_arm_1")
OFFSETS = {"last_arm_1": (90, 10)}
STUDY = Path(__file__).parents[2] / "expectations" / "venous_occlusion"
TODAY = NIGHT.replace(tzinfo=None)


def structure() -> Dictionary:
    """Four visits in a row, the last of which has a day offset."""
    events = [
        {"unique_event_name": name, "event_name": name, "arm_num": 1, "event_id": 40 + number}
        | dict(zip(("day_offset", "offset_max"), OFFSETS.get(name, (0, 0)), strict=True))
        for number, name in enumerate(EVENTS)
    ]
    return dictionary_from_api(
        project={"project_title": "SYNTHETIC", "is_longitudinal": 1},
        metadata=metadata("record_id visit text - -", "seen_on visit text date_ymd -"),
        instruments=[{"instrument_name": "visit", "instrument_label": "Visit"}],
        events=events,
        mapping=[{"unique_event_name": name, "form": "visit"} for name in EVENTS],
    )


DICTIONARY = structure()
RECORDS = st.lists(st.tuples(st.integers(0, 200), st.sets(st.sampled_from(EVENTS[1:]))), max_size=7)


def outcomes(
    dictionary: Dictionary, rows: list[dict[str, Any]], now: datetime = TODAY, **wanted: Any
) -> dict[str, Outcome]:
    """What the rules on visits come to."""
    taken = Snapshot("5" * 64, "made_up", NIGHT, "14.5.0", dictionary, tables_from_records(dictionary, rows))
    rules = rules_from_dictionary(dictionary, DictionaryRulesTable.model_validate(wanted))
    visits = [rule for rule in rules if rule.kind is RuleKind.VISIT]
    return {one.rule_id: one for one in validate(taken, visits, now=now).outcomes}


@given(RECORDS, st.booleans())
def test_expected_visits_agree_with_plain_loops(records: list[tuple[int, set[str]]], anchored: bool) -> None:  # noqa: FBT001
    """Overtaken where at least half of the overtaken have it, or past its offset from the anchor: record by record."""
    rows = []
    began = {str(number): TODAY.date() - timedelta(days=days) for number, (days, _) in enumerate(records)}
    has = {str(number): {EVENTS[0], *events} for number, (_, events) in enumerate(records)}
    for record, events in has.items():
        for event in EVENTS:
            if event in events:
                day: date = began[record]
                rows.append({"record_id": record, "redcap_event_name": event, "seen_on": day.isoformat()})
    anchor = {"anchor": "[first_arm_1][seen_on]"} if anchored else {}
    found = outcomes(DICTIONARY, rows, **anchor)
    named = {f"visit:{event}" for event in (EVENTS[1:] if anchored else EVENTS[1:-1])}
    assert found.keys() == named
    for number, event in enumerate(EVENTS[1:], start=1):
        if f"visit:{event}" not in named:
            continue
        overtaken = [record for record, events in has.items() if events & set(EVENTS[number + 1 :])]
        having = [record for record in overtaken if event in has[record]]
        expected = set(overtaken) if 2 * len(having) >= len(overtaken) else set()
        offset, more = OFFSETS.get(event, (0, 0))
        if anchored and offset:
            expected |= {record for record, day in began.items() if (TODAY.date() - day).days > offset + more}
        missing = {record for record in expected if event not in has[record]}
        outcome = found[f"visit:{event}"]
        assert {violation.row.record for violation in outcome.violations} == missing
        assert (outcome.in_scope, outcome.checked) == (len(expected), len(expected))


def test_a_visit_that_few_have_is_not_asked_for_and_the_rule_can_be_switched_off() -> None:
    """An unscheduled visit of one record in three is missing nowhere; `visit = false` makes no rule."""
    rows = [{"record_id": str(n), "redcap_event_name": event} for n in range(3) for event in (EVENTS[0], EVENTS[3])]
    rows.append({"record_id": "1", "redcap_event_name": EVENTS[1]})
    assert not outcomes(DICTIONARY, rows)["visit:second_arm_1"].violations
    assert outcomes(DICTIONARY, rows, visit=False) == {}


@pytest.mark.parametrize("seed", [1, 20250705])
def test_the_shipped_study_misses_the_visits_that_are_gone_and_no_other(seed: int) -> None:
    """The clean cohort misses no visit; without the 62 visits of month 6 each of them is a finding."""
    study, dictionary = load_study(STUDY), dictionary_from_folder(STUDY / "project")
    clean = load_content_module(STUDY / "synthetic" / "cohort.py", "cohort").records(seed)
    wanted = study.settings.dictionary_rules.model_dump()

    def missing(rows: list[dict[str, Any]]) -> int:
        return sum(one.failed for one in outcomes(dictionary, rows, **wanted).values())

    assert missing(clean) == 0
    assert missing([row for row in clean if row["redcap_event_name"] != "month_6_arm_1"]) == 62
    few = {"1", "2", "3"}
    assert (
        missing([row for row in clean if row["redcap_event_name"] != "session_2_arm_1" or row["record_id"] not in few])
        == 3
    )


def lost(dictionary: Dictionary, rows: list[dict[str, Any]], **wanted: Any) -> dict[str, tuple[Rule, Outcome]]:
    """The rules on visits of all records together, each with its result."""
    taken = Snapshot("5" * 64, "made_up", NIGHT, "14.5.0", dictionary, tables_from_records(dictionary, rows))
    made = rules_from_dictionary(dictionary, DictionaryRulesTable.model_validate(wanted))
    rules = [rule for rule in made if rule.kind is RuleKind.LOST_VISIT]
    found = validate(taken, rules, now=TODAY).outcomes
    return {rule.id: (rule, one) for rule, one in zip(rules, found, strict=True)}


@pytest.mark.parametrize(("kept", "is_lost"), [(0, True), (3, True), (4, False), (62, False)])
def test_the_shipped_study_that_has_lost_month_6_has_one_critical_finding(kept: int, is_lost: bool) -> None:  # noqa: FBT001
    """None of 62, or hardly any: one finding without a record, whose title has both numbers; exit code 3 follows."""
    study, dictionary = load_study(STUDY), dictionary_from_folder(STUDY / "project")
    clean = load_content_module(STUDY / "synthetic" / "cohort.py", "cohort").records(1)
    having = sorted({row["record_id"] for row in clean if row["redcap_event_name"] == "month_6_arm_1"})
    gone = set(having[kept:])
    rows = [row for row in clean if row["redcap_event_name"] != "month_6_arm_1" or row["record_id"] not in gone]
    found = lost(dictionary, rows, **study.settings.dictionary_rules.model_dump())
    rule, outcome = found["lost_visit:month_6_arm_1"]
    assert (rule.severity, rule.owner) == (Severity.CRITICAL, "data_manager")
    assert [one.row.record for one in outcome.violations] == ([""] if is_lost else [])
    for violation in outcome.violations:
        assert f"of 62 records that should have it {kept} have any data of it" in violation.said.en
    assert all(not other.violations for name, (_, other) in found.items() if name != rule.id)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_visit_between_others_that_nobody_has_is_not_silent(having: int, without: int) -> None:
    """Too few to be usual, so that no record is asked for it: the data manager is, once five are overtaken."""
    rows = [
        {"record_id": str(number), "redcap_event_name": event}
        for number in range(having + without)
        for event in (EVENTS[0], EVENTS[3], *([EVENTS[1]] if number < having else []))
    ]
    rule, outcome = lost(DICTIONARY, rows)["lost_visit:second_arm_1"]
    assert rule.severity is Severity.MAJOR
    together = having + without
    assert bool(outcome.violations) is (together >= 5 and having * 20 <= together)
