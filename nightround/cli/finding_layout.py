"""What `nightround finding` prints for a reader: where a finding is, its answer, and its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nightround.cli.printing import head, number, padded, print_table, say, value, words
from nightround.model.finding_answer import AnswerCode, Why
from nightround.texts.catalogue import wording
from nightround.texts.labels import at_visits, words_of_label

if TYPE_CHECKING:
    from nightround.model.finding import Finding
    from nightround.model.language import Language
    from nightround.store.finding_rows import HistoryEntry

NAME_WIDTH = 12
"""Places of the name of a fact."""
PLACE = ("record", "event", "instrument", "instance", "fields")


def print_finding(one: Finding, document: Mapping[str, Any], title: str, language: Language) -> None:
    """Print a finding, a fact on each line; `document` is its JSON form."""
    for name, fact in _facts(one, document, title, language):
        say(f"{padded(head(name, language), NAME_WIDTH)} {fact}".rstrip())
    for line in _corrected(one, language):
        say(line)
    for name, fact in _answered(one, language):
        say(f"{padded(head(name, language), NAME_WIDTH)} {fact}")


def print_history(history: Sequence[HistoryEntry], language: Language) -> None:
    """Print the history of a finding, a row for each change."""
    at, run, change, was, by, why, comment = (
        head(name, language) for name in ("at", "run", "change", "was", "by", "why", "comment")
    )
    columns = (at, number(run), change, was, by, why, words(comment))
    print_table(columns, [_history_line(entry, language) for entry in history])


def _facts(one: Finding, document: Mapping[str, Any], title: str, language: Language) -> Iterator[tuple[str, str]]:
    """Name and text of each fact, where it is and what it is compared with first."""
    yield from (("id", one.id), ("rule_id", one.rule_id), ("title", title))
    for name in PLACE:
        fact = document[name]
        yield name, " ".join(fact) if isinstance(fact, list) else str(fact)
    for involved in document["involved"]:
        yield "compare", _compared(involved, language)
    if one.group:
        yield "group", one.group
    for other in one.others:
        yield "with", " ".join(str(part) for part in other if part)
    yield "severity", value("severity", one.severity, language)
    yield "owner", one.owner
    yield "state", value("state", one.state, language)
    yield "resolution", value("resolution", one.resolution or "", language)
    yield "proof", value("proof", one.proof.grade if one.proof else "", language)
    yield "link", document["link"] or ""


def _compared(involved: Mapping[str, Any], language: Language) -> str:
    """A field by label and name, with its visits where it is read at another one too."""
    visits = [words_of_label(event["label"]).in_(language) for event in involved["events"]]
    return f"{at_visits(involved['label'] or involved['field'], visits, language)} ({involved['field']})"


def _corrected(one: Finding, language: Language) -> Iterator[str]:
    """Who corrected it, where one line of REDCap's log says so, or that nothing was changed."""
    if one.closed_without_change:
        yield wording(language)("terminal.findings.closed_without_change")
    elif one.proof and one.proof.by:
        yield wording(language)("terminal.findings.changed_by", by=one.proof.by, at=one.proof.at)


def _answered(one: Finding, language: Language) -> Iterator[tuple[str, str]]:
    """What a person answered, who accepted it, and until when it is valid."""
    given = one.snooze or one.answer
    if given is None:
        return
    answer = _answer_word(one, language)
    phrase = wording(language)
    yield "said", phrase("printed.said.by", answer=answer, by=given.by, at=_hour(given.at))
    if one.answer and one.answer.accepted_at:
        accepted = {"by": one.answer.accepted_by, "at": _hour(one.answer.accepted_at)}
        yield "accepted", phrase("printed.said.accepted", **accepted)
    if given.until:
        yield "until", given.until.isoformat()
    if given.comment:
        yield "comment", given.comment


def _answer_word(one: Finding, language: Language) -> str:
    if one.snooze or one.answer is None:
        return value("state", "snoozed", language)
    return value("answer_code", one.answer.code, language)


def _history_line(entry: HistoryEntry, language: Language) -> tuple[str, ...]:
    why = _why(entry.why, language) or value("resolution", entry.resolution or "", language)
    was = value("state", entry.was or "", language)
    return (
        _hour(entry.at),
        str(entry.run_id),
        value("change", entry.change, language),
        was,
        entry.by,
        why,
        entry.comment,
    )


def _why(why: str, language: Language) -> str:
    """The word for a reason or the code of an answer; a day is shown as it is."""
    kind = "why" if why in set(Why) else "answer_code" if why in set(AnswerCode) else ""
    return value(kind, why, language) if kind else why


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
