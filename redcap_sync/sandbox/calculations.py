"""Calculated fields: worked out anew in a record when one of their inputs was imported."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from redcap_sync.dictionary import Field
from redcap_sync.errors import LogicError
from redcap_sync.project.flat import applies, places_in_order
from redcap_sync.project.layout import ExportColumn, Layout
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.importing import ImportedRow
from redcap_sync.sandbox.logic_rows import Viewpoint

if TYPE_CHECKING:
    from redcap_sync.logic.calculated_fields import Calculation

MOST_ROUNDS = 10
"""A calculation that feeds itself through others is left alone after so many rounds."""


def recalculated(project: StoredProject, record: str, changed: Collection[str]) -> Iterator[ImportedRow]:
    """Yield the rows of a record whose calculated values are no longer right after `changed` fields were stored.

    Values are stored by the caller between one change and the next, so calculations may feed each other.
    """
    waiting = set(changed)
    known = calculated_fields(project.layout)
    for _ in range(MOST_ROUNDS):
        fields = [field for field, inputs in known if inputs & waiting]
        waiting = set()
        for change in _changes(project, record, fields):
            waiting |= set(change.cells)
            yield change
        if not waiting:
            return


def _changes(project: StoredProject, record: str, fields: list[Field]) -> Iterator[ImportedRow]:
    for place in places_in_order(project, record):
        stored = project.values.stored(record, place)
        viewpoint = Viewpoint(project, record, place)
        cells = {
            field.name: value
            for field in fields
            if applies(project, ExportColumn(field.name, field.instrument, field), place)
            and (value := calculated(viewpoint, field)) != stored.get(field.name, "")
        }
        if cells:
            yield ImportedRow(record, place, cells)


def calculated(viewpoint: Viewpoint, field: Field) -> str:
    """Work out a calculated field at a place; a calc without a number is blank, the tags of text fields give text."""
    from redcap_sync.logic import DEFAULT_SWITCHES, interpret
    from redcap_sync.logic.interpreter_values import number_of, printed

    calculation = _calculation(field)
    if calculation is None:
        return ""
    project, expression = viewpoint.project, calculation.expression
    codes = project.layout.missing_codes
    value = interpret(expression, viewpoint.row_of(expression), now=project.clock(), missing_codes=codes)
    if not calculation.text and number_of(value) is None:
        return ""
    return printed(value, DEFAULT_SWITCHES.printed_digits)


@lru_cache(maxsize=64)
def calculated_fields(layout: Layout) -> tuple[tuple[Field, frozenset[str]], ...]:
    """Calculated fields, each with the export columns that feed it."""
    fields = dict.fromkeys(column.field for column in layout.columns if column.field is not None)
    return tuple((field, inputs) for field in fields if (inputs := _inputs(field)))


def _inputs(field: Field) -> frozenset[str]:
    from redcap_sync.logic import references

    calculation = _calculation(field)
    if calculation is None:
        return frozenset()
    return frozenset(reference.export_column for reference in references(calculation.expression))


@lru_cache(maxsize=4096)
def _calculation(field: Field) -> Calculation | None:
    """Read how a field is calculated; what cannot be read calculates nothing, as on a server."""
    from redcap_sync.logic.calculated_fields import calculation_of

    try:
        return calculation_of(field)
    except LogicError:
        return None
