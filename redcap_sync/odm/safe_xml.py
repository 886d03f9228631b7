"""The elements of an XML that somebody gives us: safely, and with the line breaks REDCap writes into attributes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, TextIO, cast
from xml.etree import ElementTree as ET
from xml.parsers import expat

from redcap_sync.messages import Message

REDCAP = "https://projectredcap.org"
ATTRIBUTE = re.compile(r'="[^"<]*"')
LINE_ENDS = str.maketrans({"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
BLOCK = 1 << 20
"""Characters read at a time."""


class NotProjectXml(Exception):
    """The text is something else than a project XML; the reason says what."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.reason = Message.of(code, **facts)


def parse_xml(text: str) -> ET.Element:
    """Parse a small document whole; raises ParseError, or NotProjectXml for one that declares a document type."""
    root: ET.Element | None = None
    for _, element in elements(io.StringIO(text, newline="")):
        root = element if root is None else root
    if root is None:
        raise ET.ParseError("there is no element in it")
    return root


def elements(file: TextIO) -> Iterator[tuple[str, ET.Element]]:
    """Start and end of every element as the file is read; raises ParseError where the text breaks off."""
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
    prologue = _Prologue()
    for text in _pieces(file):
        prologue.check(text)
        parser.feed(text)
        yield from cast("Iterator[tuple[str, ET.Element]]", parser.read_events())
    parser.close()


class _Prologue:
    """Looks for a document type in what is before the first element, where alone it may stand.

    A project XML has none, and entities, which can be made to fill the memory or to fetch files, are declared
    nowhere else. So the real parser never sees one.
    """

    def __init__(self) -> None:
        self._open = True
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._end

    def check(self, text: str) -> None:
        """Read on; the parser that comes after this one says what is wrong with text that is no XML."""
        if self._open:
            try:
                self._parser.Parse(text)
            except expat.ExpatError:
                self._open = False

    def _end(self, _name: str, _attributes: object) -> None:
        self._open = False
        self._parser.StartElementHandler = None

    def _refuse(self, *_declared: object) -> None:
        raise NotProjectXml("file.reason.doctype")


def _pieces(file: TextIO) -> Iterator[str]:
    """The text in pieces that end before a `<`, which never is inside an attribute.

    XML parsers turn a line break inside an attribute into a space; REDCap writes values there as they are.
    """
    kept: list[str] = []
    while block := file.read(BLOCK):
        if not kept:
            _refuse_others(block)
        cut = block.rfind("<")
        if cut < 0 or not (kept or cut):
            kept.append(block)
            continue
        yield _with_line_ends("".join([*kept, block[:cut]]))
        kept = [block[cut:]]
    if not kept:
        raise NotProjectXml("file.reason.empty")
    yield _with_line_ends("".join(kept))


def _with_line_ends(text: str) -> str:
    return ATTRIBUTE.sub(lambda found: found[0].translate(LINE_ENDS), text)


def _refuse_others(text: str) -> None:
    """Name what people give by mistake, which a parser would only call not well-formed."""
    head = text.lstrip()[:200].lower()
    if head.startswith(("<!doctype html", "<html")):
        raise NotProjectXml("file.reason.web_page")
    if not head.startswith("<"):
        raise NotProjectXml("file.reason.no_xml")


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
