"""The ledger on single nights, one situation a test."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from nightround.findings.known_rows import KnownRows
from nightround.findings.reconcile import reconcile
from nightround.model.finding import WITHDRAWALS, Finding, FindingState, LedgerDelta, Resolution
from nightround.model.language import Words
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Severity
from redcap_sync.rows.tables import RowKey, tables_from_records
from tests.kept_nights import SCREENING, structure
from tests.made_findings import STUDY, made_finding, made_outcome, made_row, made_rule, night

RULES = {rule.id: rule for rule in (made_rule("VIL-01"), made_rule("VCSS-01"))}
ALL_ROWS = frozenset(made_row(str(record)) for record in range(1001, 1010))


def reconciled(known: Iterable[Finding], *outcomes: Outcome, **other: Any) -> LedgerDelta:
    """Reconcile on night 2, on a complete snapshot where every row is there."""
    settings = {"rules": RULES, "rows": ALL_ROWS, "complete": True, "now": night(2)} | other
    return reconcile(STUDY, known, outcomes, **settings)


def closed_as(resolution: Resolution, finding: Finding, *, on: int = 2) -> Finding:
    """A finding as a night closes it for a reason."""
    return replace(
        finding,
        state=FindingState.WITHDRAWN if resolution in WITHDRAWALS else FindingState.RESOLVED,
        resolution=resolution,
        resolved_at=night(on),
    )


def test_a_violation_never_seen_before_opens_a_finding() -> None:
    """A first violation becomes an open finding with the rule's severity and owner, dated tonight."""
    (found,) = reconciled([], made_outcome(rows=[made_row()])).opened
    assert found == replace(made_finding(), opened_at=night(2), last_seen_at=night(2))


def test_a_violation_seen_again_is_confirmed_and_not_doubled() -> None:
    """A finding that is still there keeps its opening date, is seen tonight, and carries tonight's values."""
    delta = reconciled([made_finding()], made_outcome(rows=[made_row()], observed={"villalta_total": "8"}))
    assert delta.opened == ()
    assert delta.persisting == (replace(made_finding(), last_seen_at=night(2), observed={"villalta_total": "8"}),)


def test_severity_and_owner_follow_the_rule_as_it_is_written_today() -> None:
    """When the study team re-grades a rule, the findings it confirms are re-graded."""
    rules = {"VIL-01": made_rule(severity=Severity.CRITICAL, owner="data_manager")}
    (found,) = reconciled([made_finding()], made_outcome(rows=[made_row()]), rules=rules).persisting
    assert (found.severity, found.owner) == (Severity.CRITICAL, "data_manager")


@pytest.mark.parametrize("status", [Status.PASSED, Status.FAILED])
def test_a_judged_row_that_no_longer_breaks_the_rule_is_fixed(status: Status) -> None:
    """Passed, or failed on other rows only: the finding is closed as fixed."""
    others = [made_row("1002")] if status is Status.FAILED else []
    (closed,) = reconciled([made_finding()], made_outcome(rows=others)).resolved
    assert closed == replace(
        made_finding(), state=FindingState.RESOLVED, resolved_at=night(2), resolution=Resolution.FIXED
    )


@pytest.mark.parametrize("status", [Status.PASSED, Status.NOT_APPLICABLE])
def test_a_finding_whose_row_was_removed_is_closed_as_removed(status: Status) -> None:
    """A deleted record is not called fixed: a complete snapshot without the row closes it as removed."""
    delta = reconciled([made_finding()], made_outcome(status=status), rows=ALL_ROWS - {made_row()})
    assert [one.resolution for one in delta.resolved] == [Resolution.ROW_REMOVED]


def test_a_row_that_no_rule_concerns_any_more_is_closed_as_out_of_scope() -> None:
    """Not applicable with the row still there: what made the rule apply was corrected."""
    delta = reconciled([made_finding()], made_outcome(status=Status.NOT_APPLICABLE))
    assert [one.resolution for one in delta.resolved] == [Resolution.OUT_OF_SCOPE]


@pytest.mark.parametrize("status", [Status.PASSED, Status.NOT_APPLICABLE])
def test_a_finding_whose_value_was_erased_is_not_called_fixed(status: Status) -> None:
    """A cell that the rule needs was blanked: the finding is closed as emptied, however other rows were judged."""
    outcome = replace(made_outcome(status=status), judged_rows=frozenset(), blank_rows=frozenset({made_row()}))
    (closed,) = reconciled([made_finding()], outcome).resolved
    assert closed.resolution is Resolution.EMPTIED


def test_a_row_that_left_the_scope_is_not_called_fixed() -> None:
    """The rule was judged on other rows only, and concerns this one no more."""
    outcome = replace(made_outcome(status=Status.PASSED), judged_rows=frozenset({made_row("1002")}))
    (closed,) = reconciled([made_finding()], outcome).resolved
    assert closed.resolution is Resolution.OUT_OF_SCOPE


def test_a_rule_that_could_not_be_evaluated_leaves_its_findings_untouched() -> None:
    """No judgement, no proof: the finding stays exactly as it was, even when its row is gone."""
    delta = reconciled([made_finding()], made_outcome(status=Status.NOT_EVALUATED), rows=frozenset())
    assert delta == LedgerDelta(untouched=(made_finding(),))


