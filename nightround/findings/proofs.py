"""How far it is proven who corrected what, of findings that a night closes. Pure.

REDCap's log has new values, names no event, and has the resolution of a minute. So a line of it proves who and when
only where it is the only one that can be meant, and the old value is proven by a snapshot alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nightround.model.finding import Finding, FindingState, Resolution
from nightround.model.fix_proof import NO_PROOF, FixProof, ProofGrade
from nightround.model.outcome import OF_GROUP, SUGGESTED
from nightround.model.rule import Rule, RuleKind
from nightround.snapshots.snapshot_diff import CellChange
from redcap_sync.column_name import ColumnName
from redcap_sync.pulling.change_log import Edit, Removes
from redcap_sync.rows.tables import RowKey

OF_RECORD = frozenset({RuleKind.COUNT, RuleKind.VISIT, RuleKind.ABSENT})
"""Rules on what is there of a record: any cell of it may be the one that closes the finding."""


@dataclass(frozen=True)
class SeenSince:
    """What snapshots and log say of the records of a finding since a night saw it last."""

    changes: Sequence[CellChange] | None = field(repr=False)
    """Every cell that is another one; None where the snapshot that saw the finding cannot be read any more."""
    lines: Sequence[Edit] = field(repr=False)
    whole: bool
    """Whether these are all lines of that time."""
    own: frozenset[str] = frozenset()
    """The users of our own tokens."""
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The name that a record has now, by the one that it had."""


def fields_read(finding: Finding, rule: Rule | None) -> frozenset[str] | None:
    """The fields of which a change may have closed a finding; None for every one."""
    if rule is not None and rule.kind in OF_RECORD:
        return None
    return frozenset(one.field for one in _columns(finding, rule))


def proof_of(finding: Finding, rule: Rule | None, since: SeenSince) -> FixProof:
    """Grade what proves that a closed finding was corrected; what was withdrawn, or is of no record, has no proof."""
    if finding.state is FindingState.WITHDRAWN or finding.of_cohort:
        return NO_PROOF
    since = _unsure_of_renamed(finding, since)
    changes = None if since.changes is None else _that_count(finding, rule, since.changes)
    if changes is not None and not changes:
        return FixProof(ProofGrade.NONE, changed=False)
    fields = fields_read(finding, rule) if changes is None else frozenset(map(_field_of, changes))
    rows = finding.rows if changes is None else [one.row for one in changes]
    lines = [line for line in since.lines if _may_be_meant(line, rows, fields, since.names)]
    grade = _grade(finding, since, changes, lines)
    known = since.whole and len(lines) == 1 and lines[0].username not in since.own
    said = (lines[0].username, lines[0].timestamp) if known else ("", "")
    return FixProof(grade, None if changes is None else True, *said)


def _unsure_of_renamed(finding: Finding, since: SeenSince) -> SeenSince:
    """What is sure where a record has its name from another: lines may name it as it was called in between."""
    if not {row.record for row in finding.rows}.intersection(since.names.values()):
        return since
    taken = finding.resolution is Resolution.ROW_REMOVED  # the cells are those of the record that has its name now
    return replace(since, whole=False, changes=None if taken else since.changes)


def _grade(
    finding: Finding, since: SeenSince, changes: Sequence[CellChange] | None, lines: Sequence[Edit]
) -> ProofGrade:
    if all(line.username in since.own for line in lines):
        return ProofGrade.NONE
    if changes is None or finding.resolution is Resolution.ROW_REMOVED or not since.whole or len(lines) > 1:
        return ProofGrade.PARTIAL
    (line,) = lines
    named = line.removes is not Removes.NOTHING or all(_field_of(one) in line.fields for one in changes)
    sure = line.username and named and not _elsewhere(changes, since.changes or ())
    return ProofGrade.FULL if sure else ProofGrade.PARTIAL


def _elsewhere(counted: Sequence[CellChange], changes: Sequence[CellChange]) -> bool:
    """Whether the same field was changed in another row of the record too, so that the line may speak of that one."""
    fields, rows = set(map(_field_of, counted)), {one.row for one in counted}
    records = {row.record for row in rows}
    same = (one.row for one in changes if one.row.record in records and _field_of(one) in fields)
    return len(rows) > 1 or not rows.issuperset(same)


def _may_be_meant(line: Edit, rows: Sequence[RowKey], fields: frozenset[str] | None, names: Mapping[str, str]) -> bool:
    """Whether a line may be about one of some rows and fields. A deletion may be about every field."""
    mine = [row for row in rows if names.get(line.record, line.record) == row.record or line.record == row.record]
    if not mine:
        return False
    if line.removes in (Removes.RECORD, Removes.PART) or line.verb == "delete":
        return True
    named = fields is None or not fields.isdisjoint(line.fields)
    return named and any(line.instance in (0, row.instance) or not row.instance for row in mine)


def _that_count(finding: Finding, rule: Rule | None, changes: Sequence[CellChange]) -> list[CellChange]:
    """The changes of cells that the rule reads for the rows of a finding."""
    records = {row.record for row in finding.rows}
    if rule is not None and rule.kind in OF_RECORD:
        return [one for one in changes if one.row.record in records]
    columns = _columns(finding, rule)
    return [one for one in changes if any(_reads(row, column, one) for row in finding.rows for column in columns)]


def _columns(finding: Finding, rule: Rule | None) -> list[ColumnName]:
    """What the rule read in the row, and what it is shown with."""
    written = [name for name in finding.observed if name not in (OF_GROUP, SUGGESTED)]
    names = dict.fromkeys([*written, *finding.fields, *(rule.involved if rule else ())])
    return [column for column in map(ColumnName.parse, names) if not column.is_smart]


def _reads(row: RowKey, column: ColumnName, change: CellChange) -> bool:
    """Whether a changed cell is the one that a column names, seen from a row."""
    there, changed = change.row, ColumnName.parse(change.column)
    if there.record != row.record or changed.field != column.field:
        return False
    if column.code and changed.exported != column.exported:
        return False
    if there.event != (column.event or row.event) and "-" not in column.event:
        return False
    own = not column.event and not column.instance and there.instrument == row.instrument
    return not own or there.instance == row.instance


def _field_of(change: CellChange) -> str:
    return ColumnName.parse(change.column).field
