"""A night that cannot account for everything is red, says so on every file, and resolves nothing."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, event

from nightround.model.errors import ReportStopped, StudyFilesWrong
from nightround.model.finding import FindingState
from nightround.model.outcome import Status
from nightround.model.snapshot import Snapshot
from nightround.night import Night, failure_notice, steps
from nightround.night.acceptance import accept_rows
from nightround.night.run_job import open_night, run_job, run_scheduled
from nightround.store.run_rows import Ended
from nightround.study.folder import find_content
from nightround.texts.catalogue import in_language
from nightround.validation.coverage import certify
from nightround.validation.run import Validation
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.errors import RedcapUnreachable
from redcap_sync.messages import Message
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder

STUDY = Path(__file__).parents[2] / "expectations" / "venous_occlusion"
NIGHT = datetime(2025, 7, 6, 2, 30, tzinfo=UTC)  # a Sunday, on which no report is made
TYPED = {"record_id": "1", "redcap_event_name": "screening_arm_1", "height_cm": "170", "weight_kg": "70"}


@pytest.fixture
def redcap() -> Iterator[tuple[RedcapClient, dict[str, str]]]:
    """A sandbox with one record whose BMI is wrong, a client of it, and the environment that points at it."""
    project = project_from_folder(STUDY / "project", clock=lambda: NIGHT.replace(tzinfo=None))
    with running([project], random=Random(1)) as server:
        token = server.token(project)
        client = RedcapClient(server.api_url, Token(token), sleep=lambda _: None)
        client.import_records([{**TYPED, "bmi": "45.0"}], overwrite=True)
        yield client, {"PATH": os.environ["PATH"], "REDCAP_URL": server.api_url, "REDCAP_TOKEN": token}


@contextmanager
def a_night(folder: Path, environ: dict[str, str]) -> Iterator[Night]:
    """One run of the shipped study."""
    content = find_content({})
    with open_night(
        "venous_occlusion",
        data=folder,
        job="nightly",
        content=content,
        environ=environ,
        clock=lambda: NIGHT,
        sleep=lambda _: None,
    ) as night:
        yield night


def bmi_finding(night: Night) -> FindingState:
    """The state of the one finding of the BMI rule."""
    return next(one.state for one in night.store.findings("venous_occlusion") if one.rule_id == "BMI-01")


def test_a_lost_outcome_makes_the_run_red_and_resolves_nothing(
    tmp_path: Path, redcap: tuple[RedcapClient, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One rule without an outcome: INCOMPLETE in every file's name, the run red, and a fixed value stays open."""
    client, environ = redcap
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
        assert bmi_finding(night) is FindingState.OPEN
    client.import_records([{**TYPED, "bmi": "24.2"}], overwrite=True)
    judged = steps.validate

    def loses_one(snapshot: Snapshot, rules: Any, **other: Any) -> Validation:
        whole = judged(snapshot, rules, **other)
        kept = tuple(one for one in whole.outcomes if one.rule_id != "AGE-01")
        return replace(whole, outcomes=kept, coverage=certify(whole.rules, kept))

    monkeypatch.setattr(steps, "validate", loses_one)
    with a_night(tmp_path, environ) as night:
        summary = run_job(night, "nightly")
        assert bmi_finding(night) is FindingState.OPEN
        run = night.store.last_run("venous_occlusion")
    assert run is not None
    assert (run.ended, run.complete) == (Ended.RED, False)
    assert not summary.complete
    lists = [path.name for path in summary.files if path.name.startswith(("coverage", "findings"))]
    assert lists
    assert all("INCOMPLETE" in name for name in lists)
    certificate = json.loads(next(path for path in summary.files if path.name.startswith("coverage")).read_text())
    assert certificate["unaccounted"] == ["AGE-01"]
    monkeypatch.setattr(steps, "validate", judged)
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
        assert bmi_finding(night) is FindingState.RESOLVED


