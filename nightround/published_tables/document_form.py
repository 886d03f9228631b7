"""Read tables in the form of a JSON file: columns with (n=..), rows of [label, kind, cells..., statistic, P]."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from nightround.model.errors import StudyFilesWrong
from nightround.published_tables.headers import Design, common_name, design_of, name_of, role_of, size_of
from nightround.published_tables.printed_cells import PrintedCell, is_blank
from nightround.published_tables.ranges import decimals_of, is_number, plain

ONE_SIDED = re.compile(r"one[- ](?:sided|tailed)|单侧")
FORM_SHOWN, FORM_SHARE = 8, 0.75
"""So many numbers of a column, and such a share of them, must have its most decimals before a lost zero is named."""


class PrintedColumn(NamedTuple):
    """One column of values: where it is in a row, its header and its number of patients."""

    place: int
    header: str
    n: int | None


BlockKey = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Block:
    """Columns that are compared with one another, with their statistic and P; `name` is the group of visits."""

    name: str
    design: Design
    columns: tuple[PrintedColumn, ...]
    statistic: int | None
    p: int | None
    statistic_header: str
    total: PrintedColumn | None = None

    @property
    def key(self) -> BlockKey:
        """What tells it from every other block of its table."""
        return self.name, tuple(column.place for column in self.columns)


class PrintedRow(NamedTuple):
    """One printed row: None where nothing is printed."""

    label: str
    kind: str
    cells: tuple[PrintedCell | None, ...]
    numbers: tuple[bool, ...]
    """Which cells are JSON numbers that may have lost their trailing zeros."""


@dataclass(frozen=True)
class Part:
    """Rows under one heading: a whole table, or one group of it."""

    table: str
    blocks: tuple[Block, ...]
    rows: tuple[PrintedRow, ...]


@dataclass(frozen=True)
class PrintedTable:
    """A table as it is printed; `words` are those of its title, columns and notes.

    `granularity` gives the step of the values of a row, where it is known.
    """

    name: str
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    words: str = ""
    granularity: Mapping[str, float] | None = None

    @property
    def one_sided(self) -> bool:
        """Whether its words say that its P are one-sided."""
        return ONE_SIDED.search(self.words.lower()) is not None


@dataclass(frozen=True)
class AuditDocument:
    """Every table of a file, and the flow of patients."""

    tables: tuple[PrintedTable, ...]
    flow: Mapping[str, Any]


def read_document(path: Path) -> AuditDocument:
    """Read a file of printed tables; raises StudyFilesWrong where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise StudyFilesWrong("audit.not_json", file=path.name, said=str(error)) from error
    return document_of(found, path.name)


def document_of(found: Any, file: str = "the document") -> AuditDocument:
    """The tables of a document that was read with `parse_float=Decimal`; floats have lost their zeros."""
    tables = {name: one for name, one in found.items() if _is_table(one)} if isinstance(found, dict) else {}
    zeros_kept = any(_ends_in_zero(number) for table in tables.values() for number in _numbers(table))
    if not tables:
        raise StudyFilesWrong("audit.no_table", file=file)
    sizes = dict(_stated_sizes(tables.values()))
    flow = found.get("flow")
    return AuditDocument(
        tuple(_table(name, one, sizes, zeros_kept=zeros_kept) for name, one in tables.items()),
        flow if isinstance(flow, dict) else {},
    )


def _numbers(found: Any) -> Iterator[Decimal]:
    """Every number with a fraction in a table, as it is in the file."""
    if isinstance(found, Decimal):
        yield found
    elif isinstance(found, dict | list):
        for one in _values(found):
            yield from _numbers(one)


def _ends_in_zero(number: Decimal) -> bool:
    """0.70 and 1.00 kept their zeros; 1.0 is how some programs write the whole number 1."""
    fraction = str(number).partition(".")[2]
    return len(fraction) > 1 and fraction.endswith("0")


def with_whole_numbers(document: AuditDocument, labels: Sequence[str]) -> AuditDocument:
    """The same document, where rows whose label begins with one of these hold whole numbers."""
    steps = dict.fromkeys(labels, 1.0)
    tables = (replace(table, granularity={**(table.granularity or {}), **steps}) for table in document.tables)
    return replace(document, tables=tuple(tables))


def _is_table(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("columns"), list) and ("rows" in one or "groups" in one)


def _headings(table: Mapping[str, Any]) -> list[str]:
    groups = table.get("groups")
    return [*map(str, table["columns"]), *(map(str, groups) if isinstance(groups, dict) else ())]


def _stated_sizes(tables: Sequence[Mapping[str, Any]] | Any) -> Iterator[tuple[str, int]]:
    """Names of groups with their n: another table may leave the n out."""
    for table in tables:
        for header in _headings(table):
            n = size_of(header)
            if n is not None and name_of(header):
                yield name_of(header).lower(), n


