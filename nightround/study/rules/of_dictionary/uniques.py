"""The project's secondary unique field: REDCap refuses a second entry by hand, not every import of one."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model.rule import Rule, RuleKind
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.rules.across import AlikeTable
from nightround.study.rules.of_dictionary.field_rules import SOURCE
from nightround.study.rules.of_dictionary.rule_words import texts_of
from redcap_sync.dictionary import Dictionary


def unique_rules(dictionary: Dictionary, wanted: DictionaryRulesTable) -> Iterator[Rule]:
    """The rule of the secondary unique field, where the project has one that its dictionary knows."""
    field = dictionary.by_name.get(dictionary.secondary_unique_field)
    if field is None:
        return
    texts = texts_of(RuleKind.UNIQUE, field.label or field.name)
    yield Rule(
        id=RuleKind.UNIQUE.rule_id(field.name),
        title=texts.title,
        problem=texts.problem,
        instrument=field.instrument,
        discrepancy="",
        severity=wanted.limit_severity,
        fields=(field.name,),
        needs=(field.name,),
        advice=texts.advice,
        source=SOURCE,
        origin="dictionary",
        identifiers_by_name=True,
        check=AlikeTable(fields=(field.name,)).check(),
        kind=RuleKind.UNIQUE,
    )
