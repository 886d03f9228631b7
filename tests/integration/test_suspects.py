"""What is gone without a line in the log closes nothing, however often a server leaves it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import FindingState, Resolution
from nightround.store.run_rows import Ended
from redcap_sync.errors import ExplainedError
from redcap_sync.project.values import ValuePlace
from tests.lying_study import KILLED_AT, LyingStudy, lying_study, place_of

Lie = Callable[[LyingStudy], Callable[[str, ValuePlace], bool]]
LIES: dict[str, Lie] = {
    "an event": lambda study: study.in_event("followup_arm_1"),
    "the first event": lambda study: study.in_event("screening_arm_1"),
    "a repeating event": lambda study: study.in_event("diary_arm_1"),
    "an instrument": lambda _: lambda _record, place: place.instrument == "visit",
    "an instance": lambda _: lambda record, place: place.instance == 2 and record in "12",
    "records": lambda _: lambda record, _place: record in {"3", "4"},
    "half of the rows": lambda _: lambda record, place: (int(record) + place.instance) % 2 == 0,
}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[LyingStudy]:
    """Six records with mistakes in every event, after their first round."""
    with lying_study(tmp_path, records=6) as one:
        one.round()
        yield one


@pytest.mark.parametrize("lie", LIES)
def test_what_a_server_leaves_out_stays_open_until_it_is_back(study: LyingStudy, lie: str) -> None:
    """Ids and cells agree, the log says nothing: three rounds close nothing and say so; the fourth goes on."""
    before = study.open_ones()
    assert len(before) == 30
    with study.leaving_out(LIES[lie](study)):
        for seconds in (24 * 3600, 6, 24 * 3600):
            summary = study.round(seconds=seconds)
            assert study.open_ones() == before
            assert not summary.complete
            assert summary.suspects > 0
            assert any("INCOMPLETE" in path.name for path in summary.files)
            assert study.last_run().ended is Ended.RED
            assert f"{summary.suspects} rows of" in study.mails()
    assert study.round().complete
    assert study.open_ones() == before


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("full", [False, True])
def test_a_person_accepts_what_was_removed(study: LyingStudy, lie: str, full: bool) -> None:  # noqa: FBT001
    """Accepted rows close as removed, one record at a time where the person says so; what is there stays open."""
    left_out = LIES[lie](study)
    numbers = {study.event_id(name): name for name in ("screening_arm_1", "followup_arm_1", "diary_arm_1")}
    gone = {(r, numbers[p.event_id], p.instance) for r, p, _ in study.server.project.values.rows() if left_out(r, p)}
    seconds = 8 * 24 * 3600 if full else 24 * 3600
    with study.leaving_out(left_out):
        study.round(seconds=seconds)
        record = min(gone)[0]
        study.accept(record=record)
        study.round()
        closed = {place_of(one) for one in study.findings() if one.resolution is Resolution.ROW_REMOVED}
        assert closed == {one for one in map(place_of, study.findings()) if one[1] == record and one[1:] in gone}
        others = {one[0] for one in gone} - {record}
        if others:
            study.accept()
        assert study.round().complete
        closed = {place_of(one) for one in study.findings() if one.resolution is Resolution.ROW_REMOVED}
        assert closed == {one for one in map(place_of, study.findings()) if one[1:] in gone}
        with pytest.raises(StudyFilesWrong, match="No row or answer that is gone"):
            study.accept()


def test_a_correction_closes_while_other_records_are_suspect(study: LyingStudy) -> None:
    """A row that was seen and judged closes its finding; of a record with a row in doubt nothing closes."""
    with study.leaving_out(lambda record, place: record == "1" and place.instance == 2):
        study.round()
        for record in ("1", "2"):
            study.server.write(record, initials="OK")
        study.round()
        fixed = {place_of(one)[:2] for one in study.findings() if one.resolution is Resolution.FIXED}
        assert fixed == {("INI-01", "2")}


def test_a_process_that_ends_after_the_pull_forgets_no_suspect(
    study: LyingStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before or after the snapshot is kept, before the rules, before the ledger: the next round knows."""
    before = study.open_ones()

    class KilledError(BaseException):
        """The process ends here."""

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    for module, name in KILLED_AT:
        with study.leaving_out(study.in_event("followup_arm_1")):
            with monkeypatch.context() as ending:
                ending.setattr(module, name, killed)
                with pytest.raises(KilledError):
                    study.round()
            study.round(seconds=6)
            assert study.open_ones() == before
        study.round()
        assert study.open_ones() == before


