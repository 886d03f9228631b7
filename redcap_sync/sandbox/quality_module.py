"""The Data Quality API module (vanderbilt-redcap/data_quality_api, MIT), as it answered when it was run.

What it does with calls that its README does not speak of was measured with the module as it is, and is played here
with its oddities, because a client has to live with them; `docs/sandbox.md` lists each with its test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from redcap_sync.project.query_threads import QueriedPlace, QueryThreads, StoredResolution, StoredThread
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError
from redcap_sync.sandbox.rendering import MEDIA_TYPES, Answer, json_text, text_answer
from redcap_sync.whole_numbers import whole_number

STATUSES = ("OPEN", "CLOSED", "VERIFIED", "DEVERIFIED")
RESPONSES = ("DATA_MISSING", "TYPOGRAPHICAL_ERROR", "CONFIRMED_CORRECT", "WRONG_SOURCE", "OTHER")
NOT_ENABLED = "Data may not be imported because the project does not have data quality enabled."


def answer_module(call: ApiCall) -> Answer:
    """Answer a call of the module. One for another project than the token's is answered with nothing at all."""
    query, enabled = call.parameters.query, call.project.structure.data_quality_module
    if not enabled or query.get("prefix") != enabled:
        raise ApiError("The requested module is not enabled on this project.")
    if query.get("pid") != str(call.project.project_id):
        return text_answer("")
    page = PAGES.get(query.get("page", ""))
    if page is None:
        raise ApiError("The requested page does not exist.", 404)
    return page(call)


def _export(call: ApiCall) -> Answer:
    """Every thread that the filters let through, by its id; `[]` where there is none.

    A filter of another name is ignored, and so is a user whom nobody knows. A thread whose field is no longer in the
    dictionary, or that has none, is left out.
    """
    wanted = [one for one in call.project.queries if _is_asked(call, one)]
    call.log("manage", "Manage/Design", details="Export data queries (API module)")
    shown = {str(one.status_id): _as_json(call, one) for one in wanted}
    return Answer(json_text(shown or []).encode(), MEDIA_TYPES["json"])


def _is_asked(call: ApiCall, thread: StoredThread) -> bool:
    parameters = call.parameters
    records = parameters.arrays.get("record") or (parameters.text("record"),)
    user, status = parameters.text("user"), parameters.text("status")
    return (
        thread.field_name in call.project.dictionary.by_name
        and (records == ("",) or thread.record in records)
        and (user not in call.project.structure.users or thread.assigned == user)
        and (not status or thread.query_status == status or (status == "OPEN" and not thread.query_status))
    )


def _as_json(call: ApiCall, thread: StoredThread) -> dict[str, Any]:
    values = call.project.values
    group = call.project.group(values[thread.record].group) if thread.record in values else None
    shown: dict[str, Any] = {
        "status_id": str(thread.status_id),
        "rule_id": None,
        "pd_rule_id": None,
        "non_rule": "1",
        "project_id": str(call.project.project_id),
        "record": thread.record,
        "event_id": str(thread.event_id),
        "field_name": thread.field_name,
        "repeat_instrument": thread.repeat_instrument or None,
        "instance": None if thread.instance is None else str(thread.instance),
        "status": None,
        "exclude": "0",
        "query_status": thread.query_status or None,
        "group_id": str(group.group_id) if group else None,
        "assigned_username": thread.assigned or None,
    }
    if thread.resolutions:
        shown["resolutions"] = {str(one.res_id): _line_as_json(thread, one) for one in thread.resolutions}
    return shown


def _line_as_json(thread: StoredThread, line: StoredResolution) -> dict[str, Any]:
    return {
        "res_id": str(line.res_id),
        "status_id": str(thread.status_id),
        "ts": line.ts,
        "response_requested": str(int(line.response_requested)),
        "response": line.response or None,
        "comment": line.comment or None,
        "current_query_status": line.status or None,
        "upload_doc_id": None,
        "field_comment_edited": "0",
        "username": line.username or None,
    }


def _import(call: ApiCall) -> Answer:
    """Add lines to threads, and threads where there is none; the answer is the ids of the new lines.

    Nothing that is passed over is said, and no right of the workflow is asked for.
    """
    if not call.project.structure.data_resolution_workflow:
        raise ApiError(NOT_ENABLED, 403)
    added: list[int] = []
    for row in _objects(call.parameters.text("data")):
        if (place := _place_in(call, row)) is not None:
            added += _import_row(call, place, row)
    call.log("manage", "Manage/Design", details="Import data queries (API module)")
    return Answer(json_text(added).encode(), MEDIA_TYPES["json"])


