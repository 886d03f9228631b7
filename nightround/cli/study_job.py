"""Runs a job, or some steps, of a study for a command: prints what came of it, and ends with its exit code."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from nightround.cli.options import found_content
from nightround.cli.printing import language, log_to_stderr, print_json, print_trouble, say
from nightround.cli.progress import progress_shown

if TYPE_CHECKING:
    from nightround.night import Night
    from nightround.night.summary import Summary

Result = TypeVar("Result")


@contextmanager
def opened_by_hand(study: str, data: Path, job: str, *, wait: float | None) -> Iterator[Night]:
    """The run that a person started: it logs to stderr, and ends with its end and a mail when it is asked to stop.

    `wait` is how many seconds it waits for another run of the study, where that is not left to the run.
    """
    from nightround.night.run_job import open_night
    from nightround.night.study_locks import BY_HAND, Waiting

    log_to_stderr()
    # SIGTERM would end the process without a word; as Ctrl+C it leaves a run with its end, and a mail.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    waiting = BY_HAND if wait is None else Waiting(wait, mailed=False)
    with open_night(
        study,
        data=data,
        job=job,
        content=found_content(),
        environ=os.environ,
        clock=now,
        sleep=time.sleep,
        waiting=waiting,
    ) as night:
        yield night


def run_alone(study: str, data: Path, job: str, step: Callable[[Night], Result], *, wait: float | None) -> Result:
    """Run one step that changes findings as a run of a study; gives what the step gives."""
    from nightround.night.run_job import run_job

    done: list[Result] = []
    with opened_by_hand(study, data, job, wait=wait) as night:
        run_job(night, job, lambda opened_night: done.append(step(opened_night)))
    return done[0]


def run(
    study: str,
    data: Path,
    job: str,
    *,
    as_json: bool,
    steps: Callable[[Night], object] | None = None,
    wait: float | None = None,
) -> NoReturn:
    """Run a job of a study, print its summary, and end with its exit code; `wait` as in `opened_by_hand`."""
    from nightround.night.run_job import run_job

    with opened_by_hand(study, data, job, wait=wait) as night:
        try:
            with progress_shown(night):
                summary = run_job(night, job, steps)
        except Exception as error:
            _end_failed(night, error, as_json=as_json)
            raise
    _print(summary, as_json=as_json)
    sys.exit(summary.exit_code)


def _end_failed(night: Night, error: Exception, *, as_json: bool) -> None:
    """Print what a run that failed did to the findings, where it came so far; with JSON the error is a part of it."""
    from nightround.night.summary import Summary

    if not night.recorder.findings:
        return
    summary = Summary.of(night.facts, night.recorder, night.attempt.explain(error))
    _print(summary, as_json=as_json)
    if as_json:
        print_trouble(error)
        sys.exit(summary.exit_code)


def _print(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        print_json(summary.document())
        return
    for line in summary.lines(language()):
        say(line)


def now() -> datetime:
    """Read the clock: the only place where it is read."""
    return datetime.now(UTC)
