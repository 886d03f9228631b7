"""Form parameters of a call, read in one place: names, arrays, booleans, formats, uploads, data rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from redcap_sync.sandbox.call_error import not_valid
from redcap_sync.whole_numbers import whole_number

FORMATS = ("csv", "json", "xml", "odm")
DELIMITERS = {"": ",", ",": ",", "tab": "\t", "\t": "\t", ";": ";", "pipe": "|", "|": "|", "^": "^"}
ARRAY_KEY = re.compile(r"([^\[]+)\[([^\]]*)\]")
MOMENT_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@dataclass(frozen=True)
class Upload:
    """One uploaded file: its name as sent, its type, its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Parameters:
    """The parameters of one call; unknown ones are tolerated, as REDCap does."""

    scalars: Mapping[str, str]
    arrays: Mapping[str, tuple[str, ...]]
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    """What is in the address, which says of a call of a module which one it is for."""

    def __contains__(self, name: str) -> bool:
        return name in self.scalars or name in self.arrays

    @property
    def of_module(self) -> bool:
        """Whether the call is for an external module."""
        return self.query.get("type") == "module"

    @property
    def content(self) -> str:
        """What the call is for: the value of its parameter `content`, or `module`."""
        return "module" if self.of_module else self.text("content")

    def text(self, name: str, default: str = "") -> str:
        """Return a scalar, or the default where it is absent."""
        return self.scalars.get(name, default)

    def names(self, name: str) -> tuple[str, ...]:
        """Return an array sent as `x[0]=a`, `x[]=a`, `x=a,b` or `x=a`; empty means not restricted."""
        if name in self.arrays:
            return self.arrays[name]
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def flag(self, name: str) -> bool:
        """Read a boolean as clients write it: true, True, 1; everything else is false."""
        return self.text(name).strip().lower() in ("true", "1")

    def integer(self, name: str, default: int) -> int:
        """Read a whole number; refuse anything else by the parameter's name."""
        written = self.text(name).strip()
        if not written:
            return default
        number = whole_number(written)
        if number is None:
            raise not_valid(name)
        return number

    def moment(self, name: str) -> datetime | None:
        """Read a time of the server's clock, to the second, minute or day; 24:00 is the end of a day."""
        written = self.text(name).strip()
        if not written:
            return None
        if written.endswith("24:00"):
            written = written[:-5] + "23:59:59"
        for pattern in MOMENT_FORMATS:
            try:
                return datetime.strptime(written, pattern)  # noqa: DTZ007 - REDCap's times are server-local
            except ValueError:
                continue
        raise not_valid(name)

    @property
    def format(self) -> str:
        """The format of exported or imported data; xml where none is named."""
        written = self.text("format").lower()
        return written if written in FORMATS else "xml"

    @property
    def return_format(self) -> str:
        """The format of errors and counts: returnFormat, else format, else xml."""
        written = self.text("returnFormat").lower()
        if written in FORMATS[:3]:
            return written
        return self.format if self.format != "odm" else "xml"

    @property
    def delimiter(self) -> str:
        """The delimiter of CSV data."""
        written = self.text("csvDelimiter")
        return DELIMITERS.get(written.lower(), ",")


def parameters_from_pairs(pairs: Iterable[tuple[str, str]], uploads: Mapping[str, Upload] | None = None) -> Parameters:
    """Sort form pairs into scalars and arrays, as PHP does: what comes later replaces what had the same name.

    Arrays keep the order in which their indexes were sent first.
    """
    scalars: dict[str, str] = {}
    arrays: dict[str, dict[str, str]] = {}
    for key, value in pairs:
        indexed = ARRAY_KEY.fullmatch(key)
        if indexed:
            scalars.pop(indexed[1], None)
            values = arrays.setdefault(indexed[1], {})
            values[indexed[2] or _next_index(values)] = value
        else:
            arrays.pop(key, None)
            scalars[key] = value
    return Parameters(scalars, {name: tuple(values.values()) for name, values in arrays.items()}, uploads or {})


def _next_index(indexes: Collection[str]) -> str:
    """The index PHP gives where brackets are empty: one more than the largest."""
    numbers = (whole_number(index) for index in indexes)
    return str(max((number for number in numbers if number is not None), default=-1) + 1)
