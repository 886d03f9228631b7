"""The parts a project is built of, and how REDCap makes their unique names."""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from redcap_sync.whole_numbers import whole_number

METADATA_KEYS = (
    "field_name",
    "form_name",
    "section_header",
    "field_type",
    "field_label",
    "select_choices_or_calculations",
    "field_note",
    "text_validation_type_or_show_slider_number",
    "text_validation_min",
    "text_validation_max",
    "identifier",
    "branching_logic",
    "required_field",
    "custom_alignment",
    "question_number",
    "matrix_group_name",
    "matrix_ranking",
    "field_annotation",
)
# The columns of a dictionary as REDCap's own pages download it, in the order of METADATA_KEYS.
METADATA_TITLES = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
# `content=project`: keys in their order with the value a new project has.
PROJECT_DEFAULTS: dict[str, Any] = {
    "project_id": 0,
    "project_title": "",
    "creation_time": "",
    "production_time": "",
    "in_production": 0,
    "project_language": "English",
    "purpose": 0,
    "purpose_other": "",
    "project_notes": "",
    "custom_record_label": "",
    "secondary_unique_field": "",
    "is_longitudinal": 0,
    "has_repeating_instruments_or_events": 0,
    "surveys_enabled": 0,
    "scheduling_enabled": 0,
    "record_autonumbering_enabled": 0,
    "randomization_enabled": 0,
    "ddp_enabled": 0,
    "project_irb_number": "",
    "project_grant_number": "",
    "project_pi_firstname": "",
    "project_pi_lastname": "",
    "display_today_now_button": 1,
    "missing_data_codes": "",
    "external_modules": "",
    "bypass_branching_erase_field_prompt": 0,
}
EVENT_NAME_LENGTH = 18
GROUP_NAME_LENGTH = 18


@dataclass
class ArmRow:
    """An arm: its number and its name."""

    number: int
    name: str


@dataclass
class EventRow:
    """An event; its id stays when it is renamed, so values are kept by it."""

    event_id: int
    unique_name: str
    name: str
    arm: int
    custom_label: str = ""
    day_offset: str = "0"
    offset_min: str = "0"
    offset_max: str = "0"


@dataclass
class Repeat:
    """An instrument that repeats in an event, or with instrument '' an event that repeats as a whole."""

    event_id: int
    instrument: str
    custom_label: str = ""


@dataclass
class StoredGroup:
    """A data access group."""

    group_id: int
    unique_name: str
    name: str


@dataclass
class Report:
    """A report: which fields, which rows; made in REDCap's pages, or carried by a project XML."""

    report_id: int
    title: str
    fields: list[str] = field(default_factory=list)
    logic: str = ""
    combine_checkboxes: bool = False
    with_groups: bool = False
    with_survey_fields: bool = False
    order: list[tuple[str, bool]] = field(default_factory=list)
    """(field, descending) sort keys, at most three."""
    attributes: dict[str, str] = field(default_factory=dict)
    """Everything else a project XML said of it, carried through."""


def setting(key: str, written: str) -> int | str:
    """A setting as a project stores it: a number where a new project has a number and one is written."""
    number = whole_number(written) if isinstance(PROJECT_DEFAULTS[key], int) else None
    return written if number is None else number


def unique_event_name(name: str, arm: int, taken: Collection[str]) -> str:
    """Slug of an event's name, cut to 18 characters, with its arm; a letter keeps duplicates apart."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:EVENT_NAME_LENGTH].strip("_")
    return next(unique for suffix in _suffixes() if (unique := f"{slug}{suffix}_arm_{arm}") not in taken)


def unique_group_name(name: str, taken: Collection[str]) -> str:
    """Slug of a group's name; a letter keeps duplicates apart."""
    slug = re.sub(r"[^a-z0-9_]", "", re.sub(r"\s+", "_", name.strip().lower()))[:GROUP_NAME_LENGTH] or "group"
    return next(unique for suffix in _suffixes() if (unique := f"{slug}{suffix}") not in taken)


def _suffixes() -> Iterator[str]:
    """What keeps duplicates apart: nothing for the first, then a letter, then numbers."""
    yield from ("", *string.ascii_lowercase)
    yield from map(str, count(1))


def instrument_slug(label: str) -> str:
    """Unique name of an instrument, from its title."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
