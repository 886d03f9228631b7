"""The flow of patients against the groups of the tables, and tests that are reported in a note."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nightround.published_tables.audit_remarks import AuditRemark, because, consistent, inconsistent, unverifiable
from nightround.published_tables.count_totals import totals_that_fit
from nightround.published_tables.document_form import AuditDocument, PrintedTable
from nightround.published_tables.explain import p_equation, p_of_statistic, sides_of_level
from nightround.published_tables.headers import name_of, symbols_of
from nightround.published_tables.p_values import Distribution, chi2_with, normal, t_with
from nightround.published_tables.printed_cells import Counted, PrintedCell, Reported, read_p, read_statistic
from nightround.published_tables.ranges import Range, exactly, plain, printed_range
from redcap_sync.messages import Message

FLOW = "flow"
NOTE = "note"
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_TEST = re.compile(
    rf"(?P<symbol>t|z|f|χ2|x2|chi2|chi-square)\s*(?:\(\s*(?P<df>\d+)\s*\))?\s*=\s*(?P<value>{_NUMBER})\s*[,;]\s*"
    rf"p\s*(?P<p>[<>=]\s*0?\.\d+)",
    re.IGNORECASE,
)
_SHARE = re.compile(r"(\d+)\s*/\s*(\d+)\s*[\(\[]\s*(\d+(?:\.\d+)?)\s*%\s*[\)\]]")
_LEFT_OUT = re.compile(r"exclu|lost|withdr|fail|drop|not_|death|died|剔除|排除|失访|脱落|退出|未|死亡")


def flow_remarks(document: AuditDocument, cells: dict[str, PrintedCell]) -> Iterator[AuditRemark]:
    """The groups of the tables are boxes of the flow, and the box above them contains them all."""
    steps = {name: number for name, number in document.flow.items() if isinstance(number, int) and name in cells}
    groups = _groups(document)
    total, names = sum(groups), list(steps)
    parts = [name for name in names if steps[name] in groups]
    if not groups or sorted(steps[name] for name in parts) != sorted(groups):
        for name in names:
            yield from unverifiable(cells[name], "groups_unstated")
        return
    yield from consistent(*(cells[name] for name in parts))
    above = [name for name in names[: names.index(parts[0])] if not _LEFT_OUT.search(name.lower())]
    for name in names:
        if steps[name] == total and name not in parts:
            yield from consistent(cells[name])
        elif name in above and steps[name] < total:
            why = because("groups_below", sum=" + ".join(map(str, groups)), total=total)
            yield from inconsistent(cells[name], Message.of("audit.number.at_least", low=total), why)
        elif name not in parts:
            yield from unverifiable(cells[name], "not_repeated")


def _groups(document: AuditDocument) -> list[int]:
    """The sizes of the groups that one table compares."""
    for table in document.tables:
        for block in (block for part in table.parts for block in part.blocks):
            sizes = [column.n for column in block.columns]
            if block.design == "groups" and len(sizes) > 1 and None not in sizes:
                return [size for size in sizes if size is not None]
    return []


def note_cells(table: PrintedTable) -> list[tuple[str, PrintedCell]]:
    """Every test and every share that a note tells, each with the note it is in."""
    return [
        (plain(note), PrintedCell(table.name, NOTE, found[0].strip(), found[0].strip()))
        for note in table.notes
        for pattern in (_TEST, _SHARE)
        for found in pattern.finditer(plain(note))
    ]


def note_remarks(cells: Sequence[tuple[str, PrintedCell]], sizes: dict[str, int]) -> Iterator[AuditRemark]:
    """Statistics against their P, shares against their percentage."""
    for note, cell in cells:
        share = _SHARE.fullmatch(cell.text)
        if share:
            yield from _share_remarks(cell, share)
        else:
            yield from _told_test(cell, note, sizes)


def _share_remarks(cell: PrintedCell, share: re.Match[str]) -> Iterator[AuditRemark]:
    counted = Counted(int(share[1]), printed_range(share[3]), n=int(share[2]))
    if totals_that_fit(counted, counted.n):
        yield from consistent(cell)
        return
    must = f"{100 * counted.count / max(counted.n or 1, 1):.{len(share[3].partition('.')[2])}f}%"
    yield from inconsistent(cell, exactly(must), because("share", count=share[1], n=share[2], percent=must))


def _told_test(cell: PrintedCell, note: str, sizes: dict[str, int]) -> Iterator[AuditRemark]:
    found = _TEST.fullmatch(cell.text)
    if found is None:
        return
    statistic = read_statistic(PrintedCell(cell.table, cell.row, "", found["value"]), 0)
    p = read_p(PrintedCell(cell.table, cell.row, "", found["p"]), 0)
    distribution = _distribution(found, note, sizes)
    if statistic is None or p is None or distribution is None:
        yield from unverifiable(cell, "note_without_n")
        return
    yield from _pair_remarks(cell, distribution, statistic, p)


def _distribution(found: re.Match[str], note: str, sizes: dict[str, int]) -> Distribution | None:
    """The distribution of a statistic in a note: by its own df, or by the two groups the note names."""
    family = next(iter(symbols_of(found["symbol"])), "")
    if family == "z":
        return normal()
    if found["df"] and family in ("t", "chi2"):
        return t_with(float(found["df"])) if family == "t" else chi2_with(float(found["df"]))
    named = [n for name, n in sizes.items() if re.search(rf"\b{re.escape(name)}\b", note.lower())]
    if family != "t" or len(named) != 2:  # noqa: PLR2004 - the two groups of the test
        return None
    return t_with(Range(min(named) - 1.0, sum(named) - 2.0))


def _pair_remarks(
    cell: PrintedCell, distribution: Distribution, statistic: Reported, p: Reported
) -> Iterator[AuditRemark]:
    possible = distribution.p(statistic.range)
    if possible.meets(p.range):
        yield from consistent(cell)
        return
    other = sides_of_level(possible, p.range)
    must = p_equation(possible, p.decimals)
    yield from inconsistent(cell, must, p_of_statistic(distribution, statistic.cell.text, must, other_side=other))


def group_sizes(document: AuditDocument) -> dict[str, int]:
    """Every group that a header names with its n."""
    columns = (
        column
        for table in document.tables
        for part in table.parts
        for block in part.blocks
        for column in block.columns
        if block.design == "groups" and column.n is not None
    )
    return {name_of(column.header).lower(): column.n for column in columns if column.n is not None}
