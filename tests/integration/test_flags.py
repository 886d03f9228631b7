"""`nightround flags`: questions written to the records of a REDCap project, and their answers, over several nights."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nightround.cli.main import main
from nightround.store.database import Store
from redcap_sync.api.client import RedcapClient
from redcap_sync.errors import RedcapRefused, WriteRefused
from redcap_sync.write_back.query_instrument import dictionary_rows
from tests.commanded_study import Call, call_of, commanded_study
from tests.questions_on_records import questions_of, with_instrument
from tests.small_study import FOLDER, SmallStudy


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study after one night, with the instrument."""
    project = with_instrument(FOLDER / "project", tmp_path / "project")
    with commanded_study(tmp_path / "data", monkeypatch, project=project) as one:
        yield one


@pytest.fixture
def call(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> Call:
    """A command on the study, as its exit code and its JSON."""
    return call_of(study, capsys)


def questions(study: SmallStudy) -> dict[str, dict[str, Any]]:
    """The questions that REDCap has, by their id."""
    return questions_of(study.client, ["1", "2", "3"])


def edit(study: SmallStudy, row: dict[str, Any], **cells: str) -> None:
    """Change cells of a question, as a person does."""
    place = {name: str(row[name]) for name in ("record_id", "redcap_repeat_instrument", "redcap_repeat_instance")}
    study.client.import_records([{**place, **cells}], overwrite=True)


def states(study: SmallStudy) -> dict[str, str]:
    """The findings' states by id."""
    return {one.id: one.state.value for one in study.findings()}


def question_of(study: SmallStudy, record: str, field: str, number: int = 1) -> dict[str, Any]:
    """The question about a field of a record."""
    return next(
        row
        for identity, row in questions(study).items()
        if row["record_id"] == record and row["dq_field"] == field and identity.endswith(f"-{number}")
    )


def test_the_instrument_is_printed_for_the_dictionary(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """As CSV under the headings of REDCap's own pages, each field once; as JSON the same rows."""
    code, document = call("flags", "--instrument")
    assert (code, document["instrument"]) == (0, [dict(row) for row in dictionary_rows()])
    with pytest.raises(SystemExit):
        main(["flags", str(FOLDER), "--instrument"])
    printed = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["Variable / Field Name"] for row in printed] == [row["field_name"] for row in dictionary_rows()]


def test_the_first_study_has_the_same_instrument() -> None:
    """One truth: the dictionary of the shipped study has exactly the rows that are printed."""
    file = Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "project" / "metadata.csv"
    with file.open(encoding="utf-8-sig", newline="") as text:
        shipped = [row for row in csv.DictReader(text) if row["form_name"] == "data_query"]
    assert shipped == list(dictionary_rows())


def test_a_dry_run_writes_nothing_and_an_apply_writes_once(study: SmallStudy, call: Call) -> None:
    """What a dry run lists is what an apply writes; a second apply has nothing to do."""
    code, wanted = call("flags", "--dry-run")
    assert code == 0
    assert wanted["rows"]
    assert questions(study) == {}
    code, done = call("flags", "--apply")
    assert (code, done["written"], done["new"]) == (0, len(wanted["rows"]), len(wanted["rows"]))
    assert set(questions(study)) == {row["query"] for row in wanted["rows"]}
    assert {row["dq_status"] for row in questions(study).values()} == {"open"}
    assert call("flags", "--apply")[1]["rows"] == []


def test_answers_on_the_record_become_answers_and_are_taken_once(study: SmallStudy, call: Call) -> None:
    """A confirmed value is not asked again until it changes; a corrected one is closed with proof; then a new question.

    The old answer is no answer to the new values, though it still is on the record.
    """
    call("flags", "--apply")
    first = question_of(study, "2", "age")
    edit(study, first, dq_code="confirmed_correct", dq_comment="seen in the chart")
    corrected = question_of(study, "3", "age")
    edit(study, corrected, dq_code="typo_corrected")
    study.type_in("3", age="50")
    study.next_day()
    study.round()
    identity = first["dq_id"].partition("-")[0]
    assert states(study)[identity] == "waived"
    assert states(study)[corrected["dq_id"].partition("-")[0]] == "resolved"
    call("flags", "--apply")
    assert questions(study)[first["dq_id"]]["dq_status"] == "waived"
    assert questions(study)[corrected["dq_id"]]["dq_status"] == "resolved"
    study.next_day()
    study.round()
    assert states(study)[identity] == "waived"
    assert call("flags", "--apply")[1]["rows"] == []
    study.type_in("2", age="99")
    study.next_day()
    study.round()
    assert states(study)[identity] == "open"
    call("flags", "--apply")
    assert question_of(study, "2", "age", 2)["dq_status"] == "open"
    assert question_of(study, "2", "age", 2)["dq_code"] == ""
    study.next_day()
    study.round()
    assert states(study)[identity] == "open"


def test_what_a_person_changed_or_removed_is_left_so(study: SmallStudy, call: Call) -> None:
    """Neither is the state that a person typed overwritten, nor does a question whose id was blanked come back."""
    call("flags", "--apply")
    first, other = question_of(study, "2", "age"), question_of(study, "3", "age")
    edit(study, first, dq_status="snoozed")
    edit(study, other, dq_id="")
    for record in ("2", "3"):
        study.type_in(record, age="50")
    study.next_day()
    study.round()
    reasons = {one["reason"] for one in call("flags", "--apply")[1]["not_asked"]}
    assert reasons >= {"edited", "removed"}
    assert questions(study)[first["dq_id"]]["dq_status"] == "snoozed"
    assert other["dq_id"] not in questions(study)


def test_a_run_that_was_killed_after_writing_doubles_nothing(
    study: SmallStudy, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What REDCap has and nobody remembers is found by its id, and not written again."""
    with monkeypatch.context() as patch:
        patch.setattr(Store, "remember_questions", lambda *_: None)
        call("flags", "--apply")
    before = questions(study)
    assert call("flags", "--apply")[1]["rows"] == []
    assert questions(study) == before
    edit(study, question_of(study, "2", "age"), dq_code="confirmed_correct")
    study.next_day()
    study.round()
    assert "waived" in states(study).values()


def test_a_refused_row_takes_no_other_with_it(study: SmallStudy, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import is taken whole or not at all; the row that is refused is found, and tried again by the next run."""
    imported = RedcapClient.import_records

    def refuse_ages(self: RedcapClient, rows: Iterable[Mapping[str, Any]], *, overwrite: bool) -> int:
        rows = list(rows)
        if any(row.get("dq_field") == "age" for row in rows):
            raise WriteRefused("api.import_refused", status=400, places=1)
        return imported(self, rows, overwrite=overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(RedcapClient, "import_records", refuse_ages)
        code, done = call("flags", "--apply")
    assert code == 0
    assert done["refused"] == 2
    assert {row["dq_field"] for row in questions(study).values()}.isdisjoint({"age"})
    assert done["written"] == len(questions(study)) > 0
    assert call("flags", "--apply")[1]["written"] == 2


def test_a_record_that_is_gone_is_not_made_again(study: SmallStudy, call: Call) -> None:
    """An import would make the record; it is reported instead."""
    study.delete("2")
    done = call("flags", "--apply")[1]
    assert {one["reason"] for one in done["not_asked"]} >= {"record_gone"}
    assert {row["record_id"] for row in study.client.row_keys(["record_id"])} == {"1", "3"}


def test_nothing_is_asked_about_the_questions_themselves(study: SmallStudy, call: Call) -> None:
    """Two quiet nights with questions on the records open no finding, and no rule is made of the instrument."""
    call("flags", "--apply")
    before = states(study)
    for _ in range(2):
        study.next_day()
        study.round()
        assert states(study) == before
    assert questions(study)


@pytest.mark.parametrize("options", [(), ("--apply", "--dry-run"), ("--instrument", "--apply")])
def test_one_thing_is_asked_for(call: Call, options: tuple[str, ...]) -> None:
    """None or two of the three options is a mistake of usage."""
    assert call("flags", *options)[0] == 2


def test_a_project_without_the_instrument_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 10, and the fields that are missing."""
    with commanded_study(tmp_path / "data", monkeypatch) as one:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["flags", str(one.source), "--apply", "--data", str(one.data), "--json"])
        assert ended.value.code == 10
        assert "dq_id" in json.loads(capsys.readouterr().out)["error"]["why"]


def test_a_token_that_may_not_import_ends_with_14(
    study: SmallStudy, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused as a whole: nothing is written, and the command says which right is missing."""

    def refuse(*_: object, **__: object) -> int:
        raise RedcapRefused("api.refused", status=403)

    with monkeypatch.context() as patch:
        patch.setattr(RedcapClient, "import_records", refuse)
        assert call("flags", "--apply")[0] == 14
    assert questions(study) == {}
