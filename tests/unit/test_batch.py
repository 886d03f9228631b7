"""A batch brings every referenced cell to the row where a rule reads it."""

import numpy as np
import pytest

from nightround.validation.batch import CONTEXT, Batch, make_batch
from nightround.validation.snapshot_rows import AnchorRows
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Reference
from tests.made_up import NIGHT, project, snapshot


@pytest.fixture
def dictionary() -> Dictionary:
    """Two events; `visit` and `lab` at both, `adverse` repeats in the second."""
    return project(
        "record_id visit text - -",
        "weight visit text number -",
        "seen_on visit text date_ymd -",
        "hb lab text number -",
        "term adverse text - -",
        events={"one_arm_1": ["visit", "lab"], "two_arm_1": ["visit", "lab", "adverse"]},
        repeating=[("two_arm_1", "adverse")],
    )


RECORDS = [
    {"record_id": "1", "redcap_event_name": "one_arm_1", "weight": "70", "hb": "120"},
    {"record_id": "1", "redcap_event_name": "two_arm_1", "weight": "71", "hb": "125"},
    {
        "record_id": "1",
        "redcap_event_name": "two_arm_1",
        "redcap_repeat_instrument": "adverse",
        "redcap_repeat_instance": 1,
        "term": "bleeding",
    },
    {"record_id": "2", "redcap_event_name": "one_arm_1", "weight": "80", "hb": "NI"},
]


def batch(dictionary: Dictionary, instrument: str, *wanted: Reference) -> Batch:
    """Make the batch of one instrument."""
    return make_batch(AnchorRows.of(snapshot(dictionary, RECORDS), [instrument]), "b", wanted, NIGHT)


def texts(made: Batch, column: str) -> list[str]:
    """The exported text of a column for every row of the batch."""
    return made.texts(column, np.arange(len(made.frame)))


def test_a_field_of_another_instrument_is_read_from_the_same_event(dictionary: Dictionary) -> None:
    """A laboratory value is next to the visit of the same record and event."""
    made = batch(dictionary, "visit", Reference("weight"), Reference("hb"))
    assert texts(made, "weight") == ["70", "71", "80"]
    assert texts(made, "hb") == ["120", "125", "NI"]


def test_a_field_of_another_event_is_read_by_record(dictionary: Dictionary) -> None:
    """`[one_arm_1][weight]` is the first visit's weight on every row, blank where the record has no such visit."""
    made = batch(dictionary, "visit", Reference("weight", event="two_arm_1"))
    assert texts(made, "[two_arm_1][weight]") == ["71", "71", ""]
    assert made.frame["[two_arm_1][weight]"].isna().tolist() == [False, False, True]


def test_a_repeat_row_reads_its_base_row(dictionary: Dictionary) -> None:
    """On a repeat row a field that does not repeat is read from the base row of the same event."""
    made = batch(dictionary, "adverse", Reference("term"), Reference("hb"))
    assert texts(made, "term") == ["bleeding"]
    assert texts(made, "hb") == ["125"]


INSTANCES = [
    {"record_id": "1", "redcap_event_name": "one_arm_1", "weight": "70"},
    {"record_id": "1", "redcap_event_name": "two_arm_1", "weight": "71"},
    *(
        {
            "record_id": "1",
            "redcap_event_name": "two_arm_1",
            "redcap_repeat_instrument": "adverse",
            "redcap_repeat_instance": instance,
            "term": f"term {instance}",
        }
        for instance in (1, 2, 4)
    ),
]


@pytest.mark.parametrize(
    ("selector", "on_base_rows", "on_instances"),
    [
        ("2", ["", "term 2"], ["term 2"] * 3),
        ("first-instance", ["", "term 1"], ["term 1"] * 3),
        ("last-instance", ["", "term 4"], ["term 4"] * 3),
        ("current-instance", ["", ""], ["term 1", "term 2", "term 4"]),
        ("previous-instance", ["", ""], ["", "term 1", ""]),
        ("next-instance", ["", ""], ["term 2", "", ""]),
    ],
)
def test_an_instance_is_read_where_it_is_named(
    dictionary: Dictionary, selector: str, on_base_rows: list[str], on_instances: list[str]
) -> None:
    """A number and the instance words name a row of the repeating instrument; what is not there is blank."""
    wanted = Reference("term", instance=selector)
    made = make_batch(AnchorRows.of(snapshot(dictionary, INSTANCES), ["visit", "adverse"]), "b", [wanted], NIGHT)
    assert texts(made, wanted.column) == [*on_base_rows, *on_instances]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("first-event-name", ["70", "70", "80"]),
        ("last-event-name", ["71", "71", ""]),
        ("previous-event-name", ["", "70", ""]),
        ("next-event-name", ["71", "", ""]),
        ("event-name", ["70", "71", "80"]),
    ],
)
def test_a_relative_event_is_the_nearest_that_has_the_instrument(
    dictionary: Dictionary, event: str, expected: list[str]
) -> None:
    """`[first-event-name][weight]` and the like are read from the record's arm."""
    wanted = Reference("weight", event=event)
    assert texts(batch(dictionary, "visit", wanted), wanted.column) == expected


def test_smart_variables_are_values_of_the_row(dictionary: Dictionary) -> None:
    """What a row knows of itself can be used in logic."""
    names = ("record-name", "event-name", "event-label", "arm-number", "instrument-name", "current-instance")
    made = batch(dictionary, "adverse", *(Reference(name) for name in names))
    expected = ["1", "two_arm_1", "two_arm_1", "1", "adverse", "1"]
    assert [made.frame[f"[{name}]"].item() for name in names] == expected


def test_a_base_row_sees_a_repeating_field_blank(dictionary: Dictionary) -> None:
    """On a base row a field that repeats is blank, as in REDCap's own rules."""
    made = batch(dictionary, "visit", Reference("term"))
    assert texts(made, "term") == ["", "", ""]
    assert made.frame["term"].fillna("").tolist() == ["", "", ""]


def test_an_unreadable_cell_is_not_blank(dictionary: Dictionary) -> None:
    """A column that contains text where a number is due comes as text, so that the cell counts as filled."""
    made = batch(dictionary, "lab", Reference("hb"))
    assert made.frame["hb"].tolist() == ["120", "125", "NI"]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Reference("nothing"), "no field"),
        (Reference("weight", event="three_arm_1"), "no event"),
        (Reference("weight", modifier="label"), "modifier"),
        (Reference("user-name"), "nobody is logged in"),
    ],
)
def test_what_cannot_be_read_has_a_reason(dictionary: Dictionary, wanted: Reference, reason: str) -> None:
    """A field or event that the project does not have is named, and stops no other column."""
    made = batch(dictionary, "visit", Reference("weight"), wanted)
    assert reason in str(made.unreadable[wanted.column])
    assert "weight" in made.frame


def test_rows_have_their_keys_and_a_clean_index(dictionary: Dictionary) -> None:
    """Positions are unique and count from 0, which Great Expectations' row lists rely on."""
    made = batch(dictionary, "visit", Reference("record_id"))
    assert list(made.frame.index) == [0, 1, 2]
    assert made.rows.row_keys(np.array([2]))[0] == ("2", "one_arm_1", "visit", 0)
    assert texts(made, "record_id") == ["1", "1", "2"]


def test_taking_a_column_out_copies_no_context(dictionary: Dictionary) -> None:
    """Pandas copies the attributes of a frame with every column; ours is never changed, so it may stay itself."""
    frame = batch(dictionary, "visit", Reference("weight")).frame
    assert frame["weight"].attrs[CONTEXT] is frame.attrs[CONTEXT]
