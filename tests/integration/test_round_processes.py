"""Rounds of several studies at the same time: a process each, and so many for one server."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from nightround.cli.serve import make_round
from nightround.night.round_process import ServerLimits, in_own_process, server_of
from nightround.night.scheduler import Rounds, build_scheduler
from nightround.store.run_rows import Ended
from nightround.study.folder import find_content
from tests.small_study import FOLDER, small_study


def note_process(folder: Path, job: str, study: str) -> None:
    """What a process of a round leaves behind: who it was, and that it is told nothing by whoever stops the service."""
    os.kill(os.getpid(), signal.SIGTERM)
    (folder / f"{job}_{study}").write_text(str(os.getpid()))


def end_at_once(_job: str, _study: str) -> None:
    """End as a process does that the system kills."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_round_is_a_process_that_comes_to_its_end(tmp_path: Path) -> None:
    """It is another process than the service, and the signals that stop the service do not stop it."""
    in_own_process(partial(note_process, tmp_path), "nightly", "a")
    assert int((tmp_path / "nightly_a").read_text()) != os.getpid()


def test_a_killed_round_is_said_and_takes_nothing_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """The service goes on and logs how the process ended."""
    in_own_process(end_at_once, "nightly", "a")
    assert [one.message for one in caplog.records] == ["the process that made nightly of a ended with -9"]


def test_one_server_has_so_many_rounds_at_a_time() -> None:
    """A place that is taken is one less for other studies of that server, and none less for those of another."""
    limits = ServerLimits(2, {"a": "one", "b": "one", "c": "two", "d": ""}.__getitem__)
    with limits.place("a"), limits.place("b"), limits.place("c"), limits.place("d"):
        assert not limits.places["one"].acquire(blocking=False)
        assert limits.places["two"].acquire(blocking=False)
    assert limits.places["one"].acquire(blocking=False)
    assert limits.places.keys() == {"one", "two"}


def test_the_server_is_that_of_the_settings(tmp_path: Path) -> None:
    """Two studies of one host are of one server, whatever the path; one that cannot be read has none."""
    where = {"data": tmp_path, "content": find_content({})}
    environ = {"REDCAP_URL": "https://Redcap.example.org/a/api/"}
    assert server_of(str(FOLDER), environ=environ, **where) == "redcap.example.org"
    assert server_of(str(FOLDER), environ={}, **where) == ""
    assert server_of("no_such_study", environ=environ, **where) == ""


def test_workers_are_threads_of_the_scheduler() -> None:
    """One round at a time unless more are set."""
    sizes = [
        build_scheduler(Rounds((), print, print, workers=count), [])._executors["default"]._pool._max_workers  # type: ignore[arg-type]
        for count in (1, 3)
    ]
    assert sizes == [1, 3]


def test_a_process_makes_the_round_of_its_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The round that `serve` makes in a process of its own is a round like any other."""
    with small_study(tmp_path / "data") as study:
        for name, value in study.environ.items():
            monkeypatch.setenv(name, value)
        in_own_process(partial(make_round, data=study.data, wait=0.0), "nightly", str(FOLDER))
        last = study.last_run()
    assert (last.job, last.ended) == ("nightly", Ended.DONE)
