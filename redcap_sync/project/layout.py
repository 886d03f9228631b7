"""The columns of a project's data: which there are, in which order, and what each one holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from redcap_sync.column_name import checkbox_column
from redcap_sync.dictionary import Choice, Dictionary, Field
from redcap_sync.missing_codes import MissingCodes


@dataclass(frozen=True)
class ExportColumn:
    """One column of a flat export."""

    name: str
    instrument: str
    field: Field | None
    """None for a completion status."""
    option: Choice | None = None
    """The option a checkbox column stands for."""

    @property
    def is_checkbox(self) -> bool:
        """Whether it is one option of a checkbox."""
        return self.field is not None and self.field.type == "checkbox"

    @property
    def is_status(self) -> bool:
        """Whether it is an instrument's completion status."""
        return self.field is None

    @property
    def is_file(self) -> bool:
        """Whether it contains a document."""
        return self.field is not None and self.field.type == "file"


class Layout:
    """The columns of a dictionary in export order, the missing data codes' options of checkboxes included."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self.columns = tuple(self._columns())

    @cached_property
    def by_name(self) -> dict[str, ExportColumn]:
        """Columns by their names."""
        return {column.name: column for column in self.columns}

    @cached_property
    def boxes(self) -> frozenset[str]:
        """The columns of options of checkboxes."""
        return frozenset(column.name for column in self.columns if column.is_checkbox)

    @cached_property
    def missing_codes(self) -> MissingCodes:
        """The codes that stand for a missing value in any field."""
        return self._dictionary.missing_codes

    def selected(self, fields: Collection[str], instruments: Collection[str]) -> tuple[ExportColumn, ...]:
        """The columns a call asks for; with neither fields nor instruments, all."""
        if not fields and not instruments:
            return self.columns
        return tuple(column for column in self.columns if _asked(column, fields, instruments))

    def _columns(self) -> Iterable[ExportColumn]:
        dictionary = self._dictionary
        yield from self._of_field(dictionary.fields[0])
        for instrument in dictionary.instruments:
            for field in dictionary.fields_of(instrument.name):
                yield from self._of_field(field)
            yield ExportColumn(f"{instrument.name}_complete", instrument.name, None)

    def _of_field(self, field: Field) -> Iterable[ExportColumn]:
        if field.type == "checkbox":
            for choice in self._dictionary.options_of(field):
                yield ExportColumn(checkbox_column(field.name, choice.code), field.instrument, field, choice)
        elif field.type != "descriptive":
            yield ExportColumn(field.name, field.instrument, field)


def _asked(column: ExportColumn, fields: Collection[str], instruments: Collection[str]) -> bool:
    by_field = column.name in fields or (column.field is not None and column.field.name in fields)
    return by_field or column.instrument in instruments
