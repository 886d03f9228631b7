"""The open report where the groups are an outcome: neither a page nor a file depends on who is in which group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Severity
from nightround.report.edition import OutcomeKept
from nightround.report.making import pages_of
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.opened import open_inputs
from nightround.report.printing.attachments import attachments
from nightround.report.printing.word_file import word_bytes
from nightround.report.self_audit.gate import contradictions
from nightround.study.plan import Plan
from nightround.texts.catalogue import read_wording
from redcap_sync.messages import Message
from tests.interim_samples import (
    AGE_RULE,
    PATENCY_RULE,
    PLANNED,
    TEMPLATES,
    edition_of,
    open_finding,
    patients,
    snapshot_of,
)

STATUS = {
    "id": "status", "label": {"zh": "通畅", "en": "Patent"}, "type": "dichotomous", "summary": "n_percent",
    "field": "patency", "shown": "yes", "test": "pearson",
    "levels": [{"id": "yes", "label": "yes", "codes": ["1"]}, {"id": "no", "label": "no", "codes": ["0"]}],
}  # fmt: skip
PATENT, OCCLUDED = (
    {"id": name, "label": {"zh": name, "en": name}, "of": "finished", "where": [{"field": "patency", "codes": [code]}]}
    for name, code in (("patent", "1"), ("occluded", "0"))
)
RUNNING = {
    "follow_up": {"among": "treated", "since": "entered", "visits": [{"id": "seen", "came": "seen"}]},
    "exposure": {"among": "treated", "label": "Sessions", "given": ["entered", "seen"]},
}
Rows = Sequence[Mapping[str, str]]


def planned(*steps: dict[str, object]) -> Plan:
    """The made-up plan with steps of the flow by group, and a line of Table 1 that is the group itself."""
    whole = PLANNED.model_dump()
    first, *others = whole["tables"]
    general, *rest = first["sections"]
    first["sections"] = [{**general, "variables": [*general["variables"], STATUS]}, *rest]
    conduct = {**RUNNING, "deaths": {"among": "treated", "field": "patency", "codes": ["0"]}}
    return Plan.model_validate({**whole, **conduct, "flow": [*whole["flow"], *steps], "tables": [first, *others]})


def closed(rows: Rows, plan: Plan) -> ReportInputs:
    """The closed version's inputs, with one patient's age and another's outcome in doubt."""
    snapshot = snapshot_of(rows)
    findings = [open_finding(AGE_RULE, "5"), open_finding(PATENCY_RULE, "7")]
    return inputs_of(edition_of(snapshot, findings, plan=plan), snapshot)


def everything(inputs: ReportInputs) -> dict[str, str | bytes]:
    """Every page and file of a version before it is typeset, by name."""
    pages = pages_of(inputs, TEMPLATES)
    words = {language: read_wording([TEMPLATES], language) for language in pages.contexts}
    return {
        **pages.html,
        **{f"{language}.docx": word_bytes(context, words[language]) for language, context in pages.contexts.items()},
        **{one.name: one.text for one in attachments(inputs)},
    }


def with_outcomes(shut: Callable[[int], bool]) -> Rows:
    """The patients with another outcome each, and nothing else changed."""
    return [
        {**row, "patency": "0" if shut(int(row["record_id"])) else "1"} if "age" in row else row for row in patients()
    ]


@pytest.mark.parametrize("shut", [lambda n: n % 3 != 0, lambda n: n % 4 == 0, lambda n: n in {3, 7}])
def test_another_split_gives_the_same_open_report(shut: Callable[[int], bool]) -> None:
    """Whoever is in whichever group, every page, Word file and attachment of the open version is the same."""
    plan = planned(PATENT, OCCLUDED)
    before, now = closed(patients(), plan), closed(with_outcomes(shut), plan)
    assert everything(before)["results.csv"] != everything(now)["results.csv"]
    assert everything(open_inputs(before)) == everything(open_inputs(now))


def test_the_open_report_tells_who_was_treated_and_assessed_and_that_the_rest_is_withheld() -> None:
    """One step stands for all groups, the endpoint has its denominator alone, a note says why, and the audit agrees."""
    inputs = open_inputs(closed(patients(), planned(PATENT, OCCLUDED)))
    pages = pages_of(inputs, TEMPLATES)
    assert "Outcome assessed (split withheld)" in pages.html["en"]
    assert "assessed in 24 patients; the groups are its answers" in pages.html["en"]
    assert "公开报告只列已评估例数" in pages.html["zh"]
    told = [(row.statistic, row.text) for row in inputs.results if row.table == "endpoints"]
    assert sorted(told) == [("missing", "0"), ("n", "24")]
    assert {row.variable: row.text for row in inputs.results if row.table == "flow"} == {
        "treated": "24", "stopped": "0", "finished": "24", "outcome_known": "24", "groups": "24",
    }  # fmt: skip
    assert not list(contradictions(inputs, inputs.results, pages.html, pages.contexts))


