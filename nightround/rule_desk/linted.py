"""A rule under the lint: its logic as trees, the references it makes, and the events it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from nightround.model.rule import Rule
from nightround.rule_desk.remarks import Remark, RemarkLevel
from nightround.study.rules.needed_fields import judged_needs
from nightround.validation.compiled_check import compile_check
from nightround.validation.row_scope import rows_that_can_hold
from redcap_sync.column_name import AS_TEXT
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Expression, Reference, parse, references
from redcap_sync.missing_codes import MissingCodes

ALWAYS, NEVER = parse("1 = 1"), parse("1 = 0")


@dataclass(frozen=True)
class Linted:
    """A rule whose logic could be read, next to the dictionary it is compared with."""

    rule: Rule
    dictionary: Dictionary

    @cached_property
    def discrepancy(self) -> Expression:
        """What is true where the rule is broken; never, where it looks for something that logic cannot say."""
        return NEVER if self.rule.check else parse(self.rule.discrepancy)

    @cached_property
    def applies(self) -> Expression:
        """What is true where the rule applies."""
        return parse(self.rule.applies) if self.rule.applies else ALWAYS

    @cached_property
    def read(self) -> tuple[Reference, ...]:
        """Every reference of the logic and of the check, once each."""
        checked = compile_check(self.rule.check)[1] if self.rule.check else ()
        compared = (replace(one, modifier="") if one.modifier == AS_TEXT else one for one in checked)
        return tuple(dict.fromkeys((*references(self.discrepancy), *compared, *references(self.applies))))

    @cached_property
    def needed(self) -> tuple[Reference, ...]:
        """The references that must contain a value; one the logic does not make is read off its column's name."""
        known = {reference.column: reference for reference in self.read}
        needs = judged_needs(self.rule.needs, self.discrepancy, self.codes)
        return tuple(known.get(column) or Reference.of_column(column) for column in needs)

    @property
    def codes(self) -> MissingCodes:
        """The project's missing data codes."""
        return self.dictionary.missing_codes

    @property
    def columns(self) -> tuple[Reference, ...]:
        """Everything the judge reads for the rule."""
        return tuple(dict.fromkeys((*self.read, *self.needed)))

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The events whose rows the rule looks at; '' alone in a classic project."""
        if self.of_project:
            rows = rows_that_can_hold(self.dictionary, self.read)
            return tuple(dict.fromkeys(event for events in rows.values() for event in events))
        return self.rule.events or self.dictionary.events_of(self.rule.instrument)

    @property
    def of_project(self) -> bool:
        """Whether it is one of REDCap's own custom rules, which looks at whole rows and has a name and logic alone."""
        return self.rule.origin == "redcap"

    def nodes(self) -> Iterator[Expression]:
        """Every piece of the logic."""
        waiting = [self.discrepancy, self.applies]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.children)

    def remark(self, level: RemarkLevel, code: str, /, **facts: Any) -> Remark:
        """A remark on this rule."""
        return Remark.of(level, self.rule.id, code, **facts)
