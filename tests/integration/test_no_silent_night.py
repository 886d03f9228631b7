"""Whatever stops a night, at whatever step: it is a run with its end, and one mail says truly what was done."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from nightround.digests.channels.outbox_folder import OutboxFolder
from nightround.night import Night, attempt, night_ledger, run_job, steps
from nightround.night.study_locks import BY_CLOCK, ROUND
from nightround.night.study_place import KEPT_SETTINGS
from nightround.report import making
from nightround.store.database import Store, open_store
from nightround.store.run_rows import Ended, Run
from nightround.study.folder import find_content
from redcap_sync import file_locks
from redcap_sync.errors import ExportIncomplete
from redcap_sync.file_locks import lock_tried
from tests.small_study import FOLDER, PLAN, STUDY, SmallStudy, small_study

CANARY = "CANARY-7Q"
NAMES = {
    "pull": "pull of the data",
    "validate": "judging of the rules",
    "reconcile": "update of the findings",
    "lists": "lists of the run",
    "alert": "mails about the findings",
    "report": "interim report",
}
"""What each step is called in a mail, in the order of a nightly round."""
WHERE: dict[str, tuple[Any, str]] = {
    "pull": (steps, "take_pull"),
    "validate": (steps, "validate"),
    "reconcile": (night_ledger, "reconcile"),
    "lists": (steps, "write_lists"),
    "alert": (steps, "send_digests"),
    "report": (making, "make_report"),
}
"""What fails in each step."""
ERRORS: dict[str, tuple[Callable[[], BaseException], int, str]] = {
    "explained": (lambda: ExportIncomplete("night.no_snapshot", study=STUDY), 13, "There is no snapshot"),
    "disk full": (lambda: OSError(errno.ENOSPC, "No space left on device"), 10, "The disk is full"),
    "closed": (lambda: PermissionError(errno.EACCES, "denied", "/data/x"), 10, "/data/x cannot be read or written"),
    "bug": (lambda: KeyError(CANARY), 1, "(KeyError)"),
    "interrupt": (KeyboardInterrupt, 130, "interrupted"),
}
"""What it fails with, the exit code, and what the mail says of it."""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The small study in a folder that may be changed, with a report each day and a mail each morning."""
    folder = tmp_path / "study"
    shutil.copytree(FOLDER, folder)
    settings = (folder / "study.toml").read_text()
    days = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
    (folder / "study.toml").write_text(settings.replace("weekdays = []", f"weekdays = {days}"))
    (folder / "plan.toml").write_text(PLAN)
    with small_study(tmp_path / "data", folder) as opened:
        yield opened


def failing(monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException) -> None:
    """Let a step fail."""

    def fails(*_: object, **__: object) -> Any:
        raise error

    monkeypatch.setattr(*WHERE[step], fails)


