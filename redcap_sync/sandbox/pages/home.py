"""Pages that lead to others: the start, a project with its records, a record with its instruments."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from redcap_sync.project.flat import places_in_order
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.pages.entry import project_named
from redcap_sync.sandbox.pages.shell import heading, instrument_label, link, page, versioned

MOST_RECORDS = 1000


def start_page(installation: Installation) -> str:
    """List the projects."""
    found = "".join(f"<li>{_project_link(project)}</li>" for project in installation.projects.values())
    api = "<p>The API answers to POST at <code>/api/</code>.</p>"
    return page("REDCap sandbox", "<h1>Projects</h1>", f"<ul>{found}</ul>", api)


def _project_link(project: StoredProject) -> str:
    title = str(project.structure.settings["project_title"])
    return link(versioned("index.php"), title, pid=project.project_id)


def project_page(installation: Installation, query: Mapping[str, str]) -> str | None:
    """List the records of a project, the first thousand of many."""
    project = project_named(installation, query)
    if project is None:
        return None
    names, home = project.values.names(), versioned("DataEntry/record_home.php")
    items = (f"<li>{link(home, name, pid=project.project_id, id=name)}</li>" for name in names[:MOST_RECORDS])
    counted = f"<p>{len(names)} records, {len(project.structure.metadata)} fields</p>"
    title = str(project.structure.settings["project_title"])
    return page(title, heading(project), counted, f"<ul>{''.join(items)}</ul>")


def record_home_page(installation: Installation, query: Mapping[str, str]) -> str | None:
    """List the instruments of a record by event and instance; None where there is no such record."""
    project, record = project_named(installation, query), query.get("id", "")
    if project is None or record not in project.values:
        return None
    rows = "".join(_row(project, record, place) for place in places_in_order(project, record))
    named = f"<h2>{escape(project.id_field)}: {escape(record)}</h2>"
    return page(f"{project.id_field}: {record}", heading(project), named, f"<table>{rows}</table>")


def _row(project: StoredProject, record: str, place: ValuePlace) -> str:
    event = next(event for event in project.structure.events if event.event_id == place.event_id)
    name = project.event_name(place.event_id)
    repeats = project.dictionary.repeats
    here = [place.instrument] if place.instrument else project.dictionary.instruments_at(name)
    where = {"pid": project.project_id, "id": record, "instance": place.instance or ""}
    where["event_id"] = place.event_id if project.longitudinal else ""
    links = (
        link(versioned("DataEntry/index.php"), instrument_label(project, one), page=one, **where)
        for one in here
        if place.instrument or not repeats(name, one)
    )
    parts = [event.name if project.longitudinal else "", f"instance {place.instance}" if place.instance else ""]
    title = " · ".join(part for part in parts if part)
    return f"<tr><th>{escape(title)}</th><td>{', '.join(links)}</td></tr>"
