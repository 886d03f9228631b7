"""REDCap's built-in Data Quality rules A-I, in the order and under the names of its screen.

Source: `data_quality_rules`, worked out from public counts and guides.
"""

from __future__ import annotations

from typing import NamedTuple

from nightround.model.rule import Rule, Severity
from nightround.study.rules.of_dictionary.field_rules import rule_of
from redcap_sync.dictionary import Dictionary


class Letter(NamedTuple):
    """A built-in rule: its letter, its name in REDCap, and the kind of our rules that it is the sum of."""

    id: str
    name: str
    kind: str


LETTERS = (
    Letter("A", "Blank values", "blank"),
    Letter("B", "Blank values (required fields only)", "required"),
    Letter("C", "Field validation errors (incorrect data type)", "format"),
    Letter("D", "Field validation errors (out of range)", "range"),
    Letter("E", "Outliers for numerical fields (numbers, integers, sliders, calc fields)", "outlier"),
    Letter("F", "Hidden fields that contain values", "hidden"),
    Letter("G", "Multiple choice fields with invalid values", "choice"),
    Letter("H", "Incorrect values for calculated fields", "calculation"),
    Letter("I", 'Fields containing "missing data codes"', "missing_code"),
)
TWO_ANSWERS = ("yesno", "truefalse")
"""Field types whose codes our `choice` rules judge as well, but which REDCap's rule G does not name."""


def rules_of_letter(letter: Letter, dictionary: Dictionary) -> tuple[Rule, ...]:
    """One rule for each field that the letter concerns."""
    every = (field for instrument in dictionary.instruments for field in dictionary.fields_of(instrument.name))
    fields = (field for field in every if not (letter.id == "G" and field.type in TWO_ANSWERS))
    found = (rule_of(letter.kind, field, dictionary, Severity.MINOR) for field in fields)
    return tuple(rule for rule in found if rule is not None)
