"""What the rules and formulas of a study read: by it a finding is attributed to an error, or to none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nightround.model.rule import Rule, RuleKind
from nightround.validation.suite import compile_rule
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import LogicError
from redcap_sync.logic import Expression, Reference, parse, references
from redcap_sync.logic.calculated_fields import calculation_of
from redcap_sync.logic.syntax import Call, Chain, Comparison, Number, Power, Text

ACROSS = frozenset({RuleKind.UNIQUE, RuleKind.ALIKE, RuleKind.OUTLIER, RuleKind.SLIP})
"""Rules that compare a row with those of other records."""
SHOWN_ALONE = frozenset({RuleKind.BLANK, RuleKind.REQUIRED, RuleKind.FORMAT, RuleKind.HIDDEN, RuleKind.CHOICE})
"""Rules that no plausible value of a field breaks: they ask whether it is there, readable, shown and a choice."""
ARITHMETIC = frozenset({"sum", "mean", "median", "stdev", "round", "roundup", "rounddown", "min", "max"})


@dataclass(frozen=True)
class RuleReads:
    """The fields that each rule reads or shows, and the events that its findings are about."""

    rules: tuple[Rule, ...]
    dictionary: Dictionary
    _fields: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """The rules by their ids."""
        return {rule.id: rule for rule in self.rules}

    def fields(self, rule_id: str) -> frozenset[str]:
        """The fields that a rule reads or shows; none of a rule that nobody knows."""
        if rule_id not in self._fields:
            rule = self.by_id.get(rule_id)
            self._fields[rule_id] = frozenset(_fields_of(rule, self.dictionary)) if rule else frozenset()
        return self._fields[rule_id]

    def reading(self, name: str) -> tuple[Rule, ...]:
        """The rules that read a field."""
        return self._by_field.get(name, ())

    @cached_property
    def _by_field(self) -> Mapping[str, tuple[Rule, ...]]:
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            for name in self.fields(rule.id):
                found.setdefault(name, []).append(rule)
        return {name: tuple(rules) for name, rules in found.items()}

    @cached_property
    def feeding(self) -> frozenset[str]:
        """The fields that a calculated field, or arithmetic in a rule, reads."""
        calculated = {name for one in _calculations(self.dictionary) for name in _names(one)}
        written = (tree for rule in self.rules if not rule.check for tree in _trees(rule))
        return frozenset(calculated | {name for tree in written for name in _computed_with(tree)})

    @cached_property
    def openers(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """For a field, the codes that show another field which is required, each with that field."""
        found: dict[str, list[tuple[str, str]]] = {}
        for one in self.dictionary.fields:
            if one.required and one.branching_logic and (asked := _one_answer(one.branching_logic)):
                name, code = asked
                if name in self.dictionary.by_name and self.dictionary.by_name[name].instrument == one.instrument:
                    found.setdefault(name, []).append((code, one.name))
        return {name: tuple(pairs) for name, pairs in found.items()}


def _fields_of(rule: Rule, dictionary: Dictionary) -> Iterator[str]:
    yield from rule.fields
    yield from rule.involved
    if rule.place.field:
        yield rule.place.field
    try:
        yield from (reference.field for reference in compile_rule(rule, dictionary).references)
    except LogicError:  # it is not evaluated either, which the outcome says
        return


def _calculations(dictionary: Dictionary) -> Iterator[Expression]:
    for one in dictionary.fields:
        try:
            found = calculation_of(one)
        except LogicError:
            continue
        if found is not None:
            yield found.expression


def _trees(rule: Rule) -> Iterator[Expression]:
    try:
        yield parse(rule.discrepancy)
    except LogicError:
        return


def _names(tree: Expression) -> Iterator[str]:
    return (reference.field for reference in references(tree) if not reference.is_smart)


def _computed_with(tree: Expression) -> Iterator[str]:
    """The fields in sums, products and rounded values of two fields or more; a difference alone only compares."""
    waiting: list[Expression] = [tree]
    while waiting:
        node = waiting.pop()
        names = tuple(_names(node)) if _is_arithmetic(node) else ()
        if len(names) > 1:
            yield from names
        else:
            waiting.extend(node.children)


def _is_arithmetic(node: Expression) -> bool:
    if isinstance(node, Chain):
        return bool(set(node.operators) & {"+", "*", "/"})
    return isinstance(node, Power) or (isinstance(node, Call) and node.name in ARITHMETIC)


def _one_answer(logic: str) -> tuple[str, str] | None:
    """The field and the code of branching logic that is `[field] = 'code'` and nothing else."""
    try:
        tree = parse(logic)
    except LogicError:
        return None
    if not (isinstance(tree, Comparison) and tree.operator == "="):
        return None
    left, right = tree.left, tree.right
    if not isinstance(left, Reference) or left.event or left.code or left.is_smart:
        return None
    if isinstance(right, Text):
        return left.field, right.value
    return (left.field, f"{right.value:g}") if isinstance(right, Number) else None


def within_records(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules whose answer on a record hangs on that record alone."""
    return tuple(rule for rule in rules if not (rule.of_cohort or rule.kind in ACROSS))


def limiting(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules that a readable value can break."""
    return tuple(rule for rule in rules if rule.kind not in SHOWN_ALONE and rule.kind is not RuleKind.ABSENT)
