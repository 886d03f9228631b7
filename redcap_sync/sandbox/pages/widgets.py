"""What a value is typed into on a page: a line, a box, a list of choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from redcap_sync.dictionary import Field


def widget(field: Field, values: Mapping[str, str]) -> str:
    """What a field is answered with, filled with the values of its columns."""
    name, value = escape(field.name), escape(values.get(field.name, ""))
    if field.type == "descriptive":
        return ""
    if field.type in ("calc", "file"):
        return value or "<small>not filled in here</small>"
    if field.type == "checkbox":
        pairs = zip(field.columns, field.choices, strict=True)
        return "".join(option("checkbox", column, "1", c.label, on=values.get(column) == "1") for column, c in pairs)
    if field.choices:
        return radios(field.name, [(c.code, c.label) for c in field.choices], values.get(field.name, ""))
    if field.type == "notes":
        return f'<textarea name="{name}" rows="4" cols="60">{value}</textarea>'
    hint = {"date": "YYYY-MM-DD", "datetime": "YYYY-MM-DD HH:MM"}.get(field.kind, "")
    return f'<input name="{name}" value="{value}" placeholder="{hint}">'


def radios(name: str, choices: Iterable[tuple[str, str]], chosen: str) -> str:
    """A choice among codes with their labels."""
    return "".join(option("radio", name, code, label, on=chosen == code) for code, label in choices)


def option(kind: str, name: str, code: str, label: str, *, on: bool) -> str:
    """One code to choose, with its label."""
    checked = " checked" if on else ""
    shown = f'<input type="{kind}" name="{escape(name)}" value="{escape(code)}"{checked}> {escape(label)}'
    return f"<label>{shown}</label> "
