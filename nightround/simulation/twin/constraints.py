"""What the rows of a twin must keep besides what each field allows by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

from nightround.model.rule import Check, Rule
from nightround.simulation.twin.draft import Draft, Numbers, Rows
from nightround.simulation.twin.hang_together import field_of
from nightround.study.rules.of_dictionary.field_rules import OUTLYING_DEVIATIONS, PLAIN_NUMBERS
from nightround.validation.checks import EXACTLY, NEEDS_ALL_ROWS
from nightround.validation.suite import CompiledRule, compile_rule
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import Expression, Reference, references
from redcap_sync.logic.syntax import And, Or

SETTLED_BY_FIELDS = ("blank", "filled", "never_opened", "format", "choice", "calculation", "missing_code")
"""Kinds of check that hold of every twin, because its fields are made so."""
MOST_WAYS = 24
"""A condition that can be true in more ways is looked at as it is."""
INSIDE, FURTHER_INSIDE = 0.96, 0.12
"""The share of the two standard deviations that numbers are kept within, and by how much it falls in the end: the
spread shrinks as they come nearer."""


@dataclass(frozen=True)
class KeptRule:
    """A rule that a twin keeps, with the fields by which it can be kept, the most telling first."""

    id: str
    """That of the rule, with the number of the way in which it is broken."""
    compiled: CompiledRule
    fields: tuple[str, ...]

    @property
    def instruments(self) -> tuple[str, ...]:
        """The instruments whose rows it looks at."""
        return self.compiled.instruments


@dataclass(frozen=True)
class KeptNear:
    """A number that is to stay between two values in all rows, so that none is an outlier."""

    field: str
    instrument: str
    low: float
    high: float

    @property
    def id(self) -> str:
        """The name of the built-in rule of the field."""
        return f"outlier:{self.field}"

    @property
    def fields(self) -> tuple[str, ...]:
        """The field itself."""
        return (self.field,)

    @property
    def instruments(self) -> tuple[str, ...]:
        """The instrument of the field."""
        return (self.instrument,)

    def failing(self, draft: Draft) -> Rows:
        """The rows whose number lies outside."""
        numbers = draft.numbers(self.field)
        return np.flatnonzero((numbers < self.low) | (numbers > self.high))


Constraint = KeptRule | KeptNear


def kept_rules(rules: Iterable[Rule], dictionary: Dictionary) -> Iterator[KeptRule]:
    """The rules that can be kept row by row; what cannot be read is judged afterwards as it is."""
    instruments = {one.name for one in dictionary.instruments} | {""}
    for rule in rules:
        if (rule.check is not None and not _is_of_a_record(rule.check)) or rule.instrument not in instruments:
            continue
        try:
            compiled = compile_rule(rule, dictionary)
        except LogicError:
            continue
        for number, tree in enumerate(_alternatives(compiled.trees.discrepancy)):
            known = tuple(name for name in _fields(compiled, tree, rule.fields) if name in dictionary.by_name)
            if known:
                yield KeptRule(
                    f"{rule.id}/{number}", replace(compiled, trees=compiled.trees._replace(discrepancy=tree)), known
                )


def _is_of_a_record(check: Check) -> bool:
    """Whether a check can be broken by the rows of one record alone, and by more than the values of one field."""
    if check.kind in NEEDS_ALL_ROWS:
        return check.settings.get("between") == "rows_of_a_record"
    return check.kind not in SETTLED_BY_FIELDS


def _alternatives(discrepancy: Expression | None) -> Sequence[Expression | None]:
    """The ways in which a rule can be broken, each of which is looked at by itself."""
    return [None] if discrepancy is None else _ways(discrepancy)


def _ways(tree: Expression) -> list[Expression]:
    """The ways in which a condition can be true: its parts joined by or, also those within parts joined by and.

    `[none] = '1' and ([a] = '1' or [b] = '1')` can be broken by a and by b: one at a time can be put right, where as
    one condition it stays broken until both are.
    """
    if isinstance(tree, Or):
        return [way for part in tree.operands for way in _ways(part)]
    if isinstance(tree, And):
        parts = [_ways(part) for part in tree.operands]
        if prod(map(len, parts)) <= MOST_WAYS:
            return [And(tuple(chosen)) for chosen in product(*parts)]
    return [tree]


def _fields(compiled: CompiledRule, tree: Expression | None, shown: Sequence[str]) -> list[str]:
    """The fields that a way of breaking a rule reads, those that the rule shows first, then what narrows the rule."""
    of_check = () if tree is not None else compiled.references
    first = [_field(one) for one in (*(references(tree) if tree is not None else ()), *of_check)]
    applies = compiled.trees.applies
    behind = [_field(one) for one in (references(applies) if applies is not None else ())]
    return list(dict.fromkeys([*(name for name in shown if name in first), *first, *behind]))


def _field(reference: Reference) -> str:
    return "" if reference.is_smart else field_of(reference.export_column)


def counted_as_numbers(one: Field) -> bool:
    """Whether REDCap looks for outliers in a field."""
    return one.type in ("calc", "slider") or (one.type == "text" and one.validation in PLAIN_NUMBERS)


def outlying(
    draft: Draft, fields: Sequence[Field], watched: frozenset[str], progress: float
) -> tuple[list[KeptNear], frozenset[str]]:
    """What keeps the numbers of a field together, for each that has outliers now or is watched; which have them.

    `progress` rises from 0 to 1 while outliers are being removed.
    """
    near, found = [], set()
    for one in fields:
        numbers = _known(draft.numbers(one.name))
        if len(numbers) > 1:
            middle, reach = float(numbers.mean()), OUTLYING_DEVIATIONS * float(numbers.std(ddof=1))
            has_outliers = bool(np.any(np.abs(numbers - middle) > reach * (1 + EXACTLY)))
            if has_outliers:
                found.add(one.name)
            if has_outliers or one.name in watched:
                inside = reach * (INSIDE - FURTHER_INSIDE * progress if has_outliers else 1)
                near.append(KeptNear(one.name, one.instrument, middle - inside, middle + inside))
    return near, frozenset(found)


def _known(numbers: Numbers) -> Numbers:
    return numbers[~np.isnan(numbers)]


def failing_rows(draft: Draft, constraints: Sequence[Constraint]) -> dict[str, Rows]:
    """The rows that break each constraint, by its id, as positions among those of its instruments."""
    found = draft.failing({one.id: one.compiled for one in constraints if isinstance(one, KeptRule)})
    nothing = np.zeros(0, dtype=np.intp)
    return {
        one.id: one.failing(draft) if isinstance(one, KeptNear) else found.get(one.id, nothing) for one in constraints
    }
