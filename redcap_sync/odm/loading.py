"""A project out of its XML, read record by record: a large file costs the memory of its values, not of its XML."""

from __future__ import annotations

from typing import TextIO
from xml.etree import ElementTree as ET

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.odm.safe_xml import NotProjectXml, elements, every, local_name
from redcap_sync.odm.structure_from_xml import structure_from_odm
from redcap_sync.odm.values_from_xml import load_values
from redcap_sync.project.state import Clock, StoredProject


def load_project(file: TextIO, *, name: str, clock: Clock, calculated: bool) -> tuple[ET.Element, StoredProject]:
    """Read a project XML of any REDCap version; return its outermost element, without records, and the project.

    Values are taken literally; calculated ones only where `calculated` says so. Raises ProjectFileWrong, which calls
    the file `name`, for anything that is no whole project XML.
    """
    try:
        return _load(file, clock, calculated=calculated)
    except ET.ParseError as error:
        reason = Message.of("file.reason.not_wellformed", said=str(error))
    except (OSError, UnicodeDecodeError) as error:
        reason = Message.of("file.reason.not_text", error=type(error).__name__)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        reason = Message.of("file.reason.refers", error=type(error).__name__)
    except MemoryError:
        reason = Message.of("file.reason.memory")
    except NotProjectXml as error:
        reason = error.reason
    raise ProjectFileWrong("file.not_project", file=name, reason=reason)


def _load(file: TextIO, clock: Clock, *, calculated: bool) -> tuple[ET.Element, StoredProject]:
    root: ET.Element | None = None
    project: StoredProject | None = None
    for event, element in elements(file):
        name = local_name(element)
        if root is None:
            if name != "ODM":
                raise NotProjectXml("file.reason.root", name=name)
            root = element
        elif event == "start" and name == "ClinicalData":
            project = project or _without_records(root, clock)
        elif event == "end" and name == "SubjectData" and project is not None:
            load_values(project, element, calculated=calculated)
            element.clear()
    if root is None:
        raise NotProjectXml("file.reason.no_element")
    return root, project or _without_records(root, clock)


def _without_records(root: ET.Element, clock: Clock) -> StoredProject:
    structure = structure_from_odm(root)
    if not structure.metadata:
        holds_data = next(every(root, "ClinicalData"), None) is not None
        raise NotProjectXml("file.reason.data_only" if holds_data else "file.reason.no_field")
    project = StoredProject(structure, clock=clock)
    project.restructure()
    return project
