"""The twin of the shipped study keeps every rule of the study."""

from __future__ import annotations

import pytest

from nightround.rule_desk.study_rules import all_rules
from nightround.study.folder import find_content, load_study
from nightround.validation.run import validate
from tests.twin_examples import NOW, made

FOLDER = find_content({}).study_folder("venous_occlusion")


@pytest.mark.parametrize("messy", [False, True])
def test_the_twin_of_the_study_passes_its_own_rules(messy: bool) -> None:  # noqa: FBT001 - parametrized
    """No rule of the study finds anything in its twin, also in a messy one, and every rule can be judged."""
    twin = made(FOLDER, 12, 1, messy=messy)
    rules, _ = all_rules(load_study(FOLDER))
    validation = validate(twin.snapshot, rules, now=NOW)
    assert [(violation.rule_id, violation.row) for violation in validation.violations] == []
    assert not [outcome.rule_id for outcome in validation.outcomes if outcome.status == "could_not_be_evaluated"]
