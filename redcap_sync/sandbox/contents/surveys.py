"""surveyLink, surveyQueueLink, surveyAccessCode, surveyReturnCode, participantList: what respondents are sent."""

from __future__ import annotations

from typing import Any

from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid
from redcap_sync.sandbox.contents.files import place_named
from redcap_sync.sandbox.rendering import Answer, rows_answer, text_answer
from redcap_sync.sandbox.survey_codes import Response, queue_code

PARTICIPANT_KEYS = (
    "email",
    "email_occurrence",
    "identifier",
    "record",
    "invitation_sent_status",
    "invitation_send_time",
    "response_status",
    "survey_access_code",
    "survey_link",
    "survey_queue_link",
)


def survey_link(call: ApiCall) -> Answer:
    """The address of one survey for one record."""
    return text_answer(_link(call, _response(call)))


def survey_queue_link(call: ApiCall) -> Answer:
    """The address of a record's survey queue."""
    call.require("api_export")
    return text_answer(_queue_link(call, _record(call)))


def survey_access_code(call: ApiCall) -> Answer:
    """Nine characters a respondent types to reach the survey."""
    return text_answer(_response(call).code("access"))


def survey_return_code(call: ApiCall) -> Answer:
    """Eight characters that reopen a saved survey, where it may be saved and returned to."""
    response = _response(call)
    if call.project.structure.surveys[response.instrument].get("save_and_return") == "0":
        raise ApiError(f'The survey "{response.instrument}" does not have Save & Return Later enabled')
    return text_answer(response.code("return"))


def participant_list(call: ApiCall) -> Answer:
    """One row per record of the event's arm; the sandbox sends no invitations, so none was sent."""
    call.require("api_export", "manage_survey_participants")
    instrument = _instrument(call)
    place = place_named(call, instrument)
    records = [name for name in call.visible_records() if call.project.in_arm_of(name, place.event_id)]
    rows = [_participant(call, Response(call.project, record, place, instrument)) for record in records]
    return rows_answer(rows, call.parameters.format, columns=PARTICIPANT_KEYS)


def _participant(call: ApiCall, response: Response) -> dict[str, Any]:
    links = (response.code("access"), _link(call, response), _queue_link(call, response.record))
    return dict(zip(PARTICIPANT_KEYS, ("", 1, "", response.record, 0, "", response.status, *links), strict=True))


def _response(call: ApiCall) -> Response:
    call.require("api_export")
    instrument, record = _instrument(call), _record(call)
    place = place_named(call, instrument)
    if not call.project.in_arm_of(record, place.event_id):
        raise _no_record(record)
    return Response(call.project, record, place, instrument)


def _instrument(call: ApiCall) -> str:
    instrument = call.parameters.text("instrument")
    if instrument not in call.project.instrument_names:
        raise not_valid("instrument")
    if instrument not in call.project.structure.surveys:
        raise ApiError(f'The instrument "{instrument}" has not been enabled as a survey')
    return instrument


def _record(call: ApiCall) -> str:
    record = call.parameters.text("record")
    if not call.sees(record):
        raise _no_record(record)
    return record


def _no_record(record: str) -> ApiError:
    return ApiError(f'The record "{record}" does not exist')


def _link(call: ApiCall, response: Response) -> str:
    return f"{call.installation.public_url}/surveys/?s={response.code('link')}"


def _queue_link(call: ApiCall, record: str) -> str:
    return f"{call.installation.public_url}/surveys/?sq={queue_code(call.project, record)}"


HANDLERS = {
    "surveyLink": survey_link,
    "surveyQueueLink": survey_queue_link,
    "surveyAccessCode": survey_access_code,
    "surveyReturnCode": survey_return_code,
    "participantList": participant_list,
}
