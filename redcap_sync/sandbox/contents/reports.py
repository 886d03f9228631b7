"""report: rows as a report that was made in REDCap's pages shows them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from redcap_sync.project.flat import FlatRow, Selection
from redcap_sync.project.structure import Report
from redcap_sync.project.values import natural_order
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import not_valid
from redcap_sync.sandbox.contents.exports import flat_answer
from redcap_sync.sandbox.exporting import asked_shape, hashes_ids, permitted
from redcap_sync.sandbox.logic_rows import filter_of
from redcap_sync.sandbox.rendering import Answer


def export_report(call: ApiCall) -> Answer:
    """The rows of a report: its fields behind the record id, filtered and sorted as it says."""
    call.require("api_export", "reports")
    report = _report(call)
    project = call.project
    by_field = {name: project.layout.selected({name}, ()) for name in report.fields}
    columns = tuple(
        column for name in dict.fromkeys([project.id_field, *by_field]) for column in by_field.get(name, ())
    )
    if project.id_field not in by_field:
        columns = (project.layout.by_name[project.id_field], *columns)
    selection = Selection(
        project=project,
        columns=permitted(call, columns),
        records=call.visible_records(),
        event_ids=frozenset(project.event_names),
        with_group=report.with_groups and not call.user.group,
        with_survey=report.with_survey_fields,
        keep=filter_of(project, report.logic, call.user.username) if report.logic else None,
        hashed_ids=hashes_ids(call),
    )
    shape = replace(asked_shape(call), combine=report.combine_checkboxes)
    call.log("export", "Data export (API)", details=f"Report: {report.title}")
    return flat_answer(call, selection, shape, in_order=lambda rows: _sorted(report, rows))


def _report(call: ApiCall) -> Report:
    wanted = call.parameters.text("report_id")
    for report in call.project.structure.reports:
        if str(report.report_id) == wanted:
            return report
    raise not_valid("report_id")


def _sorted(report: Report, rows: list[FlatRow]) -> list[FlatRow]:
    """Sort by the last key first, because sorting keeps the order of equals."""
    for name, descending in reversed(report.order):
        rows.sort(key=partial(_sort_key, name), reverse=descending)
    return rows


def _sort_key(name: str, row: FlatRow) -> tuple[tuple[int, int, str, str], ...]:
    return natural_order(row.cells.get(name, ""))


HANDLERS = {"report": export_report}
