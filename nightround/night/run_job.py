"""Runs a job of a study: opens its round, runs the job file, and remembers how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from nightround.model.errors import RoundAlreadyMade, RoundAlreadyRunning
from nightround.night.attempt import Attempt
from nightround.night.dead_mans_switch import call_dead_mans_switch
from nightround.night.disk_errors import disk_errors_explained
from nightround.night.outbox_step import send_due_messages
from nightround.night.private_details import details_kept
from nightround.night.recorder import Recorder
from nightround.night.report_delivery import REPORTS
from nightround.night.round import NIGHTLY, Clock, Round, Sleep
from nightround.night.scheduler import MISFIRE_HOURS
from nightround.night.status_metrics import keep_metrics
from nightround.night.steps import Night
from nightround.night.study_database import existing_store
from nightround.night.study_hours import last_hour, load_job
from nightround.night.study_locks import BY_CLOCK, BY_HAND, ROUND, Waiting, only_one
from nightround.night.study_place import known_settings, place_of
from nightround.night.summary import Summary
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.snapshots.vault import Vault, find_key
from nightround.store.run_rows import Ended
from nightround.study.folder import Content, Study, load_study
from nightround.study.settings import StudySettings, checked, read_toml, redcap_address
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.pacing import RequestBudget
from redcap_sync.api.token import TokenPlaces, find_token, where_to_replace
from redcap_sync.errors import ExplainedError, RedcapUnreachable
from redcap_sync.private_files import finish_private_set, remove_unfinished

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
    firing: str | None = None,
) -> Iterator[Night]:
    """Open the study's folder and store for one run; a round, the run of a job file, is the only one of its study.

    The run is in the store before anything else is read, and whatever stops it here is written down and mailed.
    `firing` is the hour of the schedule whose round it makes; None for a run by hand.
    """
    place = place_of(study_name, data, content)
    is_round = (content.jobs / f"{job}.py").is_file()
    with ExitStack() as closing:
        if is_round:
            closing.callback(keep_metrics, study_name, data=data, content=content, environ=environ, clock=clock)
        attempt = Attempt(
            place=place,
            job=job,
            clock=clock,
            sleep=sleep,
            environ=environ,
            started_at=clock(),
            waiting=waiting,
            is_round=is_round,
            settings=known_settings(place),
            closing=closing,
        )
        with _failure_said(attempt):
            recorder = attempt.begin(firing)
            study = load_study(content.study_folder(study_name), strict=False)
            attempt.known(study)
            if is_round:
                _wait_for_the_round(attempt, recorder, sleep, firing)
            remove_unfinished([place.data], time.time())
            finish_private_set(place.data / REPORTS)
            facts = _facts(study, content, attempt, recorder)
        yield Night(facts, recorder.store, recorder, attempt)


def _facts(study: Study, content: Content, attempt: Attempt, recorder: Recorder) -> Round:
    """The facts of a run whose study could be read; from here on the store has the key of sealed values."""
    environ, place = attempt.environ, attempt.place
    vault = snapshot_vault(study, environ)
    recorder.store = recorder.store.with_key(vault.key)
    return Round(
        study=study,
        content=content,
        folder=place.data,
        job=attempt.job,
        run_id=recorder.run_id,
        started_at=attempt.clock(),  # a run that waited sees the data of now
        clock=attempt.clock,
        sleep=attempt.sleep,
        waiting=attempt.waiting,
        connect=lambda: connect(study, environ, attempt.sleep),
        token_place=where_to_replace(environ, **token_places(study)),
        outgoing=attempt.outgoing(study.settings),
        redcap_url=redcap_address(study.settings.redcap, environ),
        vault=vault,
        shared_lock=partial(recorder.store.lock_tried, place.id),
        ping=lambda: call_dead_mans_switch(study.settings.alerts, environ),
    )


@contextmanager
def _failure_said(attempt: Attempt) -> Iterator[None]:
    """Write down and mail what kept a run from beginning."""
    try:
        with disk_errors_explained():
            yield
    except RoundAlreadyMade as error:
        attempt.skipped(error)
        raise
    except BaseException as error:
        attempt.failed(error)
        raise


def _wait_for_the_round(attempt: Attempt, recorder: Recorder, sleep: Sleep, firing: str | None) -> None:
    """Be the only round of the study; raises RoundAlreadyMade where another run makes, or made, that of this hour."""
    try:
        shared = partial(recorder.store.lock_tried, attempt.place.id)
        attempt.closing.enter_context(only_one(attempt.place.data, ROUND, attempt.waiting, sleep, shared))
    except RoundAlreadyRunning:
        _require_unmade(attempt, recorder, firing, ended=False)
        raise
    _require_unmade(attempt, recorder, firing, ended=True)


def _require_unmade(attempt: Attempt, recorder: Recorder, firing: str | None, *, ended: bool) -> None:
    place = attempt.place
    if firing is None:
        return
    other = recorder.store.run_of_firing(place.id, attempt.job, firing, ended=ended, other_than=recorder.run_id)
    if other is not None:
        raise RoundAlreadyMade("night.made_already", firing=firing, run=other)


def connect(study: Study, environ: Mapping[str, str], sleep: Sleep) -> RedcapClient:
    """Make the client of the study's project from address and token in the environment."""
    settings = study.settings.redcap
    url = redcap_address(settings, environ)
    if not url:
        raise RedcapUnreachable("night.no_address", variable=settings.url_env)
    token = find_token(environ, **token_places(study))
    budget = RequestBudget(settings.requests_per_minute, clock=time.monotonic, sleep=sleep)
    return RedcapClient(url, token, timeout_seconds=settings.timeout_seconds, sleep=sleep, budget=budget)


