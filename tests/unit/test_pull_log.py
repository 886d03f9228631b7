"""What the log says was touched, across versions, minutes, clocks and doubtful ids."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from redcap_sync.pulling.change_log import Mark, mark_of, own_name, read_changes

CLOCK = datetime(2025, 3, 3, 10, 0)  # noqa: DTZ001 - the server's UTC, as its answers are dated


def line(action: str, *, record: str = "", details: str = "", at: str = "2025-03-03 10:00", user: str = "u") -> Any:
    """One row of content=log."""
    return {"timestamp": at, "username": user, "action": action, "details": details, "record": record}


OWN = line("Manage/Design", details="Export Logging (API)")


def marked(*rows: Any) -> Mark:
    """A mark after some lines."""
    mark = mark_of([*rows, OWN], CLOCK)
    assert mark is not None
    return mark


@pytest.mark.parametrize(
    ("action", "record", "found"),
    [
        ("Create record (API) 1200", "", {"1200"}),
        ("Created Record (API) 1200", "", {"1200"}),
        ("Updated Record (import) 5", "", {"5"}),
        ("Update record 1 (Baseline (Arm 1: Control))", "", {"1", "1 (Baseline (Arm 1: Control))"}),
        ("Update record (Auto calculation) 7", "", {"7"}),
        ("Delete record (API) 1", "", {"1"}),
        ("Update record A (2)", "", {"A (2)", "A"}),
        ("Update record 9", "9", {"9"}),
        ("Lock/Unlock Record", "9", {"9"}),
        ("Page View", "9", set()),
        ("Data export (API)", "", set()),
        ("Manage/Design", "", set()),
        ("Edit user role", "", set()),
    ],
)
def test_records_are_read_from_lines_of_all_versions(action: str, record: str, found: set[str]) -> None:
    """The record column is taken where there is one, else every reading of the action's text."""
    changes = read_changes([line(action, record=record), OWN, OWN], marked(), CLOCK)
    assert changes.records == found


def test_the_same_line_once_more_is_a_new_edit() -> None:
    """Within one minute two edits of a record look the same; the second one counts."""
    edit = line("Update record 1", record="1")
    assert read_changes([OWN, edit, OWN], marked(edit), CLOCK).records == set()
    assert read_changes([OWN, edit, edit, OWN], marked(edit), CLOCK).records == {"1"}


@pytest.mark.parametrize(
    ("action", "details", "structure"),
    [
        ("Manage/Design", "Export Logging (API)", False),
        ("Manage/Design ", "Download data dictionary (API)", False),
        ("Manage/Design", "Upload data dictionary (API)", True),
        ("Manage/Design", "Edit project field", True),
        (
            "Manage/Design",
            'Open data query (Record: 2, Event: Event 1, Field: age, Comment: "Edit project field")',
            False,
        ),
        ("Manage/Design", "Respond to data query (Record: 2, Field: age)", False),
        ("Manage/Design", "Send data query back for further attention (Record: 2)", False),
        ("Manage/Design", "Upload document for data query response (Record: 2)", False),
        ("Manage/Design", "Close the door of data query", True),
        ("Edit user someone", "user = 'someone'", True),
        ("Edit user role", "", True),
        ("Update record 1", "user = '1'", False),
    ],
)
def test_changes_of_structure_and_rights_are_told_from_looking(action: str, details: str, structure: bool) -> None:  # noqa: FBT001
    """Exports of ours leave lines under Manage/Design too; only what may change something counts."""
    assert read_changes([line(action, details=details), OWN, OWN], marked(), CLOCK).structure is structure


def test_a_log_from_which_lines_vanished_is_not_trusted() -> None:
    """Where a line that was there is gone, others may be gone that we never saw."""
    edit = line("Update record 1", record="1")
    assert not read_changes([OWN, OWN], marked(edit), CLOCK).trusted
    assert read_changes([OWN, OWN, edit], marked(edit), CLOCK).trusted


def test_a_log_without_a_new_line_is_not_trusted() -> None:
    """Our own last call must be in it; if it does not, the clock went back or calls are not logged."""
    assert not read_changes([OWN], marked(), CLOCK).trusted
    assert not read_changes([], marked(), CLOCK).trusted


def test_a_clock_that_went_back_is_not_trusted() -> None:
    """Seconds between two web servers are no matter, hours are."""
    rows = [OWN, OWN]
    assert read_changes(rows, marked(), CLOCK - timedelta(minutes=5)).trusted
    assert not read_changes(rows, marked(), CLOCK - timedelta(hours=5)).trusted
    undated = mark_of([OWN], None)
    assert undated is not None
    assert not read_changes([line("Page View", at="2025-03-03 09:00")], undated, None).trusted


def test_a_look_begins_a_day_before_any_local_time() -> None:
    """West of Greenwich the log is up to twelve hours behind the dated answers; a day of overlap comes on top."""
    assert marked().begin <= CLOCK - timedelta(hours=36)


def test_a_mark_is_written_and_read_without_record_or_value() -> None:
    """JSON there and back; lines are hashes."""
    mark = marked(line("Update record SECRET", record="SECRET", details="x = 'SECRET'"))
    assert Mark.read(mark.document()) == mark
    assert "SECRET" not in str(mark.document()) + repr(mark)


@pytest.mark.parametrize(
    "written", ["redcap_data_access_group = 'n'", "[instance = 2], redcap_data_access_group = 'n'"]
)
def test_a_record_that_joins_a_group_is_an_edit_of_its_own(written: str) -> None:
    """The line names the record and the column of groups, in brackets behind what was done."""
    details = f"Assign record to Data Access Group ({written})"
    changes = read_changes([line("Update record 1", record="1", details=details), OWN, OWN], marked(), CLOCK)
    assert (changes.records, changes.structure) == ({"1"}, False)
    assert changes.edits[0].fields == ("redcap_data_access_group",)


def test_a_log_in_which_our_own_calls_do_not_stand_is_silent() -> None:
    """It is not trusted, and told from one that lost lines or whose clock went back."""
    assert read_changes([OWN], marked(), CLOCK).silent
    assert not read_changes([OWN, OWN], marked(), CLOCK).silent
    assert not read_changes([OWN], marked(line("Update record 1", record="1")), CLOCK).silent
    assert not read_changes([OWN], marked(), CLOCK - timedelta(hours=5)).silent


def test_an_edit_names_fields_and_never_values() -> None:
    """Checkboxes by their field, the instance by its number; apostrophes in values do no harm."""
    details = "[instance = 2], weight = '81', signs(2) = checked, note = 'it's x = 'so'', sex = '1'"
    changes = read_changes([line("Update record 1", record="1", details=details), OWN, OWN], marked(), CLOCK)
    edit = changes.edits[0]
    assert (edit.verb, edit.record, edit.instance) == ("update", "1", 2)
    assert {"weight", "signs", "note", "sex"} <= set(edit.fields)
    assert "81" not in str(edit)


BUSY = [
    line("Update record 7 (Baseline)", record="7", user="nurse"),
    line("Update record (API) 8", record="8", user="importer"),
]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([*BUSY, OWN], "u"),
        ([*BUSY, line("Data export (API)"), line("Manage/Design", details="Export users (API)", user="other")], "u"),
        (BUSY[:1], "nurse"),
        ([], ""),
    ],
)
def test_our_user_is_who_last_looked_through_the_api(rows: list[Any], found: str) -> None:
    """A page saved, or an import, between our call and its answer does not lend its user's rights to us."""
    assert own_name(rows) == found
