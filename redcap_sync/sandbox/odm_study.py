"""The structure of a project written as project XML: the counterpart of `redcap_sync.odm.structure_from_xml`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from redcap_sync.column_name import checkbox_column
from redcap_sync.dictionary import Choice, Field
from redcap_sync.odm.structure_from_xml import FIELD_TYPES, ROLE_RIGHTS, SETTINGS, VALIDATIONS
from redcap_sync.project.randomization import Randomization
from redcap_sync.project.rights import RANDOMIZATION_RIGHTS, RIGHTS, Role
from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import Report, unique_group_name
from redcap_sync.sandbox.odm_writing import element, text_element

WRITTEN_TYPES = {ours: theirs for theirs, ours in FIELD_TYPES.items()}
WRITTEN_VALIDATIONS = {ours: theirs for theirs, ours in VALIDATIONS.items()}
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
STATES = (Choice("0", "Incomplete"), Choice("1", "Unverified"), Choice("2", "Complete"))
ATTRIBUTES = {
    "SectionHeader": "section_header",
    "FieldNote": "field_note",
    "Identifier": "identifier",
    "BranchingLogic": "branching_logic",
    "RequiredField": "required_field",
    "CustomAlignment": "custom_alignment",
    "QuestionNumber": "question_number",
    "MatrixGroupName": "matrix_group_name",
    "MatrixRanking": "matrix_ranking",
    "FieldAnnotation": "field_annotation",
}


def study_xml(project: StoredProject) -> str:
    """Write the Study element: settings, events, instruments, fields, choices."""
    title = str(project.structure.settings["project_title"])
    described = {"OID": f"Metadata.{project.project_id}", "Name": title, "redcap:RecordIdField": project.id_field}
    parts = [*_events(project), *_forms(project), *_groups(project), *_items(project), *_code_lists(project)]
    metadata = element("MetaDataVersion", described, "\n".join(["", *parts, ""]))
    return element("Study", {"OID": f"Project.{project.project_id}"}, f"\n{_globals(project)}\n{metadata}\n")


def _globals(project: StoredProject) -> str:
    structure = project.structure
    title = str(structure.settings["project_title"])
    parts = [text_element(name, title) for name in ("StudyName", "StudyDescription", "ProtocolName")]
    parts += [text_element(f"redcap:{name}", str(structure.settings[key])) for name, key in SETTINGS.items()]
    parts += [text_element(f"redcap:{name}", text) for name, text in structure.other_globals]
    parts.append(_repeating(project))
    groups = [element("redcap:DataAccessGroups", {"group_name": group.name}) for group in structure.groups]
    roles = [element("redcap:UserRoles", _role(role, project.instrument_names)) for role in structure.roles]
    surveys = [element("redcap:Surveys", {"form_name": n, **given}) for n, given in structure.surveys.items()]
    reports = [element("redcap:Reports", _report(report)) for report in structure.reports]
    rules = [element("redcap:DataQualityRules", rule) for rule in structure.data_quality_rules]
    randomizations = [element("redcap:Randomization", _randomization(project, r)) for r in structure.randomizations]
    named = {"DataAccessGroups": groups, "UserRoles": roles, "Surveys": surveys, "Reports": reports}
    for name, written in {**named, "DataQualityRules": rules, "Randomization": randomizations}.items():
        if written:
            parts.append(element(f"redcap:{name}Group", {}, "\n".join(written)))
    return element("GlobalVariables", {}, "\n".join(part for part in ["", *parts, ""] if part))


def group_names(project: StoredProject) -> dict[str, str]:
    """Unique names of the groups to those they get from this XML, which tells their names only."""
    made: dict[str, str] = {}
    for group in project.structure.groups:
        made[group.unique_name] = unique_group_name(group.name, made.values())
    return made


def _repeating(project: StoredProject) -> str:
    names = {event.event_id: event.unique_name for event in project.structure.events}
    repeats = [repeat for repeat in project.structure.repeating if repeat.event_id in names]
    if not repeats:
        return ""
    events = [
        element("redcap:RepeatingEvent", {"redcap:UniqueEventName": names[repeat.event_id]})
        for repeat in repeats
        if not repeat.instrument
    ]
    instruments = [
        element(
            "redcap:RepeatingInstrument",
            {
                "redcap:UniqueEventName": names[repeat.event_id],
                "redcap:RepeatInstrument": repeat.instrument,
                "redcap:CustomLabel": repeat.custom_label,
            },
        )
        for repeat in repeats
        if repeat.instrument
    ]
    inner = [*events, element("redcap:RepeatingInstruments", {}, "".join(instruments))]
    return element("redcap:RepeatingInstrumentsAndEvents", {}, "".join(inner))


def _role(role: Role, instruments: tuple[str, ...]) -> dict[str, str]:
    rights = role.rights
    return {
        "role_name": role.label,
        "unique_role_name": role.unique_name,
        **{
            ROLE_RIGHTS.get(right, right): str(rights.levels.get(right, 0))
            for right in (*RIGHTS, *RANDOMIZATION_RIGHTS)
        },
        "data_entry": "".join(f"[{name},{rights.entry_level(name)}]" for name in instruments),
        "data_export_instruments": "".join(f"[{name},{rights.export_level(name)}]" for name in instruments),
    }


def _report(report: Report) -> dict[str, str]:
    keys = {f"orderby_field{n}": name for n, (name, _) in enumerate(report.order, start=1)}
    keys |= {f"orderby_sort{n}": "DESC" if down else "ASC" for n, (_, down) in enumerate(report.order, start=1)}
    return {
        **report.attributes,
        "title": report.title,
        "advanced_logic": report.logic,
        "combine_checkbox_values": str(int(report.combine_checkboxes)),
        "output_dags": str(int(report.with_groups)),
        "output_survey_fields": str(int(report.with_survey_fields)),
        "redcap_reports_fields": ",".join(report.fields),
        **keys,
    }


def _randomization(project: StoredProject, randomization: Randomization) -> dict[str, str]:
    names = {event.event_id: event.unique_name for event in project.structure.events}
    strata = enumerate(randomization.strata.items(), start=1)
    return {
        **randomization.attributes,
        "stratified": "1" if randomization.strata else "0",
        "group_by": "DAG" if randomization.by_group else "",
        "target_field": randomization.target_field,
        "target_event": names.get(randomization.target_event, ""),
        **{key: value for n, (name, event_id) in strata for key, value in _source(n, name, names.get(event_id, ""))},
    }


def _source(number: int, field: str, event: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (f"source_field{number}", field), (f"source_event{number}", event)


def _events(project: StoredProject) -> Iterator[str]:
    if not project.longitudinal:
        return
    arms = {arm.number: arm.name for arm in project.structure.arms}
    refs = [element("StudyEventRef", {"StudyEventOID": f"Event.{e.unique_name}"}) for e in project.structure.events]
    yield element("Protocol", {}, "".join(refs))
    for event in project.structure.events:
        attributes = {
            "OID": f"Event.{event.unique_name}",
            "Name": f"{event.name} (Arm {event.arm}: {arms[event.arm]})",
            "Type": "Common",
            "Repeating": "No",
            "redcap:EventName": event.name,
            "redcap:CustomEventLabel": event.custom_label,
            "redcap:UniqueEventName": event.unique_name,
            "redcap:ArmNum": str(event.arm),
            "redcap:ArmName": arms[event.arm],
            "redcap:DayOffset": event.day_offset,
            "redcap:OffsetMin": event.offset_min,
            "redcap:OffsetMax": event.offset_max,
        }
        forms = project.dictionary.instruments_at(event.unique_name)
        refs = [element("FormRef", {"FormOID": f"Form.{name}", "redcap:FormName": name}) for name in forms]
        yield element("StudyEventDef", attributes, "".join(refs))


def _forms(project: StoredProject) -> Iterator[str]:
    for instrument in project.structure.instruments:
        attributes = {"OID": f"Form.{instrument.name}", "Name": instrument.label, "Repeating": "No"}
        ref = element("ItemGroupRef", {"ItemGroupOID": group_oid(instrument.name), "Mandatory": "No"})
        yield element("FormDef", {**attributes, "redcap:FormName": instrument.name}, ref)


def group_oid(instrument: str) -> str:
    """Name of the one item group an instrument has here."""
    return f"{instrument}.all"


def _groups(project: StoredProject) -> Iterator[str]:
    for instrument in project.structure.instruments:
        fields = [field for field in project.dictionary.fields if field.instrument == instrument.name]
        refs = [_item_ref(name, field.name, field) for field in fields for name in _item_names(project, field)]
        status = f"{instrument.name}_complete"
        attributes = {"OID": group_oid(instrument.name), "Name": instrument.label, "Repeating": "No"}
        yield element("ItemGroupDef", attributes, "".join([*refs, _item_ref(status, status)]))


def _item_ref(name: str, variable: str, field: Field | None = None) -> str:
    mandatory = "Yes" if field is not None and field.required else "No"
    return element("ItemRef", {"ItemOID": name, "Mandatory": mandatory, "redcap:Variable": variable})


def _item_names(project: StoredProject, field: Field) -> list[str]:
    if field.type == "checkbox":
        return [checkbox_column(field.name, option.code) for option in project.dictionary.options_of(field)]
    return [field.name]


def _items(project: StoredProject) -> Iterator[str]:
    rows = {row["field_name"]: row for row in project.structure.metadata}
    for field in project.dictionary.fields:
        for name in _item_names(project, field):
            yield _item(name, field, rows[field.name])
    for instrument in project.structure.instruments:
        name = f"{instrument.name}_complete"
        attributes = {"OID": name, "Name": name, "redcap:Variable": name, "redcap:FieldType": "select"}
        yield element("ItemDef", attributes, _question("Complete?") + _list_ref(name))


def _item(name: str, field: Field, row: dict[str, str]) -> str:
    written = row.get("select_choices_or_calculations", "")
    validation = field.validation
    attributes = {
        "OID": name,
        "Name": name,
        "redcap:Variable": field.name,
        "redcap:FieldType": WRITTEN_TYPES.get(field.type, field.type),
        "redcap:TextValidationType": WRITTEN_VALIDATIONS.get(validation, validation),
        "redcap:Calculation": written if field.type == "calc" else "",
        "redcap:SliderLabels": written if field.type == "slider" else "",
        "redcap:OntologySearch": written if field.type == "text" else "",
        **{f"redcap:{theirs}": row.get(ours, "") for theirs, ours in ATTRIBUTES.items()},
    }
    content = _question(field.label)
    for comparator, bound in (("GE", field.minimum), ("LE", field.maximum)):
        if bound:
            check = text_element("CheckValue", bound)
            content += element("RangeCheck", {"Comparator": comparator, "SoftHard": "Soft"}, check)
    return element("ItemDef", attributes, content + (_list_ref(name) if field.choices else ""))


def _question(label: str) -> str:
    """Write a label; one with tags a second time, because its plain text is without them."""
    plain = TAG.sub("", label)
    formatted = "" if plain == label else text_element("redcap:FormattedTranslatedText", label)
    return element("Question", {}, text_element("TranslatedText", plain) + formatted)


def _list_ref(name: str) -> str:
    return element("CodeListRef", {"CodeListOID": f"{name}.choices"})


def _code_lists(project: StoredProject) -> Iterator[str]:
    for field in project.dictionary.fields:
        if field.type == "checkbox":
            written = " | ".join(f"{choice.code}, {choice.label}" for choice in field.choices)
            for name in _item_names(project, field):
                ticks = (Choice("1", "Checked"), Choice("0", "Unchecked"))
                yield _code_list(name, field.name, ticks, {"redcap:CheckboxChoices": written})
        elif field.choices:
            yield _code_list(field.name, field.name, field.choices, {})
    for name in project.instrument_names:
        yield _code_list(f"{name}_complete", f"{name}_complete", STATES, {})


def _code_list(name: str, variable: str, choices: tuple[Choice, ...], more: dict[str, str]) -> str:
    items = [
        element("CodeListItem", {"CodedValue": c.code}, element("Decode", {}, text_element("TranslatedText", c.label)))
        for c in choices
    ]
    attributes = {"OID": f"{name}.choices", "Name": name, "redcap:Variable": variable, **more}
    return element("CodeList", attributes, "".join(items))
