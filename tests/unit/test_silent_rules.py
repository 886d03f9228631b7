"""A rule that can never ask is no rule that passed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nightround.model.outcome import Status
from nightround.rule_desk.silent_rules import silent_rules
from nightround.validation.run import validate
from redcap_sync.dictionary import Choice
from tests.made_up import NIGHT, project, rule, snapshot

PROJECT = replace(
    project(
        "record_id visit text - -",
        "n visit text integer -",
        "sex visit radio - 1, F | 2, M",
        "born visit text date_ymd -",
        "seen visit text date_ymd -",
        events={"one_arm_1": ["visit"]},
    ),
    missing_data_codes=(Choice("UNK", "Unknown"),),
)
RECORDS = [{"record_id": "1", "redcap_event_name": "one_arm_1", "n": "3", "sex": "1", "visit_complete": "2"}]


@pytest.mark.parametrize(
    "logic", ["[sex] = '1' and [sex] = '2'", "datediff([born], [seen], 'd') < 0", "[n] > 5 and [n] < 3", "[sex] = '9'"]
)
def test_a_night_says_of_a_rule_that_it_can_never_ask(logic: str) -> None:
    """It could not be evaluated, with the sentence that the lint has for it."""
    asked = rule("R", "visit", logic)
    validation = validate(snapshot(PROJECT, RECORDS), [asked], now=NIGHT.replace(tzinfo=None), silent=silent_rules)
    (outcome,) = validation.outcomes
    assert outcome.status is Status.NOT_EVALUATED
    assert outcome.reason is not None
    assert outcome.reason.code == "outcome.never_asks"


@pytest.mark.parametrize(
    "logic",
    [
        "[sex] = '1'",
        "datediff([born], [seen], 'd', true) < 0",
        "[n] > 5",
        "[nobody] = '1'",
        "[n] >",
        "[born] > 'today'",
    ],
)
def test_only_what_is_proven_is_said(logic: str) -> None:
    """Logic that may be true, that reads what is not there, or that cannot be read, is left to the judge."""
    asked = replace(rule("R", "visit", "[n] > 1"), discrepancy=logic, needs=())
    assert silent_rules([asked], PROJECT) == {}
