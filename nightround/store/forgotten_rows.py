"""What the database forgets of a record, and what it keeps of that it was done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, cast, delete, func, insert, null, select, update

from nightround.store.history_chain import Salt, new_salt, salted_digest
from nightround.store.schema import finding_history, findings, forgotten, metadata, outcomes, runs, steps
from redcap_sync.messages import Message

SAID: tuple[tuple[Table, Column[Any]], ...] = (
    (runs, runs.c.trouble),
    (steps, steps.c.note),
    (outcomes, outcomes.c.reason),
)
"""Where messages are kept, whose facts may name a record."""
MASK = "***"


def finding_ids(connection: Connection, study: str, record: str) -> tuple[str, ...]:
    """The findings of a record."""
    query = select(findings.c.id).where(findings.c.study == study, findings.c.record == record)
    return tuple(connection.execute(query).scalars())


def was_forgotten(connection: Connection, study: str, record: str) -> bool:
    """Whether a record of this name was forgotten before."""
    rows = connection.execute(select(forgotten.c.salt, forgotten.c.digest).where(forgotten.c.study == study))
    return any(digest == salted_digest(salt, [record]) for salt, digest in rows)


def forget(
    connection: Connection,
    study: str,
    record: str,
    *,
    by: str,
    now: datetime,
    counts: Mapping[str, int],
    salt: Salt = new_salt,
) -> dict[str, int]:
    """Take a record out of every table, and keep who did it, when, and how much it was; returns the counts.

    Of the history stay when what changed and the digests, so that the chain is whole; finding, values and salt go.
    """
    of_record = select(findings.c.id).where(findings.c.study == study, findings.c.record == record)
    lines = finding_history.c.finding_id.in_(of_record)
    found = connection.execute(select(func.count()).select_from(of_record.subquery())).scalar_one()
    changed = connection.execute(select(func.count()).where(lines)).scalar_one()
    everything = {**counts, "findings": found, "history": changed}
    own = salt()
    done = insert(forgotten).values(
        study=study, at=now, by=by, salt=own, digest=salted_digest(own, [record]), counts=everything
    )
    number = connection.execute(done.returning(forgotten.c.id)).scalar_one()
    blank = {"finding_id": None, "observed": {}, "salt": None, "forgotten": number}
    connection.execute(update(finding_history).where(lines).values(**blank))
    for table in reversed(metadata.sorted_tables):
        if {"study", "record"} <= set(table.c.keys()):
            connection.execute(delete(table).where(table.c.study == study, table.c.record == record))
    for table, column in SAID:
        _mask(connection, table, column, record)
    return everything


def _mask(connection: Connection, table: Table, column: Column[Any], record: str) -> None:
    """Mask a record in what was said of runs, steps and rules."""
    text = cast(column, Text)
    naming = select(*table.primary_key, column).where(column.is_not(null()), text.contains(json.dumps(record)[1:-1]))
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
