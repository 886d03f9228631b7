"""A round keeps apart its facts, its steps and what is recorded of it; its failure is mailed whatever failed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import requests

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.outbox_folder import OutboxFolder
from nightround.digests.failed_round import FailedRound
from nightround.digests.notifying import notify_of_failure
from nightround.model.errors import DatabaseVersionWrong
from nightround.model.language import Words
from nightround.model.recipient import Recipient
from nightround.night import Night, night_ledger, steps
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.run_rows import Ended
from redcap_sync.errors import RedcapUnreachable
from tests.small_study import FOLDER, STUDY, SmallStudy, small_study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The small study on its sandbox."""
    with small_study(tmp_path) as opened:
        yield opened


def mails_of(study: SmallStudy) -> list[str]:
    """The pages of all mails, oldest first."""
    pages = sorted((study.folder / "outbox").glob("*.html"), key=lambda path: path.stat().st_mtime_ns)
    return [path.read_text(encoding="utf-8") for path in pages]


class CallCounter:
    """A clock that counts function calls, a microsecond each: the same on every machine, however busy."""

    def __init__(self) -> None:
        self.calls = 0

    def count(self, frame: FrameType, event: str, argument: object) -> None:
        """Count a call of Python or of C; what `sys.setprofile` calls."""
        del frame, argument
        self.calls += event in ("call", "c_call")

    def now(self) -> datetime:
        """Now, as the number of calls so far."""
        return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(microseconds=self.calls)


def test_nothing_of_a_night_lies_outside_a_timed_step(study: SmallStudy) -> None:
    """All function calls of a round but what opening runs and steps takes are made within one of its steps."""
    study.round()  # what is imported once is not what is measured
    counter = CallCounter()
    sys.setprofile(counter.count)
    try:
        study.round(clock=counter.now)
    finally:
        sys.setprofile(None)
    run = study.last_run()
    assert run.ended_at is not None
    whole = run.ended_at - run.started_at
    timed = sum((step.ended_at - step.started_at for step in run.steps), timedelta())
    assert [step.name for step in run.steps] == ["pull", "validate", "reconcile", "lists", "overview", "alert"]
    # Opening a run and a step takes some 25,000 calls, however large the study is.
    assert timedelta() <= whole - timed < timedelta(microseconds=40_000) + whole / 10


