"""A rule judged on the nights that are kept: how often it would have asked, and what became of the values.

The judge is that of the night, with the clock of each night. A value counts as changed when a cell that
the rule reads is, on a later night, another one than on the night the rule first asked about the row.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from nightround.model.errors import StudyFilesWrong
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.rules.rule_files import read_rule_file
from nightround.validation.batch import Batch, make_batch
from nightround.validation.run import validate
from nightround.validation.snapshot_rows import AnchorRows
from nightround.validation.suite import compile_rule, compile_suites
from redcap_sync.messages import Message
from redcap_sync.rows.tables import RowKey

Values = Mapping[str, str]


@dataclass(frozen=True)
class NightAsked:
    """The result of a rule on one kept night. `new` rows it had not asked about on an earlier one."""

    taken_at: str
    snapshot: str
    status: Status
    in_scope: int
    checked: int
    asked: int
    new: int
    reason: Message | None

    def document(self) -> dict[str, Any]:
        """The night as JSON."""
        return asdict(self) | {"reason": str(self.reason or "")}


@dataclass(frozen=True)
class Backtest:
    """The result of a rule on all kept nights. Rows are counted once, however often they were asked about."""

    rule_id: str
    nights: tuple[NightAsked, ...]
    rows_asked: int
    later_changed: int
    changed_and_silent: int
    """Rows of which a value changed, and about which the rule no longer asks on the last night."""
    unchanged_and_asked: int
    """Rows that contain the same values still, and about which it still asks."""
    gone: int
    """Rows that are no longer there on the last night."""

    @property
    def nights_asked(self) -> int:
        """Nights on which it asked about any row."""
        return sum(night.asked > 0 for night in self.nights)

    def document(self) -> dict[str, Any]:
        """The result as JSON; no value and no record id is in it."""
        counts = asdict(self)
        counts |= {"by_night": [night.document() for night in self.nights], "nights": len(self.nights)}
        return {"id": counts.pop("rule_id"), **counts, "nights_asked": self.nights_asked}


@dataclass
class _Watched:
    """A row that was asked about: what it contained then, and its result since."""

    values: Values = field(repr=False)
    changed: bool = False
    asked: bool = True
    there: bool = True


def rules_to_try(named: str, known: Sequence[Rule]) -> tuple[Rule, ...]:
    """The known rule of that id, or the drafts in a TOML file; raises StudyFilesWrong for neither."""
    if named.endswith(".toml"):
        return read_rule_file(Path(named))
    found = tuple(rule for rule in known if rule.id == named)
    if not found:
        near = next(iter(difflib.get_close_matches(named, [rule.id for rule in known], n=1)), "")
        raise StudyFilesWrong("rules.near" if near else "rules.unknown", name=named, near=near)
    return found


def backtest(rules: Sequence[Rule], store: SnapshotStore, study: str, *, time_zone: str) -> tuple[Backtest, ...]:
    """Judge rules on every kept night, oldest first. Raises StudyFilesWrong where no snapshot is kept."""
    nights: dict[str, list[NightAsked]] = {rule.id: [] for rule in rules}
    watched: dict[str, dict[RowKey, _Watched]] = {rule.id: {} for rule in rules}
    for snapshot, taken_at in _kept(store, study):
        now = taken_at.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)
        outcomes = {outcome.rule_id: outcome for outcome in validate(snapshot, rules, now=now).outcomes}
        for rule in rules:
            rows, outcome = watched[rule.id], outcomes[rule.id]
            before = len(rows)
            if outcome.status is not Status.NOT_EVALUATED:
                _watch(rows, outcome, _read(rule, snapshot, now))
            nights[rule.id].append(_night(snapshot, taken_at, outcome, new=len(rows) - before))
    return tuple(_summed(rule.id, nights[rule.id], watched[rule.id].values()) for rule in rules)


def _kept(store: SnapshotStore, study: str) -> Iterator[tuple[Snapshot, datetime]]:
    """Every kept night; one after another, because a registry's snapshots do not fit into memory together."""
    with store.reading():
        manifests = store.manifests()
        if not manifests:
            raise StudyFilesWrong("night.no_snapshot", study=study)
        for manifest in manifests:
            yield store.load(manifest.id, study), manifest.taken_at


def _read(rule: Rule, snapshot: Snapshot, now: datetime) -> Batch:
    """The rows a rule looks at, with all that it reads."""
    (suite,), _ = compile_suites([rule], snapshot.dictionary)
    wanted = compile_rule(rule, snapshot.dictionary).references
    return make_batch(AnchorRows.of(snapshot, suite.instruments), suite.name, wanted, now)


def _watch(rows: dict[RowKey, _Watched], outcome: Outcome, batch: Batch) -> None:
    """See what became of the rows asked about before, and enter those that are new."""
    asked = {violation.row for violation in outcome.violations}
    cells = dict(_cells_of([*rows, *(asked - set(rows))], batch))
    for key, row in rows.items():
        row.there, row.asked = key in cells, key in asked
        row.changed |= key in cells and cells[key] != row.values
    rows.update({key: _Watched(cells[key]) for key in asked if key not in rows})


def _cells_of(keys: Sequence[RowKey], batch: Batch) -> Iterator[tuple[RowKey, Values]]:
    """What the rows that are there have in the cells that the rule reads, as REDCap stored it."""
    found = {key: position for key in keys if (position := batch.rows.position(key)) >= 0}
    positions = np.array(list(found.values()), dtype=np.intp)
    cells = {column: batch.texts(column, positions) for column in batch.sources}
    for place, key in enumerate(found):
        yield key, {column: texts[place] for column, texts in cells.items()}


def _night(snapshot: Snapshot, taken_at: datetime, outcome: Outcome, *, new: int) -> NightAsked:
    return NightAsked(
        taken_at=taken_at.isoformat(),
        snapshot=snapshot.id[:12],
        status=outcome.status,
        in_scope=outcome.in_scope,
        checked=outcome.checked,
        asked=outcome.failed,
        new=new,
        reason=outcome.reason,
    )


def _summed(rule_id: str, nights: Sequence[NightAsked], rows: Iterable[_Watched]) -> Backtest:
    rows = tuple(rows)
    return Backtest(
        rule_id=rule_id,
        nights=tuple(nights),
        rows_asked=len(rows),
        later_changed=sum(row.changed for row in rows),
        changed_and_silent=sum(row.there and row.changed and not row.asked for row in rows),
        unchanged_and_asked=sum(row.there and row.asked and not row.changed for row in rows),
        gone=sum(not row.there for row in rows),
    )
