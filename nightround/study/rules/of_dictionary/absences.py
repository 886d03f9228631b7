"""One absence, one finding: an instrument that was never opened has one rule, its blank fields folded under it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.rule import Check, Rule, RuleKind
from nightround.study.dictionary_rules_table import DictionaryRulesTable, ExpectedMissingTable
from nightround.study.rules.of_dictionary.field_rules import SOURCE, opened
from nightround.study.rules.of_dictionary.rule_words import texts_of
from nightround.texts.catalogue import SEPARATORS, words
from redcap_sync.dictionary import Dictionary, Field


def has_absence_rule(dictionary: Dictionary, instrument: str) -> bool:
    """Say whether the instrument is expected at all: one of its fields is required."""
    return bool(_required(dictionary, instrument))


def absence_rules(dictionary: Dictionary, wanted: DictionaryRulesTable) -> Iterator[Rule]:
    """One rule for each instrument that contains a required field."""
    for instrument in dictionary.instruments:
        required = _required(dictionary, instrument.name)
        if required:
            texts = texts_of(RuleKind.ABSENT, instrument.label)
            expected = [one for one in wanted.expected_missing if one.instrument == instrument.name]
            yield Rule(
                id=RuleKind.ABSENT.rule_id(instrument.name),
                title=texts.title,
                problem=texts.problem,
                instrument=instrument.name,
                discrepancy="",
                severity=wanted.severity,
                fields=(),
                applies=unless(_any_shown(required), expected),
                advice=with_reasons(texts.advice, expected),
                source=SOURCE,
                origin="dictionary",
                check=_never_opened(dictionary, instrument.name),
                kind=RuleKind.ABSENT,
            )


def _never_opened(dictionary: Dictionary, instrument: str) -> Check:
    seen = opened(dictionary, instrument)
    return Check("never_opened", tuple(seen["opened"]), {"status": seen["status"], "options": seen["options"]})


def _required(dictionary: Dictionary, instrument: str) -> list[Field]:
    fields = dictionary.fields_of(instrument)
    return [field for field in fields if field.required and field.type != "descriptive"]


def _any_shown(required: list[Field]) -> str:
    """Logic that is true where at least one required field is shown; '' where that is always so."""
    if any(not field.branching_logic for field in required):
        return ""
    return " or ".join(f"(\n{field.branching_logic}\n)" for field in required)


def unless(applies: str, expected: Sequence[ExpectedMissingTable]) -> str:
    """Narrow logic to where nobody expects the data to be missing."""
    parts = [f"(\n{applies}\n)"] if applies else []
    parts += [f"not (\n{one.when}\n)" for one in expected]
    return " and ".join(parts)


def with_reasons(advice: Words, expected: Sequence[ExpectedMissingTable]) -> Words:
    """Say in the advice where and why the data may be missing, so that nobody looks for them there."""
    if not expected:
        return advice
    reasons = Words(*(SEPARATORS[language].join(_reasons(expected, language)) for language in LANGUAGES))
    return words("rule.with_expected_missing", advice=advice, reasons=reasons)


def _reasons(expected: Sequence[ExpectedMissingTable], language: Language) -> Iterator[str]:
    return (one.reason.words().in_(language) for one in expected)
