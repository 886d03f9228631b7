"""A project XML as a user downloads it from REDCap: its structure, its rows, and its own Data Quality rules.

The file is read record by record, so that a large one costs the memory of its values and not of its XML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO, cast
from xml.etree import ElementTree as ET

from redcap_sync.custom_rules import CustomRule
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.sandbox.flat import Selection, flat_rows
from redcap_sync.sandbox.odm import ATTRIBUTE, LINE_ENDS, attribute, local_name
from redcap_sync.sandbox.odm_structure import structure_from_odm
from redcap_sync.sandbox.odm_values import load_values
from redcap_sync.sandbox.state import SandboxProject
from redcap_sync.sandbox.values import Place

BLOCK = 1 << 20
"""Characters read at a time."""


@dataclass(frozen=True)
class ProjectFile:
    """What a project XML holds. `records` are the rows of a flat export, every cell as text."""

    dictionary: Dictionary
    records: tuple[dict[str, str], ...] = field(repr=False)
    rules: tuple[CustomRule, ...]
    groups: tuple[str, ...]
    """The titles of the data access groups."""
    redcap_version: str


def read_project_file(path: Path) -> ProjectFile:
    """Read a project XML of any REDCap version; raises ProjectFileWrong for anything else.

    Values are taken literally and nothing is recomputed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            root, project = _load(file)
    except ET.ParseError as error:
        raise _wrong(path, f"it is no well-formed XML, or it was cut off: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path, f"it cannot be read as text ({type(error).__name__})") from None
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise _wrong(path, f"it refers to something that it does not contain ({type(error).__name__})") from None
    except _NoProject as error:
        raise _wrong(path, str(error)) from None
    return _project_file(root, project)


class _NoProject(Exception):
    """The file is something else; the message says what."""


def _load(file: TextIO) -> tuple[ET.Element, SandboxProject]:
    elements = _elements(file)
    _, root = next(elements)
    if local_name(root) != "ODM":
        raise _NoProject(f"its outermost element is {local_name(root)}, not ODM")
    project: SandboxProject | None = None
    for event, element in elements:
        name = local_name(element)
        if event == "start" and name == "ClinicalData":
            project = project or _empty_project(root)
        elif event == "end" and name == "SubjectData" and project is not None:
            load_values(project, element, calculated=True)
            element.clear()
    return root, project or _empty_project(root)


def _elements(file: TextIO) -> Iterator[tuple[str, ET.Element]]:
    """Start and end of every element; raises ParseError where the text breaks off."""
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
    begun = False
    for text in _pieces(file):
        if not begun:
            _refuse_others(text)
        parser.feed(text)
        for event in cast("Iterator[tuple[str, ET.Element]]", parser.read_events()):
            begun = True
            yield event
    parser.close()


def _pieces(file: TextIO) -> Iterator[str]:
    """The text in pieces that end before a `<`, which never stands inside an attribute.

    XML parsers turn a line break inside an attribute into a space; REDCap writes values there as they are.
    """
    kept = ""
    while block := file.read(BLOCK):
        kept += block
        cut = kept.rfind("<")
        if cut > 0:
            yield ATTRIBUTE.sub(_keep_line_ends, kept[:cut])
            kept = kept[cut:]
    if kept:
        yield ATTRIBUTE.sub(_keep_line_ends, kept)


def _keep_line_ends(found: re.Match[str]) -> str:
    return found[0].translate(LINE_ENDS)


def _refuse_others(text: str) -> None:
    """Refuse what no REDCap writes before the parser sees it: web pages, and declarations of entities."""
    head = text.lstrip()[:200].lower() or "<"
    if head.startswith(("<!doctype html", "<html")):
        raise _NoProject("it is a web page: REDCap may have answered with its login page")
    if not head.startswith("<"):
        raise _NoProject("it is no XML at all")
    if "<!DOCTYPE" in text:
        raise _NoProject("it declares a document type, which a project XML never does and which can be an attack")


def _empty_project(root: ET.Element) -> SandboxProject:
    structure = structure_from_odm(root)
    if not structure.metadata:
        raise _NoProject("it holds no field")
    project = SandboxProject(structure, clock=_no_clock)
    project.restructure()
    return project


def _no_clock() -> datetime:
    raise AssertionError("nothing is dated while a file is read")


def _project_file(root: ET.Element, project: SandboxProject) -> ProjectFile:
    _complete_base_rows(project)
    selection = Selection(
        project, project.layout.columns, project.values.names(), frozenset(project.event_names), with_group=True
    )
    rules = sorted(project.structure.data_quality_rules, key=lambda rule: int(rule.get("rule_order") or 0))
    return ProjectFile(
        dictionary=project.dictionary,
        records=tuple(row.cells for row in flat_rows(selection)),
        rules=tuple(CustomRule(rule.get("rule_name", ""), rule.get("rule_logic", "")) for rule in rules),
        groups=tuple(group.name for group in project.structure.groups),
        redcap_version=attribute(root, "SourceSystemVersion"),
    )


def _complete_base_rows(project: SandboxProject) -> None:
    """Give a record its base row in every event where only repeating instruments of it were written down.

    REDCap stores at least the record id there; not every file says so.
    """
    rows = [(record, place) for record, place, _ in project.values.rows() if place.instrument]
    for record, place in rows:
        project.values.write(record, Place(place.event_id), {project.id_field: record})


def _wrong(path: Path, why: str) -> ProjectFileWrong:
    return ProjectFileWrong(
        f"{path.name} is not a REDCap project XML.",
        why=why,
        remedy="download it in REDCap: Project Setup, Other Functionality, Download metadata and data as XML",
    )
