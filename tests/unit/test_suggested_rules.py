"""Suggested rules: few, each with what speaks for it, none that the study has already, and valid once accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.model.errors import UsageWrong
from nightround.model.snapshot import Snapshot
from nightround.rule_desk.suggest.date_order import LEAST_PAIRS
from nightround.rule_desk.suggest.suggesting import accept, suggestions
from nightround.study.folder import Study, load_study
from redcap_sync.dictionary import Dictionary, Event, Field, Instrument
from redcap_sync.rows.tables import tables_from_records

FIRST, LAST = "base_arm_1", "later_arm_1"
DAY = date(2025, 3, 1)
TAKEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = TAKEN.replace(tzinfo=None)


def snapshot(*gaps: int) -> Snapshot:
    """A made-up project with a date at two visits; each gap is the days between the visits of one record."""
    fields = (Field("record_id", "visit", "text"), Field("seen", "visit", "text", "Seen on", validation="date_ymd"))
    events = (Event(FIRST, "Base", 1), Event(LAST, "Later", 1))
    dictionary = Dictionary(
        "Made up",
        longitudinal=True,
        fields=fields,
        instruments=(Instrument("visit", "Visit"),),
        events=events,
        designations=frozenset((one.unique_name, "visit") for one in events),
        repeating=frozenset(),
    )
    rows = [
        {"record_id": str(number), "redcap_event_name": event, "seen": str(day), "visit_complete": "2"}
        for number, gap in enumerate(gaps, start=1)
        for event, day in ((FIRST, DAY), (LAST, DAY + timedelta(days=gap)))
    ]
    return Snapshot(
        "a", "s", datetime(2026, 1, 1, tzinfo=UTC), "14.5.0", dictionary, tables_from_records(dictionary, rows)
    )


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study in English without a rule of its own."""
    (tmp_path / "study.toml").write_text('[study]\nid = "s"\ntitle = "S"\nlanguage = "en"\n', encoding="utf-8")
    return load_study(tmp_path)


def test_visits_that_follow_one_another_are_suggested(study: Study) -> None:
    """Where all but one record keep the order, the rule is suggested and finds that one."""
    data = snapshot(*[30] * 30, -2)
    (one,) = suggestions(study, data, NOW)
    assert one.suggestion.id == "ORDER-SEEN-LATER-ARM-1"
    assert (one.checked, one.found) == (31, 1)
    assert "30 of 31" in one.document()["evidence"]


@pytest.mark.parametrize(
    "gaps",
    [[30] * (LEAST_PAIRS - 1), [0] * 40, [0] * 30 + [5] * 3, [30] * 20 + [-30] * 20],
    ids=["too few", "the same date", "nearly always the same", "no order"],
)
def test_nothing_is_suggested_without_evidence(study: Study, gaps: list[int]) -> None:
    """Few records, a date of birth that is asked twice, or dates in no order suggest nothing."""
    assert suggestions(study, snapshot(*gaps), NOW) == ()


@given(gaps=st.lists(st.integers(-50, 50), max_size=60))
def test_what_is_suggested_holds_in_nearly_all_records(
    gaps: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A suggested rule fails in at most one of twenty rows that it judges, whatever the data."""
    folder = tmp_path_factory.mktemp("s")
    (folder / "study.toml").write_text('[study]\nid = "s"\ntitle = "S"\n', encoding="utf-8")
    data = snapshot(*gaps)
    for one in suggestions(load_study(folder), data, NOW):
        assert one.checked >= LEAST_PAIRS
        assert 20 * one.found <= one.checked


def test_an_accepted_rule_is_a_rule_of_the_study(study: Study) -> None:
    """It is read back with the study, in its language alone, and is suggested no more."""
    data = snapshot(*[30] * 30)
    found = [one.suggestion for one in suggestions(study, data, NOW)]
    accept(study, [found[0].id], found)
    again = load_study(study.folder)
    assert [(rule.id, rule.title.en) for rule in again.rules] == [(found[0].id, "Seen on: Later is not before Base")]
    assert again.rules[0].title.zh == again.rules[0].title.en
    assert suggestions(again, data, NOW) == ()


def test_what_a_person_wrote_in_the_file_stays(study: Study) -> None:
    """Accepting adds to the file and changes nothing that is there; what is not suggested is refused."""
    data = snapshot(*[30] * 30)
    found = [one.suggestion for one in suggestions(study, data, NOW)]
    path = accept(study, [found[0].id], found)
    path.write_text(path.read_text() + "# a note of the data manager\n")
    with pytest.raises(UsageWrong, match="OTHER"):
        accept(study, ["OTHER"], found)
    assert "# a note" in path.read_text()