def test_a_rule_without_an_outcome_leaves_its_findings_untouched() -> None:
    """A rule the validation forgot closes nothing, and is not called unknown."""
    assert reconciled([made_finding()]) == LedgerDelta(untouched=(made_finding(),))


def test_findings_of_a_rule_that_left_the_study_are_withdrawn() -> None:
    """A rule was deleted from its file: its findings are withdrawn with their title, and never called fixed."""
    orphan = made_finding("OLD-9")
    delta = reconciled([orphan], made_outcome())
    assert delta == LedgerDelta(resolved=(closed_as(Resolution.RULE_WITHDRAWN, orphan),))
    assert delta.resolved[0].title == orphan.title


EDITS: list[dict[str, Any]] = [
    {"discrepancy": "[villalta_total] > 99"},
    {"applies": "[sex] = '1'"},
    {"needs": ("villalta_total",)},
    {"events": ("baseline_arm_1",)},
]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("status", [Status.PASSED, Status.NOT_APPLICABLE])
def test_an_edited_rule_calls_nothing_fixed(edit: dict[str, Any], status: Status) -> None:
    """The row does not break the rule as it is now, which says nothing of the value: withdrawn as changed."""
    delta = reconciled([made_finding()], made_outcome(status=status), rules={"VIL-01": made_rule(**edit)})
    assert delta == LedgerDelta(resolved=(closed_as(Resolution.RULE_CHANGED, made_finding()),))


@pytest.mark.parametrize("edit", EDITS)
def test_a_row_that_breaks_the_edited_rule_too_keeps_its_finding(edit: dict[str, Any]) -> None:
    """The finding stays open with its age; from tonight on the rule as it is now can prove it fixed."""
    rules = {"VIL-01": made_rule(**edit)}
    (kept,) = reconciled([made_finding()], made_outcome(rows=[made_row()]), rules=rules).persisting
    assert (kept.id, kept.opened_at) == (made_finding().id, made_finding().opened_at)
    (closed,) = reconciled([kept], made_outcome(), rules=rules, now=night(3)).resolved
    assert closed.resolution is Resolution.FIXED


WORDS_ONLY: list[dict[str, Any]] = [
    {"discrepancy": "[villalta_total]<>sum( [a],[b] )"},
    {"title": Words("另一标题", "Another title")},
    {"severity": Severity.MINOR, "owner": "data_manager"},
]


@pytest.mark.parametrize("edit", WORDS_ONLY)
def test_a_rule_written_in_other_words_asks_the_same(edit: dict[str, Any]) -> None:
    """Spaces, title, severity and owner decide nothing about a row: what is corrected is fixed."""
    (closed,) = reconciled([made_finding()], made_outcome(), rules={"VIL-01": made_rule(**edit)}).resolved
    assert closed.resolution is Resolution.FIXED


def test_a_finding_of_which_nobody_wrote_down_the_logic_is_closed_by_its_rule() -> None:
    """Findings of an earlier version have no hash: their rule is taken to ask what it asked."""
    (closed,) = reconciled([made_finding(logic="")], made_outcome()).resolved
    assert closed.resolution is Resolution.FIXED


def test_a_rule_that_shows_other_fields_keeps_its_findings() -> None:
    """The finding is that of its row: it keeps id and age, and shows the fields that the rule shows now."""
    fields = ("villalta_total", "villalta_a")
    rules = {"VIL-01": made_rule(fields=fields)}
    delta = reconciled([made_finding()], made_outcome(rows=[made_row()], fields=fields), rules=rules)
    assert delta == LedgerDelta(persisting=(replace(made_finding(), fields=fields, last_seen_at=night(2)),))


def test_a_renamed_rule_keeps_its_findings() -> None:
    """What a rule says that it `was` gives it the open and closed findings, with id, age and history."""
    closed = closed_as(Resolution.FIXED, made_finding("OLD-1", made_row("1002")), on=1)
    rules = {"NEW-1": made_rule("NEW-1", was=("OLDER-1", "OLD-1"))}
    delta = reconciled([made_finding("OLD-1"), closed], made_outcome("NEW-1", rows=[made_row()]), rules=rules)
    assert delta == LedgerDelta(
        persisting=(replace(made_finding("OLD-1"), rule_id="NEW-1", last_seen_at=night(2)),),
        moved=(replace(closed, rule_id="NEW-1"),),
    )
    (fixed,) = reconciled(delta.persisting, made_outcome("NEW-1"), rules=rules, now=night(3)).resolved
    assert (fixed.id, fixed.resolution) == (made_finding("OLD-1").id, Resolution.FIXED)


