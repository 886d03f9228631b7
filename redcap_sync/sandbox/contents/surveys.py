"""surveyLink, surveyQueueLink, surveyAccessCode, surveyReturnCode, participantList: what respondents are sent."""

from __future__ import annotations

import string
from random import Random
from typing import Any

from redcap_sync.project.values import Place
from redcap_sync.sandbox.call import Call
from redcap_sync.sandbox.contents.files import place_named
from redcap_sync.sandbox.errors import ApiError, not_valid
from redcap_sync.sandbox.rendering import Answer, rows_answer, text_answer

LINK_LENGTH, ACCESS_LENGTH, RETURN_LENGTH = 10, 9, 8
LETTERS = string.ascii_uppercase + string.digits
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


def survey_link(call: Call) -> Answer:
    """The address of one survey for one record."""
    record, place, instrument = _survey(call)
    return text_answer(_link(call, record, place, instrument))


def survey_queue_link(call: Call) -> Answer:
    """The address of a record's survey queue."""
    call.require("api_export")
    return text_answer(_queue_link(call, _record(call)))


def survey_access_code(call: Call) -> Answer:
    """Nine characters a respondent types to reach the survey."""
    record, place, instrument = _survey(call)
    return text_answer(_code(call, "access", ACCESS_LENGTH, record, place, instrument))


def survey_return_code(call: Call) -> Answer:
    """Eight characters that reopen a saved survey, where it may be saved and returned to."""
    record, place, instrument = _survey(call)
    if call.project.structure.surveys[instrument].get("save_and_return") == "0":
        raise ApiError(f'The survey "{instrument}" does not have Save & Return Later enabled')
    return text_answer(_code(call, "return", RETURN_LENGTH, record, place, instrument))


def participant_list(call: Call) -> Answer:
    """One row per record; the sandbox sends no invitations, so none was sent."""
    call.require("api_export", "manage_survey_participants")
    instrument = _instrument(call)
    place = place_named(call, instrument)
    rows = [_participant(call, record, place, instrument) for record in call.visible_records()]
    return rows_answer(rows, call.parameters.format, columns=PARTICIPANT_KEYS)


def _participant(call: Call, record: str, place: Place, instrument: str) -> dict[str, Any]:
    status = call.project.values.stored(record, place).get(f"{instrument}_complete", "")
    answered = {"": 0, "2": 2}.get(status, 1)
    access = _code(call, "access", ACCESS_LENGTH, record, place, instrument)
    links = (_link(call, record, place, instrument), _queue_link(call, record))
    return dict(zip(PARTICIPANT_KEYS, ("", 1, "", record, 0, "", answered, access, *links), strict=True))


def _survey(call: Call) -> tuple[str, Place, str]:
    call.require("api_export")
    instrument = _instrument(call)
    record = _record(call)
    return record, place_named(call, instrument), instrument


def _instrument(call: Call) -> str:
    instrument = call.parameters.text("instrument")
    if instrument not in call.project.instrument_names:
        raise not_valid("instrument")
    if instrument not in call.project.structure.surveys:
        raise ApiError(f'The instrument "{instrument}" has not been enabled as a survey')
    return instrument


def _record(call: Call) -> str:
    record = call.parameters.text("record")
    if not call.sees(record):
        raise ApiError(f'The record "{record}" does not exist')
    return record


def _link(call: Call, record: str, place: Place, instrument: str) -> str:
    return f"{call.installation.public_url}/surveys/?s={_code(call, 'link', LINK_LENGTH, record, place, instrument)}"


def _queue_link(call: Call, record: str) -> str:
    return f"{call.installation.public_url}/surveys/?sq={_code(call, 'queue', LINK_LENGTH, record)}"


def _code(call: Call, purpose: str, length: int, *about: object) -> str:
    """Make a code that stays the same for the same survey, as a server keeps it."""
    letters = Random(f"{call.project.project_id}/{purpose}/{about}")
    return "".join(letters.choices(LETTERS, k=length))


HANDLERS = {
    "surveyLink": survey_link,
    "surveyQueueLink": survey_queue_link,
    "surveyAccessCode": survey_access_code,
    "surveyReturnCode": survey_return_code,
    "participantList": participant_list,
}
