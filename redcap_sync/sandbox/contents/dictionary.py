"""metadata, instrument, exportFieldNames: what is asked in a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from redcap_sync.column_name import FIELD_NAME, checkbox_column
from redcap_sync.dictionary import Field, Instrument
from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import METADATA_KEYS, instrument_slug
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, values_not_valid
from redcap_sync.sandbox.contents.actions import by_action
from redcap_sync.sandbox.rendering import Answer, count_answer, rows_answer
from redcap_sync.sandbox.rows_in import cell_text, imported_rows

FIELD_NAME_KEYS = ("original_field_name", "choice_value", "export_field_name")
NEEDS_CHOICES = frozenset({"radio", "dropdown", "checkbox"})
FIELD_TYPES = NEEDS_CHOICES | {
    *("text", "notes", "yesno", "truefalse", "calc", "file", "slider", "descriptive", "sql"),
}


def export_metadata(call: ApiCall) -> Answer:
    """The data dictionary, in its order."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Download data dictionary (API)")
    fields, forms = set(call.parameters.names("fields")), set(call.parameters.names("forms"))
    known = {row["field_name"] for row in call.project.structure.metadata}
    if unknown := [name for name in call.parameters.names("fields") if name not in known]:
        raise values_not_valid("fields", unknown)
    rows = [
        {key: row.get(key, "") for key in METADATA_KEYS}
        for row in call.project.structure.metadata
        if (not fields and not forms) or row["field_name"] in fields or row["form_name"] in forms
    ]
    return rows_answer(rows, call.parameters.format, columns=METADATA_KEYS)


def import_metadata(call: ApiCall) -> Answer:
    """Replace the data dictionary; fields that are not in it any more leave the design, their values stay stored."""
    call.require("api_import", "design")
    project = call.project
    if project.structure.settings["in_production"]:
        raise ApiError("The data dictionary cannot be imported while the project is in production status")
    rows = [_imported_field(row) for row in imported_rows(call.parameters)]
    _refuse_wrong(rows)
    instruments = _instruments(project, rows)
    names = {instrument.name for instrument in instruments}
    structure = project.structure
    project.restructure(
        metadata=rows,
        instruments=instruments,
        mapping=[(event_id, name) for event_id, name in structure.mapping if name in names],
        repeating=[repeat for repeat in structure.repeating if repeat.instrument in names | {""}],
    )
    call.log("manage", "Manage/Design", details="Upload data dictionary (API)")
    return count_answer(len(rows))


def _imported_field(row: Mapping[str, object]) -> dict[str, str]:
    read = {key: cell_text(row.get(key)).strip() for key in METADATA_KEYS}
    return {**read, "form_name": instrument_slug(read["form_name"])}


def _refuse_wrong(rows: Sequence[Mapping[str, str]]) -> None:
    """Say what is wrong with a dictionary, a line each (the lines are our own words)."""
    wrong = [line for position, row in enumerate(rows, start=1) for line in _wrong(position, row)]
    names = [row["field_name"] for row in rows]
    wrong += [f"The field name '{name}' is used more than once" for name in {*names} if names.count(name) > 1]
    if not rows:
        wrong.append("The data dictionary contains no field")
    if wrong:
        raise ApiError("\n".join(wrong))


def _wrong(position: int, row: Mapping[str, str]) -> Iterator[str]:
    if not FIELD_NAME.fullmatch(row["field_name"]):
        yield f"Row {position}: '{row['field_name']}' is not a valid field name"
    if not row["form_name"]:
        yield f"Row {position}: the form name is missing"
    if row["field_type"] not in FIELD_TYPES:
        yield f"Row {position}: '{row['field_type']}' is not a valid field type"
    if row["field_type"] in NEEDS_CHOICES and not row["select_choices_or_calculations"]:
        yield f"Row {position}: the field '{row['field_name']}' has no choices"


def _instruments(project: StoredProject, rows: Sequence[Mapping[str, str]]) -> list[Instrument]:
    """Instruments in the order of the dictionary: those that were there keep their titles."""
    known = {instrument.name: instrument for instrument in project.structure.instruments}
    names: dict[str, Instrument] = {}
    for row in rows:
        name = row["form_name"]
        names.setdefault(name, known.get(name) or Instrument(name, name.replace("_", " ").title()))
    return list(names.values())


def export_instruments(call: ApiCall) -> Answer:
    """The instruments in their order."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export instruments (API)")
    instruments = call.project.structure.instruments
    rows = [{"instrument_name": i.name, "instrument_label": i.label} for i in instruments]
    return rows_answer(rows, call.parameters.format, root="instruments")


def export_field_names(call: ApiCall) -> Answer:
    """The columns each field has in an export, a completion status after its instrument's last field."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export field names (API)")
    asked = call.parameters.text("field")
    rows = [row for row in _field_name_rows(call.project) if not asked or row["original_field_name"] == asked]
    if asked and not rows:
        raise values_not_valid("field", [asked])
    return rows_answer(rows, call.parameters.format, columns=FIELD_NAME_KEYS, root="fields")


def _field_name_rows(project: StoredProject) -> Iterator[Mapping[str, str]]:
    dictionary = project.dictionary
    for instrument in dictionary.instruments:
        for field in (field for field in dictionary.fields if field.instrument == instrument.name):
            yield from _rows_of_field(project, field)
        status = f"{instrument.name}_complete"
        yield dict(zip(FIELD_NAME_KEYS, (status, "", status), strict=True))


def _rows_of_field(project: StoredProject, field: Field) -> Iterator[Mapping[str, str]]:
    if field.type == "checkbox":
        for choice in project.dictionary.options_of(field):
            named = (field.name, choice.code, checkbox_column(field.name, choice.code))
            yield dict(zip(FIELD_NAME_KEYS, named, strict=True))
    elif field.type not in ("file", "descriptive"):
        yield dict(zip(FIELD_NAME_KEYS, (field.name, "", field.name), strict=True))


HANDLERS = {
    "metadata": by_action(export_metadata, import_metadata),
    "instrument": export_instruments,
    "exportFieldNames": export_field_names,
}