def test_a_process_that_ends_before_the_snapshot_is_kept_suspects_nothing_that_is_there(
    study: LyingStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suspects are written first; the next round finds the rows and is complete."""
    before = study.open_ones()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with study.leaving_out(study.in_event("followup_arm_1")), monkeypatch.context() as ending:
        from nightround.snapshots.snapshot_store import SnapshotStore

        ending.setattr(SnapshotStore, "save", full_disk)
        with pytest.raises(StudyFilesWrong):
            study.round()
    assert study.round().complete
    assert study.open_ones() == before


def test_a_damaged_snapshot_is_no_excuse(study: LyingStudy) -> None:
    """Where the last snapshot cannot be gone on from, what is missing is found by the newest rows that can be read."""
    before = study.open_ones()
    for path in (study.data / "lying_study" / "snapshots" / "objects").glob("*.parquet"):
        if path.stem.count("-"):
            path.write_bytes(b"damaged")
    with study.leaving_out(study.in_event("followup_arm_1")):
        for _ in range(2):
            assert not study.round().complete
            assert study.open_ones() == before


@pytest.mark.parametrize("how", ["record", "rename", "event", "instance"])
def test_what_the_log_explains_closes_the_same_night(study: LyingStudy, how: str) -> None:
    """The deletion of a record, of an event's data, of an instance: closed as removed. Renamed ones take them along."""
    before = study.open_ones()
    if how == "record":
        study.server.delete("1")
    elif how == "rename":
        study.server.rename("1", "100")
    else:
        part = {"event": "followup_arm_1"} | (
            {"instrument": "visit", "repeat_instance": "2"} if how == "instance" else {}
        )
        study.server.post(content="record", action="delete", **{"records[0]": "1"}, **part)
    assert study.round().complete
    removed = {place_of(one) for one in study.findings() if one.resolution is Resolution.ROW_REMOVED}
    expected = {
        "record": {one for one in before if one[1] == "1"},
        "rename": set(),
        "event": {one for one in before if one[1:3] == ("1", "followup_arm_1")},
        "instance": {one for one in before if one[:2] == ("VIS-01", "1")},
    }[how]
    assert removed == expected
    renamed = {(rule, "100" if record == "1" else record, *place) for rule, record, *place in before}
    reads_the_event = {one for one in before if how == "event" and one[:2] == ("FAR-01", "1")}
    missing = {("visit:followup_arm_1", "1", "screening_arm_1", 0)} if how == "event" else set()
    assert study.open_ones() == (renamed if how == "rename" else (before - expected - reads_the_event) | missing)


def test_a_renamed_record_that_is_left_out_stays_open(study: LyingStudy) -> None:
    """The log names the new id, and the server has nothing under it: suspect under the new name, however often."""
    study.server.rename("1", "100")
    study.server.rename("2", "200")
    with study.leaving_out(lambda record, _: record in {"100", "200"}):
        for _ in range(2):
            assert study.round().suspects == 10
            assert len(study.open_ones()) == 30
    assert study.round().complete
    assert len(study.open_ones()) == 30


def test_a_line_that_comes_late_explains_a_suspect(study: LyingStudy) -> None:
    """A record is gone before the log says so: suspect, and closed once the line is there."""
    study.server.delete("1", erase_log=True)
    assert study.round().suspects > 0
    study.server.project.log("nurse", "record_delete", "Delete record 1", details="record_id = '1'", record="1")
    assert study.round().complete
    assert {one.row.record for one in study.findings() if one.resolution is Resolution.ROW_REMOVED} == {"1"}


@pytest.mark.parametrize("nights", [1, 3])
def test_a_log_that_could_not_be_read_for_a_while_explains_what_it_says_later(study: LyingStudy, nights: int) -> None:
    """A record is deleted while the log is refused: suspect until the log can be read, explained from then on."""
    study.server.delete("3")
    for _ in range(nights):
        study.server.faults.script("forbidden", times=60, content="log")
        assert study.round().suspects > 0
        study.server.faults.clear()
    assert study.round().complete
    closed = [one for one in study.findings() if one.row.record == "3"]
    assert {one.resolution for one in closed} == {Resolution.ROW_REMOVED}


def test_a_mail_about_a_failed_round_counts_the_suspects_too(study: LyingStudy) -> None:
    """A reader of that mail alone learns what is still waiting for an explanation."""
    study.server.delete("1", erase_log=True)
    waiting = study.round().suspects
    study.server.faults.script("server_error", times=60)
    with pytest.raises(ExplainedError):
        study.round()
    study.server.faults.clear()
    assert f"{waiting} rows of" in study.mails()


def test_without_the_log_each_deletion_is_accepted_and_the_first_mail_says_so(tmp_path: Path) -> None:
    """A token that may not read the log: the first mail says what that means, and a deletion waits for a person."""
    with lying_study(tmp_path, records=3) as study:
        study.server.become(without=("logging",))
        study.username = "service"
        study.round()
        assert "each deletion in the project has to be accepted" in study.mails()
        study.server.post(content="record", action="delete", **{"records[0]": "1"})
        assert study.round().suspects == 5
        assert "so that each deletion has to be accepted" in study.mails()
        study.accept()
        assert study.round().complete
        closed = [one for one in study.findings() if one.state is not FindingState.OPEN]
        assert {(one.row.record, one.resolution) for one in closed} == {("1", Resolution.ROW_REMOVED)}


def test_a_deleted_part_explains_no_other_part_of_its_record(study: LyingStudy) -> None:
    """The diary of a record was deleted, with a line in the log; its visits, which are left out, are no part of it."""
    study.server.post(content="record", action="delete", **{"records[0]": "3", "event": "diary_arm_1"})
    with study.leaving_out(lambda _, place: place.instrument == "visit"):
        for _ in range(2):
            assert study.round().suspects > 0
            assert ("VIS-01", "3", "followup_arm_1", 2) in study.open_ones()
