"""A project's own Data Quality rules, run as they are: true means discrepancy, in every row that can have a field."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nightround.model.language import Words
from nightround.model.rule import Rule, Severity
from nightround.study.rules.rule_logic import canonical_logic, short_hash
from redcap_sync.errors import LogicError
from redcap_sync.logic import parse, references
from redcap_sync.project.custom_rules import CustomRule

SOURCE = "Data Quality rules of the project"
PREFIX = "project"
OF_PROJECT = "redcap"
"""The origin of its rules."""
LONGEST_NAME = 40
"""So much of a rule's name is in its id."""
DIGITS = 10


def rules_of_project(custom: Iterable[CustomRule]) -> tuple[Rule, ...]:
    """Make a rule of each; broken logic stays in, to be accounted for. Two of one name and logic are one rule."""
    rules = map(rule_of_project, custom)
    return tuple({rule.id: rule for rule in rules}.values())


def is_project_rule(rule_id: str) -> bool:
    """Whether an id is that of a rule of the project, be it gone or not."""
    return rule_id.startswith(f"{PREFIX}:")


def rule_of_project(custom: CustomRule) -> Rule:
    """Make a rule whose id follows from its name and logic: wherever it is in the list, it is the same rule."""
    return Rule(
        id=_id(custom),
        title=Words(custom.name, custom.name),
        instrument="",
        discrepancy=custom.logic,
        severity=Severity.MINOR,
        fields=_fields(custom.logic),
        source=SOURCE,
        origin="redcap",
    )


def _id(custom: CustomRule) -> str:
    name = " ".join(custom.name.split())
    readable = re.sub(r"[\W_]+", "_", name.casefold()).strip("_")[:LONGEST_NAME]
    return f"{PREFIX}:{readable}-{short_hash([name, canonical_logic(custom.logic)], DIGITS)}"


def _fields(logic: str) -> tuple[str, ...]:
    """The fields that the logic names, none where it cannot be read."""
    try:
        read = references(parse(logic))
    except LogicError:
        return ()
    return tuple(dict.fromkeys(reference.field for reference in read if not reference.is_smart))
