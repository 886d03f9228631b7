"""The audit of a whole document: every printed cell ends as consistent, inconsistent or unverifiable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nightround.published_tables.audit_remarks import Audit, AuditRemark, account
from nightround.published_tables.comparison import PrintedComparison, comparisons
from nightround.published_tables.document_form import AuditDocument, BlockKey, PrintedTable
from nightround.published_tables.grades import grade_remarks, value_remarks
from nightround.published_tables.judge import judged, of_one_kind, test_remarks
from nightround.published_tables.patient_flow import FLOW, flow_remarks, group_sizes, note_cells, note_remarks
from nightround.published_tables.percentages import percentage_remarks, size_from_levels, size_from_percentages
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
    told = [cell for found in notes.values() for _, cell in found]
    remarks = list(flow_remarks(document, flow))
    for table in document.tables:
        remarks += table_remarks(table)
        remarks += note_remarks(notes[table.name], group_sizes(document))
    return account([*printed, *told, *flow.values()], remarks)


def _printed(table: PrintedTable) -> Iterable[PrintedCell]:
    return (cell for part in table.parts for row in part.rows for cell in row.cells if cell is not None)


def table_remarks(table: PrintedTable) -> Iterator[AuditRemark]:
    """Everything that can be said of the cells of one table."""
    found = with_sizes(list(comparisons(table)))
    for comparison in found:
        yield from percentage_remarks(comparison) if comparison.kind == "count" else value_remarks(comparison)
        yield from total_remarks(comparison)
    yield from grade_remarks(found)
    for one in of_one_kind([judged(comparison) for comparison in found]):
        yield from test_remarks(one)


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
