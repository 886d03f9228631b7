"""Rows that are gone: which lines of REDCap's log explain them, and which rows no structure explains."""

from typing import Any

import pandas as pd
import pytest

from redcap_sync.dictionary import Dictionary, Event, Field, Instrument
from redcap_sync.pulling.change_log import Edit, Mark, read_changes
from redcap_sync.pulling.gone_rows import RowsUnexplained, check_places, gone_rows, unexplained_rows
from redcap_sync.rows.tables import KEY_COLUMNS, RowKey

PROJECT = Dictionary(
    title="Gone",
    longitudinal=True,
    fields=(Field("record_id", "baseline", "text"), Field("pain", "visit", "text"), Field("weight", "labs", "text")),
    instruments=(Instrument("baseline", "Baseline"), Instrument("visit", "Visit"), Instrument("labs", "Laboratory")),
    events=(Event("month_1", "Month 1", 1), Event("month_12", "Month 12", 1), Event("diary", "Diary", 1)),
    designations=frozenset({("month_1", "baseline"), ("month_12", "labs"), ("month_12", "visit"), ("diary", "labs")}),
    repeating=frozenset({("month_12", "visit"), ("diary", "")}),
)
FIRST, TWELFTH = RowKey("5", "month_1", "", 0), RowKey("5", "month_12", "", 0)
VISIT_1, VISIT_2 = RowKey("5", "month_12", "visit", 1), RowKey("5", "month_12", "visit", 2)
EVERY = (FIRST, TWELFTH, VISIT_1, VISIT_2)


def edits(*lines: tuple[str, str] | tuple[str, str, str]) -> tuple[Edit, ...]:
    """Log lines, oldest first, as (action, details), of record 5 unless another is named; None names no record."""
    rows = [
        {
            "timestamp": "2025-03-01 08:00",
            "username": "nurse",
            "action": action,
            "details": details,
            "record": named[0] if named else "5",
        }
        for action, details, *named in lines
    ]
    since = Mark(begin=pd.Timestamp("2025-02-27").to_pydatetime(), newest="2025-02-28 08:00")
    return read_changes(rows[::-1], since, None).edits


def frame(*rows: RowKey) -> pd.DataFrame:
    """Flat rows as a pull has them."""
    return pd.DataFrame(list(rows), columns=list(KEY_COLUMNS)).astype(
        {"record": "str", "event": "str", "instrument": "str", "instance": "int64"}
    )


def test_what_is_gone_is_named_row_by_row() -> None:
    """New rows and the order of rows do not matter; equal rows give nothing."""
    assert gone_rows(frame(*EVERY), frame(*EVERY)) == frozenset()
    assert gone_rows(frame(*EVERY), frame(VISIT_1, RowKey("6", "month_1", "", 0), FIRST)) == {TWELFTH, VISIT_2}
    assert gone_rows(frame(*EVERY), frame()) == set(EVERY)


