"""The numbers of the data manager's overview: open by rule, owner and group, and the last 30 nights. Pure.

Findings that another one speaks for are left out, as in every total that people see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from nightround.model.finding import QUIET_STATES, Finding, FindingState
from nightround.model.finding_answer import Change
from nightround.model.rule import Severity

NIGHTS = 30
BEGINS = frozenset({Change.OPENED, Change.REOPENED})
ENDS = frozenset({Change.RESOLVED, Change.WITHDRAWN})


class HistoryLine(Protocol):
    """One change of a finding, as the store keeps it."""

    @property
    def finding_id(self) -> str:
        """The finding."""

    @property
    def run_id(self) -> int:
        """The run that made the change."""

    @property
    def change(self) -> Change:
        """What happened."""

    @property
    def was(self) -> FindingState | None:
        """The state before; None before it was opened."""


@dataclass(frozen=True)
class NightCounts:
    """What one night left behind, and what it changed."""

    day: date
    open: int
    new: int
    closed: int


@dataclass(frozen=True)
class OpenCounts:
    """Open findings of one rule, owner or group by severity, and what tonight changed of them."""

    name: str
    by_severity: Mapping[Severity, int]
    new: int
    closed: int

    @property
    def open(self) -> int:
        """All that are open."""
        return sum(self.by_severity.values())


@dataclass(frozen=True)
class Overview:
    """Everything that the overview shows."""

    total: OpenCounts
    quiet: Mapping[FindingState, int]
    """Findings that nobody is asked about now."""
    by_rule: tuple[OpenCounts, ...]
    by_owner: tuple[OpenCounts, ...]
    by_group: tuple[OpenCounts, ...]
    """Empty where the project has no data access groups; a record in none is of the group ''."""
    nights: tuple[NightCounts, ...]
    """Oldest first, tonight last."""


def overview_of(
    findings: Iterable[Finding],
    history: Sequence[HistoryLine],
    nights: Sequence[tuple[int, date]],
    groups: Mapping[str, str] | None,
) -> Overview:
    """Count what is open now, and go back along the history for the nights before.

    `nights` are the runs of the last nights with their days, oldest first, the last one tonight's; `history` has at
    least all changes since the first of them. `groups` is the data access group of each record that is in one.
    """
    speaking = {one.id: one for one in findings if not one.under}
    lines = [line for line in history if line.finding_id in speaking]
    tonight = nights[-1][0] if nights else 0
    of_tonight = [line for line in lines if line.run_id == tonight]
    new = {line.finding_id for line in of_tonight if line.change in BEGINS}
    closed = {line.finding_id for line in of_tonight if line.change in ENDS}

    def counted(names: Mapping[str, str]) -> tuple[OpenCounts, ...]:
        return _counted(speaking.values(), names, new, closed)

    (total,) = counted(dict.fromkeys(speaking, "")) or (OpenCounts("", {}, 0, 0),)
    states = Counter(one.state for one in speaking.values())
    return Overview(
        total=total,
        quiet={state: states[state] for state in QUIET_STATES},
        by_rule=counted({one.id: one.rule_id for one in speaking.values()}),
        by_owner=counted({one.id: one.owner for one in speaking.values()}),
        by_group=counted({one.id: _group_of(one, groups) for one in speaking.values()}) if groups else (),
        nights=_nights(speaking, lines, nights),
    )


def _group_of(finding: Finding, groups: Mapping[str, str]) -> str:
    return finding.group or groups.get(finding.row.record, "")


def _counted(
    findings: Iterable[Finding], names: Mapping[str, str], new: set[str], closed: set[str]
) -> tuple[OpenCounts, ...]:
    """The counts by name, most critical ones first; without names of which nothing is open and nothing changed."""
    by_name: dict[str, list[Finding]] = {}
    for one in findings:
        by_name.setdefault(names[one.id], []).append(one)
    found = []
    for name, own in by_name.items():
        severities = Counter(one.severity for one in own if one.state is FindingState.OPEN)
        changed = [sum(one.id in part for one in own) for part in (new, closed)]
        counts = OpenCounts(name, {severity: severities[severity] for severity in Severity}, *changed)
        if counts.open or counts.new or counts.closed:
            found.append(counts)
    return tuple(sorted(found, key=_order))


def _order(one: OpenCounts) -> tuple[list[int], str]:
    return [-one.by_severity[severity] for severity in Severity], one.name


def _nights(
    findings: Mapping[str, Finding], lines: Sequence[HistoryLine], nights: Sequence[tuple[int, date]]
) -> tuple[NightCounts, ...]:
    """From the last night back: each change is undone, so that the history before the first one is not needed."""
    states: dict[str, FindingState | None] = {name: one.state for name, one in findings.items()}
    still_open = sum(state is FindingState.OPEN for state in states.values())
    left = list(lines)
    found = []
    for run_id, day in reversed(nights):
        while left and left[-1].run_id > run_id:
            still_open += _undone(states, left.pop())
        own = [line for line in left if line.run_id == run_id]
        new, closed = (len({line.finding_id for line in own if line.change in kind}) for kind in (BEGINS, ENDS))
        found.append(NightCounts(day, still_open, new, closed))
    return tuple(reversed(found))


def _undone(states: dict[str, FindingState | None], line: HistoryLine) -> int:
    """Take one change back; returns by how many open findings that differs."""
    before = None if line.change is Change.OPENED else line.was
    after = states[line.finding_id]
    states[line.finding_id] = before
    return (before is FindingState.OPEN) - (after is FindingState.OPEN)
