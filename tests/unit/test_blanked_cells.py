"""Answers that are blank now: which they are, and which lines of REDCap's log explain them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.model.doubts import Doubts
from nightround.model.outcome import Violation
from redcap_sync.dictionary import Choice, Dictionary, Event, Field, Instrument
from redcap_sync.messages import Message
from redcap_sync.pulling.blanked_cells import answered_cells, blanked_cells, unexplained_cells
from redcap_sync.rows.tables import CellKey, RowKey, Table, Unseen, tables_from_records
from tests.unit.test_gone_rows import edits

PROJECT = Dictionary(
    title="Blanked",
    longitudinal=True,
    fields=(
        Field("record_id", "baseline", "text"),
        Field("weight", "labs", "text"),
        Field("complaint", "labs", "checkbox", choices=(Choice("1", "Pain"), Choice("-9", "Other"))),
        Field("bmi", "labs", "calc", calculation="[weight]"),
        Field("pain", "visit", "text"),
    ),
    instruments=(Instrument("baseline", "Baseline"), Instrument("labs", "Laboratory"), Instrument("visit", "Visit")),
    events=(Event("month_1", "Month 1", 1), Event("month_12", "Month 12", 1)),
    designations=frozenset({("month_1", "baseline"), ("month_1", "labs"), ("month_12", "labs"), ("month_12", "visit")}),
    repeating=frozenset({("month_12", "visit")}),
)
BASE = {"redcap_repeat_instrument": "", "redcap_repeat_instance": ""}
FULL = {"weight": "70", "complaint___1": "1", "complaint____9": "0", "bmi": "24", "pain": "", "labs_complete": "2"}
WEIGHT = CellKey("5", "month_12", "labs", 0, "weight")
BOX, BMI = WEIGHT._replace(column="complaint___1"), WEIGHT._replace(column="bmi")
PAIN_1, PAIN_2 = (CellKey("5", "month_12", "visit", number, "pain") for number in (1, 2))
EVERY = frozenset({WEIGHT, BOX, BMI, PAIN_1, PAIN_2})


def tables(*rows: dict[str, Any]) -> dict[str, Table]:
    """Tables of flat rows of record 5 at month 12, unless a row says otherwise."""
    place = {"record_id": "5", "redcap_event_name": "month_12", **BASE}
    return tables_from_records(PROJECT, [{**place, **row} for row in rows])


def visit(number: int, pain: str) -> dict[str, Any]:
    """A flat row of one instance of the visit."""
    return {"redcap_repeat_instrument": "visit", "redcap_repeat_instance": number, "pain": pain}


THEN = tables(FULL, visit(1, "3"), visit(2, "4"))
NOW = tables(dict.fromkeys(FULL, "") | {"complaint___1": "0", "labs_complete": "2"}, visit(1, ""), visit(2, ""))


def test_a_cell_that_had_an_answer_and_has_none_is_blanked() -> None:
    """A text that is empty, a box that was ticked; a box that never was, and a changed value, are not."""
    assert blanked_cells(THEN, NOW, PROJECT, ()) == EVERY
    assert blanked_cells(NOW, THEN, PROJECT, ()) == set()
    assert blanked_cells(THEN, tables({**FULL, "weight": "71"}, visit(1, "3"), visit(2, "4")), PROJECT, ()) == set()


def test_rows_that_are_gone_or_new_and_columns_that_are_not_seen_have_no_blanked_cell() -> None:
    """What is gone is missed as a row; what may not be exported says nothing."""
    assert blanked_cells(THEN, tables(visit(2, ""), visit(3, "")), PROJECT, ()) == {PAIN_2}
    hidden = Unseen("labs", ("weight", "bmi", "complaint___1"), Message.of("full.asked"))
    assert blanked_cells(THEN, NOW, PROJECT, (), [hidden]) == {PAIN_1, PAIN_2}


@pytest.mark.parametrize(
    ("lines", "explained"),
    [
        ([], set()),
        ([("Update record 5", "weight = ''")], {WEIGHT, BMI}),
        ([("Update record (API) 5", "weight = '71'")], {BMI}),
        ([("Update record 5", "complaint(1) = unchecked, weight = ''")], {WEIGHT, BOX, BMI}),
        ([("Update record 5", "complaint(1) = checked")], {BMI}),
        ([("Update record 5", "complaint(-9) = unchecked")], {BMI}),
        ([("Update record 5 (Month 12 (Arm 1: One))", "weight = ''")], {WEIGHT, BMI}),
        ([("Update record 5 (Month 1 (Arm 1: One))", "weight = ''")], {BMI}),
        ([("Update record 5", "pain = ''")], {PAIN_1, BMI}),
        ([("Update record 5", "[instance = 2], pain = ''")], {PAIN_2, BMI}),
        ([("Update record 6", "weight = ''", "6")], set()),
        ([("Delete record 5", "record_id = '5'"), ("Create record 5", "record_id = '5'")], EVERY),
        ([("Deleted event data (Month 12)", "")], EVERY),
        ([("Deleted event data (Month 1)", "")], {BMI}),
        ([("Update record 5 (Month 12)", "bmi = '', labs_complete = ''")], {WEIGHT, BOX, BMI}),
        ([("Delete form instance (Month 12)", "[instance = 2], record_id = '5'")], {PAIN_2, BMI}),
        ([("Delete uploaded document", "weight", "5")], {WEIGHT, BMI}),
        ([("Update record 5", "weight = 'x = ''")], {BMI}),
    ],
)
def test_a_line_explains_the_blanks_that_it_names(lines: list[tuple[Any, ...]], explained: set[CellKey]) -> None:
    """A field that is blanked, a box that is cleared, a part that is deleted; what is computed by any line."""
    assert unexplained_cells(EVERY, edits(*lines), PROJECT, NOW) == EVERY - explained


def test_the_blank_of_a_renamed_record_is_missed_under_its_new_name() -> None:
    """And one that is filled there is not missed; a record that took the old name is another one."""
    lines = edits(("Update record 5", "record_id = '7'"), ("Create record 5", "record_id = '5'"))
    renamed = tables({**FULL, "record_id": "7", "weight": ""}, {"record_id": "5"})
    blanked = blanked_cells(THEN, renamed, PROJECT, lines)
    assert blanked == {WEIGHT}
    assert unexplained_cells(blanked, lines, PROJECT, renamed) == {WEIGHT._replace(record="7")}
    assert unexplained_cells(EVERY, lines, PROJECT, tables({**FULL, "record_id": "7"})) == {
        one._replace(record="7") for one in (PAIN_1, PAIN_2)
    }


@given(st.sets(st.sampled_from(sorted(EVERY))))
def test_a_cell_is_answered_once_and_for_all_or_blanked(lost: set[CellKey]) -> None:
    """Whatever cells are lost: those are blanked, and the others have their answer."""
    kept = {cell.column: FULL[cell.column] for cell in EVERY - lost if cell.instrument == "labs"}
    pain = {cell.instance: "" if cell in lost else "3" for cell in (PAIN_1, PAIN_2)}
    row = {**dict.fromkeys(FULL, ""), "labs_complete": "2", **kept}
    now = tables(row, *(visit(number, said) for number, said in pain.items()))
    assert blanked_cells(THEN, now, PROJECT, ()) == lost
    assert answered_cells(EVERY, now, PROJECT) == EVERY - lost


def test_no_finding_opens_on_an_answer_that_is_in_doubt() -> None:
    """A rule that reads the lost answer may be broken by the loss alone; one on another field or record is not."""
    doubts = Doubts(cells=frozenset({WEIGHT, BOX}))
    place = RowKey("5", "month_12", "labs", 0)

    def blanks(fields: tuple[str, ...], row: RowKey = place, **observed: str) -> bool:
        return doubts.blanks(Violation("R", row, fields, observed))

    assert blanks(("weight",))
    assert blanks(("complaint",))
    assert blanks(("bmi",), weight="")
    assert blanks(("bmi",), **{"[month_12][weight]": ""})
    assert not blanks(("bmi",))
    assert not blanks(("weight",), RowKey("6", "month_12", "labs", 0))
    assert doubts.records == {"5"}
    assert doubts.rows_in_doubt == 1