def round_fails(study: SmallStudy, **other: Any) -> BaseException:
    """Make a round that fails; how."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - which one is what the test looks at
        study.round(**other)
    return caught.value


def mails(study: SmallStudy) -> dict[str, str]:
    """Subject and text of each mail to the data manager, by file name."""
    found = {}
    for path in sorted((study.folder / "outbox").glob("*_data_manager_*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=default)
        body = message.get_body(("plain",))
        assert body is not None
        found[path.name] = f"{message['Subject']}\n{body.get_content()}"
    return found


def the_new_mail(study: SmallStudy, before: dict[str, str]) -> str:
    """The one mail that came to the data manager since and says what was not done; a digest may have come before it."""
    (text,) = [
        text
        for name, text in mails(study).items()
        if name not in before and ("Not done:" in text or "未完成：" in text)
    ]
    return text


def last_run(study: SmallStudy) -> Run:
    """The newest run, also one that did not end."""
    with open_store(study.folder / "nightround.sqlite3") as store:
        return store.runs(STUDY)[0]


def lines(text: str, head: str) -> str:
    """The lines of a mail that begin so."""
    return "\n".join(line for line in text.splitlines() if line.removeprefix("!! ").startswith(head))


def opened_tonight(study: SmallStudy) -> int:
    """How many findings the last round opened."""
    with open_store(study.folder / "nightround.sqlite3") as store:
        return len([one for one in store.findings(STUDY) if one.opened_at == study.now[0]])


def without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make reports without numbers and pages, which take long and are not what is tested."""
    monkeypatch.setattr(steps, "edition_of", lambda *_, **__: None)
    monkeypatch.setattr(making, "make_report", no_report)
    monkeypatch.setattr(making, "deliver", lambda *_: [])


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("step", WHERE)
def test_a_failure_of_any_kind_at_any_step_is_a_run_with_its_end_and_one_true_mail(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch, step: str, kind: str
) -> None:
    """The mail names the steps that were done and those that were not, and denies nothing that was done."""
    without_pages(monkeypatch)
    study.round()
    study.next_day()
    study.type_in("1", systolic="70")
    make, code, said = ERRORS[kind]
    failing(monkeypatch, step, make())
    before = mails(study)
    error = round_fails(study)
    assert type(error).__name__ in {type(make()).__name__, "StudyFilesWrong"}
    run = last_run(study)
    assert (run.ended, run.exit_code, run.ended_at is not None) == (Ended.FAILED, code, True)
    text = the_new_mail(study, before)
    assert said in text
    assert CANARY not in text
    order = list(NAMES)
    goes_on = step == "lists" and kind != "interrupt"
    done = order[: order.index(step)]
    undone = [step] if goes_on else order[order.index(step) :]
    assert [name for name in order if NAMES[name] in lines(text, "Done:")] == done
    assert [name for name in order if NAMES[name] in lines(text, "Not done:")] == undone
    reconciled = "reconcile" in done
    assert ("No finding was opened or closed" in text) is not reconciled
    assert opened_tonight(study) == int(reconciled)
    assert "The last complete round" in text
    if kind == "bug":
        (path,) = (study.folder / "runs").rglob("traceback_*.txt")
        assert goes_on or str(path) in text
        assert "KeyError" in path.read_text()
        assert CANARY not in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600


def no_report(*_: object, **__: object) -> Any:
    """A report without a page."""

    class Made:
        results = ()

    return Made()


def broken_settings(folder: Path) -> None:
    """A study.toml that cannot be read."""
    (folder / "study.toml").write_text('[study]\nid = "small_study"\ntitle = {\n')


def settings_without_id(folder: Path) -> None:
    """A study.toml of which nothing can be read, not even the id."""
    (folder / "study.toml").write_bytes(b"\xff\xfe\x00")


def no_settings(folder: Path) -> None:
    """No study.toml any more."""
    (folder / "study.toml").unlink()


def broken_rule(folder: Path) -> None:
    """A rule file that is no TOML."""
    (folder / "rules" / "broken.toml").write_text("[[rules]]\nid = ")


def broken_plan(folder: Path) -> None:
    """A plan with an unknown key."""
    (folder / "plan.toml").write_text(PLAN + "\nnonsense = 1\n")


def limit_of_no_field(folder: Path) -> None:
    """A limit on a field that REDCap does not have."""
    with (folder / "study.toml").open("a") as file:
        file.write('\n[[dictionary_rules.limits]]\nfield = "gone"\nmaximum = "5"\nsource = "a book"\n')


