"""Hard and soft limits: what no patient can have, and what is unusual. One value, one finding: the harder one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nightround.model.errors import StudyFilesWrong
from nightround.model.rule import Rule, RuleKind, Severity
from nightround.study.dictionary_rules_table import DictionaryRulesTable, LimitTable
from nightround.study.rules.of_dictionary.field_rules import rule_of
from nightround.study.rules.of_dictionary.rule_words import texts_of
from redcap_sync.dictionary import Dictionary, Field


def limit_rules(dictionary: Dictionary, wanted: DictionaryRulesTable) -> Iterator[Rule]:
    """One rule for each hard limit; raises StudyFilesWrong where a field has no order."""
    for limit in wanted.limits:
        field = dictionary.by_name.get(limit.field)
        rule = _limit_rule(limit, field, dictionary, wanted.limit_severity) if field else None
        if rule is None:
            raise StudyFilesWrong("study.limit", field=limit.field)
        yield rule


def _limit_rule(limit: LimitTable, field: Field, dictionary: Dictionary, severity: Severity) -> Rule | None:
    bounded = replace(field, minimum=limit.minimum, maximum=limit.maximum)
    rule = rule_of(RuleKind.RANGE, bounded, dictionary, severity)
    kind = RuleKind.LIMIT
    texts = texts_of(kind, field.label or field.name, limit.minimum, limit.maximum)
    return rule and replace(rule, id=kind.rule_id(field.name), kind=kind, source=limit.source, **texts._asdict())


def softened(rule: Rule, field: Field, wanted: DictionaryRulesTable) -> Rule:
    """Leave values beyond the hard limit to its own rule, and take a range that REDCap enforces more seriously."""
    if rule.kind is not RuleKind.RANGE or rule.check is None:
        return rule
    limit = next((one for one in wanted.limits if one.field == field.name), None)
    severity = _harder(rule.severity, wanted.limit_severity) if "@FORCE-MINMAX" in field.annotation else rule.severity
    settings = {**rule.check.settings, **(_hard(limit) if limit else {})}
    return replace(rule, severity=severity, check=replace(rule.check, settings=settings))


def _hard(limit: LimitTable) -> dict[str, str]:
    return {"hard_minimum": limit.minimum, "hard_maximum": limit.maximum}


def _harder(one: Severity, other: Severity) -> Severity:
    return min(one, other, key=lambda severity: severity.rank)
