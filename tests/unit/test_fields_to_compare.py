"""A finding names every field that may be the wrong one."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nightround.findings.findings_list import findings_list
from nightround.model.links import Places
from nightround.model.rule import Rule, RuleKind
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.folder import load_study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.study.rules.rule_files import RuleTable, rule_of
from redcap_sync.logic import parse, references
from tests.made_findings import made_finding
from tests.made_up import project

DICTIONARY = project(
    "record_id visit text - -",
    "total visit text number -",
    "pain visit text number -",
    "cramps visit text number -",
    "weight_total visit calc - sum([pain],[cramps])",
    events={"one_arm_1": ["visit"]},
)
LABELS = {"total": "总分 Total", "pain": "疼痛 Pain"}
WITH_LABELS = replace(
    DICTIONARY,
    fields=tuple(
        replace(one, label=LABELS.get(one.name, one.label), identifier=one.name == "cramps")
        for one in DICTIONARY.fields
    ),
)
PLACES = Places.of(WITH_LABELS, api_url="https://redcap.example.org/api/", version="15.0.0", record_id_allowed=True)
STUDIES = Path(__file__).parents[2] / "expectations"


def written(**more: Any) -> Rule:
    """A rule on a total."""
    both = {"zh": "总分", "en": "Total"}
    facts = {"id": "T", "instrument": "visit", "title": both, "advice": both, "severity": "major", "source": "x"}
    return rule_of(
        RuleTable.model_validate({**facts, "discrepancy": "[total] <> sum([pain], [cramps])", **more}), Path("r")
    )


def listed(rule: Rule) -> str:
    """What the list of findings says is to be compared."""
    finding = made_finding(rule.id, fields=rule.fields)
    (line,) = csv.DictReader(findings_list([finding], {rule.id: rule}, PLACES, {}).lstrip("\ufeff").splitlines())
    return line["to_compare"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"fields": ["total"]}, "总分 Total (total); 疼痛 Pain (pain)"),
        ({"fields": ["pain"]}, "疼痛 Pain (pain); 总分 Total (total)"),
        ({}, "总分 Total (total); 疼痛 Pain (pain)"),
        ({"fields": ["total"], "identifiers_by_name": True}, "总分 Total (total); 疼痛 Pain (pain); cramps"),
    ],
)
def test_a_total_names_its_items(more: dict[str, Any], said: str) -> None:
    """First what the rule shows, then what else it reads; identifiers only where the rule says so."""
    assert listed(written(**more)) == said


def test_a_calculation_names_what_it_is_made_of() -> None:
    """REDCap's rule H: the stored result is seldom what somebody typed."""
    made = rules_from_dictionary(DICTIONARY, DictionaryRulesTable(calculation=True))
    (rule,) = (one for one in made if one.kind is RuleKind.CALCULATION)
    assert (rule.fields, rule.involved) == (("weight_total",), ("pain", "cramps"))


def read_by(rule: Rule) -> Iterable[str]:
    """The fields of a rule's logic."""
    asked = references(parse(rule.discrepancy)) if rule.discrepancy else ()
    return {one.field for one in asked if not one.is_smart}


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in STUDIES.glob("*/study.toml")), ids=lambda path: path.name
)
def test_no_shipped_rule_reads_a_field_that_its_findings_do_not_name(folder: Path) -> None:
    """Whatever the logic reads is shown or involved."""
    for rule in load_study(folder).rules:
        assert set(read_by(rule)) <= {*rule.fields, *rule.involved}, rule.id
