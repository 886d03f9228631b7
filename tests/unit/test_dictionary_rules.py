"""Rules that the data dictionary holds, as the nightly run takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.outcome import SUGGESTED, Outcome, Status
from nightround.model.rule import RuleKind, Severity
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.validation.run import validate
from redcap_sync.dictionary import Choice, Dictionary, Field
from tests.made_up import NIGHT, project, snapshot

EVENTS = {"base_arm_1": ["visit", "lab"], "mid_arm_1": ["visit", "lab"], "end_arm_1": ["visit"]}
PLAIN = project(
    "record_id visit text - -",
    "sex visit radio - 1, Female | 2, Male",
    "weight visit text number -",
    "smoker visit yesno - -",
    "signs visit checkbox - 1, Red | 2, Warm",
    "hb lab text number -",
    "seen_on lab text date_ymd -",
    "started lab text time -",
    events=EVENTS,
)
CODES = (Choice("-99", "Asked"),)


def changed(**changes: dict[str, Any]) -> Dictionary:
    """The dictionary with other settings of some fields."""
    fields = tuple(replace(field, **changes.get(field.name, {})) for field in PLAIN.fields)
    return replace(PLAIN, fields=fields, missing_data_codes=CODES)


def row(record: str, event: str = "base_arm_1", **cells: str) -> dict[str, str]:
    """One row of an export."""
    return {"record_id": record, "redcap_event_name": event, **cells}


def judged(dictionary: Dictionary, records: Sequence[dict[str, str]], **wanted: Any) -> dict[str, Outcome]:
    """Only the wanted kinds of rules, judged on some rows."""
    kinds = dict.fromkeys(("range", "choice", "required", "absent", "visit"), False)
    table = DictionaryRulesTable.model_validate({**kinds, **wanted})
    validation = validate(
        snapshot(dictionary, records), rules_from_dictionary(dictionary, table), now=NIGHT.replace(tzinfo=None)
    )
    return {outcome.rule_id: outcome for outcome in validation.outcomes}


def failing(outcome: Outcome) -> list[tuple[str, str]]:
    """(record, event) of each violation."""
    return [(violation.row.record, violation.row.event) for violation in outcome.violations]


def test_the_usual_rules_of_a_study_keep_their_ids() -> None:
    """Range, choice and required rules are on unless a study says otherwise, one a field; codes of yes/no as well."""
    dictionary = changed(weight={"minimum": "30", "required": True}, signs={"required": True})
    made = rules_from_dictionary(dictionary, DictionaryRulesTable())
    assert [rule.id for rule in made] == [
        "visit:mid_arm_1",
        "lost_visit:mid_arm_1",
        "absent:visit",
        "choice:sex",
        "required:weight",
        "range:weight",
        "choice:smoker",
        "required:signs",
    ]
    assert {rule.origin for rule in made} == {"dictionary"}


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("30", Status.PASSED),
        ("160", Status.PASSED),
        ("160,5", Status.FAILED),
        ("29.99", Status.FAILED),
        ("1e3", Status.FAILED),
        ("abc", Status.NOT_APPLICABLE),
        ("-99", Status.NOT_APPLICABLE),
        ("", Status.NOT_APPLICABLE),
    ],
)
def test_a_range_is_held_against_numbers(value: str, status: Status) -> None:
    """Bounds are inclusive, a decimal comma is a point; text, codes and blanks cannot be out of range."""
    dictionary = changed(weight={"minimum": "30", "maximum": "160"})
    assert judged(dictionary, [row("1", weight=value)], range=True)["range:weight"].status is status


@pytest.mark.parametrize(
    ("changes", "good", "bad"),
    [
        ({"seen_on": {"maximum": "today"}}, {"seen_on": "2025-07-05"}, {"seen_on": "2025-07-06"}),
        ({"seen_on": {"minimum": "2020-02-29"}}, {"seen_on": "2020-02-29"}, {"seen_on": "2020-02-28"}),
        ({"started": {"minimum": "08:30"}}, {"started": "8:30"}, {"started": "8:29"}),
        ({"hb": {"minimum": "[weight]"}}, {"hb": "70", "weight": "70"}, {"hb": "9", "weight": "70"}),
        ({"hb": {"maximum": "[base_arm_1][weight]"}}, {"hb": "9", "weight": "70"}, {"hb": "71", "weight": "70"}),
        ({"hb": {"minimum": "[weight]"}}, {"hb": "9", "weight": ""}, {"hb": "9", "weight": "10,5"}),
    ],
)
def test_bounds_may_be_days_times_and_fields(
    changes: dict[str, Any], good: dict[str, str], bad: dict[str, str]
) -> None:
    """`today`, a date, a time of day or another field; a bound that is blank in a row binds nothing there."""
    outcomes = judged(changed(**changes), [row("1", **good), row("2", **bad)], range=True)
    assert failing(next(iter(outcomes.values()))) == [("2", "base_arm_1")]


def test_a_bound_that_is_no_number_is_never_a_pass() -> None:
    """A broken bound or branching logic leaves its own rule unevaluated, and no other."""
    dictionary = changed(weight={"minimum": "low"}, hb={"maximum": "9", "required": True, "branching_logic": "[sex] ="})
    outcomes = judged(dictionary, [row("1", hb="10")], range=True, required=True)
    assert outcomes["range:weight"].status is Status.NOT_EVALUATED
    assert outcomes["required:hb"].status is Status.NOT_EVALUATED
    assert failing(outcomes["range:hb"]) == [("1", "base_arm_1")]


@pytest.mark.parametrize("bad", ["01", "1.0", "3", "x"])
def test_a_choice_is_compared_as_text(bad: str) -> None:
    """Code '1' and a stored '01' are different answers; a missing data code is an answer."""
    records = [row("1", sex="1"), row("2", sex=bad), row("3", sex="-99"), row("4", sex="")]
    outcome = judged(changed(), records, choice=True)["choice:sex"]
    assert (failing(outcome), outcome.checked) == ([("2", "base_arm_1")], 2)


def test_a_field_that_refuses_missing_codes_takes_them_for_values() -> None:
    """With @NOMISSING, -99 is a number like any other."""
    dictionary = changed(weight={"minimum": "30", "annotation": "@NOMISSING"})
    outcomes = judged(dictionary, [row("1", weight="-99")], range=True, missing_code=True)
    assert failing(outcomes["range:weight"]) == [("1", "base_arm_1")]
    assert "missing_code:weight" not in outcomes


REQUIRED = {
    "weight": {"required": True},
    "sex": {"required": True},
    "hb": {"required": True, "branching_logic": "[sex] = '1'"},
}


def test_an_instrument_that_was_never_opened_is_one_finding() -> None:
    """Its blank required fields are folded under it; in an opened instrument each is a finding of its own."""
    records = [
        row("1", sex="1", weight="70", lab_complete="0"),
        row("2", sex="1", signs___1="0", visit_complete="2"),
        row("3", sex="2", weight="70"),
    ]
    outcomes = judged(changed(**REQUIRED), records, required=True, absent=True)
    assert failing(outcomes["absent:lab"]) == [("1", "base_arm_1"), ("2", "base_arm_1")]
    assert outcomes["absent:lab"].in_scope == 2  # record 3 has no required field in `lab`
    assert outcomes["absent:lab"].violations[0].observed["hb"] == ""
    assert failing(outcomes["required:weight"]) == [("2", "base_arm_1")]
    assert outcomes["required:hb"].failed == 0
    unfolded = judged(changed(**REQUIRED), records, required=True)
    assert failing(unfolded["required:hb"]) == [("1", "base_arm_1"), ("2", "base_arm_1")]


def test_an_opened_instrument_is_not_absent() -> None:
    """A status beyond its default, or one ticked option, shows that somebody was there."""
    records = [row("1", visit_complete="1"), row("2", signs___2="1"), row("3", visit_complete="0", signs___2="0")]
    outcomes = judged(changed(sex={"required": True}), records, required=True, absent=True)
    assert failing(outcomes["absent:visit"]) == [("3", "base_arm_1")]
    assert failing(outcomes["required:sex"]) == [("1", "base_arm_1"), ("2", "base_arm_1")]


REASON = {"zh": "患者已退出", "en": "the patient has left the study"}


def test_what_is_expected_to_be_missing_is_not_asked_for() -> None:
    """Where the study gives a reason, an absence is no finding, and the advice says where and why."""
    wanted = {"absent": True, "expected_missing": [{"instrument": "lab", "when": "[sex] = '2'", "reason": REASON}]}
    dictionary = changed(hb={"required": True})
    records = [row("1", sex="1"), row("2", sex="2")]
    assert failing(judged(dictionary, records, **wanted)["absent:lab"]) == [("1", "base_arm_1")]
    made = rules_from_dictionary(dictionary, DictionaryRulesTable.model_validate(wanted))
    advice = next(rule.advice for rule in made if rule.id == "absent:lab")
    assert (REASON["zh"] in advice.zh, REASON["en"] in advice.en) == (True, True)


VISITS: list[dict[str, Any]] = [
    {"event": "mid_arm_1"},
    {"event": "end_arm_1", "due": "datediff([seen_on], 'today', 'd') > 180"},
]


def test_a_visit_that_is_missing_altogether_is_one_finding() -> None:
    """It is due when a later visit has data or when its logic says so, and is filed at the record's first row."""
    records = [
        row("1", seen_on="2025-07-01"),
        row("1", "mid_arm_1", sex="1"),
        row("2", seen_on="2025-07-01"),
        row("2", "end_arm_1", sex="1"),
        row("3", seen_on="2024-07-01", sex="2"),
        row("3", "mid_arm_1", sex="1"),
        row("4", seen_on="2024-07-01"),
        row("4", "mid_arm_1", sex="1"),
    ]
    leave = {"event": "end_arm_1", "when": "[sex] = '2'", "reason": REASON}
    outcomes = judged(changed(), records, visits=VISITS, expected_missing=[leave])
    assert failing(outcomes["visit:mid_arm_1"]) == [("2", "base_arm_1")]
    assert outcomes["visit:end_arm_1"].reason is None
    assert failing(outcomes["visit:end_arm_1"]) == [("4", "base_arm_1")]
    assert outcomes["visit:mid_arm_1"].in_scope == 1


