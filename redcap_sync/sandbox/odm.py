"""The XML of a project as REDCap writes it: CDISC ODM 1.3.1 with attributes of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from redcap_sync.errors import ProjectFileWrong

ODM = "http://www.cdisc.org/ns/odm/v1.3"
REDCAP = "https://projectredcap.org"
ATTRIBUTE = re.compile(r'="[^"<]*"')
LINE_ENDS = str.maketrans({"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})

# XML parsers turn a line break inside an attribute into a space; REDCap writes values there as they are.


def parse_odm(text: str) -> ET.Element:
    """Parse a project XML, keeping line breaks inside attributes; raises ProjectFileWrong for anything else."""
    kept = ATTRIBUTE.sub(lambda found: found[0].translate(LINE_ENDS), text)
    try:
        root = ET.fromstring(kept)  # noqa: S314 - expat refuses entity bombs; nothing external is fetched
    except ET.ParseError as broken:
        raise _wrong(f"it is not well-formed XML: {broken}") from broken
    if local_name(root) != "ODM":
        raise _wrong(f"its outermost element is {local_name(root)}, not ODM")
    return root


def local_name(element: ET.Element) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: ET.Element, name: str) -> str:
    """Value of an attribute, REDCap's own or ODM's; '' where there is none."""
    return element.get(f"{{{REDCAP}}}{name}") or element.get(name) or ""


def plain_attributes(element: ET.Element) -> dict[str, str]:
    """All attributes without their namespaces."""
    return {name.rpartition("}")[2]: value for name, value in element.items()}


def every(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """Every element of a name below another, whatever its namespace."""
    return (found for found in element.iter() if local_name(found) == name)


def children(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """Direct children of a name."""
    return (child for child in element if local_name(child) == name)


def text_of(element: ET.Element, name: str) -> str:
    """Text of the first element of a name below another; '' where there is none."""
    return next(((found.text or "") for found in every(element, name)), "")


def _wrong(why: str) -> ProjectFileWrong:
    return ProjectFileWrong(
        "This file is not a REDCap project XML.",
        why=why,
        remedy="download it in REDCap: Project Setup, Other Functionality, Download metadata (and data) as XML",
    )
