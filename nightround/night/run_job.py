"""Runs a job of a study: opens its round, runs the job file, and remembers how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nightround.digests.channels.channel import Channel
from nightround.digests.channels.outbox import Outbox
from nightround.model.errors import RoundAlreadyRunning, StudyFilesWrong
from nightround.night.alert_step import send_failure_notice
from nightround.night.failure_notice import explained, notify_of_failed_run, without_hiding_the_error
from nightround.night.full_disk import full_disk_explained
from nightround.night.private_details import details_kept
from nightround.night.recorder import Recorder
from nightround.night.round import NIGHTLY, Clock, Round, Sleep
from nightround.night.scheduler import Schedule
from nightround.night.steps import Night
from nightround.night.study_locks import BY_CLOCK, BY_HAND, ROUND, Waiting, only_one
from nightround.night.summary import Summary
from nightround.snapshots.vault import Vault, find_key
from nightround.store.database import open_store
from nightround.store.run_rows import Ended
from nightround.study.folder import Content, Study, load_content_module, load_study
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.pacing import RequestBudget
from redcap_sync.api.token import find_token
from redcap_sync.errors import ExplainedError, RedcapUnreachable
from redcap_sync.messages import Message
from redcap_sync.private_files import remove_unfinished

log = logging.getLogger(__name__)


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
    waiting: Waiting = BY_HAND,
) -> Iterator[Night]:
    """Open the study's folder and store for one run; a round, the run of a job file, is the only one of its study."""
    study = load_study(content.study_folder(study_name), strict=False)
    folder = data / study.id

    def mailed(error: Exception) -> bool:
        return job == NIGHTLY and (waiting.mailed or not isinstance(error, RoundAlreadyRunning))

    with full_disk_explained(), ExitStack() as opened:
        with _failure_notified(study, content, folder, clock, mailed):
            if (content.jobs / f"{job}.py").is_file():
                opened.enter_context(only_one(folder, ROUND, waiting, sleep))
            remove_unfinished([folder], time.time())
            store = opened.enter_context(open_store(folder / "nightround.sqlite3", snapshot_vault(study, environ).key))
            started_at = clock()
            facts = Round(
                study=study,
                content=content,
                folder=folder,
                job=job,
                run_id=store.start_run(study.id, job, started_at),
                started_at=started_at,
                clock=clock,
                sleep=sleep,
                waiting=waiting,
                connect=lambda: connect(study, environ, sleep),
                channels=_channels(folder),
                redcap_url=environ.get(study.settings.redcap.url_env, ""),
                vault=snapshot_vault(study, environ),
            )
        yield Night(facts, store, Recorder(store, facts.run_id, clock, study.settings.alerts.exit_severity))


@contextmanager
def _failure_notified(
    study: Study, content: Content, folder: Path, clock: Clock, mailed: Callable[[Exception], bool]
) -> Iterator[None]:
    """Mail what kept a round from starting."""
    try:
        with full_disk_explained():
            yield
    except Exception as error:
        if mailed(error):
            reason = explained(error)
            now = clock().astimezone(ZoneInfo(study.settings.study.time_zone))
            without_hiding_the_error(
                lambda: send_failure_notice(study.settings, content, _channels(folder), reason, now)
            )
        raise


def _channels(folder: Path) -> Sequence[Channel]:
    return [Outbox(folder / "outbox")]


def connect(study: Study, environ: Mapping[str, str], sleep: Sleep) -> RedcapClient:
    """Make the client of the study's project from address and token in the environment."""
    settings = study.settings.redcap
    url = environ.get(settings.url_env, "")
    if not url:
        raise RedcapUnreachable("night.no_address", variable=settings.url_env)
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
    steps = steps or load_job(night.facts.content, job).run
    recorder = night.recorder
    try:
        with full_disk_explained(), details_kept(night.facts.run_folder):
            steps(night)
    except BaseException as error:
        _finish_failed(night, job, error)
        raise
    red = recorder.coverage is not None and not recorder.complete
    summary = Summary.of(night.facts, recorder)
    recorder.finish(Ended.RED if red else Ended.DONE, summary.exit_code)
    return summary


def _finish_failed(night: Night, job: str, error: BaseException) -> None:
    """Remember that a run failed; the failure of a nightly round is mailed, unless a person interrupted it."""
    if isinstance(error, ExplainedError):
        night.recorder.finish(Ended.FAILED, error.exit_code, trouble=error.part("what"))
    else:
        night.recorder.finish(Ended.FAILED, 1, trouble=Message.of("night.bug", error=type(error).__name__))
    if job == NIGHTLY and isinstance(error, Exception):
        notify_of_failed_run(night.facts, night.recorder, error)


def load_job(content: Content, job: str) -> Any:
    """Load a job file: a module with SCHEDULE and run(night)."""
    module = load_content_module(content.jobs / f"{job}.py", f"job_{job}")
    for name in ("SCHEDULE", "run"):
        if not hasattr(module, name):
            raise StudyFilesWrong("night.job", job=job, name=name)
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
                study, data=data, job=job, content=content, environ=environ, clock=clock, sleep=sleep, waiting=BY_CLOCK
            ) as night:
                run_job(night, job)
        except ExplainedError as error:
            log.error("%s of %s: %s", job, study, error)  # noqa: TRY400 - a user's mistake has no traceback
        except Exception:
            log.exception("%s of %s ended with a bug", job, study)
