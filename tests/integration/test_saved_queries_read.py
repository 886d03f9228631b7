"""`queries.csv` in a study's folder: queries saved from REDCap are matched to findings; responses are answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from nightround.model.finding import Finding
from redcap_sync.errors import ProjectFileWrong
from tests.commanded_study import call_of, commanded_study
from tests.questions_on_records import with_instrument
from tests.small_study import FOLDER, SmallStudy

HEADS = "Current Query Status,Record,Event,Field,Response,Comment,Username,ts\n"
BEFORE, AFTER = "2025-07-01 09:00", "2025-07-02 12:00"
"""The finding is opened on 2025-07-02 at 02:30 on the hospital's clock."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study after one night, in a folder of its own."""
    shutil.copytree(FOLDER, tmp_path / "study")
    with commanded_study(tmp_path / "data", monkeypatch, source=tmp_path / "study") as one:
        yield one


def save(study: SmallStudy, *rows: str) -> None:
    """Save the queries, as a person does."""
    (study.source / "queries.csv").write_text(HEADS + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def next_night(study: SmallStudy) -> None:
    """A day, and its round."""
    study.next_day()
    study.round()


def age_of(study: SmallStudy, record: str) -> Finding:
    """The finding about an age."""
    return next(one for one in study.findings() if (one.row.record, one.fields) == (record, ("age",)))


def confirmed(record: str, at: str) -> str:
    """A row of a confirmed age."""
    return f"CLOSED,{record},,age (Age),Verified - Confirmed correct (no error),seen in the chart,ben,{at}"


def note_of(study: SmallStudy) -> str:
    """What the step of the last night noted."""
    return str(next(step.note for step in study.last_run().steps if step.name == "saved_queries"))


def test_a_response_is_an_answer_once(study: SmallStudy) -> None:
    """A confirmed value is waived by whom it was; when it changes it is asked again, whatever the old file says."""
    save(study, confirmed("2", AFTER), "OPEN,3,,age,,please check,ben,2025-07-02 12:00", confirmed("9", AFTER))
    next_night(study)
    said = age_of(study, "2").answer
    assert said is not None
    assert (age_of(study, "2").state, said.by, said.comment) == ("waived", "ben", "seen in the chart")
    assert age_of(study, "3").state == "open"
    noted = note_of(study)
    assert all(part in noted for part in ("3 queries in queries.csv", "1 taken over", "1 about no finding (rows 4)"))
    study.corrected("2", age="99")
    for _ in range(2):
        next_night(study)
        assert age_of(study, "2").state == "open"


def test_a_response_of_another_time_is_no_answer(study: SmallStudy) -> None:
    """Given before the finding was, at a time that cannot be read or is not yet, or that may be one before it."""
    times = (BEFORE, "", "some day", "2025-08-01 10:00", "02/07/2025 12:00")
    save(study, *(confirmed("2", at) for at in times))
    next_night(study)
    assert age_of(study, "2").state == "open"
    assert f"{len(times)} older than the finding or its values" in note_of(study)


def test_a_response_is_of_the_values_that_were_there(study: SmallStudy) -> None:
    """The value was changed after it was confirmed and before the night: what was said was said of another."""
    study.corrected("2", age="99")
    save(study, confirmed("2", AFTER))
    next_night(study)
    assert age_of(study, "2").state == "open"
    save(study, f"CLOSED,2,,age,TYPOGRAPHICAL_ERROR,,ben,{AFTER}")
    next_night(study)
    assert age_of(study, "2").state == "answered"


def test_a_query_about_one_of_several_fields_answers_nothing(study: SmallStudy) -> None:
    """It is known as asked about the finding, and what was said of one field is not said of the others."""
    save(study, f"CLOSED,2,,systolic,CONFIRMED_CORRECT,,ben,{AFTER}")
    next_night(study)
    assert {one.state.value for one in study.findings()} == {"open"}
    assert "1 without a response to take over" in note_of(study)


def test_a_dry_run_says_what_each_query_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row by row, and nothing is taken over by it."""
    project = with_instrument(FOLDER / "project", tmp_path / "project")
    shutil.copytree(FOLDER, tmp_path / "study")
    with commanded_study(tmp_path / "data", monkeypatch, project=project, source=tmp_path / "study") as study:
        save(study, confirmed("2", AFTER), confirmed("3", BEFORE), "OPEN,9,,age,,,,")
        study.now[0] += timedelta(hours=12)
        code, done = call_of(study, capsys)("flags", "--dry-run")
        assert code == 0
        fates = {one["row"]: (one["fate"], len(one["findings"])) for one in done["saved_queries"]}
        assert fates == {2: ("answered", 1), 3: ("earlier", 1), 4: ("unmatched", 0)}
        assert {one.state.value for one in study.findings()} == {"open"}


def test_a_file_that_is_none_stops_no_night(study: SmallStudy) -> None:
    """The findings are brought up to date, and the run ends with exit code 10 and the name of the column."""
    (study.source / "queries.csv").write_text("Record,Field,Colour\n1,age,red\n", encoding="utf-8")
    study.next_day()
    with pytest.raises(ProjectFileWrong, match="Colour"):
        study.round()
    assert study.last_run().exit_code == 10
    assert age_of(study, "2").last_seen_at == study.now[0]


def test_a_forgotten_patient_is_still_in_the_file(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a person's file, so that `forget` names it and leaves it."""
    save(study, confirmed("2", AFTER))
    for record in ("4", "5"):
        study.type_in(record, age="50")
    next_night(study)
    study.delete("2")
    next_night(study)
    code, done = call_of(study, capsys)("forget", "2", "--by", "data_manager")
    assert (code, str(study.source / "queries.csv") in done["still_has"]) == (0, True)
