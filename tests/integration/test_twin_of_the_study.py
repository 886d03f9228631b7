"""The twin of the shipped study keeps the rules of the study, and lists what it does not keep."""

from __future__ import annotations

from nightround.rule_desk.study_rules import all_rules
from nightround.simulation.twin.make_twin import Twin
from nightround.study.folder import find_content, load_study
from nightround.validation.run import Validation, validate
from tests.twin_examples import NOW, made

FOLDER = find_content({}).study_folder("venous_occlusion")


def judged(twin: Twin) -> Validation:
    """The twin under all rules of the study; every one of them can be judged."""
    rules, _ = all_rules(load_study(FOLDER))
    validation = validate(twin.snapshot, rules, now=NOW)
    assert not [outcome.rule_id for outcome in validation.outcomes if outcome.status == "could_not_be_evaluated"]
    return validation


def test_a_messy_twin_of_the_study_passes_its_own_rules() -> None:
    """No rule of the study finds anything, though visits are late and codes stand for values."""
    found = judged(made(FOLDER, 12, 1, messy=True)).violations
    assert [(violation.rule_id, violation.row) for violation in found] == []


def test_what_a_twin_of_the_study_does_not_keep_is_listed() -> None:
    """The search may end before every rule is kept; each rule that still finds something is named, and no other."""
    twin = made(FOLDER, 4, 1)
    listed = {one.rule for one in twin.unavoidable if one.found and len(one.rule) > 1 and ":" not in one.rule}
    assert {violation.rule_id for violation in judged(twin).violations if ":" not in violation.rule_id} == listed
