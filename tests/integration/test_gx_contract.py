"""Great Expectations does what the adapter relies on, release by release."""

import gc
import importlib.util
import json
import socket
import weakref
from typing import Any

import great_expectations as gx
import pandas as pd
import pytest
from great_expectations.execution_engine import pandas_execution_engine

from nightround.model.outcome import Status
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.validation import gx_judge
from nightround.validation.batch import make_batch
from nightround.validation.gx_judge import ExpectRedcapRule, JudgeBroke, RuleBook, judge
from nightround.validation.run import validate
from nightround.validation.snapshot_rows import AnchorRows
from nightround.validation.suite import Suite, compile_rule, compile_suites
from redcap_sync.logic import Evaluator
from tests.made_up import NIGHT, project, rule, snapshot

CANARY = "CANARY-7431"
DICTIONARY = project(
    "record_id visit text - -",
    "weight visit text number -",
    "name visit text - -",
    "grade visit radio - 0, None | 1, Mild",
    events={"one_arm_1": ["visit"]},
)


def rows(count: int) -> Snapshot:
    """As many records, weight equal to the number of the record."""
    return snapshot(
        DICTIONARY,
        [
            {"record_id": f"{CANARY}-{n}", "redcap_event_name": "one_arm_1", "weight": str(n), "name": CANARY}
            for n in range(count)
        ],
    )


def suite_of(*rules: Rule) -> Suite:
    """One suite of rules on the visit."""
    return Suite("visit", ("visit",), tuple(compile_rule(one, DICTIONARY) for one in rules))


HEAVY = rule("heavy", "visit", "[weight] > 100")
LIGHT = rule("light", "visit", "[weight] < 0")
NAMED = rule("named", "visit", f"[name] = '{CANARY}'")


def test_all_rules_are_known_before_the_one_metric_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every expectation names its dependencies before the shared metric runs, and it runs once."""
    calls: list[list[str]] = []
    original = gx_judge.evaluate_rules

    def counted(frame: Any, rules: Any) -> Any:
        calls.append(sorted(rules))
        return original(frame, rules)

    monkeypatch.setattr(gx_judge, "evaluate_rules", counted)
    batch = make_batch(AnchorRows.of(rows(5), ["visit"]), "visit", compile_suite_references(HEAVY, LIGHT, NAMED), NIGHT)
    judge(suite_of(HEAVY, LIGHT, NAMED), batch.frame)
    assert calls == [["heavy", "light", "named"]]


def compile_suite_references(*rules: Rule) -> list[Any]:
    """Every reference the rules make."""
    return [reference for one in rules for reference in compile_rule(one, DICTIONARY).references]


def test_failing_rows_are_complete() -> None:
    """Great Expectations cuts its lists at 20 and 200; ours hold every failing row."""
    outcome = validate(rows(1000), [HEAVY], now=NIGHT.replace(tzinfo=None)).outcomes[0]
    assert (outcome.status, outcome.in_scope, outcome.checked, outcome.failed) == (Status.FAILED, 1000, 1000, 899)
    assert len(outcome.violations) == 899


def test_neither_value_nor_record_id_is_in_its_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """The results of Great Expectations hold counts and positions only."""
    seen: list[str] = []
    original = gx_judge._same_verdicts

    def kept(outcome: Any, results: Any) -> None:
        seen.append(json.dumps(outcome.to_json_dict()["results"]))
        original(outcome, results)

    monkeypatch.setattr(gx_judge, "_same_verdicts", kept)
    harmless = rule("named", "visit", "[name] <> ''")
    violations = validate(rows(30), [harmless], now=NIGHT.replace(tzinfo=None)).violations
    assert violations[0].observed == {"name": CANARY}
    assert '"unexpected_count": 30' in seen[0]
    assert CANARY not in seen[0]


def test_a_lost_expectation_is_a_bug_and_not_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """If Great Expectations judges fewer rules than were written, the run stops."""
    batch = make_batch(AnchorRows.of(rows(3), ["visit"]), "visit", compile_suite_references(HEAVY, LIGHT), NIGHT)
    written = Suite.to_json
    monkeypatch.setattr(
        Suite, "to_json", lambda suite: {**written(suite), "expectations": written(suite)["expectations"][:1]}
    )
    with pytest.raises(JudgeBroke, match="loaded 1 of 2"):
        judge(suite_of(HEAVY, LIGHT), batch.frame)


def test_one_broken_rule_stops_no_other() -> None:
    """A rule on a field that is not there could not be evaluated; the rule next to it is judged."""
    broken = rule("broken", "visit", "[no_such_field] > 1")
    outcomes = validate(rows(3), [broken, LIGHT], now=NIGHT.replace(tzinfo=None)).outcomes
    assert [(one.rule_id, one.status) for one in outcomes] == [
        ("broken", Status.NOT_EVALUATED),
        ("light", Status.PASSED),
    ]


def test_an_exception_in_a_rule_is_its_own_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever one rule raises, its outcome says so without a value, and never passes."""

    def explode(*_: Any) -> Any:
        raise ArithmeticError(CANARY)

    monkeypatch.setattr(Evaluator, "truth", explode)
    outcome = validate(rows(3), [HEAVY], now=NIGHT.replace(tzinfo=None)).outcomes[0]
    assert outcome.status is Status.NOT_EVALUATED
    assert str(outcome.reason) == "ArithmeticError while the rule was evaluated"


