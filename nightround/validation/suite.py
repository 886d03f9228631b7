"""Suites: a study's rules as ordinary Great Expectations JSON.

An instrument has one suite for the rules that read nothing else, and one for those that read other instruments or
events as well. Rules that belong to no instrument are together where they look at the rows of the same instruments.
So each suite looks at no more rows than its rules need, and the cost grows with the rules and not with their square.

The JSON is generated, never edited, and the same rules give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nightround.model.language import LANGUAGES, Words
from nightround.model.rule import Rule, Severity
from nightround.study.rules.needed_fields import judged_needs
from nightround.validation.compiled_check import compile_check
from nightround.validation.row_scope import rows_that_can_hold
from nightround.validation.smart_variables import OF_INSTRUMENT
from nightround.validation.trees import Trees, scope_key
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import LogicError
from redcap_sync.logic import Expression, Reference, in_words, parse, references, to_json
from redcap_sync.messages import Message
from redcap_sync.rows.tables import KEY_COLUMNS

CROSSING = "crossing"
PROJECT_RULES = "rules_of_the_project"
LONGEST_NAME = 120
"""A suite's name is the name of a file in a Great Expectations context."""
EXPECTATION_TYPE = "expect_redcap_rule"
GX_SEVERITY = {Severity.CRITICAL: "critical", Severity.MAJOR: "warning", Severity.MINOR: "info"}
NAMESPACE = uuid.UUID("9d6c5f3e-7f2f-5c0e-9b70-3f5a3c1f6f10")
"""Of the identities of expectations and suites; any fixed value serves."""


@dataclass(frozen=True)
class CompiledRule:
    """A rule whose logic was read: what it refers to, and its expectation as JSON."""

    rule: Rule
    references: tuple[Reference, ...]
    expectation: dict[str, Any]
    trees: Trees = field(repr=False)
    """What `expectation` holds as JSON."""

    @property
    def instruments(self) -> tuple[str, ...]:
        """The instruments whose rows it looks at."""
        return tuple(self.expectation["kwargs"]["logic"]["rows"])