def test_the_notice_of_a_failure_loads_no_snapshot_and_builds_no_rule(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the snapshots unreadable and the rules broken the data manager still learns why the round failed."""
    study.round()
    study.next_day()

    def breaks(*_: object, **__: object) -> Any:
        raise AssertionError("a notice of failure needs neither data nor rules")

    monkeypatch.setattr(SnapshotStore, "latest", breaks)
    monkeypatch.setattr(type(study_facts(study)), "rules", breaks)
    with pytest.raises(RedcapUnreachable):
        study.round(environ={**study.environ, "REDCAP_URL": "http://127.0.0.1:9/api/"})
    assert "127.0.0.1:9" in mails_of(study)[-1]
    assert [(step.name, step.ended) for step in study.last_run().steps] == [
        ("pull", Ended.FAILED),
        ("alert", Ended.DONE),
    ]


def study_facts(study: SmallStudy) -> Any:
    """The facts of a run."""
    with study.opened("read") as night:
        return night.facts


def test_a_notice_of_failure_holds_back_no_news(study: SmallStudy) -> None:
    """What changed before a failed night is in the next digest, because the notice said nothing of it."""
    study.round()
    study.type_in("1", systolic="70")

    def changes_only(night: Night) -> None:
        snapshot = night.pull()
        night.reconcile(snapshot, night.validate(snapshot))

    study.next_day()
    study.command("nightly", changes_only)
    study.next_day()
    with pytest.raises(RedcapUnreachable):
        study.round(environ={**study.environ, "REDCAP_URL": "http://127.0.0.1:9/api/"})
    assert "Systolic pressure" not in mails_of(study)[-1]
    study.next_day()
    study.round()
    assert "Systolic pressure" in mails_of(study)[-1]


def test_an_error_of_the_program_is_mailed_too(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is no silent night: a mail names its kind and not its text, which may contain a value."""

    def bug(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("CANARY-7Q")

    monkeypatch.setattr(steps, "validate", bug)
    with pytest.raises(ZeroDivisionError):
        study.round()
    assert "ZeroDivisionError" in mails_of(study)[-1]
    assert "CANARY-7Q" not in mails_of(study)[-1]


def test_a_round_that_cannot_start_is_mailed(study: SmallStudy) -> None:
    """A database of a newer version stops the round before it has a run, and one person learns of it."""
    study.round()
    with sqlite3.connect(study.folder / "nightround.sqlite3") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    study.next_day()
    with pytest.raises(DatabaseVersionWrong):
        study.round()
    assert "9999" in mails_of(study)[-1]


@pytest.mark.parametrize(
    ("roles", "day", "notified"),
    [
        (("data_manager", "coordinator"), 1, ["data_manager"]),
        (("coordinator", "principal_investigator"), 1, ["coordinator", "principal_investigator"]),
        (("data_manager", "coordinator"), 0, ["data_manager", "coordinator"]),
    ],
)
def test_some_person_always_learns_of_a_failure(
    tmp_path: Path, roles: tuple[str, ...], day: int, notified: list[str]
) -> None:
    """The data manager does; everybody where there is none, and on Mondays, when everybody expects a mail."""
    deliveries = notify_of_failure(
        Words("题目", "A study"),
        FailedRound([RedcapUnreachable("night.no_address", variable="REDCAP_URL")], "pull"),
        recipients=[Recipient(role, f"{role}@hospital.example", "en", ()) for role in roles],
        channels={"outbox": OutboxFolder(tmp_path)},
        sleep=lambda _: None,
        now=datetime(2025, 7, 7 + day, 2, 30, tzinfo=UTC),
    )
    assert [one.letter.recipient.role for one in deliveries] == notified
    assert all("There is no address of a REDCap API." in one.letter.text for one in deliveries)


@dataclass
class DeadChannel:
    """A mail server that cannot be reached."""

    name: str = "mail"
    domain: str = "x.example"
    tried: int = 0

    def send(self, _letter: OutgoingMessage) -> ServerAnswer:
        """Count."""
        self.tried += 1
        return ServerAnswer.down("delivery.no_address")


def test_a_dead_channel_is_tried_for_the_first_reader_alone(tmp_path: Path) -> None:
    """Each has the notice by another channel at once, and that by the dead one waits."""
    dead = DeadChannel()
    deliveries = notify_of_failure(
        Words("题目", "A study"),
        FailedRound([RedcapUnreachable("night.no_address", variable="REDCAP_URL")], "pull"),
        recipients=[Recipient(role, f"{role}@x.example", "en", (), ("mail",)) for role in ("a", "b", "c")],
        channels={"outbox": OutboxFolder(tmp_path), "mail": dead},
        sleep=lambda _: None,
        now=datetime(2025, 7, 8, 2, 30, tzinfo=UTC),
    )
    assert dead.tried == 1
    assert [(one.channel, one.answer.state) for one in deliveries] == [("mail", "waiting"), ("outbox", "written")] * 3


def test_commands_by_hand_neither_count_as_nights_nor_renew_the_news_of_an_unjudged_rule(study: SmallStudy) -> None:
    """After a check and a pull the fourth run is night 2, and the news of night 1 is what it is compared with."""
    study.round()
    study.command("check", lambda night: night.validate(night.last_snapshot()))
    study.command("pull", lambda night: night.pull())
    study.next_day()
    with study.opened() as night:
        assert night.store.count_runs(STUDY, "nightly", up_to=night.facts.run_id) == 2
        assert len(night.store.outcomes_before(STUDY, "nightly", night.facts.run_id)) > 3


def test_a_step_that_takes_long_is_the_one_that_is_blamed(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a slow ledger lies in the step `reconcile`, also what is prepared for it."""
    slow = night_ledger.reconcile

    def slowly(*known: Any, **other: Any) -> Any:
        time.sleep(0.3)
        return slow(*known, **other)

    monkeypatch.setattr(night_ledger, "reconcile", slowly)
    study.round(clock=lambda: datetime.now(UTC))
    taken = {step.name: (step.ended_at - step.started_at).total_seconds() for step in study.last_run().steps}
    assert taken["reconcile"] >= 0.3


def test_the_list_beside_the_mails_names_records_that_they_do_not(tmp_path: Path) -> None:
    """The mail gives a finding's number and where the list lies; the list has record and exact page, and is private."""
    source = tmp_path / "source"
    shutil.copytree(FOLDER, source)
    settings = source / "study.toml"
    text = settings.read_text(encoding="utf-8").replace("record_id_in_messages = true", "")
    settings.write_text(text, encoding="utf-8")
    with small_study(tmp_path / "data", source=source) as study:
        study.round()
        (path,) = (study.folder / "runs").glob("*/list_*.csv")
        (mail,) = mails_of(study)
    assert "Record 2" in path.read_text(encoding="utf-8-sig")
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"runs/{path.parent.name}/{path.name}" in mail
    assert "Record 2" not in mail


NORTH = """
[[people]]
role = "coordinator_north"
address = "north@example.org"
language = "en"
owns = ["coordinator"]
{known_by}
"""


@pytest.mark.parametrize("known_by", ['groups = ["north"]', 'redcap_user = "wang"'])
def test_a_member_of_a_group_gets_mails_of_that_group_alone(tmp_path: Path, known_by: str) -> None:
    """By study.toml or by REDCap's list of users: of two records with mistakes the mail names, counts and links one."""
    source = tmp_path / "source"
    shutil.copytree(FOLDER, source)
    with (source / "study.toml").open("a", encoding="utf-8") as file:
        file.write(NORTH.format(known_by=known_by))
    with small_study(tmp_path / "data", source=source) as study:
        groups = [{"data_access_group_name": name, "unique_group_name": ""} for name in ("north", "south")]
        post(study, content="dag", action="import", data=json.dumps(groups))
        post(study, content="user", data=json.dumps([{"username": "wang", "data_access_group": "north"}]))
        for record, group in (("1", "north"), ("2", "south"), ("3", "north")):
            study.type_in(record, redcap_data_access_group=group)
        study.round()
        (mail,) = (study.folder / "outbox").glob("*_coordinator_north_*.html")
        page = mail.read_text(encoding="utf-8")
    assert "open in your group" in page
    assert "Record 3" in page
    assert "Record 2" not in page
    assert "id=2" not in page


def post(study: SmallStudy, **form: str) -> None:
    """Send one call to the sandbox."""
    answer = requests.post(
        study.environ["REDCAP_URL"], data={"token": study.environ["REDCAP_TOKEN"], "format": "json", **form}, timeout=30
    )
    answer.raise_for_status()
