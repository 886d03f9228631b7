"""project and version: what is known of a project as a whole."""

from __future__ import annotations

from redcap_sync.sandbox.call import Call
from redcap_sync.sandbox.installation import VERSION
from redcap_sync.sandbox.rendering import Answer, rows_answer, text_answer


def export_project(call: Call) -> Answer:
    """One object, not a list, in JSON; one row in CSV."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export project information (API)")
    settings = dict(call.project.structure.settings)
    answer = rows_answer([settings], call.parameters.format, root="items")
    if call.parameters.format == "json":
        return Answer(answer.body[1:-1], answer.media_type)
    return answer


def export_version(call: Call) -> Answer:
    """The version as plain text, with no newline."""
    call.log("manage", "Manage/Design", details="Export REDCap version (API)")
    return text_answer(VERSION)


HANDLERS = {"project": export_project, "version": export_version}