@dataclass(frozen=True)
class Suite:
    """Rules that look at one batch."""

    name: str
    instruments: tuple[str, ...]
    rules: tuple[CompiledRule, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns that its rules read, besides those of the key."""
        return tuple(sorted({reference.column for compiled in self.rules for reference in compiled.references}))

    def to_json(self) -> dict[str, Any]:
        """The suite in GX's own form."""
        return {
            "name": self.name,
            "id": str(uuid.uuid5(NAMESPACE, self.name)),
            "expectations": [compiled.expectation for compiled in self.rules],
            "meta": {
                "made_by": "nightround",
                "instruments": list(self.instruments),
                "rules": len(self.rules),
                "columns": [*KEY_COLUMNS, *self.columns],
            },
        }


def compile_suites(rules: Iterable[Rule], dictionary: Dictionary) -> tuple[tuple[Suite, ...], dict[str, Message]]:
    """Sort rules into suites. Returns them, and the reason for each rule that cannot be compiled, by id."""
    grouped: dict[str, list[CompiledRule]] = defaultdict(list)
    refused: dict[str, Message] = {}
    known = {instrument.name for instrument in dictionary.instruments} | {""}
    for rule in rules:
        if rule.instrument not in known:
            refused[rule.id] = Message.of("outcome.no_instrument", instrument=rule.instrument)
            continue
        try:
            compiled = compile_rule(rule, dictionary)
        except LogicError as error:
            what = error.part("what")
            refused[rule.id] = (
                Message.of("outcome.at_character", what=what, place=error.position + 1) if error.text else what
            )
            continue
        grouped[_suite_of(compiled, dictionary)].append(compiled)
    return tuple(_suite(name, compiled, dictionary) for name, compiled in sorted(grouped.items())), refused


def compile_rule(rule: Rule, dictionary: Dictionary) -> CompiledRule:
    """Parse a rule's logic into the tree that is stored in the suite; raises LogicError."""
    applies = parse(rule.applies) if rule.applies else None
    discrepancy = None if rule.check else parse(rule.discrepancy)
    check, checked = compile_check(rule.check) if rule.check else (None, ())
    read = [*(references(discrepancy) if discrepancy else checked), *(references(applies) if applies else ())]
    known = {reference.column: reference for reference in read}
    found = [*read, *(known.get(column) or Reference.of_column(column) for column in rule.needs)]
    codes = dictionary.missing_codes
    needs, rows = list(judged_needs(rule.needs, discrepancy, codes)), _rows(rule, read, dictionary)
    logic = {
        "discrepancy": to_json(discrepancy) if discrepancy else None,
        "applies": to_json(applies) if applies else None,
        "check": check,
        "needs": needs,
        "rows": rows,
    }
    asks = _in_words(discrepancy, dictionary) if discrepancy else Words("", "")
    trees = Trees(scope_key(rows), applies, needs, discrepancy, check)
    return CompiledRule(rule, tuple(dict.fromkeys(found)), _expectation(rule, logic, asks), trees)


def _in_words(logic: Expression, dictionary: Dictionary) -> Words:
    """When a rule asks, in both languages."""
    return Words(*(in_words(logic, dictionary, language) for language in LANGUAGES))


def _rows(rule: Rule, read: Iterable[Reference], dictionary: Dictionary) -> dict[str, list[str]]:
    """The rows a rule looks at: instruments, each with events, none of which means all."""
    if rule.instrument:
        return {rule.instrument: list(rule.events)}
    read = tuple(read)
    homeless = next((reference for reference in read if reference.field in OF_INSTRUMENT), None)
    if homeless is not None:
        raise LogicError(
            "outcome.no_instrument_of_rows",
            text=rule.discrepancy,
            position=rule.discrepancy.find(homeless.column),
            hint="outcome.name_it",
            name=homeless.field,
        )
    rows = rows_that_can_hold(dictionary, read)
    if not rows:
        raise LogicError("outcome.no_field_at_all", text=rule.discrepancy, position=0, hint="outcome.rows_of_fields")
    return rows


def _expectation(rule: Rule, logic: dict[str, Any], asks: Words) -> dict[str, Any]:
    digest = hashlib.sha256(json.dumps(logic, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return {
        "type": EXPECTATION_TYPE,
        "kwargs": {"rule_id": rule.id, "column": rule.fields[0] if rule.fields else "", "logic": logic},
        "severity": GX_SEVERITY[rule.severity],
        "meta": {
            "rule_id": rule.id,
            "title": rule.title._asdict(),
            "problem": rule.problem._asdict(),
            "in_words": asks._asdict(),
            "advice": rule.advice._asdict(),
            "analyst": rule.analyst._asdict(),
            "logic": rule.discrepancy,
            "logic_sha256": digest,
            "owner": rule.owner,
            "source": rule.source,
            "origin": rule.origin,
        },
        "id": str(uuid.uuid5(NAMESPACE, rule.id)),
    }


def _suite_of(compiled: CompiledRule, dictionary: Dictionary) -> str:
    """The name of the suite that a rule belongs to."""
    instrument = compiled.rule.instrument
    if not instrument:
        return _project_suite(compiled.instruments)
    own = set(dictionary.columns_of(instrument)) | {dictionary.record_id_field}
    inside = all(not reference.event and reference.export_column in own for reference in compiled.references)
    return instrument if inside else f"{CROSSING}_{instrument}"


def _project_suite(instruments: Iterable[str]) -> str:
    """The suite of rules of the project that look at the rows of these instruments."""
    named = "+".join(sorted(instruments))
    name = f"{PROJECT_RULES}_{named}"
    digest = hashlib.sha256(named.encode()).hexdigest()[:8]
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}_{digest}"


def _suite(name: str, compiled: list[CompiledRule], dictionary: Dictionary) -> Suite:
    anchors = {instrument for one in compiled for instrument in one.instruments}
    instruments = tuple(one.name for one in dictionary.instruments if one.name in anchors)
    return Suite(name, instruments, tuple(compiled))