def test_a_rule_knows_its_kind_and_its_place() -> None:
    """Nothing has to read them out of its id, which is made of them and stays as it is in databases."""
    every = dict.fromkeys(DictionaryRulesTable.model_fields.keys() & set(RuleKind), True)
    limits = [{"field": "weight", "minimum": "2", "source": "made up"}]
    table = DictionaryRulesTable.model_validate({**every, "visits": VISITS, "limits": limits})
    dictionary = changed(
        weight={"minimum": "30", "required": True},
        sex={"branching_logic": "[weight] > 1"},
        hb={"type": "calc", "calculation": "[weight] * 2"},
    )
    dictionary = replace(dictionary, secondary_unique_field="weight")
    made = rules_from_dictionary(dictionary, table)
    written = {RuleKind.LOGIC, RuleKind.ALIKE, RuleKind.COUNT, RuleKind.COHORT}
    assert {rule.kind for rule in made} == set(RuleKind) - written
    assert [rule.id for rule in made] == [rule.kind.rule_id(rule.place.name) for rule in made]
    visit = next(rule for rule in made if rule.kind is RuleKind.VISIT)
    assert (visit.instrument, visit.place) == ("visit", ("mid_arm_1", "visit", ""))


@pytest.mark.parametrize("event", ["base_arm_1", "other_arm_1"])
def test_a_visit_that_cannot_be_expected_is_named(event: str) -> None:
    """The first event of an arm, and an event that does not exist, are mistakes in the study's settings."""
    with pytest.raises(StudyFilesWrong, match=event):
        judged(changed(), [], visits=[{"event": event}])


