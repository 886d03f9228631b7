"""What the database costs at many findings: in a file, and on a PostgreSQL server.

    python -m benchmarks.store                          100,000 findings in a SQLite file
    python -m benchmarks.store --url postgresql://...   the same in a schema of that server, which is dropped afterwards
    python -m benchmarks.store --findings 10000

A night's reconcile without change, from what the store has to what it has then, is compared with a plain comparison of
two dictionaries of the same values, keyed by finding. Seconds of CPU of this process, and of the clock; the least of
three. A ratio missed by more than a tenth ends the benchmark with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import text

from benchmarks.aims import Aim, check
from nightround.findings.reconcile import reconcile
from nightround.findings.settled_rules import SettlingNight, facts_of
from nightround.model.finding import Finding, LedgerDelta
from nightround.model.language import Words
from nightround.model.outcome import Outcome, Status, Violation
from nightround.model.rule import Rule, Severity
from nightround.store.address import address_of
from nightround.store.backup import back_up, restore
from nightround.store.database import Store, open_store
from nightround.store.engine import connected
from nightround.store.settled_rows import NOTHING, NotRead
from nightround.validation.rule_inputs import Inputs
from redcap_sync.rows.tables import RowKey

STUDY = "benchmark"
NIGHT = datetime(2025, 5, 13, 2, 30, tzinfo=UTC)
ROUNDS = 3
WITHOUT_CHANGE = "a night without change: read, decided, written"
RECONCILE_AIM = 2.0
"""A night without change, as a multiple of the plain comparison."""
RULE = Rule(
    id="R",
    title=Words("合成规则", "A synthetic rule"),
    instrument="visit",
    discrepancy="[total] > 10",
    severity=Severity.MAJOR,
    fields=("total",),
    advice=Words("请核对。", "Check it."),
)
T = TypeVar("T")


class Spent(NamedTuple):
    """Seconds of CPU and of the clock."""

    cpu: float
    clock: float


def measured(call: Callable[[], T], rounds: int = ROUNDS) -> tuple[Spent, T]:
    """The least of some rounds, and what the last one gave."""
    spent = []
    for _ in range(rounds):
        cpu, clock = time.process_time(), time.perf_counter()
        result = call()
        spent.append(Spent(time.process_time() - cpu, time.perf_counter() - clock))
    return min(spent), result


def outcome(findings: int) -> Outcome:
    """One failed rule with a violation for each finding."""
    rows = (RowKey(str(number), "visit_1_arm_1", "visit", 0) for number in range(findings))
    found = tuple(Violation("R", row, ("total",), {"total": "12"}) for row in rows)
    return Outcome("R", Status.FAILED, in_scope=findings, checked=findings, failed=findings, violations=found)


class EveryRow:
    """All rows are in the snapshot."""

    def __contains__(self, row: object) -> bool:
        """Say so."""
        return True


def judged(known: tuple[Finding, ...], tonight: Outcome, night: int, not_read: NotRead = NOTHING) -> LedgerDelta:
    """What the ledger decides on a night."""
    now, rules = NIGHT + timedelta(days=night), {"R": RULE}
    return reconcile(STUDY, known, [tonight], rules, rows=EveryRow(), complete=True, now=now, not_read=not_read)


def plain(known: tuple[Finding, ...], tonight: Outcome) -> tuple[list[object], list[object], list[object]]:
    """What opened, stays and closed, by a comparison of two dictionaries: the least that any reconcile does."""
    before = {(one.rule_id, one.row, one.fields): one.observed for one in known}
    now = {(one.rule_id, one.row, one.fields): one.observed for one in tonight.violations}
    opened = [key for key in now if key not in before]
    stays = [(key, now[key] == value) for key, value in before.items() if key in now]
    return opened, stays, [key for key in before if key not in now]


def record(store: Store, tonight: Outcome, night: int, *, inputs: str = "the same") -> LedgerDelta:
    """One night in the store, of a rule whose outcome follows from some inputs."""
    now = NIGHT + timedelta(days=night)
    facts = facts_of([RULE], {"R": Inputs("R", "", {"visit": inputs})})
    ledger = SettlingNight(
        {"R": RULE},
        {"R": tonight},
        facts,
        frozenset(),
        now=now,
        today=now.date(),
        sure=True,
        renamed=False,
        decide=lambda known, not_read: judged(known, tonight, night, not_read),
    )
    return store.record_ledger(STUDY, store.start_run(STUDY, "nightly", now), [tonight], ledger, now)


def judged_again(store: Store, tonight: Outcome) -> LedgerDelta:
    """A night that has to read every finding."""
    return record(store, tonight, 4, inputs=uuid.uuid4().hex)


def main(arguments: Sequence[str]) -> None:
    """Measure, print and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--url", default="")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.findings, asked.url)


def places(folder: Path, url: str) -> tuple[str, str]:
    """Two databases that are not there yet."""
    if not url:
        return str(folder / "first.sqlite3"), str(folder / "second.sqlite3")
    mark = uuid.uuid4().hex[:8]
    return f"{url}?schema=bench_{mark}_1", f"{url}?schema=bench_{mark}_2"


def measure(folder: Path, findings: int, url: str) -> None:
    """Every figure of one kind of database."""
    here, there = places(folder, url)
    tonight, backup = outcome(findings), folder / "backup.jsonl"
    rows: list[tuple[str, Spent]] = []

    def note(name: str, call: Callable[[], T], rounds: int = ROUNDS) -> T:
        spent, result = measured(call, rounds)
        rows.append((name, spent))
        return result

    try:
        with open_store(here) as store:
            note("first night, all findings open", lambda: record(store, tonight, 1), 1)
            known = note("all findings read", lambda: store.findings(STUDY))
            note(WITHOUT_CHANGE, lambda: record(store, tonight, 2))
            note("a night whose rule was judged again, all found as before", lambda: judged_again(store, tonight))
            note("of it, decided (reconcile)", lambda: judged(known, tonight, 3))
            note("a plain comparison of two dictionaries", lambda: plain(known, tonight))
            note("the history checked", lambda: store.broken_lines(STUDY), 1)
            note("backup, with its proof", lambda: back_up(store.engine, backup), 1)
        note("restore, with its proof", lambda: restore(backup, address_of(there), STUDY), 1)
    finally:
        drop(here, there)
    print(f"{findings:,} findings, {'PostgreSQL' if url else 'SQLite'}; backup {backup.stat().st_size / 1e6:.0f} MB\n")
    print("| what | CPU, s | clock, s |\n|---|---|---|")
    for name, spent in rows:
        print(f"| {name} | {spent.cpu:.2f} | {spent.clock:.2f} |")
    by_name = dict(rows)
    ratio = by_name[WITHOUT_CHANGE].cpu / by_name["a plain comparison of two dictionaries"].cpu
    check([Aim("reconcile without change to a plain comparison", RECONCILE_AIM, ratio)])


def drop(*wheres: str) -> None:
    """Remove the schemas of a server."""
    for where in wheres:
        address = address_of(where)
        if address.path is None:
            engine = connected(address)
            with engine.begin() as connection:
                connection.execute(text(f'DROP SCHEMA IF EXISTS "{address.schema}" CASCADE'))
            engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1:])
