"""The scheduler makes a round at its hour on the study's clock, once, and also when the machine slept through it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.night import study_hours
from nightround.night.firings import Schedule, last_firing, next_firing
from nightround.night.run_job import run_scheduled, was_missed
from nightround.night.scheduler import MISFIRE_HOURS, Rounds, ServedJobs, build_scheduler, cron_of
from nightround.night.served_studies import ServedStudies
from nightround.night.study_hours import schedule_of, schedules, zone_of
from nightround.night.study_locks import ROUND
from nightround.store.database import open_store
from nightround.store.run_rows import Ended, Run
from nightround.study.folder import Content, find_content
from nightround.study.settings import read_settings
from redcap_sync.file_locks import lock_tried
from tests.small_study import FOLDER, STUDY, SmallStudy, small_study

ROOT = Path(__file__).parents[2]
NIGHTLY = Schedule("nightly", "30 2 * * *")
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def utc(_study: str) -> ZoneInfo:
    """The zone of every study."""
    return ZoneInfo("UTC")


def test_every_job_has_hours_of_grace_and_never_runs_twice_at_once() -> None:
    """The three settings that APScheduler has wrong by default are given to each job of each study."""
    jobs = build_scheduler(Rounds([NIGHTLY], print, utc), ["a", "b"]).get_jobs()
    assert [job.args for job in jobs] == [("nightly", "a"), ("nightly", "b")]
    for job in jobs:
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (MISFIRE_HOURS * 3600, True, 1)


def test_a_round_that_was_slept_through_is_made_once_and_two_jobs_of_one_hour_both_run() -> None:
    """Jobs whose hour passed two hours ago run when the scheduler wakes, one after the other."""
    ran: list[tuple[str, str]] = []
    running: list[int] = []
    done = threading.Event()

    def run(job: str, study: str) -> None:
        running.append(threading.get_ident())
        ran.append((job, study))
        if len(ran) == 2:
            done.set()

    both = [NIGHTLY, Schedule("weekly", "30 2 * * *")]
    scheduler = build_scheduler(Rounds(both, run, utc), ["a"])
    for job in scheduler.get_jobs():
        job.modify(next_run_time=datetime.now(UTC) - timedelta(hours=2))
    thread = threading.Thread(target=scheduler.start)
    thread.start()
    assert done.wait(timeout=20)
    scheduler.shutdown(wait=True)
    thread.join(timeout=20)
    assert sorted(ran) == [("nightly", "a"), ("weekly", "a")]
    assert len(set(running)) == 1


@pytest.mark.parametrize("cron", ["half past two", "30 2 * * 9", ""])
def test_an_hour_that_cannot_be_read_is_told(cron: str) -> None:
    """A job file with a wrong SCHEDULE ends in exit code 10 and names the job."""
    with pytest.raises(StudyFilesWrong, match="nightly") as caught:
        build_scheduler(Rounds([Schedule("nightly", cron)], print, utc), ["a"])
    assert caught.value.exit_code == 10


def test_every_shipped_job_has_its_hour() -> None:
    """The jobs folder is read, and the nightly round is in it."""
    assert NIGHTLY in schedules(find_content({}))


def hours(cron: str, zone: ZoneInfo, since: datetime, days: int) -> Iterator[str]:
    """The hours at which a job fires, on the study's clock, with the offset of its zone."""
    moment, until = since, since + timedelta(days=days)
    while (following := next_firing(cron_of(Schedule("job", cron)), zone, moment)) and following <= until:
        yield f"{following.astimezone(zone):%d %H:%M %z}"
        moment = following


