"""What suggestions are made from: a dictionary, the answers of one snapshot, and the languages of the study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from nightround.model.language import Language, Words
from nightround.model.snapshot import Snapshot
from nightround.study.first_folder.field_words import label_words, plain
from nightround.study.first_folder.plan_places import PlanPlaces
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.missing_codes import codes_at
from redcap_sync.write_back.query_instrument import without_queries

ROW = ["record", "event", "instance"]
SINGLE = ("radio", "dropdown", "yesno", "truefalse")
"""Types of fields with one answer out of several."""
DAYS = 10
"""Characters of a stored date: a time of day is left out."""


@dataclass(frozen=True)
class StudyData:
    """The answers of a snapshot by field. No value of a patient gets into a suggestion: only bounds and counts do."""

    snapshot: Snapshot
    languages: tuple[Language, ...]

    @cached_property
    def dictionary(self) -> Dictionary:
        """The structure of the project, without the instrument that questions are written to."""
        return without_queries(self.snapshot.dictionary)

    @cached_property
    def places(self) -> PlanPlaces:
        """At which events a record has each instrument once."""
        return PlanPlaces(self.dictionary)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every field that a person fills in, without the record id."""
        shown = (one for one in self.dictionary.fields[1:] if "@HIDDEN" not in one.annotation.upper())
        return tuple(one for one in shown if one.type not in ("descriptive", "file", "sql"))

    @cached_property
    def numbers(self) -> tuple[Field, ...]:
        """The numbers that are typed: none that REDCap calculates, none on a slider."""
        return tuple(one for one in self.fields if one.kind == "number" and one.type == "text" and not one.identifier)

    @cached_property
    def dates(self) -> tuple[Field, ...]:
        """The dates, with a time of day or without."""
        return tuple(one for one in self.fields if one.kind in ("date", "datetime"))

    def label(self, name: str) -> Words:
        """The label of a field in the languages of the study."""
        return label_words(self.dictionary.by_name[name].label, name, self.languages)

    def event(self, name: str) -> Words:
        """The label of an event."""
        labels = {one.unique_name: one.in_both for one in self.dictionary.events}
        return label_words(labels.get(name, ""), name, self.languages)

    def said_by(self, field: Field) -> str:
        """Name and label of a field, in lower case, for patterns."""
        return f"{field.name.replace('_', ' ')} {plain(field.label)}".lower()

    def text(self, column: ColumnName | str) -> pd.Series[str]:
        """A column of answers by record, event and instance: '' where blank or a missing data code."""
        name = column if isinstance(column, ColumnName) else ColumnName(column)
        field = self.dictionary.by_name[name.field]
        table = self.snapshot.tables.get(field.instrument)
        if table is None or not len(table) or name.exported not in table.column_names:
            return pd.Series(dtype=object, index=pd.MultiIndex.from_arrays([[], [], []], names=ROW))
        found = pd.Series(table.text[name.exported].to_numpy(), index=pd.MultiIndex.from_frame(table.keys[ROW]))
        found = found.fillna("").astype(object)
        return found.where(~found.isin(list(codes_at(self.dictionary.missing_codes, field.name))), "")

    def number(self, name: str) -> pd.Series[float]:
        """A column of numbers; what is blank or no number is left out."""
        text = self.text(name)
        if self.dictionary.by_name[name].decimal_comma:
            text = text.str.replace(",", ".", regex=False)
        return pd.to_numeric(text, errors="coerce").astype(float).dropna()

    def day(self, name: str) -> pd.Series[pd.Timestamp]:
        """A column of dates; what is blank or no date is left out."""
        return pd.to_datetime(self.text(name).astype(str).str[:DAYS], format="%Y-%m-%d", errors="coerce").dropna()

    def neighbours(self, field: Field) -> Iterator[Field]:
        """The fields of the same instrument, in their order, without the field itself."""
        return (one for one in self.fields if one.instrument == field.instrument and one.name != field.name)


def at_event(series: pd.Series[Any], event: str) -> pd.Series[Any]:
    """The part of a column at one event, by record."""
    here = series[series.index.get_level_values("event") == event]
    return here.groupby(level="record").first()