def test_no_row_in_scope_is_not_applicable() -> None:
    """An empty table, or rows that are all out of scope or blank, is not a success."""
    now = NIGHT.replace(tzinfo=None)
    out_of_scope = rule("scope", "visit", "[weight] > 1", applies="[grade] = '1'")
    blank = rule("blank", "visit", "[grade] = '1'")
    assert validate(rows(0), [HEAVY], now=now).outcomes[0].status is Status.NOT_APPLICABLE
    statuses = {one.rule_id: one.status for one in validate(rows(3), [out_of_scope, blank], now=now).outcomes}
    assert statuses == {"scope": Status.NOT_APPLICABLE, "blank": Status.NOT_APPLICABLE}


def test_two_runs_do_not_see_each_other() -> None:
    """Each run has a datasource and a rule book of its own."""
    now = NIGHT.replace(tzinfo=None)
    first = validate(rows(200), [HEAVY], now=now).outcomes[0].failed
    second = validate(rows(50), [HEAVY], now=now).outcomes[0].failed
    assert (first, second) == (99, 0)
    assert len(RuleBook._open) == 0


def test_suites_are_deterministic_and_round_trip() -> None:
    """The same rules give the same bytes, and GX gives the same expectation back."""
    once, _ = compile_suites([HEAVY, LIGHT], DICTIONARY)
    twice, _ = compile_suites([HEAVY, LIGHT], DICTIONARY)
    assert json.dumps(once[0].to_json()) == json.dumps(twice[0].to_json())
    written = once[0].to_json()["expectations"][0]
    read = ExpectRedcapRule(**written["kwargs"], id=written["id"], meta=written["meta"], severity=written["severity"])
    back = read.configuration.to_json_dict()
    assert back["kwargs"]["logic"] == written["kwargs"]["logic"]
    assert (back["type"], back["severity"], back["id"]) == (written["type"], written["severity"], written["id"])