@pytest.mark.parametrize(
    ("cron", "zone", "since", "fires"),
    [
        ("30 2 * * *", BERLIN, (2026, 3, 28), ["28 02:30 +0100", "29 03:30 +0200", "30 02:30 +0200"]),
        ("30 2 * * *", BERLIN, (2026, 10, 24), ["24 02:30 +0200", "25 02:30 +0200", "26 02:30 +0100"]),
        ("0 3 * * *", BERLIN, (2026, 10, 24), ["24 03:00 +0200", "25 03:00 +0100", "26 03:00 +0100"]),
        ("30 2 * * *", SHANGHAI, (2026, 10, 24), ["24 02:30 +0800", "25 02:30 +0800", "26 02:30 +0800"]),
        ("0 6 * * 1", SHANGHAI, (2026, 10, 24), ["26 06:00 +0800"]),
        ("0 6 * * 0,6", SHANGHAI, (2026, 10, 24), ["24 06:00 +0800", "25 06:00 +0800"]),
        ("0 6 * * 5-7", SHANGHAI, (2026, 10, 24), ["24 06:00 +0800", "25 06:00 +0800"]),
    ],
)
def test_each_local_hour_of_a_schedule_fires_once(
    cron: str, zone: ZoneInfo, since: tuple[int, int, int], fires: list[str]
) -> None:
    """Also the hour that an autumn night has twice, and the one that a spring night leaves out; weekdays as in cron."""
    assert list(hours(cron, zone, datetime(*since, tzinfo=zone), 3)) == fires


def test_an_hourly_job_fires_at_each_moment_once_over_both_changes() -> None:
    """No two firings at one moment, and no local hour twice."""
    for month, day, count in ((3, 28, 23), (10, 24, 24)):
        since = datetime(2026, month, day, 12, tzinfo=BERLIN)
        found = [line.rsplit(" ", 1)[0] for line in hours("0 * * * *", BERLIN, since, 1)]
        assert len(set(found)) == len(found) == count


