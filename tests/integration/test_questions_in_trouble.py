"""Questions on records over HTTP, and what happens next to them: locks, renames, groups, a kill, people's edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from redcap_sync.project.values import ValuePlace
from redcap_sync.write_back import query_rows
from redcap_sync.write_back.query_instrument import INSTRUMENT
from tests.commanded_study import Call, call_of, commanded_study
from tests.questions_on_records import page_of_question, questions_of, typed_on_page, with_instrument
from tests.small_study import FOLDER, PATIENTS, PERSON, SmallStudy

RECORDS = ["1", "2", "3"]
CLEAN = [{**PATIENTS[0], "record_id": str(number)} for number in range(4, 14)]
"""So many that one of all may be deleted in a night."""


class KilledFlags(Exception):
    """The process ended between a write and its receipt."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study after one night, with the instrument."""
    project = with_instrument(FOLDER / "project", tmp_path / "project")
    with commanded_study(tmp_path / "data", monkeypatch, project=project, patients=[*PATIENTS, *CLEAN]) as one:
        yield one


@pytest.fixture
def call(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> Call:
    """A command on the study, as its exit code and its JSON."""
    return call_of(study, capsys)


def posted(study: SmallStudy, **form: str) -> None:
    """A call of the API that changes the project."""
    sent = {"token": study.environ["REDCAP_TOKEN"], "format": "json", **form}
    requests.post(study.environ["REDCAP_URL"], data=sent, timeout=30).raise_for_status()


def night(study: SmallStudy, call: Call) -> None:
    """The next night, and what it writes."""
    study.next_day()
    call("night")
    call("flags", "--apply")


def rows_of(study: SmallStudy, records: list[str]) -> dict[str, dict[str, Any]]:
    """The questions of records, each once."""
    found = questions_of(study.client, records)
    rows = study.client.records(records, [INSTRUMENT])
    assert len(found) == sum(row.get("redcap_repeat_instrument") == INSTRUMENT for row in rows)
    return found


def about(call: Call, record: str) -> list[dict[str, Any]]:
    """The findings of a record."""
    return [one for one in call("findings")[1]["findings"] if one["record"] == record]


def lock(study: SmallStudy, record: str, *, locked: bool) -> None:
    """Lock the instrument of a record, in the instances that are there and in the next ones."""
    event = study.project.structure.events[0].event_id
    for instance in range(1, 9):
        study.project.values.lock(record, ValuePlace(event, INSTRUMENT, instance), INSTRUMENT, locked=locked)


def test_a_locked_record_waits_and_holds_up_no_other(study: SmallStudy, call: Call) -> None:
    """REDCap refuses the questions of one record: those of all others are written, and the next run has the rest."""
    lock(study, "2", locked=True)
    code, done = call("flags", "--apply")
    refused = {row["finding"] for row in done["rows"] if row["result"] == "refused"}
    assert (code, done["refused"]) == (0, len(refused))
    assert refused == {one["id"] for one in about(call, "2")}
    assert {row["record_id"] for row in rows_of(study, RECORDS).values()} == {"3"}
    assert call("flags", "--apply")[1]["refused"] == len(refused)
    lock(study, "2", locked=False)
    assert call("flags", "--apply")[1]["written"] == len(refused)
    assert {row["record_id"] for row in rows_of(study, RECORDS).values()} == {"2", "3"}


def test_questions_go_with_a_renamed_record(study: SmallStudy, call: Call) -> None:
    """An answer on the record under its new name counts the same night; nothing is asked twice."""
    call("flags", "--apply")
    before = set(rows_of(study, RECORDS))
    posted(study, content="record", action="rename", record="2", new_record_name="20")
    age = next(one for one in about(call, "2") if one["fields"] == ["age"])
    row = rows_of(study, ["20"])[f"{age['id']}-1"]
    typed_on_page(page_of_question(row, age["link"]), PERSON, dq_code="confirmed_correct")
    night(study, call)
    (said,) = (one for one in about(call, "20") if one["id"] == age["id"])
    assert (said["state"], said["answer"]["by"]) == ("waived", PERSON)
    after = rows_of(study, ["1", "20", "3"])
    assert set(after) == before
    assert after[f"{age['id']}-1"]["dq_status"] == "waived"


def test_questions_of_a_deleted_record_are_over(study: SmallStudy, call: Call) -> None:
    """Its findings are closed with the person who deleted it, and no run makes the record again."""
    call("flags", "--apply")
    study.delete("2")
    night(study, call)
    closed = [one for one in call("findings")[1]["findings"] if one["record"] == "2"]
    assert {one["resolution"] for one in closed} == {"row_removed"}
    assert {row["record_id"] for row in rows_of(study, RECORDS).values()} == {"3"}
    assert call("flags", "--apply")[1]["written"] == 0


def test_a_record_in_another_group_keeps_its_questions(study: SmallStudy, call: Call) -> None:
    """Neither finding nor question is another one because the record has joined a data access group."""
    call("flags", "--apply")
    before, states = rows_of(study, RECORDS), {one["id"]: one["state"] for one in about(call, "2")}
    posted(
        study,
        content="dag",
        action="import",
        override="0",
        data='[{"data_access_group_name":"North","unique_group_name":""}]',
    )
    study.client.import_records([{"record_id": "2", "redcap_data_access_group": "north"}], overwrite=False)
    night(study, call)
    assert rows_of(study, RECORDS).keys() == before.keys()
    assert {one["id"]: one["state"] for one in about(call, "2")} == states


@pytest.mark.parametrize("receipts", [0, 1])
def test_a_kill_between_write_and_receipt_doubles_nothing(
    study: SmallStudy, call: Call, monkeypatch: pytest.MonkeyPatch, receipts: int
) -> None:
    """Killed before it read what it had written, of the first record or the second: the next run writes the rest."""
    read, left = query_rows.read_records, [receipts]

    def killed(*given: Any, **more: Any) -> Mapping[str, Any]:
        if not left[0]:
            raise KilledFlags
        left[0] -= 1
        return read(*given, **more)

    wanted = call("flags", "--dry-run")[1]["written"]
    monkeypatch.setattr(query_rows, "read_records", killed)
    with pytest.raises(KilledFlags):
        study.command("flags", lambda opened: opened.flags(apply=True))
    monkeypatch.setattr(query_rows, "read_records", read)
    there = len(rows_of(study, RECORDS))
    assert 0 < there <= wanted
    call("flags", "--apply")
    assert len(rows_of(study, RECORDS)) == wanted
    assert call("flags", "--apply")[1]["rows"] == []


def test_what_people_write_into_questions_stays(study: SmallStudy, call: Call) -> None:
    """A changed message, a comment without a code, and a row of a person's own are left as they are."""
    call("flags", "--apply")
    (row,) = (one for one in rows_of(study, ["2"]).values() if one["dq_field"] == "age")
    place = {name: str(row[name]) for name in ("record_id", "redcap_repeat_instrument", "redcap_repeat_instance")}
    said = {"dq_message_en": "call the patient first", "dq_comment": "waits for the chart"}
    own = {**place, "redcap_repeat_instance": "9", "dq_comment": "a note"}
    study.people[PERSON].import_records([{**place, **said}, own], overwrite=False)
    study.corrected("2", age="50")
    night(study, call)
    rows = study.client.records(["2"], [INSTRUMENT])
    (after,) = (one for one in rows if one.get("dq_id") == row["dq_id"])
    assert {name: after[name] for name in said} == said
    assert after["dq_status"] == "resolved"
    assert [one["dq_comment"] for one in rows if one.get("redcap_repeat_instance") == 9] == ["a note"]
    study.type_in("2", age="99")
    night(study, call)
    instances = {one["redcap_repeat_instance"] for one in questions_of(study.client, ["2"]).values() if one["dq_id"]}
    assert 10 in instances
