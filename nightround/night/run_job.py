"""Runs a job of a study: opens its night, runs the job file, and remembers how it ended."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nightround.digests.channels.outbox import Outbox
from nightround.model.errors import RoundAlreadyRunning, StudyFilesWrong
from nightround.model.outcome import Status
from nightround.model.rule import Severity
from nightround.night.full_disk import full_disk_explained
from nightround.night.round import Night
from nightround.night.scheduler import Schedule
from nightround.snapshots.vault import Vault, find_key
from nightround.store.database import open_store
from nightround.store.run_rows import Ended
from nightround.study.folder import Content, Study, load_content_module, load_study
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.pacing import RequestBudget
from redcap_sync.api.token import find_token
from redcap_sync.errors import ExplainedError, RedcapUnreachable
from redcap_sync.private_files import private_folder

log = logging.getLogger(__name__)

NIGHTLY = "nightly"
"""The job whose failure people are told of by mail; whoever starts another one sees its error on the screen."""

SHOWN_CHANGES = 20

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Summary:
    """What a run came to: counts and file names, no patient."""

    study: str
    job: str
    run_id: int
    snapshot_id: str | None
    complete: bool
    outcomes: Mapping[str, int]
    findings: Mapping[str, int]
    changes: tuple[str, ...]
    """A line for each finding that changed: what, how bad, which rule, where to look."""
    files: tuple[Path, ...]
    severe: int
    """Open findings at or above the severity the study agreed on, or violations where no ledger was kept."""

    def document(self) -> dict[str, Any]:
        """The summary as one JSON document."""
        return {
            "study": self.study,
            "job": self.job,
            "run": self.run_id,
            "snapshot": self.snapshot_id,
            "complete": self.complete,
            "outcomes": dict(self.outcomes),
            "findings": dict(self.findings),
            "files": [str(path) for path in self.files],
        }

    def lines(self) -> Iterator[str]:
        """The summary in words, one fact a line."""
        yield f"{self.job} of {self.study}, run {self.run_id}, snapshot {(self.snapshot_id or 'none')[:12]}"
        if self.outcomes:
            counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.outcomes.items())
            yield f"rules: {counts}" + ("" if self.complete else " - INCOMPLETE, not everything was seen and judged")
        if self.findings:
            yield "findings: " + ", ".join(f"{count} {name}" for name, count in self.findings.items())
        yield from self.changes[:SHOWN_CHANGES]
        if len(self.changes) > SHOWN_CHANGES:
            yield f"and {len(self.changes) - SHOWN_CHANGES} more, in the list of findings"
        yield from (str(path) for path in self.files)


@contextmanager
def open_night(
    study_name: str,
    *,
    data: Path,
    job: str,
    content: Content,
    environ: Mapping[str, str],
    clock: Clock,
    sleep: Sleep,
) -> Iterator[Night]:
    """Open the study's folder and store for one run; only one run of a study at a time."""
    study = load_study(content.study_folder(study_name), strict=False)
    folder = data / study.id
    with full_disk_explained(), _alone(folder), open_store(folder / "nightround.sqlite3") as store:
        now = clock()
        yield Night(
            study=study,
            content=content,
            store=store,
            folder=folder,
            connect=lambda: connect(study, environ, sleep),
            channels=[Outbox(folder / "outbox")],
            clock=clock,
            vault=snapshot_vault(study, environ),
            redcap_url=environ.get(study.settings.redcap.url_env, ""),
            run_id=store.start_run(study.id, job, now),
            started_at=now,
        )


def connect(study: Study, environ: Mapping[str, str], sleep: Sleep) -> RedcapClient:
    """Make the client of the study's project from address and token in the environment."""
    settings = study.settings.redcap
    url = environ.get(settings.url_env, "")
    if not url:
        raise RedcapUnreachable(
            "There is no address of a REDCap API.",
            why=f"the variable {settings.url_env} is not set",
            remedy=f"set {settings.url_env} to the address on the project's API page; it ends in /api/",
        )
    token = find_token(
        environ, variable=settings.token_env, file=settings.token_file, keyring=(settings.token_keyring, study.id)
    )
    budget = RequestBudget(settings.requests_per_minute, clock=time.monotonic, sleep=sleep)
    return RedcapClient(url, token, timeout_seconds=settings.timeout_seconds, sleep=sleep, budget=budget)


def snapshot_vault(study: Study, environ: Mapping[str, str]) -> Vault:
    """How the study's snapshots are written: sealed where the environment or a file holds a key."""
    settings = study.settings.snapshots
    return Vault(find_key(environ, variable=settings.key_env, file=settings.key_file))


