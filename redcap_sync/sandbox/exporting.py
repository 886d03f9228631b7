"""What an export call asks for, within what its user may see."""

from __future__ import annotations

from collections.abc import Iterator

from redcap_sync.project.flat import Selection
from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.rights import DE_IDENTIFIED, FULL, NO_ACCESS
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid, values_not_valid
from redcap_sync.sandbox.logic_rows import filter_of
from redcap_sync.sandbox.shaping import Shape

NO_EXPORT = "You do not have Data Export privileges"


def asked_selection(call: ApiCall) -> Selection:
    """Read which columns, records, events and rows a call asks for."""
    parameters, project = call.parameters, call.project
    fields, forms = set(parameters.names("fields")), set(parameters.names("forms"))
    _refuse_unknown(call)
    events = parameters.names("events")
    ids = {event.unique_name: event.event_id for event in project.events}
    columns = project.layout.selected(fields, forms)
    logic = parameters.text("filterLogic").strip()
    return Selection(
        project=project,
        columns=permitted(call, columns),
        records=list(_records(call)),
        event_ids=frozenset(ids[name] for name in events or ids),
        gray_status_blank=parameters.flag("exportBlankForGrayFormStatus"),
        with_group=parameters.flag("exportDataAccessGroups") and not call.user.group,
        with_survey=parameters.flag("exportSurveyFields"),
        keep=filter_of(project, logic, call.user.username) if logic else None,
        hashed_ids=hashes_ids(call),
    )


def asked_shape(call: ApiCall) -> Shape:
    """Read how the export is to look."""
    parameters = call.parameters
    if parameters.text("decimalCharacter") not in ("", ",", "."):
        raise not_valid("decimalCharacter")
    flat_csv = parameters.format == "csv" and parameters.text("type", "flat") != "eav"
    return Shape(
        labels=parameters.text("rawOrLabel") == "label",
        label_headers=flat_csv and parameters.text("rawOrLabelHeaders") == "label",
        checkbox_labels=parameters.flag("exportCheckboxLabel"),
        decimal=parameters.text("decimalCharacter"),
        combine=parameters.flag("combineCheckboxOptions"),
    )


def permitted(call: ApiCall, columns: tuple[ExportColumn, ...]) -> tuple[ExportColumn, ...]:
    """Leave out what the user's export level of each instrument hides."""
    levels = {name: call.rights.export_level(name) for name in call.project.instrument_names}
    if not any(levels.values()):
        raise ApiError(NO_EXPORT, 403)
    id_field = call.project.id_field
    return tuple(c for c in columns if c.name == id_field or not _hidden(c, levels[c.instrument]))


def hashes_ids(call: ApiCall) -> bool:
    """Say whether the record id is an identifier that the user may not see."""
    first = call.project.dictionary.fields[0]
    return first.identifier and call.rights.export_level(first.instrument) > FULL


def _hidden(column: ExportColumn, level: int) -> bool:
    if level in (NO_ACCESS, FULL):
        return level == NO_ACCESS
    field = column.field
    if field is None or not field.identifier:
        return level == DE_IDENTIFIED and field is not None and _could_identify(column)
    return True


def _could_identify(column: ExportColumn) -> bool:
    """De-identified exports leave out free text, notes, files and dates besides marked identifiers."""
    field = column.field
    if field is None or field.type in ("notes", "file"):
        return field is not None
    return field.type == "text" and (not field.validation or field.kind in ("date", "datetime"))


def _refuse_unknown(call: ApiCall) -> None:
    project, parameters = call.project, call.parameters
    known = {
        "fields": {*project.layout.by_name, *project.dictionary.by_name},
        "forms": set(project.instrument_names),
        "events": {event.unique_name for event in project.events},
    }
    for name, values in known.items():
        if unknown := [value for value in parameters.names(name) if value not in values]:
            raise values_not_valid(name, unknown)


def _records(call: ApiCall) -> Iterator[str]:
    """Records asked for that the user sees, and that the log says were touched in the dates asked for."""
    parameters = call.parameters
    asked = set(parameters.names("records"))
    begin, end = parameters.moment("dateRangeBegin"), parameters.moment("dateRangeEnd")
    touched = call.project.journal.records_touched(begin, end) if begin or end else None
    for record in call.visible_records():
        if (not asked or record in asked) and (touched is None or record in touched):
            yield record
