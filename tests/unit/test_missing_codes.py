"""Missing data codes and blanks: what a rule makes of a cell that contains no value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nightround.model.outcome import Outcome, Status
from nightround.study.rules.needed_fields import needed_fields
from nightround.validation.run import validate
from redcap_sync.dictionary import Choice, Dictionary
from redcap_sync.logic import parse
from tests.made_up import NIGHT, project, rule, snapshot

CODES = (Choice("NA", "Not applicable"), Choice("-999", "Unknown"))
PROJECT = replace(
    project("record_id visit text - -", "n visit text integer -", "t visit text - -", events={"one_arm_1": ["visit"]}),
    missing_data_codes=CODES,
)
VALUES = ("NA", "-999", "99", "3", "")
RECORDS = [
    {"record_id": str(number), "redcap_event_name": "one_arm_1", "n": value, "t": "x", "visit_complete": "2"}
    for number, value in enumerate(VALUES, start=1)
]


def judged(logic: str, dictionary: Dictionary = PROJECT, **more: object) -> Outcome:
    """What a rule of the visit comes to on the five records."""
    needs = tuple(one.column for one in needed_fields(parse(logic)))
    more.setdefault("needs", needs)
    asked = rule("R", "visit", logic, fields=("n",), **more)
    (outcome,) = validate(snapshot(dictionary, RECORDS), [asked], now=NIGHT.replace(tzinfo=None)).outcomes
    return outcome


def failing(outcome: Outcome) -> list[str]:
    """The values of n on which a rule failed."""
    return [VALUES[int(violation.row.record) - 1] for violation in outcome.violations]


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        ("[n] > 100", []),
        ("[n] >= 15", ["99"]),
        ("[n] < 5", ["3"]),
        ("5 > [n]", ["3"]),
        ("[n] - 1 < 5", ["3"]),
        ("-[n] > -5", ["3"]),
        ("sum([n], 1) > 50", ["99"]),
        ("max([n]) < 5", ["3"]),
        ("if([t] = 'x', [n], 0) < 5", ["3"]),
        ("round([n], 0) < 5", ["3"]),
    ],
)
def test_a_code_is_no_value_in_orders_and_arithmetic(logic: str, expected: list[str]) -> None:
    """Neither NA nor -999 is greater or less than anything, and a row that needs it is not checked."""
    outcome = judged(logic)
    assert failing(outcome) == expected
    assert (outcome.in_scope, outcome.checked) == (5, 2)


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        ("[n] = 'NA'", ["NA"]),
        ("[n] = '-999'", ["-999"]),
        ("[n] = '-999' and [t] <> ''", ["-999"]),
        ("ismissingcode([n])", ["NA", "-999"]),
        ("hasmissingcode([n], 'NA')", ["NA"]),
        ("isblankormissingcode([n])", ["NA", "-999", ""]),
        ("isblanknotmissingcode([n])", [""]),
        ("[n] = ''", [""]),
        ("[n] <> ''", ["NA", "-999", "99", "3"]),
    ],
)
def test_a_code_is_seen_by_what_asks_for_it(logic: str, expected: list[str]) -> None:
    """Equality with the code itself, and the functions of codes and blanks."""
    assert failing(judged(logic)) == expected


def test_a_rule_of_the_project_without_needs_does_not_order_a_code_either() -> None:
    """REDCap's own rules have no `needs`; the comparison itself is false."""
    assert failing(judged("[n] < 5", needs=())) == ["3"]


@pytest.mark.parametrize(
    ("logic", "needed"),
    [
        ("[ae_grade] >= 3 and [ae_serious] = ''", ["ae_grade"]),
        ("[ae_grade] >= 3 and '' = [ae_serious]", ["ae_grade"]),
        ("[ae_grade] >= 3 and not ([ae_serious] <> '')", ["ae_grade"]),
        ("[ae_grade] >= 3 and isblankormissingcode([ae_serious])", ["ae_grade"]),
        ("[a] = '' and [b] = ''", []),
        ('[a] = "NaN"', []),
        ("[a] = '' or [a] > [b]", ["b"]),
        ("[a] = '1' and [b] <> '2'", ["a", "b"]),
        ("[e][a] <> '' and [a] = '1'", ["a"]),
    ],
)
def test_a_field_that_is_asked_about_being_blank_is_not_needed(logic: str, needed: list[str]) -> None:
    """Its blank is what the rule looks for, so that it must not keep the row from being checked."""
    assert [one.column for one in needed_fields(parse(logic))] == needed


def test_a_rule_that_asks_for_a_blank_judges_the_rows_that_lack_it() -> None:
    """Grade 4 without an answer fails, grade 2 without one passes, and a blank grade is not checked."""
    outcome = judged("[n] >= 15 and [t] = ''")
    assert (outcome.status, outcome.checked) == (Status.PASSED, 2)