def test_a_value_beyond_a_hard_limit_is_one_finding_of_the_harder_kind() -> None:
    """The soft range leaves to the hard limit what no patient can have."""
    limits = [{"field": "weight", "minimum": "2", "maximum": "400", "source": "made up"}]
    dictionary = changed(weight={"minimum": "30", "maximum": "160"})
    records = [row("1", weight="170"), row("2", weight="700"), row("3", weight="70")]
    outcomes = judged(dictionary, records, range=True, limits=limits)
    assert failing(outcomes["range:weight"]) == [("1", "base_arm_1")]
    assert failing(outcomes["limit:weight"]) == [("2", "base_arm_1")]
    made = rules_from_dictionary(dictionary, DictionaryRulesTable.model_validate({"limits": limits}))
    assert {rule.id: rule.severity for rule in made if ":weight" in rule.id} == {
        "range:weight": Severity.MINOR,
        "limit:weight": Severity.MAJOR,
    }


def test_the_title_of_a_limit_is_in_one_language_each() -> None:
    """Of a label in both languages each title has its part."""
    dictionary = changed(weight={"label": "体重 Weight"})
    limits = [{"field": "weight", "minimum": "2", "maximum": "400", "source": "made up"}]
    made = rules_from_dictionary(dictionary, DictionaryRulesTable.model_validate({"limits": limits}))
    rule = next(rule for rule in made if rule.id == "limit:weight")
    assert rule.title == ("体重 不应超出 2 – 400", "Weight cannot be outside 2 – 400")
    assert rule.problem == ("体重 超出可能范围 2 – 400", "Weight is outside the possible range 2 – 400")


def test_a_finding_of_a_dictionary_rule_is_shown_as_what_is_wrong() -> None:
    """The title says what must hold, the problem that it does not: 未填写, not 已填写."""
    made = rules_from_dictionary(changed(weight={"label": "体重 Weight"}), DictionaryRulesTable(blank=True))
    rule = next(rule for rule in made if rule.id == "blank:weight")
    assert rule.title == ("体重 应已填写", "Weight is filled in")
    assert rule.finding_title == ("体重 未填写", "Weight is blank")
    assert all(any(one.problem) for one in made)