def test_a_record_that_left_without_a_trace_resolves_nothing_until_somebody_accepts_it(
    tmp_path: Path, redcap: tuple[RedcapClient, dict[str, str]]
) -> None:
    """A server that leaves records out has not fixed them: the nights are INCOMPLETE and say why, however many."""
    client, environ = redcap
    others = [{**TYPED, "record_id": str(number), "bmi": "24.2"} for number in range(2, 8)]
    client.import_records(others, overwrite=True)
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
    form = {"token": environ["REDCAP_TOKEN"], "content": "record", "action": "delete", "records[0]": "1"}
    requests.post(environ["REDCAP_URL"], data={**form, "delete_logging": "1"}, timeout=5).raise_for_status()
    for _ in range(2):
        with a_night(tmp_path, environ) as night:
            summary = run_job(night, "nightly")
            assert bmi_finding(night) is FindingState.OPEN
            assert any("INCOMPLETE" in path.name for path in summary.files)
            assert any("INCOMPLETE, not everything was seen" in line for line in summary.lines())
        mails = (tmp_path / "venous_occlusion" / "outbox").glob(f"{NIGHT:%Y-%m-%d}_data_manager_*.html")
        said = in_language(Message.of("doubts.suspects", rows=1, records=1), "zh")
        assert any(said in mail.read_text(encoding="utf-8") for mail in mails)
    with a_night(tmp_path, environ) as night:
        accept_rows(night, by="Dr. Data", record=None)
        run_job(night, "accept", lambda _: None)
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
        assert bmi_finding(night) is FindingState.RESOLVED


def test_a_failed_pull_leaves_findings_and_snapshot_as_they_were(
    tmp_path: Path, redcap: tuple[RedcapClient, dict[str, str]]
) -> None:
    """The server is gone: exit code 11, the data manager is notified, nothing is resolved, the last snapshot stays."""
    _, environ = redcap
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
        good = night.facts.snapshots.latest_id()
    gone = {**environ, "REDCAP_URL": "http://127.0.0.1:9/api/"}
    with a_night(tmp_path, gone) as night:
        with pytest.raises(RedcapUnreachable):
            run_job(night, "nightly")
        assert bmi_finding(night) is FindingState.OPEN
        assert night.facts.snapshots.latest_id() == good
        run = night.store.last_run("venous_occlusion")
    assert run is not None
    assert (run.ended, run.exit_code) == (Ended.FAILED, 11)
    told = list((tmp_path / "venous_occlusion" / "outbox").glob("*_data_manager_*.html"))
    assert any("127.0.0.1:9" in path.read_text(encoding="utf-8") for path in told)


@pytest.mark.parametrize("address", [None, "redcap.example.org/api/", "ftp://redcap.example.org/api/"])
def test_a_wrong_address_after_good_nights_is_told_as_what_it_is(
    tmp_path: Path, redcap: tuple[RedcapClient, dict[str, str]], address: str | None
) -> None:
    """With no address, or one that is none, the night ends in 11 and the data manager's mail says so, without links."""
    _, environ = redcap
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
    wrong = {name: value for name, value in environ.items() if name != "REDCAP_URL"}
    with a_night(tmp_path, wrong if address is None else {**wrong, "REDCAP_URL": address}) as night:
        with pytest.raises(RedcapUnreachable):
            run_job(night, "nightly")
        run = night.store.last_run("venous_occlusion")
    assert run is not None
    assert (run.ended, run.exit_code) == (Ended.FAILED, 11)
    assert [step.name for step in run.steps if step.ended is Ended.DONE] == ["alert"]


