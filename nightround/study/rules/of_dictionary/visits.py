"""A visit that is missing altogether is one finding.

It has no row of its own, so it is kept at the record's row of the arm's first event: only a row that is there can
prove that a finding is settled. It is shown at the visit, and its link leads there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nightround.model.errors import StudyFilesWrong
from nightround.model.rule import OF_COHORT, Check, Rule, RuleKind, RulePlace, Severity
from nightround.study.dictionary_rules_table import DictionaryRulesTable, VisitTable
from nightround.study.rules.of_dictionary.absences import unless, with_reasons
from nightround.study.rules.of_dictionary.rule_words import texts_of
from redcap_sync.dictionary import Dictionary, Event
from redcap_sync.errors import LogicError
from redcap_sync.logic import parse, to_json

SOURCE = "visits that the study expects"
USUAL = 0.5
"""The share of the records with a later visit that have a visit, from which the others are expected to have it."""


def visit_rules(dictionary: Dictionary, wanted: DictionaryRulesTable) -> Iterator[Rule]:
    """One rule for each visit the study names, and for others by what most records have.

    Raises StudyFilesWrong for an event that the study names and that cannot be expected.
    """
    named = {visit.event for visit in wanted.visits}
    for visit in wanted.visits:
        arm = _arm(dictionary, visit.event)
        yield from _rules(dictionary, wanted, visit.event, arm, _absent_visit(visit, arm))
    for event in dictionary.events if wanted.visit else ():
        arm = [one for one in dictionary.events if one.arm == event.arm]
        if event.unique_name in named or event is arm[0] or not _place(dictionary, event.unique_name):
            continue
        check = _usual_visit(event, arm, wanted.anchor)
        can_be_due = check.settings.get("later") or check.settings.keys() & {"formula", "refused"}
        if can_be_due and _first_row(dictionary, arm):
            yield from _rules(dictionary, wanted, event.unique_name, arm, check)


def _rules(
    dictionary: Dictionary, wanted: DictionaryRulesTable, name: str, arm: list[Event], check: Check
) -> Iterator[Rule]:
    """The rule on each record, and that on all of them together."""
    one = _rule(dictionary, wanted, name, arm, check)
    yield one
    event = next(event for event in arm if event.unique_name == name)
    texts = texts_of(RuleKind.LOST_VISIT, event.in_both)
    is_due = not check.settings.keys().isdisjoint(("formula", "refused"))
    yield replace(
        one,
        id=RuleKind.LOST_VISIT.rule_id(name),
        title=texts.title,
        problem=texts.problem,
        advice=texts.advice,
        severity=Severity.CRITICAL if is_due else Severity.MAJOR,
        owner=OF_COHORT,
        kind=RuleKind.LOST_VISIT,
        check=Check("lost_visit", (), {**check.settings, "check": "lost_visit"}),
    )


def _rule(dictionary: Dictionary, wanted: DictionaryRulesTable, name: str, arm: list[Event], check: Check) -> Rule:
    first, instrument = _anchor(dictionary, arm)
    event = next(one for one in arm if one.unique_name == name)
    texts = texts_of(RuleKind.VISIT, event.in_both)
    expected = [one for one in wanted.expected_missing if one.event == name]
    return Rule(
        id=RuleKind.VISIT.rule_id(name),
        title=texts.title,
        problem=texts.problem,
        instrument=instrument,
        events=(first,),
        discrepancy="",
        severity=wanted.visit_severity,
        fields=(),
        applies=unless("", expected),
        advice=with_reasons(texts.advice, expected),
        source=SOURCE,
        origin="dictionary",
        check=check,
        kind=RuleKind.VISIT,
        shown_at=_place(dictionary, name),
    )


def _place(dictionary: Dictionary, event: str) -> RulePlace | None:
    """The first instrument of the visit, one that does not repeat where there is any; None where it has none."""
    instruments = dictionary.instruments_at(event)
    first = min(instruments, key=lambda name: dictionary.repeats(event, name), default="")
    return RulePlace(event, first) if first else None


def _absent_visit(visit: VisitTable, arm: list[Event]) -> Check:
    names = [event.unique_name for event in arm]
    settings = {"visit": visit.event, "later": names[names.index(visit.event) + 1 :]}
    if not visit.due:
        return Check("absent_visit", (), settings)
    try:
        return Check("absent_visit", (), {**settings, "formula": to_json(parse(visit.due))})
    except LogicError as error:
        return Check("absent_visit", (), {"refused": error.part("what").document()})


def _usual_visit(event: Event, arm: list[Event], anchor: str) -> Check:
    """A visit that nobody named: overtaken by a later one, or later than REDCap's own offset from the anchor."""
    names = [one.unique_name for one in arm]
    later = names[names.index(event.unique_name) + 1 :]
    settings = {"visit": event.unique_name, "later": later, "share": USUAL}
    if not (anchor and event.day_offset):
        return Check("usual_visit", (), settings)
    due = f"datediff({anchor}, 'today', 'd', 'ymd', true) > {event.day_offset + event.offset_max}"
    try:
        return Check("usual_visit", (), {**settings, "formula": to_json(parse(due))})
    except LogicError as error:
        return Check("usual_visit", (), {"refused": error.part("what").document()})


def _arm(dictionary: Dictionary, name: str) -> list[Event]:
    """The events of the visit's arm, in order; the first of them is where records begin."""
    own = next((event for event in dictionary.events if event.unique_name == name), None)
    arm = [event for event in dictionary.events if own is not None and event.arm == own.arm]
    if own is None or arm[0] is own:
        raise StudyFilesWrong(
            "study.first_visit" if own else "study.unknown_visit", event=name, known=", ".join(dictionary.event_names)
        )
    return arm


def _anchor(dictionary: Dictionary, arm: list[Event]) -> tuple[str, str]:
    """The arm's first event, and an instrument that has the record's one row there."""
    first = arm[0].unique_name
    instrument = _first_row(dictionary, arm)
    if not instrument:
        raise StudyFilesWrong("study.no_visit", event=first)
    return first, instrument


def _first_row(dictionary: Dictionary, arm: list[Event]) -> str:
    """An instrument that has the record's one row in the arm's first event; '' where none has."""
    first = arm[0].unique_name
    here = () if dictionary.event_repeats(first) else dictionary.instruments_at(first)
    return next((name for name in here if not dictionary.repeats(first, name)), "")
