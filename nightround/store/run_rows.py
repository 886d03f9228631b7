"""Runs and their steps: what ran, when, how it ended, on which snapshot, and the result of every rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Select, func, insert, select, update

from nightround.model.outcome import Coverage, Outcome, Status
from nightround.store.schema import outcomes, runs, steps
from redcap_sync.messages import Message


class Ended(StrEnum):
    """How a run or a step ended."""

    RUNNING = "running"
    DONE = "done"
    RED = "red"
    """It ended, but not every known rule is accounted for, or not everything could be seen."""
    FAILED = "failed"
    """An error stopped it."""
    LOST = "lost"
    """It never said how it ended: the machine stopped, or the process was killed."""
    SKIPPED = "skipped"
    """Another run had made the round of its hour already."""


CAME_TO_AN_END = (Ended.DONE, Ended.RED, Ended.FAILED)


@dataclass(frozen=True)
class RunStep:
    """One step of a run."""

    name: str
    started_at: datetime
    ended_at: datetime
    ended: Ended
    note: Message | None


@dataclass(frozen=True)
class Run:
    """One run of a job. `trouble` says what went wrong."""

    id: int
    study: str
    job: str
    started_at: datetime
    ended_at: datetime | None
    ended: Ended
    exit_code: int | None
    snapshot_id: str | None
    complete: bool
    trouble: Message | None
    coverage: Coverage | None
    steps: tuple[RunStep, ...]


def insert_run(connection: Connection, study: str, job: str, now: datetime, firing: str | None) -> int:
    """Begin a run. A run of the same job that never ended is marked as lost."""
    unfinished = runs.c.study == study, runs.c.job == job, runs.c.ended == Ended.RUNNING
    connection.execute(update(runs).where(*unfinished).values(ended=Ended.LOST))
    facts = {"study": study, "job": job, "started_at": now, "firing": firing}
    begun = insert(runs).values(**facts, ended=Ended.RUNNING, complete=False)
    return int(connection.execute(begun.returning(runs.c.id)).scalar_one())


def insert_step(connection: Connection, run_id: int, step: RunStep) -> None:
    """Add a step after the ones a run already has."""
    position = select(func.count()).where(steps.c.run_id == run_id).scalar_subquery()
    connection.execute(
        insert(steps).values(
            run_id=run_id,
            position=position,
            name=step.name,
            started_at=step.started_at,
            ended_at=step.ended_at,
            ended=step.ended,
            note=step.note,
        )
    )


def end_run(connection: Connection, run_id: int, facts: Mapping[str, Any]) -> None:
    """Write how a run ended. Also a run that was thought lost may still say so."""
    coverage_of = None
    if (document := facts["coverage"]) is not None:
        newest = _newest(connection, runs.c.coverage_of, run_id)
        same = newest is not None and _coverage_of(connection, newest) == document
        coverage_of = newest if same else run_id
    own = document if coverage_of == run_id else None
    changed = {**facts, "coverage": own, "coverage_of": coverage_of}
    connection.execute(update(runs).where(runs.c.id == run_id).values(**changed))


def insert_outcomes(connection: Connection, run_id: int, found: Iterable[Outcome]) -> None:
    """Keep the outcome of every rule, with its denominators. The violations become findings and are not kept here.

    Outcomes that are those of the newest run that has any are not written again; that run is named.
    """
    kept = {one.rule_id: replace(one, violations=()) for one in found}
    if not kept:
        return
    newest = _newest(connection, runs.c.outcomes_of, run_id)
    same = newest is not None and {one.rule_id: one for one in _outcomes_kept_by(connection, newest)} == kept
    if not same:
        connection.execute(insert(outcomes), [_outcome_row(run_id, one) for one in kept.values()])
    named = newest if same else run_id
    connection.execute(update(runs).where(runs.c.id == run_id).values(outcomes_of=named))


def _newest(connection: Connection, column: Column[Any], run_id: int) -> int | None:
    """What a column of the newest other run of the same study names; None where it is blank in all of them."""
    study = select(runs.c.study).where(runs.c.id == run_id).scalar_subquery()
    others = select(column).where(runs.c.study == study, runs.c.id != run_id, column.is_not(None))
    return connection.execute(others.order_by(runs.c.id.desc()).limit(1)).scalar()


def _coverage_of(connection: Connection, run_id: int) -> Any:
    return connection.execute(select(runs.c.coverage).where(runs.c.id == run_id)).scalar()


def _outcome_row(run_id: int, one: Outcome) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "rule_id": one.rule_id,
        "status": one.status,
        "in_scope": one.in_scope,
        "checked": one.checked,
        "failed": one.failed,
        "reason": one.reason,
    }


def read_outcomes(connection: Connection, run_id: int) -> tuple[Outcome, ...]:
    """The outcomes of a run by rule id, without their violations."""
    named = connection.execute(select(runs.c.outcomes_of).where(runs.c.id == run_id)).scalar()
    return _outcomes_kept_by(connection, named) if named is not None else ()


def _outcomes_kept_by(connection: Connection, run_id: int) -> tuple[Outcome, ...]:
    found = connection.execute(select(outcomes).where(outcomes.c.run_id == run_id))
    return tuple(
        Outcome(row.rule_id, Status(row.status), row.in_scope, row.checked, row.failed, row.reason)
        for row in sorted(found, key=attrgetter("rule_id"))  # a server may sort by the rules of a language
    )


def read_outcomes_before(connection: Connection, study: str, job: str, run_id: int) -> tuple[Outcome, ...]:
    """The outcomes of the newest run of a job before a run, of those that have any."""
    earlier = select(runs.c.outcomes_of).where(
        runs.c.study == study, runs.c.job == job, runs.c.id < run_id, runs.c.outcomes_of.is_not(None)
    )
    named = connection.execute(earlier.order_by(runs.c.id.desc()).limit(1)).scalar()
    return _outcomes_kept_by(connection, named) if named is not None else ()


def read_reconciled_at(connection: Connection, study: str, run_id: int) -> datetime | None:
    """When the newest run before a run began that has outcomes: they are written together with the findings."""
    earlier = select(runs.c.started_at).where(
        runs.c.study == study, runs.c.id < run_id, runs.c.outcomes_of.is_not(None)
    )
    return connection.execute(earlier.order_by(runs.c.id.desc()).limit(1)).scalar()


def count_runs(connection: Connection, study: str, job: str, up_to: int) -> int:
    """How many runs of a job a study has had, that of an id included."""
    made = runs.c.id <= up_to, runs.c.ended != Ended.SKIPPED
    query = select(func.count()).where(runs.c.study == study, runs.c.job == job, *made)
    return connection.execute(query).scalar_one()


def read_run_times(connection: Connection, study: str, job: str) -> dict[int, datetime]:
    """When each run of a study began, in their order; of a job only runs that did not fail. '' for all jobs."""
    not_failed = runs.c.ended.in_([Ended.DONE.value, Ended.RED.value, Ended.RUNNING.value])
    of_job = (runs.c.job == job, not_failed) if job else ()
    query = select(runs.c.id, runs.c.started_at).where(runs.c.study == study, *of_job).order_by(runs.c.id)
    return {row.id: row.started_at for row in connection.execute(query)}


def note_snapshot(connection: Connection, run_id: int, snapshot_id: str) -> None:
    """Write down the snapshot of a run before its end."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(snapshot_id=snapshot_id))


