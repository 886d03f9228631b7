"""The page behind a deep link: one instrument of one record, to be read; nothing can be changed on it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.query_threads import QueriedPlace, StoredResolution
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.pages.shell import heading, instrument_label, link, page, place_in_words, versioned
from redcap_sync.whole_numbers import whole_number


def entry_page(installation: Installation, query: Mapping[str, str]) -> str | None:
    """Render the page a deep link names; None where there is no such project, instrument or event."""
    project = project_named(installation, query)
    place = _place(project, query) if project else None
    instrument = query.get("page", "")
    if project is None or place is None or instrument not in project.instrument_names:
        return None
    record, label = query.get("id", ""), instrument_label(project, instrument)
    home = link(versioned("DataEntry/record_home.php"), "all instruments", pid=project.project_id, id=record)
    columns = project.layout.selected((), (instrument,))
    rows = "".join(_row(project, column, record, place) for column in columns)
    where = f"<p>{place_in_words(project, record, place)} · {home}</p>"
    return page(f"{label}: {record}", heading(project), f"<h2>{escape(label)}</h2>", where, f"<table>{rows}</table>")


def project_named(installation: Installation, query: Mapping[str, str]) -> StoredProject | None:
    """Find the project of an address."""
    return installation.projects.get(whole_number(query.get("pid", "")) or 0)


def _place(project: StoredProject, query: Mapping[str, str]) -> ValuePlace | None:
    asked = query.get("event_id", "")
    event_id = whole_number(asked) if asked else next(iter(project.event_names), None)
    if event_id not in project.event_names:
        return None
    name, instrument = project.event_name(event_id), query.get("page", "")
    instance = whole_number(query.get("instance", "")) or 1
    if project.dictionary.repeats(name, instrument):
        return ValuePlace(event_id, instrument, instance)
    return ValuePlace(event_id, "", instance if project.dictionary.event_repeats(name) else 0)


def _row(project: StoredProject, column: ExportColumn, record: str, place: ValuePlace) -> str:
    """Write a value; the first row of a field carries the mark that links of REDCap jump to."""
    value = project.values.stored(record, place).get(column.name, "")
    label = column.field.label if column.field else "Complete?"
    option = f": {column.option.label}" if column.option else ""
    field = column.field.name if column.field else column.name
    first = column.field is None or column.name == next(iter(project.dictionary.columns_of_field(column.field)))
    mark = f' id="{escape(field)}-tr"' if first else ""
    queries = _queries(project, QueriedPlace(record, place.event_id, field, place.instance or 1)) if first else ""
    head = f"<th>{escape(label + option)} <small>{escape(column.name)}</small></th>"
    return f"<tr{mark}>{head}<td>{escape(value)}{queries}</td></tr>"


def _queries(project: StoredProject, place: QueriedPlace) -> str:
    """The data queries about a field, line by line, as the Data Resolution Workflow has them."""
    return "".join(
        f"<details open><summary>Data query: {escape(thread.query_status or 'comments')}</summary>"
        + "".join(_query_line(line) for line in thread.resolutions)
        + "</details>"
        for thread in project.queries
        if thread.place == place
    )


def _query_line(line: StoredResolution) -> str:
    said = " · ".join(filter(None, (line.ts, line.username or "nobody", line.status, line.response)))
    return f"<p><small>{escape(said)}</small><br>{'<br>'.join(map(escape, line.comment.splitlines()))}</p>"
