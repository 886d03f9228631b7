"""Which values of a plan are in doubt: those under open findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nightround.model.finding import Finding
from nightround.study.plan import FieldRef, Plan

Cell = tuple[str, FieldRef]
"""A record and a field of it."""


@dataclass(frozen=True)
class Doubt:
    """The cells of a plan that are under open findings, by finding."""

    cells: Mapping[str, frozenset[Cell]]

    @property
    def all(self) -> frozenset[Cell]:
        """Every cell in doubt."""
        return frozenset(cell for cells in self.cells.values() for cell in cells)


def doubt_of(plan: Plan, findings: Iterable[Finding], records: Iterable[str]) -> Doubt:
    """The cells of the plan under each finding: its record, at its event, in the fields it names."""
    known = frozenset(records)
    references = plan.references()
    return Doubt({one.id: frozenset(_cells_of(one, references, known)) for one in findings})


def _cells_of(finding: Finding, references: Iterable[FieldRef], known: frozenset[str]) -> Iterator[Cell]:
    if finding.row.record in known:
        yield from ((finding.row.record, reference) for reference in references if is_about(finding, reference))


def is_about(finding: Finding, reference: FieldRef) -> bool:
    """Whether a finding names a field of the plan, at its event; a checkbox is named by its field."""
    at_event = not reference.event or reference.event == finding.row.event
    return at_event and any(name in {reference.field, reference.dictionary_field} for name in finding.fields)
