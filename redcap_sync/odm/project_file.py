"""A project XML as a user downloads it from REDCap: its structure, its rows, and its own Data Quality rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from redcap_sync.dictionary import Arm, Dictionary, Group
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.odm.loading import load_project
from redcap_sync.odm.safe_xml import attribute
from redcap_sync.project.custom_rules import CustomRule
from redcap_sync.project.flat import GROUP, Selection, flat_rows
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.whole_numbers import whole_number


@dataclass(frozen=True)
class ProjectFile:
    """What a project XML holds. `records` are the rows of a flat export, every cell as text."""

    dictionary: Dictionary
    records: tuple[dict[str, str], ...] = field(repr=False)
    rules: tuple[CustomRule, ...]
    redcap_version: str
    metadata: tuple[Mapping[str, str], ...] = ()
    """The rows of the data dictionary, as `content=metadata` has them."""

    @property
    def groups(self) -> dict[str, str] | None:
        """The data access group of each record that is in one, by unique name; None where the file has no groups."""
        if self.dictionary.groups is None:
            return None
        id_field = self.dictionary.record_id_field
        return {row[id_field]: row[GROUP] for row in self.records if row.get(GROUP)}


def read_project_file(path: Path) -> ProjectFile:
    """Read a project XML of any REDCap version; raises ProjectFileWrong for anything else.

    Values are taken literally and nothing is recomputed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            root, project = load_project(file, name=path.name, clock=_no_clock, calculated=True)
    except OSError as error:
        raise ProjectFileWrong("file.project_unreadable", file=path.name, error=type(error).__name__) from None
    return _project_file(root, project)


def _no_clock() -> datetime:
    raise AssertionError("nothing is dated while a file is read")


def _project_file(root: ET.Element, project: StoredProject) -> ProjectFile:
    _complete_base_rows(project)
    selection = Selection(
        project, project.layout.columns, project.values.names(), frozenset(project.event_names), with_group=True
    )
    rules = sorted(project.structure.data_quality_rules, key=_order)
    return ProjectFile(
        dictionary=_as_structure(project),
        records=tuple(row.cells for row in flat_rows(selection)),
        rules=tuple(CustomRule(rule.get("rule_name", ""), rule.get("rule_logic", "")) for rule in rules),
        redcap_version=attribute(root, "SourceSystemVersion"),
        metadata=tuple(project.structure.metadata),
    )


def _as_structure(project: StoredProject) -> Dictionary:
    """The structure without the numbers that only a server gives, with what the file alone says."""
    structure = project.structure
    return replace(
        project.dictionary,
        project_id=None,
        events=tuple(replace(event, event_id=None) for event in project.dictionary.events),
        arms=tuple(Arm(arm.number, arm.name) for arm in structure.arms),
        groups=tuple(Group(group.unique_name, group.name) for group in structure.groups) or None,
    )


def _order(rule: Mapping[str, str]) -> int:
    """Place of a rule on REDCap's page; one without a number comes first."""
    return whole_number(rule.get("rule_order", "")) or 0


def _complete_base_rows(project: StoredProject) -> None:
    """Give a record its base row in every event where only repeating instruments of it were written down.

    REDCap stores at least the record id there; not every file says so.
    """
    rows = [(record, place) for record, place, _ in project.values.rows() if place.instrument]
    for record, place in rows:
        project.values.write(record, ValuePlace(place.event_id), {project.id_field: record})
