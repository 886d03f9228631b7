"""REDCap's built-in Data Quality rules A-I, in the order and under the names of its screen.

Source: `data_quality_rules`, worked out from public counts and guides.
"""

from __future__ import annotations

from typing import NamedTuple

from nightround.model.rule import Rule, RuleKind, Severity
from nightround.study.rules.of_dictionary.field_rules import rule_of
from redcap_sync.dictionary import Dictionary
from redcap_sync.write_back.query_instrument import without_queries


class Letter(NamedTuple):
    """A built-in rule: its letter, its name in REDCap, and the kind of our rules that it is the sum of."""

    id: str
    name: str
    kind: RuleKind


LETTERS = (
    Letter("A", "Blank values", RuleKind.BLANK),
    Letter("B", "Blank values (required fields only)", RuleKind.REQUIRED),
    Letter("C", "Field validation errors (incorrect data type)", RuleKind.FORMAT),
    Letter("D", "Field validation errors (out of range)", RuleKind.RANGE),
    Letter("E", "Outliers for numerical fields (numbers, integers, sliders, calc fields)", RuleKind.OUTLIER),
    Letter("F", "Hidden fields that contain values", RuleKind.HIDDEN),
    Letter("G", "Multiple choice fields with invalid values", RuleKind.CHOICE),
    Letter("H", "Incorrect values for calculated fields", RuleKind.CALCULATION),
    Letter("I", 'Fields containing "missing data codes"', RuleKind.MISSING_CODE),
)
TWO_ANSWERS = ("yesno", "truefalse")
"""Field types whose codes our `choice` rules judge as well, but which REDCap's rule G does not name."""


def rules_of_letter(letter: Letter, dictionary: Dictionary) -> tuple[Rule, ...]:
    """One rule for each field that the letter concerns."""
    dictionary = without_queries(dictionary)
    every = (field for instrument in dictionary.instruments for field in dictionary.fields_of(instrument.name))
    fields = (field for field in every if not (letter.id == "G" and field.type in TWO_ANSWERS))
    found = (rule_of(letter.kind, field, dictionary, Severity.MINOR) for field in fields)
    return tuple(rule for rule in found if rule is not None)