def _objects(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return _listed(found)


def _listed(found: Any) -> list[Mapping[str, Any]]:
    """The objects of a list or of an object: PHP goes through either."""
    values = found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ()
    return [one for one in values if isinstance(one, Mapping)]


def _place_in(call: ApiCall, row: Mapping[str, Any]) -> QueriedPlace | None:
    """What a row is about; None where it is passed over. A project with one event has no other, whatever is named."""
    project = call.project
    record, field = _text(row.get("record")), _text(row.get("field_name"))
    event_id = whole_number(_text(row.get("event_id")))
    if not project.longitudinal:
        event_id = project.events[0].event_id
    if field not in project.dictionary.by_name or event_id not in project.event_names or not record:
        return None
    if _text(row.get("project_id")) != str(project.project_id):
        return None
    return QueriedPlace(record, event_id, field, whole_number(_text(row.get("instance"))))


def _import_row(call: ApiCall, place: QueriedPlace, row: Mapping[str, Any]) -> Iterable[int]:
    threads = call.project.queries
    named = _text(row.get("status_id"))
    thread, by_place = _found(threads, place, named, _text(row.get("repeat_instrument")))
    if thread is None:
        # It is stored without its repeating instrument, whatever the row says.
        thread, by_place = threads.open_thread(place, assigned=_known_user(call, row.get("assigned_username"))), True
    lines = sorted(_listed(row.get("resolutions")), key=lambda one: str(_moment(one) or ""))
    own = str(thread.status_id)
    taken = [one for one in lines if by_place or _text(one.get("status_id")) in ("", own)]
    return _add_lines(call, thread, taken)


def _found(
    threads: QueryThreads, place: QueriedPlace, named: str, repeat_instrument: str
) -> tuple[StoredThread | None, bool]:
    """The thread a row goes to, and whether it is another than the one that the row names.

    Without a number in `status_id` the search ends in an error that nobody hears of, and finds nothing. With a
    repeating instrument the instance is not compared, so that the last thread of any instance is found.
    """
    number = whole_number(named)
    if number is None:
        return None, False
    found, by_place = None, False
    for one in threads:
        fits = one.place[:3] == place[:3] and (
            one.repeat_instrument == repeat_instrument if repeat_instrument else one.instance == place.instance
        )
        if one.status_id != number and fits:
            found, by_place = one, True
        elif one.status_id == number and one.place[:3] == place[:3] and place.instance in (None, one.instance):
            found, by_place = one, False
    return found, by_place


def _add_lines(call: ApiCall, thread: StoredThread, lines: Iterable[Mapping[str, Any]]) -> list[int]:
    """Add lines; the status becomes that of the last one, if it is newer than all that were there."""
    there = {one.key for one in thread.resolutions}
    newest = max((one.ts for one in thread.resolutions), default="")
    added: list[StoredResolution] = []
    for line in lines:
        made, moment = _line_of(call, line), _moment(line)
        if moment is None or made.key in there:
            continue
        there.add(made.key)
        added.append(call.project.queries.add(thread, made))
    if added and added[-1].ts > newest:
        call.project.queries.set_status(thread, added[-1].status)
    return [one.res_id for one in added]


def _line_of(call: ApiCall, line: Mapping[str, Any]) -> StoredResolution:
    response, status = _text(line.get("response")), _text(line.get("current_query_status"))
    requested = _text(line.get("response_requested")) == "1"
    if status not in STATUSES:
        status = "OPEN" if requested or response else ""
    return StoredResolution(
        res_id=0,
        ts=_text(line.get("ts")),
        username=_known_user(call, line.get("username")),
        response_requested=requested,
        response=response if response in RESPONSES else "",
        comment=_text(line.get("comment")),
        status=status,
    )


def _known_user(call: ApiCall, name: Any) -> str:
    """A user of the project; a name that nobody has is stored as nobody's."""
    written = _text(name)
    return written if written in call.project.structure.users else ""


def _moment(line: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.strptime(_text(line.get("ts")), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - server-local
    except ValueError:
        return None


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, list | Mapping) else str(value)


PAGES: Mapping[str, Callable[[ApiCall], Answer]] = {"export": _export, "import": _import}