def test_of_two_rules_that_became_one_the_older_finding_stays() -> None:
    """A row has one finding of a rule: the other is withdrawn with the rule that it was of."""
    younger = made_finding("OLD-2", opened_at=night(2))
    rules = {"NEW-1": made_rule("NEW-1", was=("OLD-1", "OLD-2"))}
    delta = reconciled(
        [younger, made_finding("OLD-1")], made_outcome("NEW-1", rows=[made_row()]), rules=rules, now=night(3)
    )
    assert [one.id for one in delta.persisting] == [made_finding("OLD-1").id]
    assert [(one.id, one.resolution) for one in delta.resolved] == [(younger.id, Resolution.RULE_WITHDRAWN)]


def test_a_withdrawn_finding_that_is_seen_again_comes_back() -> None:
    """A rule that is restored finds its findings again."""
    (withdrawn,) = reconciled([made_finding("OLD-9")]).resolved
    rules = {"OLD-9": made_rule("OLD-9")}
    (back,) = reconciled([withdrawn], made_outcome("OLD-9", [made_row()]), rules=rules, now=night(3)).reopened
    assert (back.id, back.state, back.resolution, back.times_reopened) == (withdrawn.id, FindingState.OPEN, None, 1)


@pytest.mark.parametrize("status", list(Status))
def test_an_incomplete_run_closes_nothing(status: Status) -> None:
    """Whatever the outcome says, a run that could not see everything closes no finding."""
    delta = reconciled([made_finding()], made_outcome(status=status), complete=False)
    assert delta == LedgerDelta(untouched=(made_finding(),))


def test_an_incomplete_run_still_opens_and_confirms_what_it_saw() -> None:
    """A violation on an exported row is there whatever else was missing."""
    seen = made_outcome(rows=[made_row(), made_row("1002")])
    delta = reconciled([made_finding()], seen, complete=False)
    assert [one.row.record for one in (*delta.opened, *delta.persisting)] == ["1002", "1001"]


def test_an_incomplete_run_does_not_believe_in_absent_rows() -> None:
    """A visit that is missing from a short export is not yet a missing visit."""
    absent = made_outcome(rows=[made_row("1001")])
    assert reconciled([], absent, complete=False, rows=frozenset()) == LedgerDelta()
    assert len(reconciled([], absent, complete=True, rows=frozenset()).opened) == 1


def test_a_finding_that_comes_back_is_reopened_and_counted() -> None:
    """The same finding returns with its first opening date, and no trace of having been closed."""
    (closed,) = reconciled([made_finding()], made_outcome()).resolved
    (back,) = reconciled([closed], made_outcome(rows=[made_row()]), now=night(3)).reopened
    assert back == replace(made_finding(), last_seen_at=night(3), times_reopened=1)


def test_a_closed_finding_that_stays_away_is_no_part_of_the_night() -> None:
    """What was closed before is neither listed nor touched."""
    (closed,) = reconciled([made_finding()], made_outcome()).resolved
    assert reconciled([closed], made_outcome(), now=night(3)) == LedgerDelta()


def test_findings_are_listed_worst_first_then_by_rule_and_row() -> None:
    """The order never depends on the order the outcomes came in."""
    rules = RULES | {"ZZZ": made_rule("ZZZ", severity=Severity.CRITICAL)}
    outcomes = [made_outcome(rule, [made_row("1003"), made_row("1002")]) for rule in ("VIL-01", "ZZZ", "VCSS-01")]
    first = reconciled([], *outcomes, rules=rules)
    assert [(one.rule_id, one.row.record) for one in first.opened] == [
        (rule, record) for rule in ("ZZZ", "VCSS-01", "VIL-01") for record in ("1002", "1003")
    ]
    assert reconciled([], *reversed(outcomes), rules=rules) == first


@pytest.mark.parametrize(
    ("known", "outcomes", "changed", "message"),
    [
        ([made_finding(study="other")], [], {}, "belongs to study other"),
        ([made_finding(), made_finding()], [], {}, "known twice"),
        ([], [made_outcome(), made_outcome()], {}, "two outcomes"),
        ([], [made_outcome("NEW-1")], {}, "not among the rules"),
        ([], [replace(made_outcome(rows=[made_row()]), rule_id="VCSS-01")], {}, "violations of another rule"),
        ([], [], {"now": datetime(2025, 5, 13, 2, 30)}, "time zone"),  # noqa: DTZ001 - the mistake itself
    ],
)
def test_contradicting_arguments_are_refused(
    known: list[Finding], outcomes: list[Outcome], changed: dict[str, Any], message: str
) -> None:
    """A mix-up in the caller stops the night instead of spoiling the ledger."""
    with pytest.raises(ValueError, match=message):
        reconciled(known, *outcomes, **changed)


def test_the_rows_of_a_snapshot_are_asked_for_by_their_keys() -> None:
    """A row is there with exactly its key; the keys of an instrument that nobody asks for are not read."""
    rows = KnownRows(tables_from_records(structure().dictionary, [{"record_id": "7", **SCREENING, "age": "40"}]))
    there = RowKey("7", SCREENING["redcap_event_name"], "demographics", 0)
    assert there in rows
    for other in (there._replace(record="8"), there._replace(instance=1), there._replace(instrument="nowhere")):
        assert other not in rows
    assert ("7", SCREENING["redcap_event_name"], "demographics", 0) not in rows
    assert set(rows._keys) == {"demographics", "nowhere"}
