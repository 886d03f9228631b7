"""Rows of imported data, from CSV, JSON or XML."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from xml.etree import ElementTree as ET

from redcap_sync.odm.safe_xml import NotProjectXml, parse_xml
from redcap_sync.sandbox.call_error import ApiError
from redcap_sync.sandbox.parameters import Parameters

MALFORMED = "The data being imported is not formatted correctly"
NOT_ACCEPTABLE = 406
# Python reads 131,072 characters of a cell unless told otherwise; a text of notes may have more.
csv.field_size_limit(1 << 30)
HALF_LETTER = re.compile(r"\\u[dD][89a-fA-F]")


def imported_rows(parameters: Parameters) -> list[dict[str, Any]]:
    """Read the parameter `data` in the call's format; JSON that is no list of objects contains no rows."""
    text = parameters.text("data").lstrip("\ufeff")
    if parameters.format == "json":
        return rows_from_json(text)
    if parameters.format == "csv":
        return rows_from_csv(text, parameters.delimiter)
    return rows_from_xml(text)


def one_row(parameters: Parameters) -> dict[str, Any]:
    """Read the one row or object that `data` holds; in JSON and XML it may be there without a list around it."""
    text = parameters.text("data").lstrip("\ufeff")
    if parameters.format == "json" and text.lstrip().startswith("{"):
        text = f"[{text}]"
    if parameters.format == "json":
        rows = rows_from_json(text)
    elif parameters.format == "csv":
        rows = rows_from_csv(text, parameters.delimiter)
    else:
        rows = [row for row in rows_from_xml(text) if row] or rows_from_xml(f"<list>{text.partition('?>')[2]}</list>")
    if not rows:
        raise ApiError(MALFORMED, NOT_ACCEPTABLE)
    return rows[0]


def rows_from_json(text: str) -> list[dict[str, Any]]:
    """Objects of a JSON list; nested objects stay as they are, and whole numbers are kept as they are written."""
    try:
        found = json.loads(text, parse_int=str) if text.strip() else []
    except (ValueError, RecursionError) as broken:
        raise ApiError(MALFORMED, NOT_ACCEPTABLE) from broken
    if HALF_LETTER.search(text):
        _refuse_half_letters(found)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _refuse_half_letters(found: Any) -> None:
    """Refuse half a letter, as a surrogate escape without its other half is: no encoding can send it back."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as broken:
        raise ApiError(MALFORMED, NOT_ACCEPTABLE) from broken


def rows_from_csv(text: str, delimiter: str = ",") -> list[dict[str, Any]]:
    """Rows of CSV by its header; a short row has blanks at its end."""
    # newline="" keeps a carriage return inside a value.
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
    try:
        return [{name.strip(): value for name, value in row.items() if name} for row in reader]
    except csv.Error as broken:
        raise ApiError(MALFORMED, NOT_ACCEPTABLE) from broken


def rows_from_xml(text: str) -> list[dict[str, Any]]:
    """Children of the root as rows; an element with children becomes an object."""
    try:
        root = parse_xml(text)
    except (NotProjectXml, ET.ParseError) as broken:
        raise ApiError(MALFORMED, NOT_ACCEPTABLE) from broken
    return [{cell.tag: _element_value(cell) for cell in item} for item in root]


def _element_value(element: ET.Element) -> Any:
    return {child.tag: child.text or "" for child in element} if len(element) else element.text or ""


def cell_text(value: Any) -> str:
    """Write a JSON value as REDCap stores it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
