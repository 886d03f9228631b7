"""Writes TOML that a person will edit: one key a line, small tables inline, comments above."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from nightround.model.language import Words
from redcap_sync.clean_text import clean

Value = str | bool | int | float | Words | Mapping[str, "Value"] | tuple["Value", ...]


def key_line(key: str, value: Value) -> str:
    """One key with its value."""
    return f"{key} = {written(value)}"


def comment(text: str) -> Iterator[str]:
    """A text as comment lines."""
    yield from (f"# {line}".rstrip() for line in clean(text).splitlines())


def written(value: Value) -> str:
    """A value on one line. A text that is the same in both languages is written once."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return _string(value)
        case Words(zh=zh, en=en):
            return _string(zh) if zh == en else written({"zh": zh, "en": en})
        case Mapping():
            return "{ " + ", ".join(key_line(key, one) for key, one in value.items()) + " }"
        case _:
            return "[" + ", ".join(written(one) for one in value) + "]"


def table(head: str, keys: Mapping[str, Value]) -> Iterator[str]:
    """A table with its keys, after a blank line."""
    yield ""
    yield head
    yield from (key_line(key, value) for key, value in keys.items())


def document(lines: Iterable[str]) -> bytes:
    """The lines as a file."""
    return ("\n".join(lines).strip() + "\n").encode()


def _string(text: str) -> str:
    """A text in quotes; JSON's escapes are TOML's, but for DEL, which `clean` removes."""
    return json.dumps(" ".join(clean(text).split()), ensure_ascii=False)