def run_job(night: Night, job: str, steps: Callable[[Night], object] | None = None) -> Summary:
    """Run a job file, or the steps given in its place, and remember in the store how it ended."""
    steps = steps or load_job(night.content, job).run
    try:
        with full_disk_explained():
            steps(night)
    except ExplainedError as error:
        _finish(night, Ended.FAILED, error.exit_code, trouble=error.what)
        if job == NIGHTLY:
            _tell_of_failure(night, error)
        raise
    except BaseException as error:
        _finish(night, Ended.FAILED, 1, trouble=type(error).__name__)
        raise
    red = night.validation is not None and not night.complete
    summary = summarise(night, job)
    _finish(night, Ended.RED if red else Ended.DONE, 3 if summary.severe else 0)
    return summary


def _tell_of_failure(night: Night, error: ExplainedError) -> None:
    """Mail what went wrong; trouble with the mail must not hide the trouble it is about."""
    try:
        night.alert_failure(error)
    except ExplainedError as second:
        log.error("nobody could be told: %s", second)  # noqa: TRY400 - a user's mistake has no traceback
    except Exception:
        log.exception("nobody could be told, because of a bug")


def load_job(content: Content, job: str) -> Any:
    """Load a job file: a module with SCHEDULE and run(night)."""
    module = load_content_module(content.jobs / f"{job}.py", f"job_{job}")
    for name in ("SCHEDULE", "run"):
        if not hasattr(module, name):
            raise StudyFilesWrong(
                f"The job {job!r} has no {name}.",
                why="a job file holds SCHEDULE, five fields as cron has them, and run(night)",
                remedy=f"compare jobs/{job}.py with jobs/nightly.py",
            )
    return module


def schedules(content: Content) -> tuple[Schedule, ...]:
    """Read the hour of every job."""
    names = sorted(path.stem for path in content.jobs.glob("*.py"))
    return tuple(Schedule(name, load_job(content, name).SCHEDULE) for name in names)


def run_scheduled(
    job: str,
    studies: Sequence[str],
    *,
    data: Path,
    content: Content,
    environ: Mapping[str, str],
    clock: Clock,
    sleep: Sleep,
) -> None:
    """Run a job for each study; one study's trouble is logged and stops no other."""
    for study in studies:
        try:
            with open_night(
                study, data=data, job=job, content=content, environ=environ, clock=clock, sleep=sleep
            ) as night:
                run_job(night, job)
        except ExplainedError as error:
            log.error("%s of %s: %s", job, study, error)  # noqa: TRY400 - a user's mistake has no traceback
        except Exception:
            log.exception("%s of %s ended with a bug", job, study)


def summarise(night: Night, job: str) -> Summary:
    """Count what a run came to."""
    counts = night.validation.coverage.counts if night.validation else {}
    delta = night.delta
    limit = night.study.settings.alerts.exit_severity
    return Summary(
        study=night.study.id,
        job=job,
        run_id=night.run_id,
        snapshot_id=night.snapshot.id if night.snapshot else None,
        complete=night.complete,
        outcomes={status.value: counts.get(status, 0) for status in Status} if counts else {},
        findings={
            name: len(getattr(delta, name)) for name in ("opened", "reopened", "persisting", "resolved", "untouched")
        }
        if delta
        else {},
        changes=tuple(
            f"  {change} {finding.severity.value} {finding.rule_id}: {title}\n    {link}"
            for change, finding, title, link in night.changed_findings()
        ),
        files=tuple(night.files),
        severe=_severe(night, limit),
    )


def _severe(night: Night, limit: Severity) -> int:
    if night.delta:
        return sum(finding.severity.rank <= limit.rank for finding in night.delta.open_now)
    if night.validation:
        severity = {rule.id: rule.severity for rule in night.validation.rules}
        return sum(severity[one.rule_id].rank <= limit.rank for one in night.validation.violations)
    return 0


def _finish(night: Night, ended: Ended, exit_code: int, *, trouble: str = "") -> None:
    night.store.finish_run(
        night.run_id,
        ended,
        exit_code=exit_code,
        now=night.clock(),
        snapshot_id=night.snapshot.id if night.snapshot else None,
        complete=night.complete,
        coverage=night.validation.coverage if night.validation else None,
        trouble=trouble,
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the study's lock, so that a round started by hand and one by the clock never run together."""
    private_folder(folder)
    with os.fdopen(os.open(folder / ".lock", os.O_CREAT | os.O_WRONLY, 0o600), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RoundAlreadyRunning(
                f"Another run of this study is under way in {folder}.",
                why="a round was started by hand while the scheduled one runs, or two services share the folder",
                remedy="wait for it to end; its progress stands in the log",
            ) from None
        yield