def test_there_is_no_telemetry_and_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Great Expectations has no analytics package and opens no socket while it judges."""
    assert importlib.util.find_spec("great_expectations.analytics") is None

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    assert validate(rows(3), [LIGHT], now=NIGHT.replace(tzinfo=None)).outcomes[0].status is Status.PASSED


def test_a_suite_runs_on_a_frame_that_was_not_made_here() -> None:
    """A user of Great Expectations needs the key columns and one column a field, as REDCap exported it."""
    suites, _ = compile_suites(rules_from_dictionary(DICTIONARY, DictionaryRulesTable()), DICTIONARY)
    logic = {one.rule.id: one.expectation["kwargs"]["logic"] for one in suites[0].rules}
    frame = pd.DataFrame({"instrument": ["visit"] * 3, "event": ["one_arm_1"] * 3, "grade": ["1", "7", ""]})
    result = gx_judge.evaluate_rules(frame, logic)["choice:grade"]
    assert (result.error, result.failing.tolist(), result.checked) == (None, [1], 2)


def test_what_is_kept_of_a_run_is_what_a_checkpoint_of_the_suites_gives() -> None:
    """The kept document is `CheckpointResult.describe_dict()` of a real `Checkpoint.run`, without the rules' logic."""
    suite, taken = suite_of(HEAVY, LIGHT, NAMED), rows(150)
    now = NIGHT.replace(tzinfo=None)
    batch = make_batch(AnchorRows.of(taken, ["visit"]), "visit", compile_suite_references(HEAVY, LIGHT, NAMED), now)
    kept = validate(taken, [HEAVY, LIGHT, NAMED], now=now).checkpoint_document()
    context = gx.get_context(mode="ephemeral")
    definition = (
        context.data_sources.add_pandas("own").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
    )
    stored = context.suites.add(gx.ExpectationSuite(**suite.to_json()))
    assert len(context.suites.get("visit").expectations) == len(stored.expectations) == len(suite.rules)
    named = context.validation_definitions.add(gx.ValidationDefinition(name="visit", data=definition, suite=stored))
    checkpoint = context.checkpoints.add(gx.Checkpoint(name="nightround", validation_definitions=[named]))
    result = checkpoint.run(batch_parameters={"dataframe": batch.frame}).describe_dict()
    for described in (kept["validation_results"][0], result["validation_results"][0]):
        for expectation in described["expectations"]:
            expectation["kwargs"] = {**expectation["kwargs"], "batch_id": "", "logic": ""}
    severities = [one.pop("severity") for one in kept["validation_results"][0]["expectations"]]
    assert severities == ["warning"] * 3
    assert kept["validation_results"][0].pop("suite_name") == "visit"
    assert kept.pop("great_expectations_version") == gx.__version__
    assert kept == result
    assert CANARY not in json.dumps(kept)
    assert [one["result"]["unexpected_count"] for one in kept["validation_results"][0]["expectations"]] == [49, 0, 150]


def test_a_run_without_a_row_keeps_no_result() -> None:
    """Where no suite had a row there is nothing that Great Expectations could have judged."""
    assert validate(rows(0), [HEAVY], now=NIGHT.replace(tzinfo=None)).checkpoint_document() == {}


def test_nothing_of_a_run_holds_its_rows() -> None:
    """A registry's frame is let go of as soon as it was judged."""
    batch = make_batch(AnchorRows.of(rows(5), ["visit"]), "visit", compile_suite_references(HEAVY), NIGHT)
    frame = weakref.ref(batch.frame)
    described = judge(suite_of(HEAVY), batch.frame).verdicts["heavy"]
    del batch
    gc.collect()
    assert described["success"] is True
    assert frame() is None


def test_a_rule_with_more_than_a_rule_has_is_passed_around_in_the_form_of_its_base() -> None:
    """What a user of Great Expectations adds to a rule, such as a description, is not lost on the way."""
    written = compile_rule(HEAVY, DICTIONARY).expectation
    described = ExpectRedcapRule(**written["kwargs"], description="weights of adults")
    assert described.configuration.description == "weights of adults"
    assert described.configuration.kwargs["rule_id"] == "heavy"
    plain = ExpectRedcapRule(**written["kwargs"], notes="seen in 2024", meta={"rule_id": "heavy"}, severity="info")
    assert plain.configuration.to_json_dict() == super(ExpectRedcapRule, plain).configuration.to_json_dict()


def test_no_frame_is_measured_or_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Great Expectations takes no fingerprint of the rows, and does not ask each column how large it is."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the frame was measured")

    monkeypatch.setattr(pd.DataFrame, "memory_usage", refused)
    monkeypatch.setattr(pandas_execution_engine, "hash_pandas_dataframe", refused)
    assert validate(rows(150), [HEAVY], now=NIGHT.replace(tzinfo=None)).outcomes[0].failed == 49