def read_run_snapshots(connection: Connection, study: str) -> dict[int, str]:
    """The snapshot of each run of a study that has one, by the run's id."""
    query = select(runs.c.id, runs.c.snapshot_id).where(runs.c.study == study, runs.c.snapshot_id.is_not(None))
    return {row.id: row.snapshot_id for row in connection.execute(query)}


def read_runs(connection: Connection, study: str, limit: int) -> tuple[Run, ...]:
    """The newest runs of a study, newest first."""
    return _read(connection, select(runs).where(runs.c.study == study).limit(limit))


def read_last_run(connection: Connection, study: str) -> Run | None:
    """The newest run of a study that has ended, or None."""
    query = select(runs).where(runs.c.study == study, runs.c.ended != Ended.RUNNING).limit(1)
    return next(iter(_read(connection, query)), None)


def read_last_complete(connection: Connection, study: str, job: str) -> Run | None:
    """The newest run of a job that did all it had to and saw everything, or None."""
    whole = runs.c.ended == Ended.DONE, runs.c.complete.is_(True)
    query = select(runs).where(runs.c.study == study, runs.c.job == job, *whole).limit(1)
    return next(iter(_read(connection, query)), None)


def read_last_attempt(connection: Connection, study: str, job: str) -> Run | None:
    """The newest run of a job, also one that is running, but not one that was skipped; or None."""
    of_job = runs.c.study == study, runs.c.job == job, runs.c.ended != Ended.SKIPPED
    return next(iter(_read(connection, select(runs).where(*of_job).limit(1))), None)


