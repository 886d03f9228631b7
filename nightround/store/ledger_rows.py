"""What a night changes in the findings, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from nightround.model.finding import LedgerDelta
from nightround.model.outcome import Outcome
from nightround.store import settled_rows as settled
from nightround.store.finding_reading import read_findings
from nightround.store.finding_rows import read_changes, read_position, write_delta
from nightround.store.flood_rows import insert_flood, read_position_before
from nightround.store.run_rows import insert_outcomes


def write_ledger(
    connection: Connection,
    study: str,
    run_id: int,
    outcomes: Iterable[Outcome],
    ledger: settled.Ledger,
    *,
    now: datetime,
) -> LedgerDelta:
    """Let a ledger decide on the findings as they are, and write what it changed; gives the changes.

    Findings that the ledger leaves alone are not read. Of them the hour alone is written, in one statement. Which rules
    flooded is remembered with the findings: a process that ends before anybody is notified must not let them through.
    """
    stored = settled.read_alike(connection, study)
    left = ledger.left_alone(settled.read_settled(connection, study), stored)
    settled.keep_settled(connection, study, left)
    known = read_findings(connection, study, but_settled=True)
    decided = ledger.decide(known, settled.NotRead(left, settled.SettledIds(connection, study)))
    delta = replace(decided, repeated=tuple(one for one in stored if one.rule_id in left and one.state.live))
    insert_outcomes(connection, run_id, outcomes)
    write_delta(connection, study, run_id, delta, known=known, now=now)
    settled.insert_settled(connection, study, ledger.settled_by(delta, left))
    position = read_position_before(connection, study, run_id)
    if read_position(connection, study) > position:
        for flood in ledger.floods(position, read_changes(connection, study, position).delta):
            insert_flood(connection, flood)
    return delta
