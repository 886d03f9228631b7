"""The name of a column: of which field, which option of a checkbox, at which event, as text or typed.

No other module takes such a name apart or writes one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

AS_TEXT = "text"
"""The modifier that asks for a cell exactly as REDCap stored it. No written logic has it."""
_OPTION = "___"
FIELD_NAME = re.compile(rf"[a-z](?!\w*{_OPTION})[a-z0-9_]*")
"""What a field may be called: never like an option of a checkbox."""
_WRITTEN = re.compile(
    r"(?:\[(?P<event>[^\[\]]+)\])??"
    r"\[(?P<name>[^\[\]:]+)(?::(?P<modifier>[^\[\]]+))?\]"
    r"(?:\[(?P<instance>[1-9][0-9]*|[a-z]+-instance)\])?"
)


_CHECKBOX = re.compile(rf"\b([a-z][a-z0-9_]*?){_OPTION}[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column of an export, or of a batch that is judged.

    `code` names an option of a checkbox, as the project writes it or as a column spells it; '' where there is none.
    `event` is '' for the row's own event, `instance` '' for the row's own instance, `modifier` '' for typed values.
    """

    field: str
    code: str = ""
    event: str = ""
    instance: str = ""
    modifier: str = ""

    @classmethod
    def parse(cls, written: str) -> ColumnName:
        """Read a name back from what `str` gives; any other text counts as the name of a field."""
        return _parsed(written)

    def __str__(self) -> str:
        """`f`, `f___2`, `[e][f]`, `[f][last-instance]`, `[f:label]`, `[record-name]`."""
        name = self.exported
        if not (self.event or self.instance or self.modifier or self.is_smart):
            return name
        event = f"[{self.event}]" if self.event else ""
        modifier = f":{self.modifier}" if self.modifier else ""
        instance = f"[{self.instance}]" if self.instance else ""
        return f"{event}[{name}{modifier}]{instance}"

    @property
    def is_smart(self) -> bool:
        """Whether it is a smart variable; no field name has a hyphen."""
        return "-" in self.field

    @property
    def exported(self) -> str:
        """The column of a flat export that contains it, whatever the event and the instance."""
        return checkbox_column(self.field, self.code) if self.code else self.field

    @property
    def typed(self) -> ColumnName:
        """The same column as typed values."""
        return replace(self, modifier="")


def checkbox_column(field: str, code: str) -> str:
    """The export column of a checkbox option: code in lower case, other characters turned into `_`."""
    return f"{field}{_OPTION}{re.sub(r'[^a-z0-9_]', '_', code.lower())}"


@lru_cache(maxsize=1 << 16)
def _parsed(written: str) -> ColumnName:
    found = _WRITTEN.fullmatch(written)
    name = found["name"] if found else written
    field, _, code = name.partition(_OPTION)
    own = (field, code) if code else (name, "")
    return ColumnName(*own, *((found[part] or "" for part in ("event", "instance", "modifier")) if found else ()))


def without_codes(text: str) -> str:
    """A text in which every export column of a checkbox option is named by its field alone."""
    return _CHECKBOX.sub(r"\1", text)
