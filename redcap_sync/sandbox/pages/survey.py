"""The page of a survey: its fields to be answered, saved for later or submitted; and a record's survey queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from html import escape

from redcap_sync.dictionary import Field
from redcap_sync.project.flat import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.branching import Laid, asked, branching_of, laid
from redcap_sync.sandbox.importing import Importer
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.pages.shell import instrument_label, link, page
from redcap_sync.sandbox.pages.widgets import widget
from redcap_sync.sandbox.storing import store_all
from redcap_sync.sandbox.survey_codes import BEGUN, Response, queue_of, response_of, responses

RESPONDENT = "[survey respondent]"
ASK_CODE = (
    '<form method="get" action="/surveys/"><label>{label} <input name="{name}" autocomplete="off"></label>{hidden}'
    "<button>Go</button></form>"
)
STATES = {0: "not begun", 1: "begun", 2: "complete"}
# The names of fields have no hyphen, so these are no answers.
LATER, AGAIN, SHOWN = "save-later", "lay-again", "shown-fields"
MORE_QUESTIONS = "Your answers lead to more questions. Nothing is stored yet: please answer them and submit."
ASK_AGAIN = (
    "<p>Which questions are asked depends on the answers given. "
    f'<button name="{AGAIN}" value="1">Show the questions that follow</button></p>'
)


def survey_page(installation: Installation, query: Mapping[str, str]) -> str | None:
    """Render what an address of a survey leads to; None where its code leads nowhere."""
    if code := query.get("sq"):
        found = queue_of(installation, code)
        return _queue_page(*found) if found else None
    response = _named(installation, query)
    if response is not None and response.completed and query.get("return") != response.code("return"):
        return _completed_page(response, query)
    if response is not None:
        stored = response.project.values.stored(response.record, response.place)
        return _form_page(response, laid(response, stored), [])
    if query.get("s") or query.get("code"):
        return None
    return page("Survey", "<h1>Survey</h1>", ASK_CODE.format(label="Access code", name="code", hidden=""))


def saved_survey(installation: Installation, query: Mapping[str, str], sent: Mapping[str, str]) -> str | None:
    """Store what a respondent sent, or show again what is wrong with it; None where the code leads nowhere."""
    response = _named(installation, query)
    if response is None:
        return None
    if response.completed and query.get("return") != response.code("return"):
        return _completed_page(response, query)
    survey = laid(response, _answers(response, sent))
    if AGAIN in sent:
        return _form_page(response, survey, [])
    submitted = LATER not in sent
    wrong = _held_back(response, survey, sent) if submitted else []
    wrong = wrong or _store(response, survey, submitted=submitted)
    if wrong:
        return _form_page(response, survey, wrong)
    code = response.code("return")
    told = "Thank you for taking the survey." if submitted else f"Your answers are kept. Return code: {code}"
    return page(_title(response), f"<h1>{escape(_title(response))}</h1>", f"<p>{told}</p>")


def _named(installation: Installation, query: Mapping[str, str]) -> Response | None:
    if code := query.get("code"):
        return response_of(installation, "access", code.strip().upper())
    return response_of(installation, "link", query.get("s", ""))


def _answers(response: Response, sent: Mapping[str, str]) -> dict[str, str]:
    """One value for each column: as sent, where an option that was not ticked is not; as stored where it was hidden."""
    stored = response.project.values.stored(response.record, response.place)
    return {
        name: (sent if _was_shown(field, sent) else stored).get(name, "0" if field.type == "checkbox" else "").strip()
        for field in asked(response)
        for name in field.columns
    }


def _was_shown(field: Field, sent: Mapping[str, str]) -> bool:
    """Whether the page that was sent had a question; who sends no page but answers alone saw them all."""
    return SHOWN not in sent or field.name in sent[SHOWN].split(",")


def _held_back(response: Response, survey: Laid, sent: Mapping[str, str]) -> list[str]:
    """Say why a survey cannot be submitted yet: questions that were not seen, or required ones without an answer."""
    questions = [field for field in asked(response) if field in survey.shown]
    if not all(_was_shown(field, sent) for field in questions):
        return [MORE_QUESTIONS]
    return [f"{field.label}: an answer is required" for field in questions if field.required and _blank(field, survey)]


def _blank(field: Field, survey: Laid) -> bool:
    return not {survey.values[name] for name in field.columns} - {"", "0" if field.type == "checkbox" else ""}


def _store(response: Response, survey: Laid, *, submitted: bool) -> list[str]:
    """Store the answers as an import would; return what is wrong with them, with nothing stored then."""
    project, place = response.project, response.place
    answers = {name: survey.values[name] for field in asked(response) for name in field.columns}
    row = {project.id_field: response.record, **answers, f"{response.instrument}_complete": "2" if submitted else "0"}
    if project.longitudinal:
        row[EVENT] = project.event_name(place.event_id)
    if place.instance:
        row |= {REPEAT_INSTRUMENT: place.instrument, REPEAT_INSTANCE: str(place.instance)}
    plan = Importer(project, overwrite=True).plan([row])
    if plan.errors:
        return [f"{name}: {message}" for _, name, _, message in plan.errors]
    store_all(project, plan.changes, partial(project.log, RESPONDENT), source="")
    moment = project.clock().strftime("%Y-%m-%d %H:%M:%S") if submitted else BEGUN
    project.values.write(response.record, place, {f"{response.instrument}_timestamp": moment})
    return []


def _title(response: Response) -> str:
    given = response.project.structure.surveys[response.instrument].get("title")
    return given or instrument_label(response.project, response.instrument)


def _completed_page(response: Response, query: Mapping[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(query[name])}">' for name in ("s", "code") if name in query
    )
    form = ASK_CODE.format(label="Return code", name="return", hidden=hidden)
    return page(_title(response), "<p>You have already completed this survey.</p>", form)


def _queue_page(project: StoredProject, record: str) -> str:
    items = "".join(
        f"<li>{link('/surveys/', _title(one), s=one.code('link'))}: {STATES[one.status]}</li>"
        for one in responses(project, record)
    )
    return page("Survey queue", "<h1>Survey queue</h1>", f"<ul>{items}</ul>")


def _form_page(response: Response, survey: Laid, wrong: list[str]) -> str:
    title = escape(_title(response))
    told = "".join(f'<p class="wrong">{escape(line)}</p>' for line in wrong)
    shown = ",".join(field.name for field in survey.shown)
    form = "".join(
        [
            f'<input type="hidden" name="{SHOWN}" value="{escape(shown)}">',
            *_questions(response, survey),
            ASK_AGAIN if _branches(response) else "",
            f'<p><button>Submit</button> <button name="{LATER}" value="1">Save &amp; Return Later</button></p>',
        ]
    )
    return page(_title(response), f"<h1>{title}</h1>", told, f'<form method="post">{form}</form>')


def _branches(response: Response) -> bool:
    return any(map(branching_of, response.project.dictionary.fields_of(response.instrument)))


def _questions(response: Response, survey: Laid) -> Iterator[str]:
    """The questions that are shown; the header of a section stands over the first of them, whichever that is."""
    header = ""
    for field in response.project.dictionary.fields_of(response.instrument):
        header = field.section_header or header
        if field in survey.shown:
            yield f"<h2>{escape(header)}</h2>" if header else ""
            yield _fieldset(field, survey.values)
            header = ""


def _fieldset(field: Field, values: Mapping[str, str]) -> str:
    unread = field.branching_logic.strip() and branching_of(field) is None
    always = "<br><small>always shown: its branching logic cannot be read</small>" if unread else ""
    note = f" <small>{escape(field.note)}</small>" if field.note else ""
    required = " *" if field.required else ""
    label = f"<legend>{escape(field.label)}{required}{always}</legend>"
    return f'<fieldset id="{escape(field.name)}-tr">{label}{widget(field, values)}{note}</fieldset>'
