"""What changed since the last report: each printed number that is another one, with what caused it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from nightround.model.result import ResultRow, ResultSet
from nightround.report.numbers.facts import Cause, CauseKind, ChangedNumber
from nightround.study.plan import FieldRef, Plan

PRINTED = frozenset({"summary", "p"})
PRINTED_OF = {
    "flow": frozenset({"n"}),
    "endpoints": frozenset({"count", "n", "percent", "wilson_low", "wilson_high"}),
    "safety": frozenset({"events", "summary"}),
    "accrual": frozenset({"n", "target"}),
    "follow_up": frozenset({"count", "n", "percent", "stopped", "missed", "summary"}),
    "exposure": frozenset({"events", "summary"}),
    "deaths": frozenset({"summary"}),
    "sites": frozenset({"summary"}),
    "survival": frozenset({"n", "events", "free", "p"}),
}
"""What a report prints of each table; of any other table summaries and P."""
EVENTS = "adverse events"
"""The column of patients that contains what is written of their adverse events."""
NOT_PRINTED = frozenset({"literature", "bounds"})


@dataclass(frozen=True)
class Side:
    """One of the two reports that are compared. `patients` is None where its snapshot is no longer there."""

    plan: Plan
    results: ResultSet
    patients: pd.DataFrame | None
    versions: Mapping[str, str]


def printed(row: ResultRow) -> bool:
    """Whether a report prints a number as it is."""
    if row.table in NOT_PRINTED:
        return False
    wanted = PRINTED_OF.get(row.table, PRINTED)
    of_interval = row.table not in PRINTED_OF and row.statistic.endswith("_summary")
    return row.statistic in wanted or of_interval


def compared(before: ResultSet, now: ResultSet) -> int:
    """How many printed numbers there are in either report."""
    return len({row.key for results in (before, now) for row in results if printed(row)})


def changed_numbers(before: Side, now: Side) -> Iterator[ChangedNumber]:
    """Each printed number that is another one now, in the order of the report."""
    edits = edits_between(before.patients, now.patients)
    keys = dict.fromkeys(row.key for results in (now.results, before.results) for row in results if printed(row))
    for key in keys:
        old, new = before.results.get(key), now.results.get(key)
        texts = (old.text if old else "", new.text if new else "")
        if texts[0] != texts[1]:
            row = new or old
            assert row is not None  # noqa: S101 - one of the two has the key
            causes = tuple(causes_of(row, before, now, edits))
            yield ChangedNumber(
                key.table, key.variable, key.statistic, key.group, key.visit, key.level, *texts, causes=causes
            )


Edits = Mapping[str, Mapping[CauseKind, tuple[str, ...]]]
"""By column of the patients: the records that are new, edited or deleted in it."""


def edits_between(before: pd.DataFrame | None, now: pd.DataFrame | None) -> Edits | None:
    """What differs between two frames of patients; None where one of them is not there."""
    if before is None or now is None:
        return None
    both = before.index.intersection(now.index)
    new, gone = now.index.difference(before.index), before.index.difference(now.index)
    return {
        column: {
            CauseKind.NEW: records(new[now.loc[new, column].notna()]),
            CauseKind.EDITED: records(both[differs(before.loc[both, column], now.loc[both, column])]),
            CauseKind.DELETED: records(gone[before.loc[gone, column].notna()]),
        }
        for column in now.columns.intersection(before.columns)
    }


def differs(before: pd.Series[str], now: pd.Series[str]) -> pd.Series[bool]:
    """Where two columns of the same records differ; blank equals blank."""
    return ~((before == now) | (before.isna() & now.isna())).fillna(False).astype(bool)


def records(index: pd.Index[str]) -> tuple[str, ...]:
    """Records in their natural order: 2 before 10."""
    return tuple(sorted(map(str, index), key=lambda one: (len(one), one)))


def causes_of(row: ResultRow, before: Side, now: Side, edits: Edits | None) -> Iterator[Cause]:
    """The records behind a changed number; where there are none, what else is different."""
    if edits is None:
        yield Cause(CauseKind.UNKNOWN)
        return
    columns = {reference.column for reference in behind(now.plan, row)}
    if row.table == "safety":
        columns.add(EVENTS)
    found = False
    for kind in (CauseKind.NEW, CauseKind.EDITED, CauseKind.DELETED):
        named = dict.fromkeys(one for column in columns & edits.keys() for one in edits[column][kind])
        if named:
            found = True
            yield Cause(kind, records(pd.Index(list(named))))
    if before.plan.numbers != now.plan.numbers:
        found = True
        yield Cause(CauseKind.PLAN)
    if not found:
        yield Cause(CauseKind.SOFTWARE if dict(before.versions) != dict(now.versions) else CauseKind.UNKNOWN)


def behind(plan: Plan, row: ResultRow) -> Iterable[FieldRef]:
    """The fields that a number is computed from: its own, and those on who is in and in which group."""
    yield from (one.field for step in plan.flow for one in step.where)
    if plan.grouping:
        yield plan.grouping
    yield from (one.field for one in plan.endpoints if (row.table, row.variable) == ("endpoints", one.id))
    for curve in (one for one in plan.survival if (row.table, row.variable) == ("survival", one.id)):
        yield from curve.references()
    if plan.accrual and row.table == "accrual":
        yield plan.accrual.entered
    for name, part in (("follow_up", plan.follow_up), ("exposure", plan.exposure), ("deaths", plan.deaths)):
        if part and row.table == name:
            yield from part.references()
    tables = {row.table, *(one.table for one in plan.regressions if one.id == row.table)}
    for table in (table for table in plan.tables if table.id in tables):
        for variable in (one for one in table.variables if one.id == row.variable):
            visits = dict(variable.visits)
            yield from [visits[row.visit]] if row.visit in visits else visits.values()
            yield from (level.field for level in variable.levels if level.field)
