"""The table of the protocol: current, complete, and in the publication's own words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from docs.write_protocol import STUDY, page
from nightround.model.rule import Rule, RuleKind
from nightround.study.folder import load_study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from redcap_sync.project.project_folder import dictionary_from_folder

PAPER = Path(__file__).parents[3] / "shared" / "seed" / "paper.txt"
TABLE: dict[str, Any] = tomllib.loads((STUDY / "protocol.toml").read_text(encoding="utf-8"))
OF_FORM = {RuleKind.RANGE, RuleKind.CHOICE, RuleKind.FORMAT, RuleKind.REQUIRED, RuleKind.HIDDEN, RuleKind.CALCULATION}


def rules() -> dict[str, Rule]:
    """Every rule of the study and its dictionary."""
    study = load_study(STUDY)
    made = rules_from_dictionary(dictionary_from_folder(STUDY / "project"), study.settings.dictionary_rules)
    return {rule.id: rule for rule in (*study.rules, *made)}


def _plan() -> str:
    """The plan without its remarks."""
    lines = (STUDY / "plan.toml").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def test_the_page_is_what_the_table_says() -> None:
    """PROTOCOL.md is written from the table and the rules as they are now."""
    assert (STUDY / "PROTOCOL.md").read_text(encoding="utf-8") == page(STUDY)


def test_every_sentence_has_a_rule_or_a_reason() -> None:
    """No sentence is left without an answer, and every rule that is named exists."""
    assert not [one["text"] for one in TABLE["sentence"] if not (one.get("rules") or one.get("reason"))]
    named = {rule_id for one in TABLE["sentence"] for rule_id in one.get("rules", ())}
    assert named <= set(rules())


def test_every_rule_of_the_study_stands_beside_a_sentence() -> None:
    """A rule that no sentence asks for is not of this protocol."""
    named = {rule_id for one in TABLE["sentence"] for rule_id in one.get("rules", ())}
    assert {rule.id for rule in load_study(STUDY).rules} - named == set()


@pytest.mark.skipif(not PAPER.exists(), reason="the publication's text is not on this machine")
def test_the_sentences_are_those_of_the_publication() -> None:
    """Each sentence is in the publication as it is quoted, but for line breaks and blanks."""
    text = re.sub(r"\s", "", PAPER.read_text(encoding="utf-8"))
    quoted = [one["text"] for one in TABLE["sentence"] if not one.get("own")]
    assert not [one for one in quoted if re.sub(r"\s", "", one) not in text]


def test_every_reported_field_has_a_rule_beyond_its_form_or_a_reason() -> None:
    """What the plan reports is compared with something else, or the table says why it cannot be."""
    reported = set(re.findall(r"\[\w+\]\[(\w+)(?:\(\w+\))?\]", _plan()))
    assert len(reported) > 40
    checked = {name for rule in rules().values() if rule.kind not in OF_FORM for name in (*rule.fields, *rule.involved)}
    excused = {name for one in TABLE["field"] for name in one["names"]}
    assert reported - checked == excused
