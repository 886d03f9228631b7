"""Structure out of a project XML: fields, instruments, events, what repeats, groups, roles, reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from redcap_sync.choice_list import read_choices
from redcap_sync.dictionary import Instrument
from redcap_sync.odm.safe_xml import attribute, children, every, local_name, plain_attributes, text_of
from redcap_sync.project.randomization import Randomization
from redcap_sync.project.rights import RANDOMIZATION_RIGHTS, RIGHTS, Rights, Role
from redcap_sync.project.state import ProjectStructure
from redcap_sync.project.structure import (
    METADATA_KEYS,
    PROJECT_DEFAULTS,
    ArmRow,
    EventRow,
    Repeat,
    Report,
    StoredGroup,
    setting,
    unique_group_name,
)
from redcap_sync.whole_numbers import whole_number

FIELD_TYPES = {"textarea": "notes", "select": "dropdown"}
VALIDATIONS = {"int": "integer", "float": "number"}
SETTINGS = {
    "RecordAutonumberingEnabled": "record_autonumbering_enabled",
    "CustomRecordLabel": "custom_record_label",
    "SecondaryUniqueField": "secondary_unique_field",
    "SchedulingEnabled": "scheduling_enabled",
    "SurveysEnabled": "surveys_enabled",
    "RandomizationEnabled": "randomization_enabled",
    "DisplayTodayNowButton": "display_today_now_button",
    "PreventBranchingEraseValues": "bypass_branching_erase_field_prompt",
    "Purpose": "purpose",
    "PurposeOther": "purpose_other",
    "ProjectNotes": "project_notes",
    "MissingDataCodes": "missing_data_codes",
}
"""Element of GlobalVariables to the key of `content=project`."""
ROLE_RIGHTS = {
    "lock_records": "lock_record",
    "lock_records_all_forms": "lock_record_multiform",
    "lock_records_customization": "lock_record_customize",
    "logging": "data_logging",
    "stats_and_charts": "graphical",
    "manage_survey_participants": "participants",
    "data_quality_create": "data_quality_design",
}
"""Right of the API to its attribute in the XML, where the two differ."""
GROUPED = ("RepeatingInstrumentsAndEvents", "ReportsGroup", "SurveysGroup", "DataQualityRulesGroup", "UserRolesGroup")
CHOICE_TYPES = ("radio", "dropdown")
OTHER_CHOICES = {"calc": "Calculation", "slider": "SliderLabels", "text": "OntologySearch"}
"""Type of a field without choices to the attribute that is in their place."""
MOST_STRATA = 15
LEVEL = re.compile(r"\[([^,\]]+),(\d+)\]")


def structure_from_odm(root: ET.Element) -> ProjectStructure:
    """Build the structure a project XML describes."""
    structure = ProjectStructure(settings=_settings(root))
    structure.instruments = [Instrument(_form_name(form), attribute(form, "Name")) for form in every(root, "FormDef")]
    structure.metadata = list(_metadata(root))
    _events(root, structure)
    _repeats(root, structure)
    for name in (attribute(group, "group_name") for group in every(root, "DataAccessGroups")):
        structure.last_id += 1
        taken = {group.unique_name for group in structure.groups}
        structure.groups.append(StoredGroup(structure.last_id, unique_group_name(name, taken), name))
    structure.roles = [_role(element) for element in every(root, "UserRoles")]
    for element in every(root, "Reports"):
        structure.last_id += 1
        structure.reports.append(_report(structure.last_id, element))
    structure.randomizations = list(_randomizations(root, structure))
    structure.surveys = {attribute(found, "form_name"): plain_attributes(found) for found in every(root, "Surveys")}
    structure.data_quality_rules = [plain_attributes(found) for found in every(root, "DataQualityRules")]
    structure.other_globals = list(_other_globals(root))
    return structure


def _settings(root: ET.Element) -> dict[str, Any]:
    settings = {**PROJECT_DEFAULTS, "project_title": text_of(root, "StudyName")}
    for element in _globals(root):
        key = SETTINGS.get(local_name(element))
        written = element.text or ""
        if key is not None:
            settings[key] = setting(key, written)
    return settings


def _globals(root: ET.Element) -> Iterator[ET.Element]:
    for element in every(root, "GlobalVariables"):
        yield from element


def _other_globals(root: ET.Element) -> Iterator[tuple[str, str]]:
    """Settings without children that the API does not show: carried, so that they are written out again."""
    for element in _globals(root):
        name = local_name(element)
        ours = name in SETTINGS or name.startswith(("Study", "Protocol")) or name in GROUPED
        if not ours and len(element) == 0:
            yield name, element.text or ""


def _form_name(element: ET.Element) -> str:
    return attribute(element, "FormName") or attribute(element, "OID" if "FormDef" in element.tag else "FormOID")[5:]


def _metadata(root: ET.Element) -> Iterator[dict[str, str]]:
    """Rows of the dictionary; a checkbox is one item per option, which make one row."""
    items = {attribute(item, "OID"): item for item in every(root, "ItemDef")}
    groups = {attribute(group, "OID"): group for group in every(root, "ItemGroupDef")}
    lists = {attribute(found, "OID"): found for found in every(root, "CodeList")}
    for form in every(root, "FormDef"):
        name = _form_name(form)
        seen = {f"{name}_complete", "redcap_data_access_group", "redcap_survey_identifier", f"{name}_timestamp"}
        for group in (groups[attribute(ref, "ItemGroupOID")] for ref in children(form, "ItemGroupRef")):
            for ref in children(group, "ItemRef"):
                item = items[attribute(ref, "ItemOID")]
                variable = attribute(item, "Variable") or attribute(item, "OID")
                if variable not in seen:
                    seen.add(variable)
                    yield _metadata_row(item, name, lists)


def _metadata_row(item: ET.Element, form: str, lists: dict[str, ET.Element]) -> dict[str, str]:
    written = attribute(item, "FieldType")
    kind = FIELD_TYPES.get(written, written) or "text"
    validation = attribute(item, "TextValidationType")
    row = dict.fromkeys(METADATA_KEYS, "")
    row |= {
        "field_name": attribute(item, "Variable") or attribute(item, "OID"),
        "form_name": form,
        "section_header": attribute(item, "SectionHeader"),
        "field_type": kind,
        "field_label": next((_label(question) for question in children(item, "Question")), ""),
        "select_choices_or_calculations": _choices(item, kind, lists),
        "field_note": attribute(item, "FieldNote"),
        "text_validation_type_or_show_slider_number": VALIDATIONS.get(validation, validation),
        "identifier": attribute(item, "Identifier"),
        "branching_logic": attribute(item, "BranchingLogic"),
        "required_field": attribute(item, "RequiredField"),
        "custom_alignment": attribute(item, "CustomAlignment"),
        "question_number": attribute(item, "QuestionNumber"),
        "matrix_group_name": attribute(item, "MatrixGroupName"),
        "matrix_ranking": attribute(item, "MatrixRanking"),
        "field_annotation": attribute(item, "FieldAnnotation"),
    }
    for check in children(item, "RangeCheck"):
        bound = "min" if attribute(check, "Comparator") == "GE" else "max"
        row[f"text_validation_{bound}"] = text_of(check, "CheckValue")
    return row


def _label(question: ET.Element) -> str:
    """The label of a field: with its formats where it has some, which the plain text is without."""
    return text_of(question, "FormattedTranslatedText") or text_of(question, "TranslatedText")


def _choices(item: ET.Element, kind: str, lists: dict[str, ET.Element]) -> str:
    if kind in OTHER_CHOICES:
        return attribute(item, OTHER_CHOICES[kind])
    found = next((lists.get(attribute(ref, "CodeListOID")) for ref in children(item, "CodeListRef")), None)
    if found is None:
        return ""
    if kind == "checkbox":
        return " | ".join(f"{code}, {label}" for code, label in read_choices(attribute(found, "CheckboxChoices")))
    if kind in CHOICE_TYPES:
        pairs = ((attribute(c, "CodedValue"), text_of(c, "TranslatedText")) for c in children(found, "CodeListItem"))
        return " | ".join(f"{code}, {label}" for code, label in pairs)
    return ""


def _events(root: ET.Element, structure: ProjectStructure) -> None:
    """Events with their instruments; one event alone is a classic project."""
    found = list(every(root, "StudyEventDef"))
    if not found:
        return
    structure.settings["is_longitudinal"] = int(len(found) > 1)
    structure.arms, structure.events, structure.mapping = [], [], []
    for position, element in enumerate(found, start=1):
        number = int(attribute(element, "ArmNum") or 1)
        if number not in {arm.number for arm in structure.arms}:
            structure.arms.append(ArmRow(number, attribute(element, "ArmName") or f"Arm {number}"))
        structure.events.append(_event(position, number, element))
        structure.mapping += [(position, _form_name(ref)) for ref in children(element, "FormRef")]
    structure.last_id = len(found)


def _event(event_id: int, arm: int, element: ET.Element) -> EventRow:
    return EventRow(
        event_id,
        attribute(element, "UniqueEventName") or attribute(element, "OID").removeprefix("Event."),
        attribute(element, "EventName") or attribute(element, "Name"),
        arm,
        custom_label=attribute(element, "CustomEventLabel"),
        day_offset=attribute(element, "DayOffset") or "0",
        offset_min=attribute(element, "OffsetMin") or "0",
        offset_max=attribute(element, "OffsetMax") or "0",
    )


def _repeats(root: ET.Element, structure: ProjectStructure) -> None:
    ids = {event.unique_name: event.event_id for event in structure.events}
    first = structure.events[0].event_id
    for element in every(root, "RepeatingEvent"):
        structure.repeating.append(Repeat(ids.get(attribute(element, "UniqueEventName"), first), ""))
    for element in every(root, "RepeatingInstrument"):
        event_id = ids.get(attribute(element, "UniqueEventName"), first)
        instrument, label = attribute(element, "RepeatInstrument"), attribute(element, "CustomLabel")
        structure.repeating.append(Repeat(event_id, instrument, label))


def _role(element: ET.Element) -> Role:
    found = plain_attributes(element)
    levels = {right: found.get(ROLE_RIGHTS.get(right, right), "0") for right in (*RIGHTS, *RANDOMIZATION_RIGHTS)}
    rights = Rights(
        levels={right: whole_number(level) or 0 for right, level in levels.items()},
        forms={form: int(level) for form, level in LEVEL.findall(found.get("data_entry", ""))},
        forms_export={form: int(level) for form, level in LEVEL.findall(found.get("data_export_instruments", ""))},
    )
    return Role(found.get("unique_role_name", ""), found.get("role_name", ""), rights)


def _randomizations(root: ET.Element, structure: ProjectStructure) -> Iterator[Randomization]:
    """Randomizations, numbered in their order; their allocation tables are not in the XML."""
    ids, first = {event.unique_name: event.event_id for event in structure.events}, structure.events[0].event_id
    for number, element in enumerate(every(root, "Randomization"), start=1):
        found = plain_attributes(element)
        sources = (
            (found.get(f"source_field{n}"), found.get(f"source_event{n}", "")) for n in range(1, MOST_STRATA + 1)
        )
        yield Randomization(
            number,
            found.get("target_field", ""),
            ids.get(found.get("target_event", ""), first),
            strata={name: ids.get(event, first) for name, event in sources if name},
            by_group=found.get("group_by") == "DAG",
            attributes=found,
        )


def _report(report_id: int, element: ET.Element) -> Report:
    found = plain_attributes(element)
    keys = [(found.get(f"orderby_field{n}", ""), found.get(f"orderby_sort{n}", "") == "DESC") for n in (1, 2, 3)]
    return Report(
        report_id,
        found.get("title", ""),
        fields=[name for name in found.get("redcap_reports_fields", "").split(",") if name],
        logic=found.get("advanced_logic") or found.get("limiter_logic") or "",
        combine_checkboxes=found.get("combine_checkbox_values") == "1",
        with_groups=found.get("output_dags") == "1",
        with_survey_fields=found.get("output_survey_fields") == "1",
        order=[key for key in keys if key[0]],
        attributes=found,
    )