def test_a_range_that_redcap_enforces_is_taken_more_seriously() -> None:
    """@FORCE-MINMAX makes the range a hard limit."""
    dictionary = changed(weight={"minimum": "30", "annotation": "@FORCE-MINMAX"})
    made = rules_from_dictionary(dictionary, DictionaryRulesTable())
    assert next(rule.severity for rule in made if rule.id == "range:weight") is Severity.MAJOR


def test_a_limit_on_a_field_without_an_order_is_refused() -> None:
    """A radio field, and a field that is not there, cannot have a limit."""
    for name in ("sex", "nothing"):
        with pytest.raises(StudyFilesWrong, match=name):
            judged(changed(), [], limits=[{"field": name, "minimum": "1", "source": "made up"}])


WEIGHTS = ["62", "70", "71.5", "55", "80", "93", "66", "74", "68", "59", "77", "85"]


@pytest.mark.parametrize(
    ("value", "suggested"),
    [
        ("705", "70.5 (x 0.1, decimal point)"),
        ("7.05", "70.5 (x 10, decimal point)"),
        ("70500", "70.5 (x 0.001, decimal point)"),
        ("95", None),
        ("300000000", None),
        ("0", None),
    ],
)
def test_a_slip_of_the_decimal_point_is_reported_with_the_value_that_fits(value: str, suggested: str | None) -> None:
    """A value that fits only after a factor has that value suggested; an unusual one is left alone."""
    records = [row(str(number), weight=weight) for number, weight in enumerate([*WEIGHTS, value])]
    outcome = judged(changed(weight={"note": "kg"}), records, slip=True)["slip:weight"]
    found = [violation.observed[SUGGESTED] for violation in outcome.violations]
    assert found == ([suggested] if suggested else [])


def test_a_unit_that_the_field_names_is_tried() -> None:
    """A weight in pounds is beyond what fits in kilograms where weights lie close together."""
    close = [str(70 + number / 10) for number in range(20)]
    records = [row(str(number), weight=weight) for number, weight in enumerate([*close, "156"])]
    outcome = judged(changed(weight={"note": "体质量, kg"}), records, slip=True)["slip:weight"]
    assert [violation.observed[SUGGESTED] for violation in outcome.violations] == ["70.76 (lb instead of kg)"]
    elsewhere = judged(changed(weight={"note": "kg/m²"}), records, slip=True)["slip:weight"]
    assert elsewhere.failed == 0


def test_too_few_values_say_nothing_of_what_fits() -> None:
    """Below ten values no slip is reported."""
    records = [row(str(number), weight=weight) for number, weight in enumerate([*WEIGHTS[:5], "700"])]
    assert judged(changed(), records, slip=True)["slip:weight"].failed == 0


def test_every_field_of_the_slip_rule_is_a_number() -> None:
    """Only validated numbers can slip."""
    made = rules_from_dictionary(changed(), DictionaryRulesTable.model_validate({"slip": True, "choice": False}))
    assert [rule.fields[0] for rule in made if rule.kind is RuleKind.SLIP] == ["weight", "hb"]


def test_a_field_without_a_label_is_named() -> None:
    """The title of a rule is never empty."""
    bare: Field = replace(PLAIN.fields[2], label="", minimum="1")
    made = rules_from_dictionary(replace(PLAIN, fields=(PLAIN.fields[0], bare)), DictionaryRulesTable(visit=False))
    assert made[0].title.en == "weight is within 1 – …"


@pytest.mark.parametrize("validation", ["phone_uk", "mrn_8d", "site_code"])
def test_a_field_of_an_unknown_type_is_named_and_not_passed(validation: str) -> None:
    """Sites add validation types; a rule that knows no pattern says so, for the form and for the bounds."""
    dictionary = changed(weight={"validation": validation, "minimum": "1"})
    outcomes = judged(dictionary, [row("1", weight="x")], format=True, range=True)
    for kind in ("format", "range"):
        outcome = outcomes[f"{kind}:weight"]
        assert outcome.status is Status.NOT_EVALUATED
        assert outcome.reason is not None
        assert outcome.reason.code == "outcome.unknown_validation"


@pytest.mark.parametrize(("decides", "expected"), [("2", ["1"]), ("1", []), ("-99", [])])
def test_what_an_unknown_answer_would_hide_is_not_called_hidden(decides: str, expected: list[str]) -> None:
    """A value behind a question is a discrepancy where the answer hides it, not where a missing data code decides."""
    dictionary = changed(weight={"branching_logic": "[sex] = '1'"})
    records = [row("1", sex=decides, weight="70", visit_complete="2")]
    outcome = judged(dictionary, records, hidden=True)["hidden:weight"]
    assert [record for record, _ in failing(outcome)] == expected
