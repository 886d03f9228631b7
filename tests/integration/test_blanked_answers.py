"""Answers that a server loses without a line in the log close nothing, however often it leaves them blank."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightround.model.finding import FindingState, Resolution
from nightround.store.run_rows import Ended
from redcap_sync.errors import ExplainedError
from redcap_sync.project.values import ValuePlace
from tests.lying_study import LyingStudy, lying_study, place_of

DAY, WEEK = 24 * 3600, 8 * 24 * 3600
"""After a week everything is pulled; on other nights what the log names."""
Lie = Callable[[LyingStudy], Callable[[str, ValuePlace, str], bool]]
LIES: dict[str, Lie] = {
    "one cell": lambda _: lambda record, _, column: record == "1" and column == "initials",
    "an instrument": lambda _: lambda _record, _, column: column in {"weight", "height", "bmi", "labs_complete"},
    "an event": lambda study: lambda record, place, _: study.in_event("followup_arm_1")(record, place),
    "an instance": lambda _: lambda _record, place, _column: place.instance == 2,
    "a record": lambda _: lambda record, _, _column: record == "2",
    "everything": lambda _: lambda _record, _, _column: True,
}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[LyingStudy]:
    """Three records with mistakes in every event, after their first round."""
    with lying_study(tmp_path, records=3) as one:
        one.round()
        yield one


@pytest.mark.parametrize("lie", LIES)
def test_answers_that_a_server_loses_keep_their_findings_open_until_they_are_back(study: LyingStudy, lie: str) -> None:
    """The rows are there, cells are blank, the log says nothing: no round closes or opens anything, and each says so.

    Once the answers are back, also without a line in the log, the next round is complete.
    """
    before = study.open_ones()
    assert len(before) == 15
    with study.blanking(LIES[lie](study)):
        for seconds in (WEEK, 6, DAY):
            summary = study.round(seconds=seconds)
            assert study.open_ones() == before
            assert not summary.complete
            assert summary.suspects > 0
            assert study.last_run().ended is Ended.RED
            assert "became blank, and no line of REDCap's log explains it" in study.mails()
    assert study.round().complete
    assert study.open_ones() == before


def test_a_line_about_another_field_explains_no_blank(study: LyingStudy) -> None:
    """The record is in the log for its height, and so it is fetched; its weight, which is blank now, is suspect."""
    with study.blanking(lambda record, _, column: record == "1" and column == "weight"):
        study.server.write("1", height="1.70")
        assert study.round().suspects == 2  # of the visit and of the diary
        assert ("LAB-01", "1", "followup_arm_1", 0) in study.open_ones()
        details = "[instance = 1], weight = ''"
        study.server.project.log("nurse", "record_edit", "Update record 1 (Diary)", details=details, record="1")
        assert study.round().suspects == 1


@pytest.mark.parametrize("late", [False, True])
def test_a_line_that_blanks_the_field_explains_it(study: LyingStudy, late: bool) -> None:  # noqa: FBT001
    """A person who empties a cell closes its finding the same night; where the line comes late, once it is there."""
    if late:
        values, project = study.server.project.values, study.server.project
        place = next(place for place in values["1"].rows if "initials" in values["1"].rows[place])
        values.write("1", place, {"initials": ""})
        assert not study.round(seconds=WEEK).complete
        project.log("nurse", "record_edit", "Update record 1", details="initials = ''", record="1")
    else:
        study.server.write("1", initials="")
    assert study.round().complete
    closed = {place_of(one)[:2]: one.resolution for one in study.findings() if one.state is not FindingState.OPEN}
    assert closed == {("INI-01", "1"): Resolution.EMPTIED}


def test_a_person_accepts_blank_answers_one_record_at_a_time(study: LyingStudy) -> None:
    """Accepted answers were taken out on purpose: their findings close as emptied, and those of other records wait."""
    with study.blanking(lambda record, _, column: record in "12" and column == "initials"):
        assert study.round(seconds=WEEK).suspects == 2
        study.accept(record="1")
        assert study.round().suspects == 1
        emptied = {place_of(one)[:2] for one in study.findings() if one.resolution is Resolution.EMPTIED}
        assert emptied == {("INI-01", "1")}
        study.accept()
        assert study.round().complete


def test_without_the_log_each_blank_answer_is_accepted(tmp_path: Path) -> None:
    """A token that may not read the log cannot tell a person from a fault; the mail says what to do."""
    with lying_study(tmp_path, records=2) as study:
        study.server.become(without=("logging",))
        study.username = "service"
        study.round()
        assert "each answer that was blanked" in study.mails()
        study.server.write("1", initials="")
        assert study.round().suspects == 1
        assert "INI-01" in {place[0] for place in study.open_ones() if place[1] == "1"}
        assert "has to be accepted, and each answer that was blanked" in study.mails()
        study.accept(record="1")
        assert study.round().complete
        assert ("INI-01", "1") not in {place[:2] for place in study.open_ones()}


def test_a_damaged_snapshot_is_no_excuse_for_blank_answers(study: LyingStudy) -> None:
    """What is blank is found by the newest table of each instrument that can be read."""
    before = study.open_ones()
    study.server.write("1", height="1.71")
    study.round()
    objects = (study.data / "lying_study" / "snapshots" / "objects").glob("*.json")
    structures = [path for path in objects if "metadata" in path.read_text(encoding="utf-8")]
    assert structures
    for path in structures:
        path.write_bytes(b"damaged")
    with study.blanking(lambda _record, _, column: column == "weight"):
        assert study.round().suspects > 0
        assert study.open_ones() == before


@pytest.mark.parametrize("renamed", [False, True])
def test_rows_that_come_back_without_their_answers_prove_nothing(study: LyingStudy, renamed: bool) -> None:  # noqa: FBT001
    """Gone one night and back the next with blank cells: the last snapshot has no such row, and yet they are missed."""
    record = "100" if renamed else "3"
    if renamed:
        study.server.rename("3", record)
        study.round()
    before = study.open_ones()
    with study.leaving_out(lambda name, _: name == record):
        study.round()
    with study.blanking(lambda name, _, column: name == record and column in {"weight", "initials"}):
        for _ in range(2):
            assert study.round().suspects == 3
            assert study.open_ones() == before
    assert study.round().complete
    assert study.open_ones() == before


def test_a_mail_about_a_failed_round_counts_the_blank_answers_too(study: LyingStudy) -> None:
    """A reader of that mail alone learns what is still waiting for an explanation."""
    with study.blanking(LIES["one cell"](study)):
        study.round(seconds=WEEK)
        study.server.faults.script("server_error", times=60)
        with pytest.raises(ExplainedError):
            study.round()
        study.server.faults.clear()
    assert "1 answer of 1 record became blank" in study.mails()
