"""The instrument that questions are written to: how it is known, and what of a project, a log or a drill it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nightround.model.snapshot import Snapshot, questions_apart
from nightround.simulation.drill.flat_data import FlatData
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.rows.tables import tables_from_records
from redcap_sync.write_back.query_instrument import (
    INSTRUMENT,
    concerns_queries_alone,
    dictionary_rows,
    field_names,
    is_query_instrument,
    without_queries,
)

ROWS = (
    {"record_id": "1", "redcap_repeat_instrument": "", "redcap_repeat_instance": "", "age": "47"},
    {"record_id": "1", "redcap_repeat_instrument": INSTRUMENT, "redcap_repeat_instance": "1", "dq_id": "a-1"},
)


def project(*, without: str = "") -> Dictionary:
    """A classic project with one field of its own and the instrument, where wanted without one of its fields."""
    own = [{"field_name": name, "form_name": "visit", "field_type": "text"} for name in ("record_id", "age")]
    names = ("visit", INSTRUMENT)
    return dictionary_from_api(
        project={"project_title": "SYNTHETIC"},
        metadata=[*own, *(row for row in dictionary_rows() if row["field_name"] != without)],
        instruments=[{"instrument_name": one, "instrument_label": one} for one in names],
        repeating=[{"event_name": "", "form_name": INSTRUMENT}],
    )


def snapshot_of(dictionary: Dictionary) -> Snapshot:
    """The rows in a project, as they were pulled."""
    now = datetime(2025, 7, 1, tzinfo=UTC)
    return Snapshot("id", "study", now, "14.5.0", dictionary, tables_from_records(dictionary, ROWS))


def test_questions_are_set_apart_from_the_data() -> None:
    """Neither structure nor tables of a snapshot have the instrument; its rows are there for who asks for them."""
    apart = questions_apart(snapshot_of(project()))
    assert set(apart.tables) == {"visit"}
    assert apart.dictionary == without_queries(project())
    assert apart.questions is not None
    assert apart.questions.text["dq_id"].tolist() == ["a-1"]
    assert questions_apart(apart) is apart


@pytest.mark.parametrize("lacking", field_names())
def test_an_instrument_of_the_name_alone_is_the_projects_own(lacking: str) -> None:
    """Where one field is missing it is data as any other, and it is judged."""
    own = project(without=lacking)
    assert not is_query_instrument(own)
    assert without_queries(own) is own
    assert set(questions_apart(snapshot_of(own)).tables) == {"visit", INSTRUMENT}


@pytest.mark.parametrize(
    ("fields", "alone"),
    [
        (("dq_code", "dq_comment"), True),
        (("dq_status", "data_query_complete"), True),
        (("dq_code", "age"), False),
        (("age",), False),
        ((), False),
    ],
)
def test_a_line_of_the_log_about_questions_alone(fields: tuple[str, ...], alone: bool) -> None:  # noqa: FBT001
    """It names fields of the instrument and no other; a line that names none may be about anything."""
    assert concerns_queries_alone(fields) is alone


def test_a_drill_copies_no_question() -> None:
    """The rows of questions are left out of the data that errors are planted in."""
    assert [row["record_id"] for row in FlatData.of_rows(project(), ROWS).rows] == ["1"]
    other = replace(project(without="dq_code"))
    assert len(FlatData.of_rows(other, ROWS).rows) == len(ROWS)