def test_trouble_with_the_mail_hides_no_other_trouble(
    tmp_path: Path, redcap: tuple[RedcapClient, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the failure cannot be mailed either, the first error is still the one that is shown and remembered."""
    _, environ = redcap

    def no_mail(*_: object) -> None:
        raise RuntimeError("the mail is broken too")

    monkeypatch.setattr(failure_notice, "send_failure_notice", no_mail)
    with a_night(tmp_path, {**environ, "REDCAP_URL": "http://127.0.0.1:9/api/"}) as night:
        with pytest.raises(RedcapUnreachable):
            run_job(night, "nightly")
        run = night.store.last_run("venous_occlusion")
    assert run is not None
    assert run.exit_code == 11


def test_a_night_that_may_not_see_an_instrument_resolves_nothing_and_prints_nothing(
    tmp_path: Path, redcap: tuple[RedcapClient, dict[str, str]]
) -> None:
    """The token's user loses the right on an instrument: its rules are not evaluated, no report says 'missing'."""
    client, environ = redcap
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
    client.import_records([{**TYPED, "bmi": "24.2"}], overwrite=True)
    (user,) = client.users()
    client._call(
        client._project.import_users,
        to_import=[{"username": user["username"], "forms_export": {**user["forms_export"], "demographics": 0}}],
    )
    with a_night(tmp_path, environ) as night:
        assert not run_job(night, "nightly").complete
        assert bmi_finding(night) is FindingState.OPEN
        snapshot = night.last_snapshot()
        assert snapshot.unseen
        validation = night.validate(snapshot)
        assert validation.coverage.counts[Status.NOT_EVALUATED] > 0
        with pytest.raises(ReportStopped, match="cannot be reported"):
            night.report(snapshot, validation)
    assert not list(tmp_path.rglob("*.pdf"))


@pytest.mark.parametrize("folder", ["runs", "snapshots"])
def test_a_full_disk_is_explained_and_takes_nothing_with_it(
    tmp_path: Path, redcap: tuple[RedcapClient, dict[str, str]], monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Exit code 10 and what to do, in the run's own line too; findings and the last good snapshot stand."""
    client, environ = redcap
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
        good = night.facts.snapshots.latest_id()
    client.import_records([{**TYPED, "bmi": "24.2"}], overwrite=True)
    fill_the_disk(monkeypatch, tmp_path / "venous_occlusion" / folder)
    with pytest.raises(StudyFilesWrong, match="ENOSPC") as told, a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
    assert told.value.exit_code == 10
    run = night.store.last_run("venous_occlusion")
    assert run is not None
    assert (run.ended, run.exit_code) == (Ended.FAILED, 10)
    monkeypatch.undo()
    with a_night(tmp_path, environ) as night:
        assert folder == "runs" or night.facts.snapshots.latest_id() == good
        run_job(night, "nightly")
        assert bmi_finding(night) is FindingState.RESOLVED


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let no file be written below a folder."""
    opened = os.open
    written = Path.write_bytes

    def full(path: Any) -> None:
        if Path(path).is_relative_to(folder):
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_(path: Any, flags: int, *more: Any, **how: Any) -> int:
        if flags & os.O_CREAT:
            full(path)
        return opened(path, flags, *more, **how)

    def write_bytes(path: Path, content: bytes) -> int:
        full(path)
        return written(path, content)

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(Path, "write_bytes", write_bytes)


def test_a_database_without_room_is_explained(
    tmp_path: Path, redcap: tuple[RedcapClient, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite may not grow any more: no traceback, at night neither, and with room again the next run goes on."""
    client, environ = redcap
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
    # A night without a change needs no room, so that there has to be one.
    client.import_records([{**TYPED, "record_id": str(n), "bmi": "45.0"} for n in range(2, 40)], overwrite=True)

    def no_growth(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite makes it the size that the file has

    event.listen(Engine, "connect", no_growth)
    try:
        run_scheduled(
            "nightly",
            ["venous_occlusion"],
            data=tmp_path,
            content=find_content({}),
            environ=environ,
            clock=lambda: NIGHT,
            sleep=lambda _: None,
        )
    finally:
        event.remove(Engine, "connect", no_growth)
    assert "The disk is full (SQLITE_FULL)" in caplog.text
    assert "Traceback" not in caplog.text
    with a_night(tmp_path, environ) as night:
        run_job(night, "nightly")
        assert bmi_finding(night) is FindingState.OPEN
