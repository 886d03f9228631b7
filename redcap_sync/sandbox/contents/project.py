"""project, project_settings, project_xml, version: a project as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from redcap_sync.dictionary import Instrument
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.state import OWNER, Clock, ProjectStructure, StoredProject
from redcap_sync.project.structure import METADATA_KEYS, PROJECT_DEFAULTS, setting
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, no_rights, not_valid
from redcap_sync.sandbox.contents.actions import by_action
from redcap_sync.sandbox.exporting import asked_selection
from redcap_sync.sandbox.installation import VERSION, Installation
from redcap_sync.sandbox.odm_data import clinical_data_xml
from redcap_sync.sandbox.odm_study import group_names, study_xml
from redcap_sync.sandbox.odm_writing import document
from redcap_sync.sandbox.parameters import Parameters
from redcap_sync.sandbox.project_sources import project_from_odm
from redcap_sync.sandbox.rendering import MEDIA_TYPES, Answer, count_answer, rows_answer, text_answer
from redcap_sync.sandbox.rows_in import cell_text, one_row

READ_ONLY = frozenset(
    {
        *("project_id", "creation_time", "production_time", "in_production", "has_repeating_instruments_or_events"),
        *("ddp_enabled", "missing_data_codes", "external_modules"),
    }
)
PURPOSES = ("0", "1", "2", "3", "4")


def export_project(call: ApiCall) -> Answer:
    """One object, not a list, in JSON; one row in CSV."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export project information (API)")
    settings = dict(call.project.structure.settings)
    settings["is_longitudinal"] = int(call.project.longitudinal and bool(call.project.structure.events))
    answer = rows_answer([settings], call.parameters.format, root="items")
    if call.parameters.format == "json":
        return Answer(answer.body[1:-1], answer.media_type)
    return answer


def import_settings(call: ApiCall) -> Answer:
    """Change settings; what is read-only or unknown is passed over. The answer counts the values taken."""
    call.require("api_import", "design")
    row = one_row(call.parameters)
    taken = {key: cell_text(value) for key, value in row.items() if key in PROJECT_DEFAULTS and key not in READ_ONLY}
    call.project.restructure(settings={**call.project.structure.settings, **_settings(taken)})
    call.log("manage", "Manage/Design", details="Modify project settings (API)")
    return count_answer(len(taken))


def export_xml(call: ApiCall) -> Answer:
    """The project as one XML file, with data unless only the metadata are asked for."""
    call.require("api_export", "design")
    title = str(call.project.structure.settings["project_title"])
    body = study_xml(call.project)
    if not call.parameters.flag("returnMetadataOnly"):
        selection = asked_selection(call)
        # A file that can be loaded again needs the id, whatever fields were asked for.
        first = call.project.layout.by_name[call.project.id_field]
        columns = tuple(dict.fromkeys([first, *selection.columns]))
        data = clinical_data_xml(
            replace(selection, columns=columns),
            with_files=call.parameters.flag("exportFiles"),
            groups=group_names(call.project),
        )
        body = f"\n{body}\n{data}\n"
    call.log("export", "Export project XML (API)")
    written = document(title, call.now.isoformat(timespec="seconds"), VERSION, body)
    return Answer(written.encode(), MEDIA_TYPES["xml"])


def export_version(call: ApiCall) -> Answer:
    """The version as plain text, with no newline."""
    call.log("manage", "Manage/Design", details="Export REDCap version (API)")
    return text_answer(VERSION)


def create_project(installation: Installation, parameters: Parameters, clock: Clock) -> Answer:
    """Create a project with a super token, from its settings and, if sent, a project XML; answer its token."""
    if installation.super_token is None or parameters.text("token") != installation.super_token:
        raise no_rights()
    row = {key: cell_text(value) for key, value in one_row(parameters).items()}
    if not row.get("project_title") or row.get("purpose") not in PURPOSES:
        raise ApiError("The project_title and the purpose (0 to 4) are required to create a project")
    odm = parameters.text("odm")
    try:
        project = project_from_odm(odm, clock=clock) if odm.strip() else new_project(clock)
    except ProjectFileWrong as wrong:
        raise ApiError(f"The project XML cannot be read: {wrong.why}") from wrong
    known = {key: value for key, value in row.items() if key in PROJECT_DEFAULTS and key not in READ_ONLY}
    project.restructure(settings={**project.structure.settings, **_settings(known)})
    installation.add(project)
    return text_answer(installation.token(project))


def _settings(written: Mapping[str, str]) -> dict[str, int | str]:
    """Read settings; what is a number in a new project must be one."""
    read = {key: setting(key, text) for key, text in written.items()}
    for key, value in read.items():
        if type(value) is not type(PROJECT_DEFAULTS[key]):
            raise not_valid(key)
    return read


def new_project(clock: Clock) -> StoredProject:
    """Build the project a server makes of nothing: one instrument with the record id."""
    row = dict.fromkeys(METADATA_KEYS, "")
    row |= {"field_name": "record_id", "form_name": "form_1", "field_type": "text", "field_label": "Record ID"}
    structure = ProjectStructure(metadata=[row], instruments=[Instrument("form_1", "Form 1")], mapping=[(1, "form_1")])
    structure.settings["creation_time"] = clock().strftime("%Y-%m-%d %H:%M:%S")
    project = StoredProject(structure, clock=clock)
    project.log(OWNER, "manage", "Manage/Design", details="Create project (API)")
    return project


HANDLERS = {
    "project": export_project,
    "project_settings": by_action(export_project, import_settings),
    "project_xml": export_xml,
    "version": export_version,
}
