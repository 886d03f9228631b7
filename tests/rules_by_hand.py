"""Section 1 of the reference by hand: which cells exist, what a row's logic reads, what is stored. Plain loops."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.logic import holds, parse
from redcap_sync.odm.project_file import ProjectFile

Cell = tuple[Mapping[str, str], str, Field]


def cells_of(project: ProjectFile) -> Iterator[Cell]:
    """Section 1: every cell with its row and its instrument."""
    dictionary = project.dictionary
    for row in project.records:
        event, repeated = row.get("redcap_event_name", ""), row.get("redcap_repeat_instrument", "")
        for field in dictionary.fields[1:]:
            here = field.instrument in dictionary.instruments_at(event)
            alone = (event, field.instrument) in dictionary.repeating
            if here and field.type != "descriptive" and (field.instrument == repeated if repeated else not alone):
                yield row, field.instrument, field


def seen_from(project: ProjectFile, row: Mapping[str, str]) -> dict[str, str]:
    """What a row's logic reads: itself, the base row of its event, and other events by their names."""
    seen: dict[str, str] = {}
    key = project.dictionary.record_id_field
    for other in project.records:
        is_base = other.get("redcap_repeat_instance", "") == ""
        if other[key] == row[key] and is_base:
            event = other.get("redcap_event_name", "")
            seen |= {f"[{event}][{name}]": value for name, value in other.items()}
            if event == row.get("redcap_event_name", ""):
                seen |= other
    own = {name: value for name, value in row.items() if value != ""}
    return {**seen, **row, **own}


def value_of(row: Mapping[str, str], field: Field, dictionary: Dictionary) -> str:
    """The stored value; of a checkbox the first ticked code."""
    if field.type != "checkbox":
        return row.get(field.name, "")
    codes = [choice.code for choice in (*field.choices, *dictionary.missing_data_codes)]
    columns = {code: f"{field.name}___{re.sub('[^a-z0-9_]', '_', code.lower())}" for code in codes}
    return next((code for code in codes if row.get(columns[code], "") == "1"), "")


def codes_of(field: Field, dictionary: Dictionary) -> set[str]:
    """The missing data codes that a field takes."""
    return set() if "@NOMISSING" in field.annotation else {choice.code for choice in dictionary.missing_data_codes}


def is_shown(project: ProjectFile, row: Mapping[str, str], field: Field, *, now: datetime) -> bool:
    """Whether the branching logic of a field is true in a row."""
    codes = {choice.code for choice in project.dictionary.missing_data_codes}
    logic = field.branching_logic
    return not logic or holds(parse(logic), seen_from(project, row), now=now, missing_codes=codes)
