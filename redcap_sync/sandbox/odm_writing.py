"""Pieces of XML as REDCap writes them."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from redcap_sync.odm.safe_xml import REDCAP

ODM = "http://www.cdisc.org/ns/odm/v1.3"
LINE_ENDS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def element(name: str, attributes: dict[str, str], content: str | None = None) -> str:
    """Write an element; attributes with a blank value are left out, and so is an empty content's end tag."""
    written = "".join(f" {key}={quoteattr(value, LINE_ENDS)}" for key, value in attributes.items() if value != "")
    return f"<{name}{written}/>" if content is None else f"<{name}{written}>{content}</{name}>"


def text_element(name: str, text: str) -> str:
    """Write an element that contains text."""
    return f"<{name}>{escape(text)}</{name}>"


def document(title: str, moment: str, version: str, body: str) -> str:
    """Write the outermost element around a body."""
    attributes = {
        "xmlns": ODM,
        "xmlns:redcap": REDCAP,
        "ODMVersion": "1.3.1",
        "FileOID": "000-00-0000",
        "FileType": "Snapshot",
        "Description": title,
        "AsOfDateTime": moment,
        "CreationDateTime": moment,
        "SourceSystem": "REDCap",
        "SourceSystemVersion": version,
    }
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n{element("ODM", attributes, body)}\n'
