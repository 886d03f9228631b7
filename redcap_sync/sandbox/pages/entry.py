"""The page behind a deep link: one instrument of one record, to be read and typed into in the name of a user."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from redcap_sync.dictionary import COMPLETE_STATES, Field
from redcap_sync.project.flat import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.query_threads import QueriedPlace, StoredResolution, StoredThread
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError
from redcap_sync.sandbox.contents.imports import checked_rows
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.pages.shell import heading, instrument_label, link, page, place_in_words, versioned
from redcap_sync.sandbox.pages.widgets import option, radios, widget
from redcap_sync.sandbox.parameters import Parameters
from redcap_sync.sandbox.storing import store_all
from redcap_sync.whole_numbers import whole_number

# The names of fields have no hyphen, so these are no values.
BY, SHOWN = "saved-by", "shown-columns"
READ_ONLY = re.compile(r"@READONLY(?:-FORM)?(?![\w-])")
NO_USER = "Choose the user in whose name this is saved."
LOCKED = "This instrument is locked for this record: it can only be read."


def entry_page(installation: Installation, query: Mapping[str, str]) -> str | None:
    """Render the page a deep link names; None where there is no such project, instrument or event."""
    entry = _entry(installation, query)
    return entry.page("") if entry else None


def saved_entry(installation: Installation, query: Mapping[str, str], sent: Mapping[str, str]) -> str | None:
    """Store what a person typed and say what became of it; None where there is no such page.

    Of a form that names what it showed, a choice that is not sent is blank; else only what is sent is stored.
    """
    entry = _entry(installation, query)
    return entry.page(entry.saved(installation, sent)) if entry else None


def project_named(installation: Installation, query: Mapping[str, str]) -> StoredProject | None:
    """Find the project of an address."""
    return installation.projects.get(whole_number(query.get("pid", "")) or 0)


def _entry(installation: Installation, query: Mapping[str, str]) -> _Entry | None:
    project = project_named(installation, query)
    place = _place(project, query) if project else None
    instrument = query.get("page", "")
    if project is None or place is None or instrument not in project.instrument_names:
        return None
    return _Entry(project, query.get("id", ""), instrument, place)


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


@dataclass(frozen=True)
class _Entry:
    """One instrument of one record, at an event and in an instance."""

    project: StoredProject
    record: str
    instrument: str
    place: ValuePlace

    def page(self, said: str) -> str:
        """The page, with what became of what was sent."""
        project, record = self.project, self.record
        label = instrument_label(project, self.instrument)
        home = link(versioned("DataEntry/record_home.php"), "all instruments", pid=project.project_id, id=record)
        parts = [
            heading(project),
            f"<h2>{escape(label)}</h2>",
            f"<p>{place_in_words(project, record, self.place)} · {home}</p>",
            said,
            f'<form method="post">{self._form()}</form>',
        ]
        return page(f"{label}: {record}", *parts)

    def saved(self, installation: Installation, sent: Mapping[str, str]) -> str:
        """Store what was sent as an import would, and say so; what is wrong with it otherwise."""
        user = next((one for one in self.project.structure.users.values() if one.username == sent.get(BY)), None)
        if user is None:
            return _wrong(NO_USER)
        call = ApiCall(installation, self.project, user, Parameters({"overwriteBehavior": "overwrite"}, {}))
        try:
            changes = checked_rows(call, [self._row(sent)])
        except ApiError as refused:
            return _wrong(refused.message)
        store_all(self.project, changes, call.log, source="")
        return f"<p>Saved by {escape(user.username)}.</p>"

    def _row(self, sent: Mapping[str, str]) -> dict[str, str]:
        """What was sent as a row of an import."""
        shown = sent.get(SHOWN, "").split(",")
        columns = [one for one in self._columns() if self._is_typed(one) and (one.name in sent or one.name in shown)]
        cells = {one.name: sent.get(one.name, "0" if one.is_checkbox else "").strip() for one in columns}
        row = {self.project.id_field: self.record, **cells}
        if self.project.longitudinal:
            row[EVENT] = self.project.event_name(self.place.event_id)
        if self.place.instance:
            row |= {REPEAT_INSTRUMENT: self.place.instrument, REPEAT_INSTANCE: str(self.place.instance)}
        return row

    def _columns(self) -> tuple[ExportColumn, ...]:
        return self.project.layout.selected((), (self.instrument,))

    def _is_typed(self, column: ExportColumn) -> bool:
        """Whether a person types it: a calculation, a document, the record's id and what is read-only are shown."""
        if column.field is None:
            return True
        shown = column.field.type in ("calc", "file", "descriptive") or READ_ONLY.search(column.field.annotation)
        return not shown and column.name != self.project.id_field

    def _form(self) -> str:
        rows = f"<table>{''.join(map(self._line, self._columns()))}</table>"
        stored = self.project.values
        if self.record in stored and (self.place, self.instrument) in stored[self.record].locked:
            return _wrong(LOCKED) + rows
        shown = ",".join(one.name for one in self._columns() if self._is_typed(one))
        users = "".join(f"<option>{escape(one.username)}</option>" for one in self.project.structure.users.values())
        chosen = f'<label>as <select name="{BY}">{users}</select></label>'
        hidden = f'<input type="hidden" name="{SHOWN}" value="{escape(shown)}">'
        return f"{hidden}{rows}<p><button>Save</button> {chosen}</p>"

    def _line(self, column: ExportColumn) -> str:
        """A value to be typed; the first row of a field carries the mark that links of REDCap jump to."""
        value = self.project.values.stored(self.record, self.place).get(column.name, "")
        label = column.field.label if column.field else "Complete?"
        named = f": {column.option.label}" if column.option else ""
        field = column.field.name if column.field else column.name
        first = column.field is None or column.name == self._first_column(column.field)
        mark = f' id="{escape(field)}-tr"' if first else ""
        head = f"<th>{escape(label + named)} <small>{escape(column.name)}</small></th>"
        section = column.field.section_header if column.field and first else ""
        over = f'<tr><th colspan="2"><b>{escape(section)}</b></th></tr>' if section else ""
        queries = self._queries(field) if first else ""
        return f"{over}<tr{mark}>{head}<td>{self._widget(column, value)}{queries}</td></tr>"

    def _queries(self, field: str) -> str:
        """The data queries about a field, line by line, as the Data Resolution Workflow has them."""
        place = QueriedPlace(self.record, self.place.event_id, field, self.place.instance or 1)
        return "".join(map(_query, (thread for thread in self.project.queries if thread.place == place)))

    def _first_column(self, field: Field) -> str:
        return next(iter(self.project.dictionary.columns_of_field(field)))

    def _widget(self, column: ExportColumn, value: str) -> str:
        choices = list(_choices(column))
        if not self._is_typed(column):
            return escape(dict(choices).get(value, value))
        if column.is_checkbox:
            return option("checkbox", column.name, "1", "", on=value == "1")
        if not choices and column.field is not None:
            return widget(column.field, {column.name: value})
        known = {code for code, _ in choices}
        return radios(column.name, [*choices, *([(value, value)] if value and value not in known else [])], value)


def _choices(column: ExportColumn) -> Iterator[tuple[str, str]]:
    """The codes and labels to choose among; none of what is typed."""
    if column.field is None:
        yield from COMPLETE_STATES
        return
    yield from ((one.code, one.label) for one in column.field.choices)


def _wrong(said: str) -> str:
    return "".join(f'<p class="wrong">{escape(line)}</p>' for line in said.splitlines())


def _query(thread: StoredThread) -> str:
    lines = "".join(_query_line(line) for line in thread.resolutions)
    return f"<details open><summary>Data query: {escape(thread.query_status or 'comments')}</summary>{lines}</details>"


def _query_line(line: StoredResolution) -> str:
    said = " · ".join(filter(None, (line.ts, line.username or "nobody", line.status, line.response)))
    return f"<p><small>{escape(said)}</small><br>{'<br>'.join(map(escape, line.comment.splitlines()))}</p>"
