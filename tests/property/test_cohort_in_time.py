"""The synthetic cohort through time: what was typed by whom until a day, and the log that says so."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.simulation.demo import FIRST_NIGHT
from nightround.study.folder import load_content_module
from nightround.study.working_days import WorkingDays
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.csv_folder import project_from_folder
from redcap_sync.sandbox.entered_rows import EnteredRow, enter_rows
from redcap_sync.sandbox.importing import Importer
from redcap_sync.sandbox.storing import store_all

STUDY = Path(__file__).parents[2] / "expectations" / "venous_occlusion"
COHORT = load_content_module(STUDY / "synthetic" / "cohort.py", "cohort")
SEED = 1
KEYS = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
ON_THE_DAY = {"bedside_nurse", "[survey respondent]"}
Cells = dict[tuple[str, ...], str]


@pytest.fixture(scope="module")
def entries() -> list[Any]:
    """What was typed, oldest first."""
    made: list[Any] = COHORT.entries(SEED)
    return made


@pytest.fixture(scope="module")
def clean() -> list[dict[str, str]]:
    """The whole cohort, as it is imported at once."""
    rows: list[dict[str, str]] = COHORT.records(SEED)
    return rows


@pytest.fixture(scope="module")
def entered(entries: list[Any]) -> StoredProject:
    """A sandbox project into which everything was typed."""
    project = empty_project()
    enter_rows(project, [EnteredRow(one.moment, one.username, one.row) for one in entries])
    return project


def empty_project() -> StoredProject:
    """The study's project without data."""
    return project_from_folder(STUDY / "project", clock=lambda: FIRST_NIGHT)


def cells(rows: list[dict[str, str]]) -> Cells:
    """Every cell that holds something, by row and column."""
    return {
        (*(row[key] for key in KEYS), name): value
        for row in rows
        for name, value in row.items()
        if value and name not in KEYS
    }


def until(day: date) -> datetime:
    """The end of a day."""
    return datetime.combine(day, time.max)


DAYS = st.dates(date(2022, 1, 1), date(2025, 7, 4))


@settings(max_examples=20)
@given(first=DAYS, second=DAYS)
def test_a_later_day_keeps_every_cell_of_an_earlier_one(entries: list[Any], first: date, second: date) -> None:
    """What was entered by a day is there, with the same value, on every later day."""
    earlier, later = (cells(COHORT.as_of(entries, until(day))) for day in sorted((first, second)))
    assert earlier.items() <= later.items()


def test_the_last_day_is_the_whole_cohort(entries: list[Any], clean: list[dict[str, str]]) -> None:
    """By the first night of the demo everything is entered, and before the first screening nothing is."""
    assert cells(COHORT.as_of(entries, FIRST_NIGHT)) == cells(clean)
    assert COHORT.as_of(entries, datetime(2021, 12, 31)) == []  # noqa: DTZ001 - the hospital's clock


def test_the_same_seed_gives_the_same_entries(entries: list[Any]) -> None:
    """Who types what when follows from the seed alone."""
    assert COHORT.entries(SEED) == entries


def test_another_seed_is_entered_before_the_first_night_too() -> None:
    """Entries of another seed are others, and end before the demo begins."""
    assert COHORT.entries(2)[-1].moment < FIRST_NIGHT


@settings(max_examples=20)
@given(day=DAYS)
def test_no_value_is_there_before_its_visit(entries: list[Any], clean: list[dict[str, str]], day: date) -> None:
    """On any day no row of a later visit and no later date is in REDCap."""
    visits = {
        tuple(row[key] for key in KEYS[:2]): next(
            row[name] for name in ("screening_date", "session_date", "visit_date", "eos_date") if row.get(name)
        )
        for row in clean
        if not row["redcap_repeat_instrument"]
    }
    for row in COHORT.as_of(entries, until(day)):
        assert visits[tuple(row[key] for key in KEYS[:2])] <= day.isoformat()
        assert all(
            value <= day.isoformat() for name, value in row.items() if name.endswith(("_date", "_onset", "_end"))
        )


def test_a_treatment_is_judged_after_its_last_session(entries: list[Any], clean: list[dict[str, str]]) -> None:
    """Nobody knows how many sessions a patient had before the last of them."""
    last = {row["record_id"]: row["session_date"] for row in clean if row.get("session_date")}
    judged = [one for one in entries if "three_sessions" in one.row]
    assert len(judged) == len(last)
    assert all(one.moment.date().isoformat() >= last[one.row["record_id"]] for one in judged)


def test_patients_are_treated_on_working_days(clean: list[dict[str, str]]) -> None:
    """No screening, session or visit is on a day off in China; treatment begins from 2022 to 2024."""
    china = WorkingDays("CN")
    names = ("screening_date", "session_date", "visit_date")
    assert all(china.has(date.fromisoformat(row[name])) for row in clean for name in names if row.get(name))
    years = {
        row["session_date"][:4]
        for row in clean
        if row["redcap_event_name"] == "session_1_arm_1" and row.get("session_date")
    }
    assert years == {"2022", "2023", "2024"}


def test_only_the_bedside_works_on_days_off(entries: list[Any]) -> None:
    """Delayed entries are made on working days of China, those of the clerk on two days of the week."""
    china = WorkingDays("CN")
    delayed = [one for one in entries if one.username not in ON_THE_DAY]
    assert all(china.has(one.moment.date()) for one in delayed)
    assert {one.moment.isoweekday() for one in entries if one.username == "data_clerk"} == {2, 5}
    assert len({one.username for one in entries}) == len(ON_THE_DAY) + 3


def test_every_entry_has_its_line_in_the_log(entries: list[Any], entered: StoredProject) -> None:
    """The log has a line for each entry, by who made it at that moment, and creates each record once."""
    lines = [one for one in entered.journal.since(0) if one.kind in ("record_add", "record_edit")]
    logged = {(one.moment, one.username, one.record) for one in lines}
    assert {(one.moment, one.username, one.row["record_id"]) for one in entries} == logged
    assert Counter(one.kind for one in lines)["record_add"] == len({one.row["record_id"] for one in entries})
    assert [one.moment for one in lines] == sorted(one.moment for one in lines)


def test_typing_leads_to_what_an_import_leads_to(entered: StoredProject, clean: list[dict[str, str]]) -> None:
    """Typed page by page or imported at once, the project holds the same values, calculations included."""
    imported = empty_project()
    plan = Importer(imported, overwrite=True).plan(clean)
    store_all(imported, plan.changes, lambda *_, **__: None)
    records = {row["record_id"] for row in clean}
    assert len(entered.values) == len(imported.values) == len(records)
    for record in records:
        assert filled(entered, record) == filled(imported, record)


def filled(project: StoredProject, record: str) -> dict[Any, dict[str, str]]:
    """The cells of a record that hold something, by place."""
    return {
        place: {name: value for name, value in row.items() if value}
        for place, row in project.values[record].rows.items()
    }
