"""How values and headers look when labels are asked for instead of codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from redcap_sync.dictionary import COMPLETE_STATES
from redcap_sync.project.flat import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT, SURVEY_IDENTIFIER
from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.state import StoredProject

HEADERS = {
    EVENT: "Event Name",
    REPEAT_INSTRUMENT: "Repeat Instrument",
    REPEAT_INSTANCE: "Repeat Instance",
    GROUP: "Data Access Group",
    SURVEY_IDENTIFIER: "Survey Identifier",
}
Labels = Mapping[str, Mapping[str, str]]
"""Column to code to label; a code that is not there is shown as it is."""


def value_labels(project: StoredProject, *, checkbox_labels: bool) -> Labels:
    """Labels of everything that has codes. A ticked option shows `Checked`, or its own label if asked."""
    codes = {choice.code: choice.label for choice in project.dictionary.missing_data_codes}
    found: dict[str, Mapping[str, str]] = {
        EVENT: {event.unique_name: event.name for event in project.structure.events},
        REPEAT_INSTRUMENT: {instrument.name: instrument.label for instrument in project.structure.instruments},
    }
    for column in project.layout.columns:
        found[column.name] = _labels_of(column, codes, checkbox_labels=checkbox_labels)
    return found


def _labels_of(column: ExportColumn, missing: Mapping[str, str], *, checkbox_labels: bool) -> Mapping[str, str]:
    if column.field is None:
        return dict(COMPLETE_STATES)
    if column.option is not None:
        return {"1": column.option.label, "0": ""} if checkbox_labels else {"1": "Checked", "0": "Unchecked"}
    return {**missing, **{choice.code: choice.label for choice in column.field.choices}}


def labelling(labels: Labels) -> Callable[[dict[str, str]], dict[str, str]]:
    """Return what turns the codes of a row into labels."""
    known = {name: texts for name, texts in labels.items() if texts}

    def labelled(cells: dict[str, str]) -> dict[str, str]:
        return {name: known[name].get(value, value) if name in known else value for name, value in cells.items()}

    return labelled


def header_label(project: StoredProject, name: str) -> str:
    """Header of a column: its field's label, the option in brackets for a checkbox."""
    column = project.layout.by_name.get(name)
    if column is None:
        combined = project.dictionary.by_name.get(name)
        shown = combined.label if combined else HEADERS.get(name, "Survey Timestamp")
    elif column.field is None:
        shown = "Complete?"
    elif column.option is not None:
        shown = f"{column.field.label} (choice={column.option.label})"
    else:
        shown = column.field.label
    return shown