def read_lost(connection: Connection, study: str, job: str) -> tuple[Run, ...]:
    """The runs of a job that never said how they ended, after the last one that did; newest first."""
    of_job = runs.c.study == study, runs.c.job == job
    ended = select(func.max(runs.c.id)).where(*of_job, runs.c.ended.in_((Ended.DONE, Ended.RED)))
    newer = runs.c.id > func.coalesce(ended.scalar_subquery(), 0)
    return _read(connection, select(runs).where(*of_job, newer, runs.c.ended == Ended.LOST))


def read_run_of_firing(
    connection: Connection, study: str, job: str, firing: str, *, ended: bool, other_than: int
) -> int | None:
    """The newest other run for an hour of the schedule, of those that ended or of all; None without one."""
    query = select(runs.c.id).where(
        runs.c.study == study, runs.c.job == job, runs.c.firing == firing, runs.c.id != other_than
    )
    if ended:
        query = query.where(runs.c.ended.in_(CAME_TO_AN_END))
    return connection.execute(query.order_by(runs.c.id.desc()).limit(1)).scalar()


def read_was_missed(connection: Connection, study: str, job: str, moment: datetime) -> bool:
    """Whether a job that ran before has had no run that ended since a moment."""
    of_job = select(func.count()).where(runs.c.study == study, runs.c.job == job)
    since = of_job.where(runs.c.started_at >= moment, runs.c.ended.in_(CAME_TO_AN_END))
    return bool(connection.execute(of_job).scalar_one()) and not connection.execute(since).scalar_one()


def _read(connection: Connection, query: Select[Any]) -> tuple[Run, ...]:
    found = connection.execute(query.order_by(runs.c.id.desc())).mappings().all()
    return tuple(_run(connection, row) for row in found)


def _run(connection: Connection, row: RowMapping) -> Run:
    its_steps = connection.execute(select(steps).where(steps.c.run_id == row["id"]).order_by(steps.c.position))
    stored = {name: value for name, value in row.items() if name != "firing" and not name.endswith("_of")}
    named = row["coverage_of"]
    facts = stored | {
        "ended": Ended(row["ended"]),
        "coverage": coverage_from(_coverage_of(connection, named)) if named is not None else None,
        "steps": tuple(
            RunStep(step.name, step.started_at, step.ended_at, Ended(step.ended), step.note) for step in its_steps
        ),
    }
    return Run(**facts)


def coverage_document(coverage: Coverage) -> dict[str, Any]:
    """The coverage certificate as JSON."""
    return {
        "known": list(coverage.known),
        "counts": {status.value: coverage.counts.get(status, 0) for status in Status},
        "unaccounted": list(coverage.unaccounted),
        "reasons": {rule_id: reason.document() for rule_id, reason in coverage.reasons.items()},
    }


def coverage_from(document: Mapping[str, Any]) -> Coverage:
    """The coverage certificate out of its JSON."""
    return Coverage(
        known=tuple(document["known"]),
        counts={Status(name): count for name, count in document["counts"].items()},
        unaccounted=tuple(document["unaccounted"]),
        reasons={rule_id: Message.read(reason) for rule_id, reason in document["reasons"].items()},
    )
