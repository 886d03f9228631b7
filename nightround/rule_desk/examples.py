"""The examples of a rule run as its tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from nightround.model.rule import Example, Rule
from nightround.study.rules.needed_fields import judged_needs
from redcap_sync.column_name import ColumnName
from redcap_sync.logic import holds, parse
from redcap_sync.missing_codes import codes_at

EXAMPLE_TIME = datetime(2025, 1, 1)  # noqa: DTZ001 - what `today` means in an example
BOTH_KINDS = frozenset({"passes", "fails"})


@dataclass(frozen=True)
class ExamplesRun:
    """What the examples of some rules came to."""

    count: int
    wrong: tuple[str, ...]
    """A line for each example whose verdict is another than the one written next to it."""
    bare: tuple[str, ...]
    """Rules without an example that passes, or without one that fails."""

    @property
    def right(self) -> bool:
        """Whether every example is right and every rule has enough of them."""
        return not self.wrong and not self.bare


def run_examples(rules: Iterable[Rule], codes: Collection[str] = ()) -> ExamplesRun:
    """Run every example of the rules; `codes` are the project's missing data codes."""
    rules = tuple(rules)
    return ExamplesRun(
        count=sum(len(rule.examples) for rule in rules),
        wrong=tuple(
            f"{rule.id}: {dict(example.values)} {found}, not {example.verdict}"
            for rule in rules
            for example in rule.examples
            if (found := verdict(rule, example, codes)) != example.verdict
        ),
        bare=tuple(rule.id for rule in rules if not rule.check and lacks_examples(rule)),
    )


def lacks_examples(rule: Rule) -> bool:
    """Say whether no example of the rule passes, or none fails."""
    return not {example.verdict for example in rule.examples} >= BOTH_KINDS


def verdict(rule: Rule, example: Example, codes: Collection[str] = ()) -> str:
    """What a rule says of an example's row, by the slow interpreter: passes, fails or skipped.

    `codes` are the project's missing data codes.
    """
    row, discrepancy = example.values, parse(rule.discrepancy)
    if rule.applies and not holds(parse(rule.applies), row, now=EXAMPLE_TIME, missing_codes=codes):
        return "skipped"
    needed = ((column, row.get(column, "")) for column in judged_needs(rule.needs, discrepancy, codes))
    if any(text == "" or text in codes_at(codes, ColumnName.parse(column).field) for column, text in needed):
        return "skipped"
    return "fails" if holds(discrepancy, row, now=EXAMPLE_TIME, missing_codes=codes) else "passes"
