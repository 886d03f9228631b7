"""A spreadsheet that would fill the memory, run or hide something is refused before a part of it is read."""

from __future__ import annotations

import io
import zipfile

import pytest

from nightround.findings.spreadsheet_parts import (
    MOST_TAGS_BESIDE,
    MOST_TAGS_OF_ONE,
    require_harmless,
)
from nightround.model.errors import UsageWrong

SHEET, TEXTS, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
ROW = b'<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
PLAIN = {
    SHEET: b"<worksheet><sheetData>" + ROW * 1000 + b"</sheetData><hyperlinks>" + b'<hyperlink ref="A1"/>' * 1000,
    TEXTS: b"<sst>" + b'<si><t xml:space="preserve">a = b</t></si>' * 1000 + b"</sst>",
    STYLES: b"<styleSheet>" + b"<xf/>" * 1000 + b"</styleSheet>",
    "xl/printerSettings/printerSettings1.bin": b"\0\1\2<",
}


def spreadsheet(**changed: bytes) -> bytes:
    """A file with some parts changed, by the first word of their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, part in PLAIN.items():
            word = name.rpartition("/")[2].partition(".")[0].rstrip("1")
            made.writestr(name, changed.get(word, part))
    return out.getvalue()


def sheet(rows: bytes, rest: bytes = b"") -> bytes:
    """A sheet of some rows."""
    return b"<worksheet><sheetData>" + rows + b"</sheetData>" + rest + b"</worksheet>"


def refused(content: bytes) -> str:
    """The code with which a file is refused; '' for one that is not."""
    try:
        require_harmless(content)
    except UsageWrong as error:
        return error.code
    return ""


def test_a_plain_spreadsheet_is_taken() -> None:
    """Rows, texts, links, styles and a printer's settings; rows of other programs have a prefix, or nothing in them."""
    assert refused(spreadsheet()) == ""
    assert refused(spreadsheet(sheet=sheet(b"<x:row><x:c/></x:row><row r='2'/><row/>"))) == ""
    assert refused(spreadsheet(sheet=b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>' + sheet(ROW))) == ""


@pytest.mark.parametrize(
    ("part", "content"),
    {
        "a row of cells without end": ("sheet", sheet(b"<row>" + b"<c/>" * MOST_TAGS_OF_ONE + b"</row>")),
        "rows in a row": ("sheet", sheet(b"<row>" + ROW * 3 + b"</row>")),
        "a row that does not end": ("sheet", sheet(ROW + b"<row><c/>")),
        "an end alone": ("sheet", sheet(ROW + b"</row>")),
        "links without end": ("sheet", sheet(ROW, b"<hyperlink/>" * (MOST_TAGS_BESIDE + 1))),
        "cells outside of rows": ("sheet", sheet(b"<c/>" * (MOST_TAGS_BESIDE + 1) + ROW)),
        "attributes without end": ("sheet", sheet(b"<row " + b'a="" ' * 30_000 + b"/>")),
        "one text of many parts": ("sharedStrings", b"<sst><si>" + b"<r/>" * MOST_TAGS_OF_ONE + b"</si></sst>"),
        "styles without end": ("styles", b"<styleSheet>" + b"<xf/>" * MOST_TAGS_BESIDE + b"</styleSheet>"),
        "a part under another name": ("printerSettings", b"<a/>" * (MOST_TAGS_BESIDE + 1)),
    }.values(),
)
def test_what_would_fill_a_memory_is_too_large(part: str, content: bytes) -> None:
    """Each is some kilobytes as a file, and gigabytes once it is read."""
    file = spreadsheet(**{part: content})
    assert len(file) < 100_000
    assert refused(file) == "worklist.too_large"


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + sheet(ROW),
        sheet(b"<row><!--<row>--><c/></row>"),
        sheet(b"<row><c><![CDATA[<row>]]></c></row>"),
        sheet(ROW).decode().encode("utf-16-le"),
        sheet(ROW).decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="cp037"?>' + sheet(ROW),
    ],
)
def test_what_defines_or_hides_something_is_refused(content: bytes) -> None:
    """No program writes a sheet with definitions, comments, or in another encoding than UTF-8."""
    assert refused(spreadsheet(sheet=content)) == "worklist.active"
