"""The page behind a deep link: one instrument of one record, to be read; nothing can be changed on it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from redcap_sync.project.layout import Column
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import Place
from redcap_sync.sandbox.installation import Installation

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font-family:sans-serif;margin:2em;max-width:60em}}th{{text-align:left;font-weight:normal}}
td,th{{border-bottom:1px solid #ccc;padding:.3em 1em .3em 0;vertical-align:top}}
.synthetic{{background:#fd6;padding:.5em 1em;font-weight:bold}}</style></head><body>
<p class="synthetic">SYNTHETIC DATA: a REDCap sandbox, no patient exists here</p>
<h1>{project}</h1><h2>{instrument}</h2><p>{place}</p>
<table>{rows}</table></body></html>
"""


def record_page(installation: Installation, query: Mapping[str, str]) -> str | None:
    """Render the page a deep link names; None where there is no such project, instrument or event."""
    project = installation.projects.get(_number(query.get("pid", "")))
    if project is None:
        return None
    place = _place(project, query)
    labels = {instrument.name: instrument.label for instrument in project.structure.instruments}
    instrument = query.get("page", "")
    if place is None or instrument not in labels:
        return None
    record = query.get("id", "")
    return PAGE.format(
        title=escape(f"{labels[instrument]}: {record}"),
        project=escape(str(project.structure.settings["project_title"])),
        instrument=escape(labels[instrument]),
        place=escape(_place_in_words(project, record, place)),
        rows="".join(_row(project, column, record, place) for column in project.layout.selected((), (instrument,))),
    )


def _number(written: str) -> int:
    return int(written) if written.isdigit() else 0


def _place(project: StoredProject, query: Mapping[str, str]) -> Place | None:
    event_id = _number(query.get("event_id", "")) or next(iter(project.event_names))
    if event_id not in project.event_names:
        return None
    name, instrument = project.event_name(event_id), query.get("page", "")
    instance = max(_number(query.get("instance", "")), 1)
    if project.dictionary.repeats(name, instrument):
        return Place(event_id, instrument, instance)
    return Place(event_id, "", instance if project.dictionary.event_repeats(name) else 0)


def _place_in_words(project: StoredProject, record: str, place: Place) -> str:
    event = next(event for event in project.structure.events if event.event_id == place.event_id)
    parts = [f"{project.id_field}: {record}", event.name if project.longitudinal else ""]
    parts.append(f"instance {place.instance}" if place.instance else "")
    if record not in project.values or place not in project.values[record].rows:
        parts.append("nothing is stored here")
    return " · ".join(part for part in parts if part)


def _row(project: StoredProject, column: Column, record: str, place: Place) -> str:
    value = project.values.stored(record, place).get(column.name, "")
    label = column.field.label if column.field else "Complete?"
    return f"<tr><th>{escape(label)} <small>{escape(column.name)}</small></th><td>{escape(value)}</td></tr>"
