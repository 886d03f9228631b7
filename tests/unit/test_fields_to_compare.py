"""A finding names every field that may be the wrong one."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from nightround.findings.findings_list import findings_list
from nightround.findings.worklist_lines import lines_for
from nightround.findings.worklist_sheet import write_sheet
from nightround.model.finding import LedgerDelta
from nightround.model.links import Places
from nightround.model.rule import Rule, RuleKind
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.folder import load_study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.study.rules.rule_files import RuleTable, rule_of
from redcap_sync.logic import parse, references
from tests.made_findings import made_finding, made_row
from tests.made_up import project
from tests.unit.test_alerts_digest import notice_of

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


VISITS = {"base_arm_1": "筛选 Screening", "month_arm_1": "术后6个月 Month 6"}
TWO_VISITS = project(
    "record_id visit text - -",
    "before visit text number -",
    "after visit text number -",
    "change visit calc - [base_arm_1][before]-[after]",
    events=dict.fromkeys(VISITS, ("visit",)),
)
TWO_VISITS = replace(
    TWO_VISITS, events=tuple(replace(event, label=VISITS[event.unique_name]) for event in TWO_VISITS.events)
)
OF_TWO = Places.of(TWO_VISITS, api_url="https://redcap.example.org/api/", version="15.0.0", record_id_allowed=True)
BOTH = ("base_arm_1", "month_arm_1")


@pytest.mark.parametrize(
    ("logic", "event", "read_at"),
    [
        ("[after] < [base_arm_1][before]", "month_arm_1", {"after": (), "before": ("base_arm_1",)}),
        ("[after] < [base_arm_1][before]", "base_arm_1", {"after": (), "before": ()}),
        ("[after] = [previous-event-name][after]", "month_arm_1", {"after": BOTH}),
        ("[after] = [previous-event-name][after]", "base_arm_1", {"after": ()}),
        ("[after] = [next-event-name][after]", "base_arm_1", {"after": BOTH}),
        ("[after] < [no_such_arm_1][before]", "month_arm_1", {"after": (), "before": ()}),
        ("[after] < [before]", "", {"after": (), "before": ()}),
    ],
)
def test_a_field_of_another_visit_has_its_visit(logic: str, event: str, read_at: dict[str, tuple[str, ...]]) -> None:
    """Named and relative events are found from the finding's own, which is not repeated where it is the only one."""
    rule = written(discrepancy=logic)
    finding = made_finding(rule.id, made_row(event=event, instrument="visit"), fields=rule.fields)
    assert {one.name: one.events for one in OF_TWO.to_compare(finding, rule)} == read_at


def test_a_calculation_over_two_visits_names_them() -> None:
    """The wrong value may be the one of the other visit."""
    made = rules_from_dictionary(TWO_VISITS, DictionaryRulesTable(calculation=True))
    (rule,) = (one for one in made if one.kind is RuleKind.CALCULATION)
    finding = made_finding(rule.id, made_row(event="month_arm_1", instrument="visit"), fields=rule.fields)
    read = {one.name: one.events for one in OF_TWO.to_compare(finding, rule)}
    assert read == {"change": (), "before": ("base_arm_1",), "after": ()}


def read_lines(sheet: bytes) -> list[object]:
    """Every cell of a worklist."""
    return [cell.value for row in load_workbook(BytesIO(sheet)).active.iter_rows() for cell in row]


def test_lists_say_the_visit_of_a_field_behind_its_label() -> None:
    """The list of findings and the worklist, where a coordinator opens the other visit's page."""
    rule = written(discrepancy="[after] < [base_arm_1][before]")
    finding = made_finding(rule.id, made_row(event="month_arm_1", instrument="visit"), fields=rule.fields)
    text = findings_list([finding], {rule.id: rule}, OF_TWO, {}).lstrip("\ufeff")
    (line,) = csv.DictReader(text.splitlines())
    assert line["to_compare"] == "after; before (筛选 Screening)"
    lines = lines_for([finding], {finding.id: "1"}, {rule.id: rule}, OF_TWO, {finding.id: date(2025, 7, 8)})
    cells = read_lines(write_sheet("s", lines, OF_TWO, "zh"))
    assert "after; before（筛选）" in cells


def test_a_mail_says_the_visit_of_a_field_behind_its_label() -> None:
    """In the reader's language."""
    rule = replace(written(discrepancy="[after] < [base_arm_1][before]"), id="VIL-01")
    finding = made_finding(row=made_row(event="month_arm_1", instrument="visit"), fields=rule.fields)
    news = LedgerDelta(opened=(finding,))
    assert "Look at: after, before (Screening)" in notice_of(news, places=OF_TWO, rules={rule.id: rule}).text
