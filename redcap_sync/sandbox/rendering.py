"""How answers look: rows, counts and errors as CSV, JSON or XML, in the shapes real servers send."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

XML_HEAD = '<?xml version="1.0" encoding="UTF-8" ?>'
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
    "text": "text/html; charset=UTF-8",
}


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    body: bytes
    media_type: str = MEDIA_TYPES["text"]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class QuotedCells(dict[str, str]):
    """Cells as they are in CSV, quoted as PHP does: also for a space or a tab.

    A dictionary, because most cells of an export repeat and a hit costs no Python call.
    """

    def __init__(self, delimiter: str) -> None:
        super().__init__()
        self.delimiter = delimiter
        self._special = re.compile(rf'[\s"\\{re.escape(delimiter)}]')

    def __missing__(self, cell: str) -> str:
        quoted = '"' + cell.replace('"', '""') + '"' if self._special.search(cell) else cell
        self[cell] = quoted
        return quoted


def text_answer(text: str, status: int = 200) -> Answer:
    """Plain text without a newline at its end."""
    return Answer(text.encode(), status=status)


def csv_line(cells: Iterable[str], quoted: QuotedCells) -> str:
    """Render one line with its end."""
    return quoted.delimiter.join(map(quoted.__getitem__, cells)) + "\n"


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[str]], delimiter: str = ",") -> str:
    """Render rows of text; an export of no record is a lone newline, as real servers send it."""
    quoted = QuotedCells(delimiter)
    lines = [csv_line(row, quoted) for row in rows]
    return "".join([csv_line(columns, quoted), *lines]) if lines else "\n"


def json_text(value: Any) -> str:
    """Compact JSON on one line, other than ASCII escaped."""
    return json.dumps(value, separators=(",", ":"))


def xml_text(rows: Iterable[Mapping[str, Any]], root: str = "records") -> str:
    """Render rows as items with CDATA values."""
    items = "".join(_xml_item(row) for row in rows)
    return f"{XML_HEAD}\n<{root}>{items}</{root}>"


def _xml_item(row: Mapping[str, Any]) -> str:
    return f"<item>{xml_elements(row)}</item>"


def xml_elements(row: Mapping[str, Any]) -> str:
    """Render the cells of a row."""
    return "".join(f"<{name}>{_xml_value(value)}</{name}>" for name, value in row.items())


def _xml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return xml_elements(value)
    text = str(value)
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>" if text else ""


def csv_cell(value: Any) -> str:
    """Write a value into a CSV cell: instrument levels as `a:1,b:3`, the rest as text."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}:{level}" for name, level in value.items())
    return str(value)


def rows_answer(
    rows: Sequence[Mapping[str, Any]],
    output: str,
    *,
    columns: Sequence[str] | None = None,
    root: str = "records",
    delimiter: str = ",",
) -> Answer:
    """Render rows in a format; `columns` is the header line that CSV has also where there is no row."""
    if output == "json":
        return Answer(json_text(rows).encode(), MEDIA_TYPES["json"])
    if output == "csv":
        names = columns or (list(rows[0]) if rows else [])
        cells = [[csv_cell(row[name]) for name in names] for row in rows]
        text = csv_text(names, cells, delimiter) if cells else csv_line(names, QuotedCells(delimiter))
        return Answer(text.encode(), MEDIA_TYPES["csv"])
    return Answer(xml_text(rows, root).encode(), MEDIA_TYPES["xml"])


def count_answer(count: int) -> Answer:
    """A bare number, the same in every format."""
    return text_answer(str(count))


def error_answer(message: str, status: int, output: str) -> Answer:
    """Wrap a message as the caller's returnFormat asks."""
    if output == "json":
        return Answer(json_text({"error": message}).encode(), MEDIA_TYPES["json"], status)
    if output == "csv":
        return Answer(f"ERROR: {message}".encode(), MEDIA_TYPES["csv"], status)
    wrapped = f"{XML_HEAD}<hash><error>{escape(message)}</error></hash>"
    return Answer(wrapped.encode(), MEDIA_TYPES["xml"], status)
