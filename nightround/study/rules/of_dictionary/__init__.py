"""Rules that the data dictionary already holds, one a kind and field, so that each is accounted for by name.

They are REDCap's built-in Data Quality rules A-I (`letters`), and what goes beyond them (`visits`,
`absences`, `limits`, `units`).
"""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model.rule import Rule
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.rules.of_dictionary.absences import absence_rules, has_absence_rule
from nightround.study.rules.of_dictionary.field_rules import MAKERS, rule_of, where_shown_is_known
from nightround.study.rules.of_dictionary.letters import LETTERS, Letter, rules_of_letter
from nightround.study.rules.of_dictionary.limits import limit_rules, softened
from nightround.study.rules.of_dictionary.uniques import unique_rules
from nightround.study.rules.of_dictionary.visits import visit_rules
from redcap_sync.dictionary import Dictionary
from redcap_sync.write_back.query_instrument import without_queries

__all__ = ["LETTERS", "Letter", "rules_from_dictionary", "rules_of_letter"]


def rules_from_dictionary(dictionary: Dictionary, wanted: DictionaryRulesTable) -> tuple[Rule, ...]:
    """Make the wanted rules for every field and instrument they concern, in dictionary order.

    The instrument of questions is none of them.
    """
    return tuple(_rules(without_queries(dictionary), wanted))


def _rules(dictionary: Dictionary, wanted: DictionaryRulesTable) -> Iterator[Rule]:
    yield from visit_rules(dictionary, wanted)
    if wanted.absent:
        yield from absence_rules(dictionary, wanted)
    yield from limit_rules(dictionary, wanted)
    if wanted.unique:
        yield from unique_rules(dictionary, wanted)
    kinds = [kind for kind in MAKERS if getattr(wanted, kind)]
    for instrument in dictionary.instruments:
        folds = wanted.absent and has_absence_rule(dictionary, instrument.name)
        for field in dictionary.fields_of(instrument.name):
            for kind in kinds:
                rule = rule_of(kind, field, dictionary, wanted.severity, folds=folds)
                if rule is not None:
                    yield softened(where_shown_is_known(rule, field, dictionary), field, wanted)
