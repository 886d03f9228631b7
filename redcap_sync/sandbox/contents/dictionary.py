"""metadata, instrument, exportFieldNames: what is asked in a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from redcap_sync.dictionary import Field, checkbox_column
from redcap_sync.sandbox.call import Call
from redcap_sync.sandbox.errors import values_not_valid
from redcap_sync.sandbox.rendering import Answer, rows_answer
from redcap_sync.sandbox.state import SandboxProject
from redcap_sync.sandbox.structure import METADATA_KEYS

FIELD_NAME_KEYS = ("original_field_name", "choice_value", "export_field_name")


def export_metadata(call: Call) -> Answer:
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


def export_instruments(call: Call) -> Answer:
    """The instruments in their order."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export instruments (API)")
    instruments = call.project.structure.instruments
    rows = [{"instrument_name": i.name, "instrument_label": i.label} for i in instruments]
    return rows_answer(rows, call.parameters.format, root="instruments")


def export_field_names(call: Call) -> Answer:
    """The columns each field has in an export, a completion status after its instrument's last field."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export field names (API)")
    asked = call.parameters.text("field")
    rows = [row for row in _field_name_rows(call.project) if not asked or row["original_field_name"] == asked]
    if asked and not rows:
        raise values_not_valid("field", [asked])
    return rows_answer(rows, call.parameters.format, columns=FIELD_NAME_KEYS, root="fields")


def _field_name_rows(project: SandboxProject) -> Iterator[Mapping[str, str]]:
    dictionary = project.dictionary
    for instrument in dictionary.instruments:
        for field in (field for field in dictionary.fields if field.instrument == instrument.name):
            yield from _rows_of_field(project, field)
        status = f"{instrument.name}_complete"
        yield dict(zip(FIELD_NAME_KEYS, (status, "", status), strict=True))


def _rows_of_field(project: SandboxProject, field: Field) -> Iterator[Mapping[str, str]]:
    if field.type == "checkbox":
        for choice in project.layout.options(field):
            named = (field.name, choice.code, checkbox_column(field.name, choice.code))
            yield dict(zip(FIELD_NAME_KEYS, named, strict=True))
    elif field.type not in ("file", "descriptive"):
        yield dict(zip(FIELD_NAME_KEYS, (field.name, "", field.name), strict=True))


HANDLERS = {
    "metadata": export_metadata,
    "instrument": export_instruments,
    "exportFieldNames": export_field_names,
}
