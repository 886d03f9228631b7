"""A project's missing data codes, and where one of them is an ordinary value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Self


class MissingCodes(frozenset[str]):
    """The codes of a project. `values` are, by field, the codes that are values of the field itself.

    A whole number of 0 to 120 may be 99 although 99 is a code of the project: the field's own limits say that it is a
    value, and nothing tells the two apart. Taken as a code, such a value would never be checked.
    """

    values: Mapping[str, frozenset[str]]

    def __new__(cls, codes: Iterable[str] = (), values: Mapping[str, frozenset[str]] | None = None) -> Self:
        """Make them from the codes, and from the codes that are values, by field."""
        made = super().__new__(cls, codes)
        made.values = values or {}
        return made

    def at(self, field: str) -> Collection[str]:
        """The codes that mean missing in a field."""
        values = self.values.get(field)
        return self - values if values else self

    @classmethod
    def of(cls, codes: Collection[str]) -> MissingCodes:
        """Codes as they are, or plain codes that mean missing in every field."""
        return codes if isinstance(codes, MissingCodes) else cls(codes)


def codes_at(codes: Collection[str], field: str) -> Collection[str]:
    """The codes that mean missing in a field, of plain codes or of those that know their fields."""
    return codes.at(field) if isinstance(codes, MissingCodes) else codes
