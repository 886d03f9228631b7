"""One cause, one finding: where several rules break on the same field of a row, the most specific one speaks."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Mapping
from dataclasses import replace

from nightround.model.finding import Finding
from nightround.model.rule import Rule

ORIGINS = ("study", "redcap", "dictionary")
"""From the most specific: what the study wrote, what the project's Data Quality page has, what the dictionary says."""


def speaking_for(
    still_open: Iterable[Finding], rules: Mapping[str, Rule], quiet: Container[str] = ()
) -> dict[str, str]:
    """Of each open finding the id of the one that speaks for it; '' where it speaks for itself.

    Findings of one row have one cause where first field and owner are the same. A finding of a `quiet` rule, which is
    switched off, or of a rule that is gone speaks for no other. Of two rules none of which is more specific both speak.
    A finding of all rows together has no cause in common with another.
    """
    first: dict[Hashable, Finding] = {}
    groups: dict[Hashable, list[Finding]] = {}
    under: dict[str, str] = {}
    for one in still_open:
        under[one.id] = ""
        if one.fields and not one.others and not one.of_cohort:
            cause = (one.row, one.fields[0], one.owner)
            alike = first.setdefault(cause, one)
            if alike is not one:
                groups.setdefault(cause, [alike]).append(one)
    for found in groups.values():
        ranks = {one.id: _rank(one, rules.get(one.rule_id), quiet) for one in found}
        best = min(found, key=lambda one: (ranks[one.id], one.rule_id, one.id))
        under.update({one.id: best.id for one in found if ranks[one.id] > ranks[best.id]})
    return under


def spoken_for(findings: Iterable[Finding], under: Mapping[str, str]) -> list[Finding]:
    """The findings, each with the one that speaks for it now."""
    return [one if one.under == under[one.id] else replace(one, under=under[one.id]) for one in findings]


def _rank(finding: Finding, rule: Rule | None, quiet: Container[str]) -> tuple[int, int, bool, int]:
    """The most specific rule first: by its origin, then one that applies to some rows only, then the more severe."""
    if rule is None:
        return (2, len(ORIGINS), True, finding.severity.rank)
    everywhere = not (rule.applies or rule.events)
    return (int(rule.id in quiet), ORIGINS.index(rule.origin), everywhere, rule.severity.rank)