@pytest.mark.parametrize(
    ("breaks", "where"),
    [
        (broken_settings, "study.toml"),
        (settings_without_id, "study.toml"),
        (no_settings, "There is no study"),
        (broken_rule, "broken.toml"),
        (broken_plan, "plan.toml"),
        (limit_of_no_field, "gone"),
    ],
)
def test_a_mistake_in_a_studys_files_is_a_run_and_a_mail_to_whom_the_last_good_ones_name(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[Path], None], where: str
) -> None:
    """Every night, until the files are right again; then the round is made as ever."""
    without_pages(monkeypatch)
    study.round()
    whole = (study.source / "study.toml").read_bytes(), (study.source / "plan.toml").read_bytes()
    breaks(study.source)
    for _ in range(2):
        study.next_day()
        before = mails(study)
        error = round_fails(study)
        assert getattr(error, "exit_code", None) == 10
        assert where in the_new_mail(study, before)
        run = last_run(study)
        assert (run.ended, run.exit_code, run.started_at) == (Ended.FAILED, 10, study.now[0])
    (study.source / "study.toml").write_bytes(whole[0])
    (study.source / "plan.toml").write_bytes(whole[1])
    (study.source / "rules" / "broken.toml").unlink(missing_ok=True)
    study.next_day()
    assert study.round().complete


