"""The audit of a whole document: every printed cell ends as consistent, inconsistent or unverifiable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from nightround.published_tables.audit_remarks import Audit, AuditNote, AuditRemark, account
from nightround.published_tables.comparison import PrintedComparison, comparisons
from nightround.published_tables.count_totals import size_from_levels, size_from_percentages
from nightround.published_tables.document_form import AuditDocument, BlockKey, PrintedTable
from nightround.published_tables.grades import grade_remarks, value_remarks
from nightround.published_tables.judge import judged, of_one_kind, test_remarks
from nightround.published_tables.patient_flow import FLOW, flow_remarks, group_sizes, note_cells, note_remarks
from nightround.published_tables.percentages import percentage_remarks
from nightround.published_tables.print_styles import in_usual_style
from nightround.published_tables.printed_cells import Counted, PrintedCell
from nightround.published_tables.totals import total_remarks


def audit(document: AuditDocument) -> Audit:
    """Recompute every table from what it prints, and settle each printed cell."""
    flow = {
        str(name): PrintedCell(FLOW, str(name), "n", str(number))
        for name, number in document.flow.items()
        if isinstance(number, int)
    }
    notes = {table.name: note_cells(table) for table in document.tables}
    printed = [cell for table in document.tables for cell in _printed(table)]
    in_notes = [cell for found in notes.values() for _, cell in found]
    remarks = list(flow_remarks(document, flow))
    recognised: list[AuditNote] = []
    for table in document.tables:
        found = audit_of_table(table)
        remarks += found.remarks
        recognised += found.notes
        remarks += note_remarks(notes[table.name], group_sizes(document))
    return account([*printed, *in_notes, *flow.values()], remarks, recognised)


def _printed(table: PrintedTable) -> Iterable[PrintedCell]:
    return (cell for part in table.parts for row in part.rows for cell in row.cells if cell is not None)


class TableAudit(NamedTuple):
    """What is said of the cells of one table, and what was recognised of its style."""

    remarks: list[AuditRemark]
    notes: list[AuditNote]


def audit_of_table(table: PrintedTable) -> TableAudit:
    """Judge every comparison of a table in the style in which it is printed."""
    found, notes = in_usual_style(with_sizes(list(comparisons(table))))
    judgements = of_one_kind([judged(comparison) for comparison in found])
    remarks: list[AuditRemark] = []
    for comparison, one in zip(found, judgements, strict=True):
        if comparison.kind == "count":
            remarks += percentage_remarks(comparison, one.layout)
        else:
            remarks += value_remarks(comparison)
        remarks += total_remarks(comparison)
    remarks += grade_remarks(found)
    for one in judgements:
        remarks += test_remarks(one)
        notes += one.notes
    return TableAudit(remarks, notes)


def with_sizes(found: Sequence[PrintedComparison]) -> list[PrintedComparison]:
    """The same comparisons, where a header states no n with the one its column's counts reveal."""
    known: dict[tuple[BlockKey, int], int | None] = {}
    for comparison in found:
        for place, size in enumerate(comparison.sizes):
            key = (comparison.block, place)
            if size is None and key not in known:
                known[key] = _revealed([one for one in found if one.block == comparison.block], place)
    return [
        replace(one, sizes=tuple(size or known.get((one.block, place)) for place, size in enumerate(one.sizes)))
        for one in found
    ]


def _revealed(block: Sequence[PrintedComparison], place: int) -> int | None:
    counted = [one for one in block if one.kind == "count"]
    levels = [[line.values[place] for line in one.lines] for one in counted if len(one.lines) > 1 and one.firm]
    singles = [line.values[place].content for one in counted for line in one.lines]
    return size_from_levels(levels) or size_from_percentages([one for one in singles if isinstance(one, Counted)])