def test_follow_up_and_exposure_are_told_of_everybody_and_what_counts_the_groups_is_not() -> None:
    """The open version has visits and treatments without groups; deaths that are the grouping field have no line."""
    told = closed(patients(), planned(PATENT, OCCLUDED))
    inputs = open_inputs(told)
    parts = {"follow_up", "exposure", "deaths"}
    assert {row.table for row in told.results} >= parts
    assert {(row.table, row.group) for row in inputs.results if row.table in parts} == {
        ("follow_up", ""), ("exposure", ""),
    }  # fmt: skip
    assert inputs.plan.deaths is None
    ended = {**RUNNING["follow_up"], "ended": "patency"}
    plan = Plan.model_validate({**planned(PATENT, OCCLUDED).model_dump(), "follow_up": ended})
    assert not [row for row in open_inputs(closed(patients(), plan)).results if row.table == "follow_up"]


def test_a_curve_that_tells_the_split_is_left_out_of_the_open_report() -> None:
    """Where the groups are one of its events, or one of them is followed; a curve of something else is shown."""
    group, other = {"field": "patency", "codes": ["0"]}, {"field": "side", "codes": ["2"]}
    (curve,) = PLANNED.model_dump()["survival"]
    curves = [
        {**curve, "id": name, "label": {"zh": name, "en": name}, "events": events, **more}
        for name, events, more in (
            ("either", [other, group], {}),
            ("of_one_group", [other], {"population": "patent"}),
            ("of_everybody", [other], {"by_group": True}),
        )
    ]
    plan = Plan.model_validate({**planned(PATENT, OCCLUDED).model_dump(), "survival": curves})
    told = closed(patients(), plan)
    inputs = open_inputs(told)
    assert {row.variable for row in told.results if row.table == "survival"} == {
        "either",
        "of_one_group",
        "of_everybody",
    }
    assert {(row.variable, row.group) for row in inputs.results if row.table == "survival"} == {("of_everybody", "")}
    for page in pages_of(inputs, TEMPLATES).html.values():
        assert ("of_everybody" in page, "either<" in page, "of_one_group" in page) == (True, False, False)


def test_a_single_group_of_the_flow_is_left_out_without_a_sum() -> None:
    """Where the flow contains one of two groups, what stands for it would be its size: nothing does."""
    inputs = open_inputs(closed(patients(), planned(PATENT)))
    assert {row.variable for row in inputs.results if row.table == "flow"} == {
        "treated", "stopped", "finished", "groups",
    }  # fmt: skip
    assert [step.id for step in inputs.plan.flow] == ["treated", "stopped", "finished"]


def test_a_rule_about_the_groups_does_not_say_how_many_rows_it_looked_at() -> None:
    """Its scope may be one group; its result and its failures are reported, its rows are not, nor in a reason."""
    rule = replace(AGE_RULE, id="SHUT", applies="[patency] = '0'", severity=Severity.CRITICAL)
    blank = replace(rule, id="BLANK")
    snapshot = snapshot_of(patients())
    outcomes = (
        Outcome("SHUT", Status.FAILED, 8, 8, 1),
        Outcome("BLANK", Status.NOT_APPLICABLE, 8, 0, 0, Message.of("outcome.all_blank", rows=8)),
        Outcome("AGE", Status.FAILED, 24, 24, 2),
    )
    edition = edition_of(
        snapshot, rules=(rule, blank, AGE_RULE), outcomes=tuple(OutcomeKept.of(one) for one in outcomes)
    )
    inputs = open_inputs(inputs_of(edition, snapshot))
    listed = next(one.text for one in attachments(inputs) if one.name == "outcomes.csv").splitlines()
    assert listed[1:] == ["SHUT,failed,,,1,", "BLANK,not_applicable,,,0,", "AGE,failed,24,24,2,"]
    (table,) = [one for one in pages_of(inputs, TEMPLATES).contexts["en"].tables if one.id == "failed_rules"]
    assert [[cell.text for cell in row.cells[1:]] for row in table.rows] == [["–", "1"], ["24", "2"]]