@pytest.mark.parametrize(
    ("lines", "explained"),
    [
        ([("Delete record (API) 5", "record_id = '5'")], EVERY),
        ([("Deleted Record 5", "record_id = '5'")], EVERY),
        ([("Update record 5", "record_id = '50'")], EVERY),
        ([("Update record (API) 5", "record_id = '5'")], ()),
        ([("Update record (API) 5 (Month 12 (Arm 1: One))", "record_id = '5'")], (TWELFTH, VISIT_1, VISIT_2)),
        ([("Update record (API) 5 (Month 12 (Arm 1: One))", "[instance = 2], record_id = '5'")], (VISIT_2,)),
        ([("Delete record 5", "", "")], EVERY),
        ([("Delete record 6", "record_id = '6'", "6")], ()),
        ([("Update record 5", "pain = '3'")], ()),
        ([("Update record 5", "other_id = '50'")], ()),
        ([("Update record 5", "record_id = '50', pain = '3'")], ()),
        ([("Create record 5", "record_id = '5'")], ()),
        ([("Delete uploaded document (API)", "scan = ''")], ()),
        ([("Delete record 5", "record_id = '5'"), ("Create record 5", "pain = '1'")], ()),
        ([("Create record 5", "pain = '1'"), ("Delete record 5", "record_id = '5'")], EVERY),
        ([("Delete record 5", ""), ("Update record 9", "record_id = '5'", "9")], EVERY),
        ([("Deleted event data", "record_id = '5'")], ()),
        ([("Deleted event data", "Event: Month 12")], (TWELFTH, VISIT_1, VISIT_2)),
        ([("Deleted event data (Month 12)", "")], (TWELFTH, VISIT_1, VISIT_2)),
        ([("Deleted event data (Month 1)", "")], (FIRST,)),
        ([("Delete record 5 (Month 1 (Arm 1: Control))", "")], (FIRST,)),
        ([("Delete record 5 (2)", "", "")], ()),
        ([("Delete form instance", "[instance = 2], record_id = '5'")], ()),
        ([("Delete form instance (Month 12)", "[instance = 2], record_id = '5'")], (VISIT_2,)),
        ([("Update record 5 (Month 12)", "[instance = 2], pain = '', visit_complete = ''")], (VISIT_2,)),
        ([("Update record 5 (Month 12)", "pain = '', visit_complete = ''")], (TWELFTH, VISIT_1)),
        ([("Update record 5 (Month 12)", "pain = '', visit_complete = '0'")], ()),
    ],
)
def test_a_line_explains_what_it_removed_and_nothing_else(
    lines: list[tuple[Any, ...]], explained: tuple[RowKey, ...]
) -> None:
    """A deletion or renaming of exactly that; an edit, another record or instance, a later return explain nothing."""
    renamed = [row._replace(record="50") for row in EVERY]
    assert unexplained_rows(EVERY, edits(*lines), PROJECT, frame(*renamed)) == set(EVERY) - set(explained)


def test_a_renamed_record_is_missed_under_its_new_name() -> None:
    """Through a chain and a swap; what another record left behind under the old name is not mistaken for it."""
    moved = [row._replace(record="7") for row in EVERY]
    chain = edits(("Update record 5", "record_id = '6'"), ("Update record 6", "record_id = '7'", "6"))
    assert unexplained_rows(EVERY, chain, PROJECT, frame(*moved[1:])) == {moved[0]}
    assert unexplained_rows(EVERY, chain, PROJECT, frame()) == set(moved)
    deleted = (*chain, *edits(("Delete record 7", "record_id = '7'", "7")))
    assert unexplained_rows(EVERY, deleted, PROJECT, frame()) == set()
    swap = edits(
        ("Update record 5", "record_id = 'T'"),
        ("Update record 9", "record_id = '5'", "9"),
        ("Update record T", "record_id = '9'", "T"),
    )
    ninth = [row._replace(record="9") for row in EVERY]
    assert unexplained_rows(EVERY, swap, PROJECT, frame(*ninth)) == set()
    assert unexplained_rows(EVERY, swap, PROJECT, frame()) == set(ninth)


@pytest.mark.parametrize("row", [*EVERY, RowKey("5", "diary", "", 3)])
def test_rows_with_a_place_in_the_structure_pass(row: RowKey) -> None:
    """Rows of events, of repeating instruments and of repeating events have their place."""
    check_places(PROJECT, frame(row))


@pytest.mark.parametrize(
    "row",
    [
        RowKey("5", "month_6", "", 0),
        RowKey("5", "", "", 0),
        RowKey("5", "month_12", "questions", 1),
        RowKey("5", "month_12", "labs", 1),
        RowKey("5", "month_1", "visit", 1),
        RowKey("5", "month_1", "", 2),
    ],
)
def test_rows_without_a_place_in_the_structure_are_refused(row: RowKey) -> None:
    """An event or instrument that is not there, an instance of what does not repeat: exit code 13, with a count."""
    with pytest.raises(RowsUnexplained, match="1 row that the project's structure does not explain") as caught:
        check_places(PROJECT, frame(*EVERY, row))
    assert caught.value.exit_code == 13
