"""What the database forgets of a record, and what it keeps of that it was done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, cast, delete, func, insert, null, select, update

from nightround.store.history_chain import Salt, new_salt, salted_digest
from nightround.store.schema import (
    finding_history,
    findings,
    forgotten,
    metadata,
    outcomes,
    queries,
    runs,
    settled_rules,
    steps,
)
from redcap_sync.messages import Message

SAID: tuple[tuple[Table, Column[Any]], ...] = (
    (runs, runs.c.trouble),
    (steps, steps.c.note),
    (outcomes, outcomes.c.reason),
)
"""Where messages are kept, whose facts may name a record."""
MASK = "***"
BEGUN: Mapping[str, int] = {}
"""The counts of a note while the record is being forgotten."""


def finding_ids(connection: Connection, study: str, record: str) -> tuple[str, ...]:
    """The findings of a record."""
    query = select(findings.c.id).where(findings.c.study == study, findings.c.record == record)
    return tuple(connection.execute(query).scalars())


def was_forgotten(connection: Connection, study: str, record: str) -> bool:
    """Whether a record of this name was forgotten before."""
    return _row_of(connection, study, record, begun=False) is not None


def begin(
    connection: Connection, study: str, record: str, *, by: str, now: datetime, salt: Salt = new_salt
) -> tuple[int, bool]:
    """Note that a record is being forgotten, before anything is removed.

    Gives the number of the note, and whether it was there: a call before this one was broken off.
    """
    found = _row_of(connection, study, record, begun=True)
    if found is not None:
        return found, True
    own = salt()
    row = {"study": study, "at": now, "by": by, "salt": own, "digest": salted_digest(own, [record]), "counts": BEGUN}
    return connection.execute(insert(forgotten).values(**row).returning(forgotten.c.id)).scalar_one(), False


def take_back(connection: Connection, number: int) -> None:
    """Remove a note: nothing was there to forget."""
    connection.execute(delete(forgotten).where(forgotten.c.id == number))


def forget(
    connection: Connection, study: str, record: str, *, number: int, counts: Mapping[str, int]
) -> dict[str, int]:
    """Take a record out of every table, and complete the note of how much it was; returns the counts.

    Of the history stay when what changed and the digests, so that the chain is whole; finding, values and salt go.
    """
    of_record = select(findings.c.id).where(findings.c.study == study, findings.c.record == record)
    lines = finding_history.c.finding_id.in_(of_record)
    found = connection.execute(select(func.count()).select_from(of_record.subquery())).scalar_one()
    changed = connection.execute(select(func.count()).where(lines)).scalar_one()
    everything = {**counts, "findings": found, "history": changed}
    blank: dict[str, Any] = {"finding_id": None, "observed": {}, "comment": None, "salt": None, "forgotten": number}
    connection.execute(update(finding_history).where(lines).values(**blank))
    connection.execute(delete(queries).where(queries.c.study == study, queries.c.finding_id.in_(of_record)))
    for table in reversed(metadata.sorted_tables):
        if {"study", "record"} <= set(table.c.keys()):
            connection.execute(delete(table).where(table.c.study == study, table.c.record == record))
    connection.execute(delete(settled_rules).where(settled_rules.c.study == study))
    everything["named"] = _forget_in_groups(connection, study, record)
    connection.execute(update(forgotten).where(forgotten.c.id == number).values(counts=everything))
    for table, column in SAID:
        _mask(connection, table, column, record)
    return everything


def _forget_in_groups(connection: Connection, study: str, record: str) -> int:
    """Take a record out of the findings of others that name it among their rows; gives their count."""
    naming = select(findings.c.id, findings.c.others).where(findings.c.study == study, findings.c.others.is_not(None))
    kept = {
        identity: [one for one in others if one[0] != record]
        for identity, others in connection.execute(naming)
        if any(one[0] == record for one in others)
    }
    for identity, others in kept.items():
        connection.execute(update(findings).where(findings.c.id == identity).values(others=others or None))
    return len(kept)


def _row_of(connection: Connection, study: str, record: str, *, begun: bool) -> int | None:
    """The note of a record that was begun and not completed, or of one that was completed."""
    columns = (forgotten.c.id, forgotten.c.salt, forgotten.c.digest, forgotten.c.counts)
    for number, salt, digest, counts in connection.execute(select(*columns).where(forgotten.c.study == study)):
        if digest == salted_digest(salt, [record]) and (counts == BEGUN) is begun:
            return int(number)
    return None


def _mask(connection: Connection, table: Table, column: Column[Any], record: str) -> None:
    """Mask a record in what was said of runs, steps and rules."""
    text = cast(column, Text)
    # A backslash is nothing special to SQLite, and is PostgreSQL's own mark: JSON has one before each code of a letter.
    naming = select(*table.primary_key, column).where(
        column.is_not(null()), text.contains(json.dumps(record)[1:-1], autoescape=True)
    )
    for row in connection.execute(naming).all():
        *key, said = row
        masked = Message.read(_masked(said.document(), record))
        if masked != said:
            where = [one == value for one, value in zip(table.primary_key, key, strict=True)]
            connection.execute(update(table).where(*where).values({column.name: masked}))


def _masked(fact: Any, record: str) -> Any:
    """A message's document without a record: text that is the record, and the record as a word of a sentence."""
    if isinstance(fact, dict):
        return {name: one if name == "code" else _masked(one, record) for name, one in fact.items()}
    if isinstance(fact, (list, tuple)):
        return [_masked(one, record) for one in fact]
    if isinstance(fact, str):
        return re.sub(rf"(?<![\w-]){re.escape(record)}(?![\w-])", MASK, fact)
    return fact


def read_forgotten(connection: Connection, study: str) -> Iterator[Mapping[str, Any]]:
    """What was forgotten of a study, oldest first: when, by whom, how much."""
    query = select(forgotten.c.at, forgotten.c.by, forgotten.c.counts).where(forgotten.c.study == study)
    yield from (dict(row) for row in connection.execute(query.order_by(forgotten.c.id)).mappings())