def token_places(study: Study) -> TokenPlaces:
    """Where the token of a study may be, as keywords."""
    settings = study.settings.redcap
    keyring = (settings.token_keyring, study.id)
    return {"variable": settings.token_env, "file": settings.token_file, "keyring": keyring}


def snapshot_vault(study: Study, environ: Mapping[str, str]) -> Vault:
    """How the study's snapshots are written: sealed where the environment or a file contains a key."""
    return _vault(study.settings, environ)


def _vault(settings: StudySettings, environ: Mapping[str, str]) -> Vault:
    keys = settings.snapshots
    return Vault(find_key(environ, variable=keys.key_env, file=keys.key_file))


def snapshots_at(folder: Path, data: Path, environ: Mapping[str, str]) -> SnapshotStore:
    """The snapshots of the study whose settings are in a folder; its rules and its plan are not read."""
    file = folder / "study.toml"
    settings = checked(StudySettings, read_toml(file), file=file)
    return SnapshotStore(data / settings.study.id / "snapshots", _vault(settings, environ))


def run_job(night: Night, job: str, steps: Callable[[Night], object] | None = None) -> Summary:
    """Run a job file, or the steps given in its place, and remember in the store how it ended.

    The error of a step that the run went on without is raised at its end. After a complete nightly round, and only
    then, the dead man's switch is called.
    """
    recorder = night.recorder
    try:
        with disk_errors_explained(), details_kept(night.facts.run_folder):
            (steps or load_job(night.facts.content, job).run)(night)
            recorder.raise_failure()
            red = recorder.coverage is not None and (not recorder.complete or recorder.unjudged.too_many)
            summary = Summary.of(night.facts, recorder)
            recorder.finish(Ended.RED if red else Ended.DONE, summary.exit_code)
    except BaseException as error:
        night.attempt.failed(error)
        raise
    if job == NIGHTLY and recorder.complete and not red:
        night.facts.ping()
    return summary


def was_missed(
    job: str, study: str, *, data: Path, content: Content, environ: Mapping[str, str], now: datetime
) -> bool:
    """Whether the last hour of a job passed, not long ago, without a run that ended.

    A study that never ran has missed nothing.
    """
    try:
        place = place_of(study, data, content)
        firing = last_hour(job, study, data=data, content=content, now=now)
        if firing is None or now - firing.moment > timedelta(hours=MISFIRE_HOURS):
            return False
        with existing_store(place, known_settings(place), environ) as store:
            return store is not None and store.was_missed(place.id, job, firing.moment)
    except Exception as error:  # noqa: BLE001 - the round at the next hour says what is wrong
        log.warning("whether %s of %s was missed is not known: %s", job, study, type(error).__name__)
        return False


def run_scheduled(
    job: str,
    studies: Sequence[str],
    *,
    data: Path,
    content: Content,
    environ: Mapping[str, str],
    clock: Clock,
    sleep: Sleep,
    waiting: Waiting = BY_CLOCK,
) -> None:
    """Run a job for each study; one study's trouble is logged and stops no other.

    A run is for the last hour of the job's schedule on the study's clock, and each such hour has one run.
    """
    for study in studies:
        try:
            firing = last_hour(job, study, data=data, content=content, now=clock())
            with open_night(
                study,
                data=data,
                job=job,
                content=content,
                environ=environ,
                clock=clock,
                sleep=sleep,
                waiting=waiting,
                firing=firing.hour if firing else None,
            ) as night:
                run_job(night, job)
        except RoundAlreadyMade as error:
            log.info("%s of %s: %s", job, study, error.what)
        except ExplainedError as error:
            log.error("%s of %s: %s", job, study, error)  # noqa: TRY400 - a user's mistake has no traceback
        except Exception:
            log.exception("%s of %s ended with a bug", job, study)


def send_between_rounds(
    study: str, *, data: Path, content: Content, environ: Mapping[str, str], clock: Clock, sleep: Sleep
) -> None:
    """Send the messages of a study whose pause is over; trouble with that is logged and stops no round."""
    try:
        with disk_errors_explained():
            send_due_messages(study, data=data, content=content, environ=environ, clock=clock, sleep=sleep)
    except ExplainedError as error:
        log.error("messages of %s: %s", study, error)  # noqa: TRY400 - a user's mistake has no traceback
    except Exception:
        log.exception("sending the messages of %s ended with a bug", study)
