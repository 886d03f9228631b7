"""What a test on all rows together saw, and could have seen, in both languages."""

from __future__ import annotations

from nightround.model.language import LANGUAGES, Words
from nightround.model.rule import Rule
from nightround.texts.catalogue import SEPARATORS, words
from nightround.texts.labels import words_of_label
from nightround.validation.cohort_checks import CohortSeen
from redcap_sync.dictionary import Dictionary

SMALLEST_P = 1e-6
"""Smaller ones are all called so: further digits would be those of an approximation."""
PERCENT = 100
LOST_VISIT = "lost_visit"
SHARES = ("digit_preference", "copied_rows")
"""Checks whose smallest effect is a share of the values."""


def fields_of(rule: Rule, seen: CohortSeen) -> tuple[str, ...]:
    """The fields of one test of a rule."""
    columns = rule.check.columns if rule.check else ()
    return tuple(columns[number] for number in seen.fields)


def finding_words(rule: Rule, seen: CohortSeen, dictionary: Dictionary) -> Words:
    """What a finding is shown as: the rule's words, of what and whom, and the numbers."""
    if _check(rule) == LOST_VISIT:
        return words("cohort.plain", title=rule.finding_title, seen=_seen(rule, seen))
    facts = {"title": rule.finding_title, "where": _where(rule, seen, dictionary), "seen": _seen(rule, seen)}
    return words("cohort.finding", **facts, p=_p(seen))


def note_of(rule: Rule, seen: CohortSeen, dictionary: Dictionary) -> Words:
    """What one test of a rule saw, and what it could have seen."""
    where = _where(rule, seen, dictionary)
    if _check(rule) == LOST_VISIT:
        return words("cohort.plain", title=rule.title, seen=_seen(rule, seen))
    if seen.p is None:
        return words("cohort.too_few", where=where, n=seen.n)
    return words("cohort.note", where=where, seen=_seen(rule, seen), p=_p(seen), least=_least(rule, seen))


def _where(rule: Rule, seen: CohortSeen, dictionary: Dictionary) -> Words:
    """The fields by their labels, and the group."""
    labels = {one.name: one.label for one in dictionary.fields}
    named = [words_of_label(labels.get(name, "") or name) for name in fields_of(rule, seen)]
    fields = Words(*(SEPARATORS[language].join(one.in_(language) for one in named) for language in LANGUAGES))
    return words("cohort.of_group", fields=fields, group=seen.group) if seen.group else fields


def _check(rule: Rule) -> str:
    return str(rule.check.settings["check"]) if rule.check else ""


def _seen(rule: Rule, seen: CohortSeen) -> Words:
    return words(f"cohort.{_check(rule)}", n=seen.n, **{name: f"{value:.3g}" for name, value in seen.facts.items()})


def _least(rule: Rule, seen: CohortSeen) -> Words:
    if seen.least is None:
        return words("cohort.least_nothing")
    least = f"{seen.least * PERCENT:.0f}%" if _check(rule) in SHARES else f"{seen.least:.2g}"
    return words(f"cohort.least_{_check(rule)}", least=least)


def _p(seen: CohortSeen) -> str:
    p = 1.0 if seen.p is None else seen.p
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"= {p:.2g}"
