"""What every page has in common: the warning, the style, and links to the other pages."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.installation import VERSION

SHELL = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font-family:sans-serif;margin:2em;max-width:60em}}th{{text-align:left;font-weight:normal}}
td,th{{border-bottom:1px solid #ccc;padding:.3em 1em .3em 0;vertical-align:top}}tr:target{{background:#ffc}}
.synthetic{{background:#fd6;padding:.5em 1em;font-weight:bold}}.wrong{{color:#a00}}small{{color:#555}}
fieldset{{border:0;border-bottom:1px solid #ccc;padding:.6em 0}}</style></head><body>
<p class="synthetic">SYNTHETIC DATA: a REDCap sandbox, no patient exists here</p>
{body}</body></html>
"""


def page(title: str, *parts: str) -> str:
    """Put parts, which are HTML already, into a page."""
    return SHELL.format(title=escape(title), body="\n".join(parts))


def link(path: str, text: str, **query: object) -> str:
    """Write a link to another page of the sandbox; what is blank is left out of the address."""
    asked = urlencode({name: value for name, value in query.items() if value not in ("", None)})
    return f'<a href="{escape(path + (f"?{asked}" if asked else ""))}">{escape(text)}</a>'


def heading(project: StoredProject) -> str:
    """Write the project's title, which leads to its page."""
    title = str(project.structure.settings["project_title"])
    return f"<h1>{link(versioned('index.php'), title, pid=project.project_id)}</h1>"


def versioned(path: str) -> str:
    """Address of a page as REDCap has it, with the version in front."""
    return f"/redcap_v{VERSION}/{path}"


def instrument_label(project: StoredProject, instrument: str) -> str:
    """Title of an instrument."""
    return next(one.label for one in project.structure.instruments if one.name == instrument)


def place_in_words(project: StoredProject, record: str, place: ValuePlace) -> str:
    """Say which record, event and instance a page is about."""
    event = next(event for event in project.structure.events if event.event_id == place.event_id)
    parts = [f"{project.id_field}: {record}", event.name if project.longitudinal else ""]
    parts.append(f"instance {place.instance}" if place.instance else "")
    if record not in project.values or place not in project.values[record].rows:
        parts.append("nothing is stored here")
    return escape(" · ".join(part for part in parts if part))
