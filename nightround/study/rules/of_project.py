"""A project's own Data Quality rules, run as they are: true means discrepancy, in every row that can hold a field."""

from __future__ import annotations

from collections.abc import Iterable

from nightround.model.language import Words
from nightround.model.rule import Rule, Severity
from redcap_sync.errors import LogicError
from redcap_sync.logic import parse, references
from redcap_sync.project.custom_rules import CustomRule

SOURCE = "Data Quality rules of the project"


def rules_of_project(custom: Iterable[CustomRule]) -> tuple[Rule, ...]:
    """Make a rule of each, with ids 1, 2, ... in their order; broken logic stays in, to be accounted for."""
    return tuple(_rule(str(number), one) for number, one in enumerate(custom, start=1))


def _rule(rule_id: str, custom: CustomRule) -> Rule:
    return Rule(
        id=rule_id,
        title=Words(custom.name, custom.name),
        instrument="",
        discrepancy=custom.logic,
        severity=Severity.MINOR,
        fields=_fields(custom.logic),
        source=SOURCE,
        origin="redcap",
    )


def _fields(logic: str) -> tuple[str, ...]:
    """The fields that the logic names, none where it cannot be read."""
    try:
        read = references(parse(logic))
    except LogicError:
        return ()
    return tuple(dict.fromkeys(reference.field for reference in read if not reference.is_smart))