@pytest.mark.parametrize("minutes", range(0, 24 * 60, 7))
def test_the_last_firing_is_the_same_whenever_it_is_asked_for(minutes: int) -> None:
    """Over both changes of the clock, between two firings every moment belongs to the earlier one."""
    cron = cron_of(NIGHTLY)
    for day in (datetime(2026, 3, 29, tzinfo=BERLIN), datetime(2026, 10, 25, tzinfo=BERLIN)):
        now = day.astimezone(UTC) + timedelta(minutes=minutes)
        found = last_firing(cron, BERLIN, now)
        first = next_firing(cron, BERLIN, day.astimezone(UTC))
        assert found is not None
        assert first is not None
        assert found.hour == f"{day if now >= first else day - timedelta(days=1):%Y-%m-%d} 02:30"


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The small study on its sandbox."""
    with small_study(tmp_path) as opened:
        yield opened


def runs_of(study: SmallStudy) -> list[Run]:
    """All runs of the study, oldest first."""
    with open_store(study.folder / "nightround.sqlite3") as store:
        return list(reversed(store.runs(STUDY)))


def fire(study: SmallStudy, now: datetime, job: str = "nightly", content: Content | None = None) -> None:
    """Let the scheduler fire at a moment."""
    study.now[0] = now
    run_scheduled(
        job,
        [str(FOLDER)],
        data=study.data,
        content=content or find_content({}),
        environ=study.environ,
        clock=lambda: now,
        sleep=lambda _: None,
    )


def test_two_firings_of_one_local_hour_are_one_round(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both 02:30 of an autumn night, and a second service: the later one is skipped and says which run it was."""
    monkeypatch.setattr(study_hours, "zone_of", lambda *_, **__: BERLIN)
    fire(study, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    fire(study, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    fire(study, datetime(2026, 10, 26, 1, 30, tzinfo=UTC))
    first, second, third = runs_of(study)
    assert (first.ended, second.ended, third.ended) == (Ended.DONE, Ended.SKIPPED, Ended.DONE)
    assert "2026-10-25 02:30" in str(second.trouble)
    assert f"run {first.id}" in str(second.trouble)
    assert not any("not completed" in path.read_text() for path in (study.folder / "outbox").glob("*.eml"))


def test_a_second_service_that_waits_in_vain_for_the_round_of_its_hour_mails_nothing(study: SmallStudy) -> None:
    """The other service is making that very round; a round of another hour that cannot begin is mailed."""
    hour = datetime(2026, 10, 24, 18, 30, tzinfo=UTC)
    study.round()
    with open_store(study.folder / "nightround.sqlite3") as store:
        store.start_run(STUDY, "nightly", hour, firing="2026-10-25 02:30")
    mails = len(list((study.folder / "outbox").glob("*.eml")))
    with lock_tried(study.folder / ROUND):
        fire(study, hour)
        assert runs_of(study)[-1].ended is Ended.SKIPPED
        assert len(list((study.folder / "outbox").glob("*.eml"))) == mails
        fire(study, hour + timedelta(days=1))
    assert (runs_of(study)[-1].ended, runs_of(study)[-1].exit_code) == (Ended.FAILED, 2)
    assert len(list((study.folder / "outbox").glob("*.eml"))) == mails + 1


def test_two_jobs_of_one_hour_both_run(study: SmallStudy, tmp_path: Path) -> None:
    """Each job has its own hours."""
    home = Path(shutil.copytree(ROOT / "jobs", tmp_path / "home" / "jobs")).parent
    shutil.copytree(ROOT / "report_templates" / "digest", home / "report_templates" / "digest")
    (home / "expectations").mkdir()
    (home / "jobs" / "weekly.py").write_text(
        'SCHEDULE = "30 2 * * *"\n\n\ndef run(night):\n    night.validate(night.last_snapshot())\n'
    )
    content = find_content({"NIGHTROUND_HOME": str(home)})
    assert [one.job for one in schedules(content)] == ["nightly", "weekly"]
    for schedule in schedules(content):
        fire(study, datetime(2026, 10, 24, 18, 30, tzinfo=UTC), schedule.job, content)
    assert [(run.job, run.ended) for run in runs_of(study)] == [("nightly", Ended.DONE), ("weekly", Ended.DONE)]


def test_the_zone_is_that_of_the_study(study: SmallStudy, tmp_path: Path) -> None:
    """Also while its files cannot be read; UTC where it was never known."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "copy"))
    where = {"data": study.data, "content": find_content({})}
    assert str(zone_of(str(folder), **where)) == "Asia/Shanghai"
    study.round()
    (folder / "study.toml").write_text('[study]\nid = "small_study"\ntitle = {')
    assert str(zone_of(str(folder), **where)) == "Asia/Shanghai"
    assert zone_of("no_such_study", **where) is UTC


def test_what_was_missed_while_nobody_served_is_made_at_once(study: SmallStudy) -> None:
    """Not for a study that never ran, not when the hour is long ago, and not when a run ended since."""
    content = find_content({})

    def missed(now: datetime) -> bool:
        return was_missed("nightly", str(FOLDER), data=study.data, content=content, environ={}, now=now)

    hour = datetime(2026, 10, 24, 18, 30, tzinfo=UTC)
    assert not missed(hour + timedelta(hours=1))
    fire(study, hour)
    assert not missed(hour + timedelta(hours=1))
    assert missed(hour + timedelta(days=1, minutes=1))
    assert not missed(hour + timedelta(days=1, hours=MISFIRE_HOURS, minutes=1))
    fire(study, hour + timedelta(days=1))
    assert not missed(hour + timedelta(days=1, minutes=1))


def test_serve_stops_on_sigterm(tmp_path: Path) -> None:
    """`nightround serve` says what is scheduled, on which clock, and ends cleanly when it is asked to stop."""
    service = subprocess.Popen(
        [sys.executable, "-m", "nightround", "serve", "venous_occlusion", "--data", str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", "TZ": "America/New_York"},
    )
    assert service.stderr is not None
    line = service.stderr.readline()
    service.send_signal(signal.SIGTERM)
    rest = service.communicate(timeout=30)[1]
    assert "nightly of venous_occlusion is scheduled: 30 2 * * * in Asia/Shanghai" in line
    assert "stopping" in rest
    assert service.returncode == 0


def test_a_study_has_its_own_hour_and_keeps_it_while_its_files_cannot_be_read(
    study: SmallStudy, tmp_path: Path
) -> None:
    """`[schedule] nightly` goes before the hour of the job file; each such hour has one run."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "copy"))
    where = {"data": study.data, "content": find_content({})}
    assert schedule_of("nightly", str(folder), **where) == NIGHTLY
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(f'{text}\n[schedule]\nnightly = "23:05"\n', encoding="utf-8")
    assert schedule_of("nightly", str(folder), **where) == Schedule("nightly", "5 23 * * *")
    study.source = folder
    study.round()
    (folder / "study.toml").write_text('[study]\nid = "small_study"\ntitle = {')
    assert schedule_of("nightly", str(folder), **where) == Schedule("nightly", "5 23 * * *")


@pytest.mark.parametrize("hour", ["24:00", "2:30", "02:60", "half past two", "02:30:00", "０２:30"])
def test_an_hour_of_a_study_that_is_none_is_refused(tmp_path: Path, hour: str) -> None:
    """With exit code 10 and an example of one."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "copy"))
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[schedule]\nnightly = "{hour}"\n')
    with pytest.raises(StudyFilesWrong, match="02:30"):
        read_settings(folder)


def copy_of_study(folder: Path, study_id: str) -> Path:
    """The small study under another id."""
    shutil.copytree(FOLDER, folder)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(text.replace('id = "small_study"', f'id = "{study_id}"'), encoding="utf-8")
    return folder


def test_a_folder_of_studies_is_looked_at_anew_and_each_id_is_served_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A study that is put there later is found; a copy with the same id is left out, and said once."""
    studies = tmp_path / "studies"
    studies.mkdir()
    served = ServedStudies((str(studies),), tmp_path / "data", find_content({}))
    served.require_known()
    assert served() == []
    first = copy_of_study(studies / "a", "first")
    assert served() == [str(first)]
    second = copy_of_study(studies / "b", "second")
    copy_of_study(studies / "c", "second")
    assert served() == served() == [str(first), str(second)]
    assert [one.message for one in caplog.records] == [f"{studies / 'c'} is not served: it has the id of {second}"]


def test_a_name_of_which_nothing_is_known_is_refused(tmp_path: Path) -> None:
    """A misspelt study would otherwise never be checked, and nobody would hear of it."""
    with pytest.raises(StudyFilesWrong):
        ServedStudies(("venous_oclusion",), tmp_path, find_content({})).require_known()


def test_new_studies_and_edited_hours_need_no_restart() -> None:
    """Each look takes up what is new, and plans a job anew whose hour is another one; a study that is gone stays."""
    there, hours = ["a"], {"a": "30 2 * * *", "b": "15 4 * * *"}
    rounds = Rounds([NIGHTLY], print, utc, lambda schedule, study: Schedule(schedule.job, hours[study]))
    scheduler = build_scheduler(rounds, [])
    served = ServedJobs(scheduler, rounds, lambda: there, lambda *_: False, print)
    thread = threading.Thread(target=lambda: scheduler.start(paused=True))
    thread.start()
    try:
        while not scheduler.running:
            time.sleep(0.01)
        planned = []
        for change in (None, lambda: there.append("b"), lambda: hours.update(a="0 5 * * *"), lambda: there.remove("a")):
            if change:
                change()
            served.look()
            jobs = {job.args[1]: job.next_run_time for job in scheduler.get_jobs() if job.id.startswith("nightly")}
            planned.append({study: f"{moment:%H:%M}" for study, moment in jobs.items()})
    finally:
        scheduler.shutdown(wait=True)
        thread.join(timeout=20)
    both = {"a": "05:00", "b": "04:15"}
    assert planned == [{"a": "02:30"}, {"a": "02:30", "b": "04:15"}, both, both]
