"""What a night is in doubt about: findings that it must not close, whatever its rules say of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from nightround.model.finding import Finding
from nightround.model.outcome import Coverage, Violation
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message
from redcap_sync.rows.tables import CellKey, Gone, RowKey

TOO_MANY = 10
"""One in so many rules may stop being judged in a night, or be impossible to evaluate; more make the night red."""


@dataclass(frozen=True, eq=False)
class LostStructure:
    """What the structure that was accepted had and tonight's has not: it may be deleted, or left out by a fault."""

    before: Dictionary = field(repr=False)
    now: Dictionary = field(repr=False)
    lines: tuple[Message, ...] = ()
    """What happened to each event, instrument and field."""

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of fields."""
        return frozenset(self.before.by_name.keys() - self.now.by_name.keys())

    @cached_property
    def places(self) -> frozenset[tuple[str, str]]:
        """Pairs of event and instrument where rows lay, and where none can lie now, or only in another way."""
        return frozenset(
            (event, one.name)
            for one in self.before.instruments
            for event in self.before.events_of(one.name)
            if self.loses(RowKey("", event, one.name, self.before.first_instance(event, one.name)))
        )

    def loses(self, row: RowKey) -> bool:
        """Whether a row of an instrument had its place and has none now."""
        place = (row.event, row.instrument, row.instance)
        return self.before.has_row(*place) and not self.now.has_row(*place)

    def loses_flat(self, row: RowKey) -> bool:
        """The same of a row of a flat export, which names an instrument only where one repeats alone."""
        if row.instrument:
            return self.loses(row)
        before, now = (
            any(one.has_row(row.event, instrument, row.instance) for instrument in one.instruments_at(row.event))
            for one in (self.before, self.now)
        )
        return before and not now

    def loses_suspect(self, gone: Gone) -> bool:
        """The same of a flat row, or an answer, that is gone: it waits for the structure, not for itself."""
        if isinstance(gone, RowKey):
            return self.loses_flat(gone)
        return self.loses(gone.row) or ColumnName.parse(gone.column).field in self.fields

    def __bool__(self) -> bool:
        return bool(self.fields or self.places)


@dataclass(frozen=True, eq=False)
class Doubts:
    """What keeps a night from closing some findings, and its run from being complete."""

    suspects: frozenset[RowKey] = field(default=frozenset(), repr=False)
    """Rows that are gone without a line in the log."""
    cells: frozenset[CellKey] = field(default=frozenset(), repr=False)
    """Cells that had an answer and are blank without a line in the log."""
    lost: LostStructure | None = None
    """Structure that went, and that no person has accepted."""
    reading: frozenset[str] = frozenset()
    """Rules that read what the lost structure had, where it is not known what they would say with it."""
    not_evaluated: int = 0
    """How many rules could not be evaluated, those that are switched off aside."""
    sudden: frozenset[str] = frozenset()
    """Rules that were judged the night before and are not tonight."""
    judged_before: int = 0
    """How many rules were judged the night before."""

    @cached_property
    def records(self) -> frozenset[str]:
        """Records with a row or an answer that is gone: a rule on any other of their rows may have read it."""
        return frozenset({row.record for row in self.suspects} | {cell.record for cell in self.cells})

    @cached_property
    def rows_in_doubt(self) -> int:
        """How many rows are gone, or have lost answers."""
        return len(self.suspects) + len({cell.row for cell in self.cells})

    @cached_property
    def _blanked(self) -> frozenset[tuple[str, str]]:
        return frozenset((cell.record, ColumnName.parse(cell.column).field) for cell in self.cells)

    def blanks(self, violation: Violation) -> bool:
        """Whether a rule may be broken only because an answer that it reads is gone."""
        if not self.cells:
            return False
        read = {ColumnName.parse(name).field for name in (*violation.fields, *violation.observed)}
        return any((row.record, field) in self._blanked for row in violation.rows for field in read)

    @property
    def many_sudden(self) -> bool:
        """Whether so many rules stopped being judged that a fault is likelier than a change of the data."""
        return len(self.sudden) * TOO_MANY > self.judged_before

    def withhold(self, finding: Finding) -> bool:
        """Whether a finding must not be closed tonight."""
        if finding.rule_id in self.reading or any(row.record in self.records for row in finding.rows):
            return True
        if finding.of_cohort and self.records:
            return True
        if self.many_sudden and finding.rule_id in self.sudden:
            return True
        lost = self.lost
        return lost is not None and (any(map(lost.loses, finding.rows)) or not lost.fields.isdisjoint(finding.fields))

    def __bool__(self) -> bool:
        return bool(self.records or self.lost or self.many_sudden)


@dataclass(frozen=True)
class Unjudged:
    """How many rules could not be judged, and out of how many."""

    not_evaluated: int = 0
    known: int = 0
    sudden: int = 0
    """Rules that were judged the night before and are not tonight."""
    judged_before: int = 0

    @classmethod
    def of(cls, coverage: Coverage, doubts: Doubts) -> Self:
        """Count them."""
        return cls(doubts.not_evaluated, len(coverage.known), len(doubts.sudden), doubts.judged_before)

    @property
    def too_many(self) -> bool:
        """Whether a night with so few judgements is red."""
        return self.not_evaluated * TOO_MANY > self.known or self.sudden * TOO_MANY > self.judged_before
