"""What REDCap's rules A to I, and the rules of the study, still find in a twin, each with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.simulation.twin.hang_together import FieldLogic, Hanging
from nightround.simulation.twin.scalars import scalar_of
from nightround.study.rules.of_dictionary import LETTERS, rules_of_letter
from nightround.validation.run import validate
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.logic import Expression
from redcap_sync.logic.syntax import Text
from redcap_sync.messages import Message


@dataclass(frozen=True)
class Unavoidable:
    """A rule that finds something in the twin, or cannot be judged on it, and why that could not be avoided."""

    rule: str
    """A letter, or the id of a rule of the study."""
    field: str
    found: int
    reason: Message


def unavoidable_findings(
    snapshot: Snapshot, rules: Sequence[Rule], hanging: Hanging, restless: frozenset[str], *, messy: bool
) -> tuple[Unavoidable, ...]:
    """Judge A to I and the given rules on a twin; one line for each rule and field that finds something."""
    dictionary = snapshot.dictionary
    lettered = {rule.id: letter.id for letter in LETTERS for rule in rules_of_letter(letter, dictionary)}
    built_in = [rule for letter in LETTERS for rule in rules_of_letter(letter, dictionary)]
    own = [rule for rule in rules if rule.id not in lettered]
    asked = {rule.id: rule for rule in (*built_in, *own)}
    why = _Reasons(dictionary, hanging, restless, messy)
    found = []
    for outcome in validate(snapshot, list(asked.values()), now=snapshot.taken_at).outcomes:
        rule, letter = asked[outcome.rule_id], lettered.get(outcome.rule_id, "")
        if outcome.status is Status.NOT_EVALUATED and outcome.reason:
            found.append(Unavoidable(letter or rule.id, ", ".join(rule.fields), 0, outcome.reason))
        elif outcome.violations:
            reason = why.of(letter, rule.fields[0]) if letter else Message.of("twin.reason.not_found")
            found.append(Unavoidable(letter or rule.id, ", ".join(rule.fields), _count(outcome), reason))
    return (*found, *why.of_the_day())


def _count(outcome: Outcome) -> int:
    return sum(Counter(violation.row for violation in outcome.violations).values())


@dataclass(frozen=True)
class _Reasons:
    dictionary: Dictionary
    hanging: Hanging
    restless: frozenset[str]
    messy: bool

    def of(self, letter: str, name: str) -> Message:
        """Why a built-in rule finds something in a field."""
        field, logic = self.dictionary.by_name[name], self.hanging.by_name.get(name)
        if name in self.restless:
            return Message.of("twin.reason.restless")
        if letter in ("A", "B"):
            return self._of_blank(field, logic)
        if letter == "D" and _is_empty_range(field):
            return Message.of("twin.reason.empty_range", minimum=field.minimum, maximum=field.maximum)
        known = {"E": "outlier", "H": "moment", "I": "messy"} if self.messy else {"E": "outlier", "H": "moment"}
        if letter == "F" and logic is not None and logic.calculation is not None:
            return Message.of("twin.reason.hidden_calculation")
        return Message.of(f"twin.reason.{known.get(letter, 'not_found')}")

    def _of_blank(self, field: Field, logic: FieldLogic | None) -> Message:
        if field.type == "calc" or (logic is not None and logic.calculation is not None):
            return Message.of("twin.reason.no_result")
        if field.type in ("radio", "dropdown", "checkbox") and not field.choices:
            return Message.of("twin.reason.no_choice")
        return Message.of("twin.reason.messy" if self.messy and not field.required else "twin.reason.not_found")

    def of_the_day(self) -> Iterator[Unavoidable]:
        """Calculations that are right today and will not be tomorrow."""
        for logic in self.hanging.fields:
            if logic.calculation is not None and _names_a_moment(logic.calculation.expression):
                yield Unavoidable("H", logic.field.name, 0, Message.of("twin.reason.of_the_day"))


def _is_empty_range(field: Field) -> bool:
    scalar = scalar_of(field)
    return scalar is not None and scalar.low > scalar.high


def _names_a_moment(tree: Expression) -> bool:
    if isinstance(tree, Text):
        return tree.value.lower() in ("today", "now")
    return any(_names_a_moment(child) for child in tree.children)
