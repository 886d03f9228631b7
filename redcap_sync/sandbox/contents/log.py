"""log: the project's log, newest first, with the resolution of a minute."""

from __future__ import annotations

from redcap_sync.project.journal import RECORD_KINDS, LogEntry
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.rendering import Answer, rows_answer

KEYS = ("timestamp", "username", "action", "details", "record")


def export_log(call: ApiCall) -> Answer:
    """Entries that match every filter; it logs itself like any other call."""
    call.require("api_export", "logging")
    rows = [_row(entry) for entry in call.project.journal.newest_first() if _matches(call, entry)]
    call.log("manage", "Manage/Design", details="Export Logging (API)")
    return rows_answer(rows, call.parameters.format, columns=KEYS)


def _row(entry: LogEntry) -> dict[str, str]:
    stamp = entry.moment.strftime("%Y-%m-%d %H:%M")
    return dict(zip(KEYS, (stamp, entry.username, entry.action, entry.details, entry.record), strict=True))


def _matches(call: ApiCall, entry: LogEntry) -> bool:
    parameters = call.parameters
    begin, end = parameters.moment("beginTime"), parameters.moment("endTime")
    group_id = parameters.text("dag")
    groups = {str(group.group_id): group.unique_name for group in call.project.structure.groups}
    return (
        _of_kind(entry, parameters.text("logtype"))
        and parameters.text("user") in ("", entry.username)
        and parameters.text("record") in ("", entry.record)
        and (begin is None or entry.moment >= begin)
        and (end is None or entry.moment <= end)
        and (not group_id or entry.group == groups.get(group_id))
        and (not call.user.group or entry.group == call.user.group)
    )


def _of_kind(entry: LogEntry, asked: str) -> bool:
    if not asked:
        return entry.kind != "page_view"
    return entry.kind == asked or (asked == "record" and entry.kind in RECORD_KINDS)


HANDLERS = {"log": export_log}