def test_the_copy_of_the_settings_is_private_and_names_language_and_zone(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says whom to notify, and nothing of tokens; the notice is in the person's language, on the study's clock."""
    without_pages(monkeypatch)
    settings = (study.source / "study.toml").read_text()
    (study.source / "study.toml").write_text(settings.replace('language = "en"', 'language = "zh"'))
    study.round()
    copy = study.folder / KEPT_SETTINGS
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not {"redcap", "snapshots"} & json.loads(copy.read_text())["settings"].keys()
    broken_settings(study.source)
    study.next_day()
    before = mails(study)
    round_fails(study)
    text = the_new_mail(study, before)
    assert "本次核查未完成" in text
    assert "2025-07-03 02:30 CST" in text


def test_a_study_that_was_never_right_has_its_run_and_an_error(tmp_path: Path) -> None:
    """Before any good settings nobody can be mailed; the run is in the store, and the error goes to whoever called."""
    folder = tmp_path / "new_study"
    shutil.copytree(FOLDER, folder)
    (folder / "study.toml").write_text("[study]\nid = 5\n")
    with small_study(tmp_path / "data", folder) as study:
        assert getattr(round_fails(study), "exit_code", None) == 10
    with open_store(tmp_path / "data" / "new_study" / "nightround.sqlite3") as store:
        (run,) = store.runs("new_study")
    assert (run.ended, run.exit_code) == (Ended.FAILED, 10)


def test_a_name_of_no_study_leaves_nothing_behind(study: SmallStudy, tmp_path: Path) -> None:
    """A typing error makes no data folder, and no path leads out of it."""
    for name in ("small_stuyd", "../escaped", str(tmp_path / "nowhere"), "x" * 3000, "a\0b"):
        study.source = Path(name) if "\0" not in name else name  # type: ignore[assignment]
        assert getattr(round_fails(study), "exit_code", None) == 10
    assert not study.data.exists()


@pytest.mark.parametrize(
    ("environ", "code"), [({"REDCAP_TOKEN": ""}, 12), ({"REDCAP_URL": ""}, 11), ({"REDCAP_TOKEN": "0" * 32}, 12)]
)
def test_a_missing_or_wrong_token_is_a_run_and_a_mail(study: SmallStudy, environ: dict[str, str], code: int) -> None:
    """Also on the very first night."""
    error = round_fails(study, environ={**study.environ, **environ})
    assert getattr(error, "exit_code", None) == code
    assert (last_run(study).ended, last_run(study).exit_code) == (Ended.FAILED, code)
    assert len(mails(study)) == 1


def test_a_scheduled_round_that_finds_the_lock_taken_is_a_run_and_a_mail(study: SmallStudy) -> None:
    """It ends with 2; the same by hand is a run, and no mail: whoever waits sees it."""
    with lock_tried(study.folder / ROUND):
        round_fails(study, waiting=BY_CLOCK)
        assert "Another run of this study is in progress" in the_new_mail(study, {})
        assert "It stopped before its first step." in the_new_mail(study, {})
        round_fails(study)
    assert (last_run(study).ended, last_run(study).exit_code) == (Ended.FAILED, 2)
    assert len(mails(study)) == 1


def test_a_notice_reads_no_snapshot(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of the snapshots is cut, and REDCap cannot be reached: the mail says that it cannot."""
    without_pages(monkeypatch)
    study.round()
    for path in (study.folder / "snapshots").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    before = mails(study)
    study.next_day()
    round_fails(study, environ={**study.environ, "REDCAP_URL": "http://127.0.0.1:9/api/"})
    assert "127.0.0.1:9" in the_new_mail(study, before)
    assert NAMES["pull"] in lines(the_new_mail(study, before), "Not done:")


def test_templates_that_a_study_broke_do_not_silence_the_notice(study: SmallStudy, tmp_path: Path) -> None:
    """The digest cannot be made, and the notice says so; it has a form of its own."""
    home = tmp_path / "home"
    shutil.copytree(find_content({}).jobs, home / "jobs")
    shutil.copytree(find_content({}).templates, home / "report_templates")
    (home / "expectations").mkdir()
    (home / "report_templates" / "digest" / "digest.txt.j2").write_text("{% if %}")
    content = find_content({"NIGHTROUND_HOME": str(home)})
    with (
        pytest.raises(Exception, match=r"."),
        run_job.open_night(
            str(study.source),
            data=study.data,
            job="nightly",
            content=content,
            environ=study.environ,
            clock=lambda: study.now[0],
            sleep=lambda _: None,
        ) as night,
    ):
        run_job.run_job(night, "nightly")
    text = the_new_mail(study, {})
    assert NAMES["reconcile"] in lines(text, "Done:")
    assert NAMES["alert"] in lines(text, "Not done:")
    assert last_run(study).ended is Ended.FAILED


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_a_store_that_cannot_be_opened_is_mailed(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """A data folder of another user or a full disk before the run begins: exit code 10, one mail, no ping."""
    study.round()
    study.next_day()
    number = errno.EACCES if error is PermissionError else errno.ENOSPC

    def closed(*_: object) -> Store:
        raise error(number, "no", str(study.folder))

    monkeypatch.setattr(attempt, "store_to_write", closed)
    before = mails(study)
    assert getattr(round_fails(study), "exit_code", None) == 10
    text = the_new_mail(study, before)
    assert "It stopped before its first step." in text
    assert "the database could not be read" in text


def test_where_nothing_can_be_written_the_log_and_the_exit_code_say_so(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither store nor outbox nor lock: exit code 10, no traceback."""
    study.round()
    study.next_day()

    def closed(path: Path, *_: object, **__: object) -> Any:
        raise PermissionError(errno.EACCES, "denied", str(path))

    monkeypatch.setattr(attempt, "store_to_write", closed)
    monkeypatch.setattr(OutboxFolder, "send", closed)
    monkeypatch.setattr(file_locks, "private_descriptor", closed)
    assert getattr(round_fails(study), "exit_code", None) == 10
    assert "could not be written down or mailed" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_night_whose_mails_reach_nobody_fails(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox is a file: exit code 10, and the run says why."""
    study.round()
    study.type_in("1", systolic="70")
    study.next_day()
    shutil.rmtree(study.folder / "outbox")
    (study.folder / "outbox").write_text("in the way")
    without_pages(monkeypatch)
    assert getattr(round_fails(study), "exit_code", None) == 10
    assert "None of 1 mail was delivered" in str(last_run(study).trouble)
    assert opened_tonight(study) == 1


def test_a_round_that_was_killed_is_told_by_the_next_one(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, also on a night without any change."""
    without_pages(monkeypatch)
    study.round()
    study.next_day()
    with open_store(study.folder / "nightround.sqlite3") as store:
        store.start_run(STUDY, "nightly", study.now[0])
    for told in (True, False):
        study.next_day()
        before = mails(study)
        study.round()
        new = mails(study).keys() - before.keys()
        assert len(new) == told
        assert all("began at 2025-07-03 02:30 CST never ended" in mails(study)[name] for name in new)


def test_a_study_without_a_plan_has_no_report_step(study: SmallStudy) -> None:
    """On a report day its round is as on any other day."""
    (study.source / "plan.toml").unlink()
    assert study.round().complete
    assert "report" not in {step.name for step in last_run(study).steps}


def test_a_failed_step_is_told_to_everybody_where_there_is_no_data_manager(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A digest is for news; that the lists are not there has to reach somebody all the same."""
    settings = (study.source / "study.toml").read_text()
    (study.source / "study.toml").write_text(settings.replace('role = "data_manager"', 'role = "coordinator"'))
    without_pages(monkeypatch)
    study.round()
    study.next_day()
    failing(monkeypatch, "lists", ExportIncomplete("night.no_snapshot", study=STUDY))
    round_fails(study)
    new = [path.read_text() for path in (study.folder / "outbox").glob("2025-07-03_coordinator_*.eml")]
    assert any(NAMES["lists"] in one for one in new)


class Switch:
    """A dead man's switch that counts its calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.error: Exception | None = None
        monkeypatch.setattr("nightround.night.dead_mans_switch.requests.get", self)

    def __call__(self, address: str, **_: object) -> Switch:
        """Answer a call, or fail."""
        self.calls.append(address)
        if self.error:
            raise self.error
        return self

    def raise_for_status(self) -> None:
        """The switch answered well."""


@pytest.fixture
def switch(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> Switch:
    """The switch of the study."""
    without_pages(monkeypatch)
    with (study.source / "study.toml").open("a") as file:
        file.write('\n[alerts]\nping_url_env = "PING"\n')
    study.environ = {**study.environ, "PING": "https://ping.example/s3cr3t"}
    return Switch(monkeypatch)


def test_the_dead_mans_switch_is_called_after_a_complete_round_alone(
    study: SmallStudy, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after a failed round, one that could not see everything, one without its report, and not after a command."""
    study.round()
    assert switch.calls == ["https://ping.example/s3cr3t"]
    study.command("check", lambda night: night.validate(night.last_snapshot()))
    with monkeypatch.context() as broken:
        failing(broken, "pull", ExportIncomplete("night.no_snapshot", study=STUDY))
        round_fails(study)
    with monkeypatch.context() as broken:
        failing(broken, "report", ExportIncomplete("night.no_snapshot", study=STUDY))
        round_fails(study)
    with monkeypatch.context() as unseen:
        unseen.setattr(steps, "is_complete", lambda *_: False)
        study.next_day()
        study.round()
    assert len(switch.calls) == 1
    study.next_day()
    study.round()
    assert len(switch.calls) == 2


@pytest.mark.parametrize("address", ["https://ping.example/s3cr3t", "ftp://ping.example/s3cr3t", ""])
def test_a_ping_that_fails_is_a_warning_that_does_not_name_the_address(
    study: SmallStudy, switch: Switch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    """The round was complete all the same."""
    study.environ = {**study.environ, "PING": address}
    switch.error = ValueError("no route to https://ping.example/s3cr3t")
    assert study.round().complete
    assert last_run(study).ended is Ended.DONE
    assert "ping" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_an_error_in_the_job_file_itself_is_mailed(study: SmallStudy) -> None:
    """Between two steps: nothing is said to have stopped before the first."""

    def own_steps(night: Night) -> None:
        night.pull()
        raise RuntimeError(CANARY)

    with pytest.raises(RuntimeError):
        study.command("nightly", own_steps)
    text = the_new_mail(study, {})
    assert NAMES["pull"] in lines(text, "Done:")
    assert "before its first step" not in text
    assert CANARY not in text


def test_a_database_that_is_none_is_mailed(study: SmallStudy) -> None:
    """The round cannot begin, and one person learns of it."""
    study.round()
    before = mails(study)
    (study.folder / "nightround.sqlite3").write_bytes(b"not a database" * 100)
    for suffix in ("-wal", "-shm"):
        (study.folder / f"nightround.sqlite3{suffix}").unlink(missing_ok=True)
    study.next_day()
    error = round_fails(study)
    assert not isinstance(error, sqlite3.Error)
    assert "It stopped before its first step." in the_new_mail(study, before)
