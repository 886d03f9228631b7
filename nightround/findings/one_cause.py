"""One cause, one finding: where several rules break on the same field of a row, the most specific one speaks."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from nightround.model.finding import Finding
from nightround.model.rule import Rule

ORIGINS = ("study", "redcap", "dictionary")
"""From the most specific: what the study wrote, what the project's Data Quality page has, what the dictionary says."""

_Rank = tuple[int, int, bool, int]


def speaking_for(live: Iterable[Finding], rules: Mapping[str, Rule], quiet: Container[str] = ()) -> dict[str, str]:
    """Of each live finding the id of the one that speaks for it; '' where it speaks for itself.

    Findings of one row have one cause where first field and owner are the same. A finding of a `quiet` rule, which is
    switched off, or of a rule that is gone speaks for no other. Of two rules none of which is more specific both speak.
    A finding of all rows together has no cause in common with another.
    One that nobody is asked about, because of what was said of it, speaks for those alone whose values it has all: what
    was said of it was not said of any other.
    """
    first: dict[Hashable, Finding] = {}
    groups: dict[Hashable, list[Finding]] = {}
    under: dict[str, str] = {}
    for one in live:
        under[one.id] = ""
        if one.fields and not one.others and not one.of_cohort:
            cause = (one.row, one.fields[0], one.owner)
            alike = first.setdefault(cause, one)
            if alike is not one:
                groups.setdefault(cause, [alike]).append(one)
    for found in groups.values():
        ranks = {one.id: _rank(one, rules.get(one.rule_id), quiet) for one in found}
        ordered = sorted(found, key=lambda one: (ranks[one.id], one.rule_id, one.id))
        under.update(_grouped(ordered, ranks))
    return under


def _grouped(found: Sequence[Finding], ranks: Mapping[str, _Rank]) -> dict[str, str]:
    """Which of the findings of one cause, the most specific first, speaks for which."""
    under: dict[str, str] = {}
    while found:
        best, *others = found
        mine = [one for one in others if ranks[one.id] > ranks[best.id] and _covers(best, one)]
        under.update({one.id: best.id for one in mine})
        found = [one for one in others if one.id not in under] if best.state.quiet else ()
    return under


def _covers(best: Finding, other: Finding) -> bool:
    """Whether a finding can speak for another; an open one can for each."""
    return not best.state.quiet or other.observed.items() <= best.observed.items()


def spoken_for(findings: Iterable[Finding], under: Mapping[str, str]) -> list[Finding]:
    """The findings, each with the one that speaks for it now."""
    return [one if one.under == under[one.id] else replace(one, under=under[one.id]) for one in findings]


def _rank(finding: Finding, rule: Rule | None, quiet: Container[str]) -> _Rank:
    """The most specific rule first: by its origin, then one that applies to some rows only, then the more severe."""
    if rule is None:
        return (2, len(ORIGINS), True, finding.severity.rank)
    everywhere = not (rule.applies or rule.events)
    return (int(rule.id in quiet), ORIGINS.index(rule.origin), everywhere, rule.severity.rank)