def _table(name: str, table: Mapping[str, Any], sizes: Mapping[str, int], *, zeros_kept: bool) -> PrintedTable:
    columns = [str(column) for column in table["columns"]]
    groups = table.get("groups")
    sections = groups if isinstance(groups, dict) else {"": table.get("rows")}
    parts = []
    for heading, rows in sections.items():
        blocks = _blocks(columns, heading, sizes)
        read = tuple(_rows(name, heading, rows, blocks, columns))
        exact = (row._replace(numbers=(False,) * len(columns)) for row in read)
        parts.append(Part(name, blocks, tuple(exact) if zeros_kept else read))
    note = table.get("note", table.get("notes", ()))
    notes = [note] if isinstance(note, str) else [one for one in _values(note) if isinstance(one, str)]
    steps = table.get("granularity")
    words = " ".join([*columns, *notes, *map(str, _values(table.get("title", ())))])
    return PrintedTable(
        name,
        tuple(parts),
        tuple(notes),
        words,
        {str(key): float(step) for key, step in steps.items()} if isinstance(steps, dict) else {},
    )


def _values(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return list(found.values())
    return list(found) if isinstance(found, list | tuple) else [found]


def _blocks(columns: Sequence[str], heading: str, sizes: Mapping[str, int]) -> tuple[Block, ...]:
    """Values, then their statistic and P; values after a P begin the next block."""
    blocks: list[Block] = []
    values: list[int] = []
    total: PrintedColumn | None = None
    after: dict[str, tuple[int, str]] = {}
    for place, header in [*enumerate(columns), (len(columns), "")]:
        role = role_of(header)
        if place == len(columns) or (role == "values" and after):
            if values:
                blocks.append(_block([(one, columns[one]) for one in values], heading, sizes, after, total))
            values, total, after = [], None, {}
        if role == "total":
            total = PrintedColumn(place, header, size_of(header))
        elif role == "values":
            values.append(place)
        else:
            after[role] = (place, header)
    return tuple(blocks)


def _block(
    columns: Sequence[tuple[int, str]],
    heading: str,
    sizes: Mapping[str, int],
    after: Mapping[str, tuple[int, str]],
    total: PrintedColumn | None,
) -> Block:
    headers = [header for _, header in columns]
    design = design_of(headers) if len(headers) > 1 else "groups"
    name = name_of(heading) or (common_name(headers) if design == "visits" else " / ".join(map(name_of, headers)))
    around = size_of(heading) or (_size_of_visits(name, headers, sizes) if design == "visits" else None)
    found = tuple(
        PrintedColumn(place, header, size_of(header) or around or _size_by_name(name_of(header), sizes))
        for place, header in columns
    )
    statistic, p = after.get("statistic"), after.get("p")
    return Block(
        heading or name, design, found, statistic and statistic[0], p and p[0], statistic[1] if statistic else "", total
    )


def _size_of_visits(name: str, headers: Sequence[str], sizes: Mapping[str, int]) -> int | None:
    """The patients of two visits: as the name of their group says, else as the heading of the first visit does."""
    return _size_by_name(name, sizes) or size_of(headers[0])


def _size_by_name(name: str, sizes: Mapping[str, int]) -> int | None:
    return sizes.get(name.lower()) if name else None


def _rows(table: str, heading: str, rows: Any, blocks: Sequence[Block], columns: Sequence[str]) -> Iterator[PrintedRow]:
    if not isinstance(rows, list):
        raise StudyFilesWrong("audit.no_rows", table=table)
    names = _cell_names(heading, blocks, columns)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) < 2 or len(row) > len(columns) + 2:  # noqa: PLR2004 - label, kind
            raise StudyFilesWrong("audit.row_shape", table=table, row=number, columns=len(columns))
        label, kind, *cells = row
        cells += [None] * (len(columns) - len(cells))
        printed = tuple(
            None if is_blank(value) else PrintedCell(table, str(label), name, str(value))
            for name, value in zip(names, cells, strict=True)
        )
        yield PrintedRow(str(label), str(kind), printed, tuple(isinstance(v, int | float | Decimal) for v in cells))


def _cell_names(heading: str, blocks: Sequence[Block], columns: Sequence[str]) -> list[str]:
    """A column's header, with its group before it where the header is there more than once."""
    names = [f"{heading}: {column}" if heading else column for column in columns]
    repeated = {name for name, count in Counter(names).items() if count > 1}
    for block in blocks:
        for place in (block.statistic, block.p):
            if place is not None and names[place] in repeated:
                names[place] = f"{block.name}: {columns[place]}"
    return names


def lost_decimals(part_rows: Sequence[PrintedRow], places: Sequence[int]) -> dict[PrintedCell, int]:
    """How many decimals a JSON number was printed with.

    0.7 in a column of 0.692 and 0.925 was printed 0.700: JSON drops the zeros. That is concluded only where the column
    shows one form: most of its numbers, and at least FORM_SHOWN of them, have the same decimals, and so have more
    than half of those at least as large, because styles print fewer decimals of large numbers.
    """
    numbers = [
        (abs(Decimal(plain(cell.text))), decimals_of(cell.text), cell)
        for row in part_rows
        for place in places
        if (cell := row.cells[place]) is not None and row.numbers[place] and is_number(plain(cell.text))
    ]
    if not _of_one_form([own for _, own, _ in numbers]):
        return {cell: own for _, own, cell in numbers}
    found = {}
    for size, own, cell in numbers:
        larger = sorted((decimals for other, decimals, _ in numbers if other >= size), reverse=True)
        found[cell] = max(own, larger[len(larger) // 2])
    return found


def _of_one_form(decimals: Sequence[int]) -> bool:
    """Of numbers printed with equal decimals one in ten ends in a nought; where far more are short, forms are mixed."""
    full = decimals.count(max(decimals, default=0))
    return full >= max(FORM_SHOWN, FORM_SHARE * len(decimals))
