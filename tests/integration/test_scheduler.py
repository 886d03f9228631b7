"""The scheduler makes a round at its hour, once, and also when the machine slept through it."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.night.run_job import schedules
from nightround.night.scheduler import MISFIRE_HOURS, Schedule, build_scheduler
from nightround.study.folder import find_content

ROOT = Path(__file__).parents[2]


def test_every_job_has_hours_of_grace_and_never_runs_twice_at_once() -> None:
    """The three settings that APScheduler has wrong by default are given to each job."""
    scheduler = build_scheduler([Schedule("nightly", "30 2 * * *")], print, zone=UTC)
    (job,) = scheduler.get_jobs()
    assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (MISFIRE_HOURS * 3600, True, 1)
    assert job.args == ("nightly",)


def test_a_round_that_was_slept_through_is_made_once() -> None:
    """A job whose hour passed two hours ago runs when the scheduler wakes, with its name as argument."""
    ran: list[str] = []
    done = threading.Event()

    def run(job: str) -> None:
        ran.append(job)
        done.set()

    scheduler = build_scheduler([Schedule("nightly", "30 2 * * *")], run, zone=UTC)
    scheduler.get_jobs()[0].modify(next_run_time=datetime.now(UTC) - timedelta(hours=2))
    thread = threading.Thread(target=scheduler.start)
    thread.start()
    assert done.wait(timeout=20)
    scheduler.shutdown(wait=True)
    thread.join(timeout=20)
    assert ran == ["nightly"]


def test_an_hour_that_cannot_be_read_is_told() -> None:
    """A job file with a wrong SCHEDULE ends in exit code 10 and names the job."""
    with pytest.raises(StudyFilesWrong, match="nightly") as caught:
        build_scheduler([Schedule("nightly", "half past two")], print, zone=UTC)
    assert caught.value.exit_code == 10


def test_every_shipped_job_has_its_hour() -> None:
    """The jobs folder is read, and the nightly round is in it."""
    assert Schedule("nightly", "30 2 * * *") in schedules(find_content({}))


def test_serve_stops_on_sigterm(tmp_path: Path) -> None:
    """`nightround serve` says what is scheduled and ends cleanly when it is told to stop."""
    service = subprocess.Popen(
        [sys.executable, "-m", "nightround", "serve", "venous_occlusion", "--data", str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200"},
    )
    assert service.stderr is not None
    line = service.stderr.readline()
    service.send_signal(signal.SIGTERM)
    rest = service.communicate(timeout=30)[1]
    assert "nightly is scheduled" in line
    assert "stopping" in rest
    assert service.returncode == 0
