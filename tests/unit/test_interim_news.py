"""What changed since the last report, and why."""

from dataclasses import replace

import pandas as pd

from nightround.model.result import ResultKey
from nightround.report.numbers.changed_numbers import Side, changed_numbers, compared
from nightround.report.numbers.computing import results_of
from nightround.report.numbers.facts import Cause, CauseKind, ChangedNumber, News
from nightround.report.numbers.gathering import with_events
from nightround.report.tables.news_page import weightiest_first
from nightround.study.plan import Plan
from tests.interim_samples import PLANNED, TAKEN, patient, patients, snapshot_of

BEFORE = patients()


def side(rows: list[dict[str, str]], plan: Plan = PLANNED, **versions: str) -> Side:
    """One report."""
    snapshot = snapshot_of(rows)
    return Side(plan, results_of(plan, snapshot), with_events(plan, snapshot), versions)


def changes(before: Side, now: Side) -> dict[ResultKey, ChangedNumber]:
    """What changed, by number."""
    return {
        ResultKey(one.table, one.variable, one.statistic, one.group, one.visit, one.level): one
        for one in changed_numbers(before, now)
    }


def edited(record: int, **values: str) -> list[dict[str, str]]:
    """The rows with some values of one record changed."""
    return [{**row, **values} if row["record_id"] == str(record) and "age" in row else row for row in BEFORE]


def test_the_same_data_change_nothing() -> None:
    """Two reports of one snapshot differ in no number."""
    assert changes(side(BEFORE), side(BEFORE)) == {}


def test_an_edited_value_is_the_cause_of_the_numbers_it_is_in() -> None:
    """A corrected age changes its mean and P, caused by that record alone; no other variable is reported."""
    found = changes(side(BEFORE), side(edited(2, age="18")))
    assert {key.variable for key in found} == {"age"}
    assert {one.causes for one in found.values()} == {(Cause(CauseKind.EDITED, ("2",)),)}
    summary = found[ResultKey("table1", "age", "summary", "open")]
    assert summary.before != summary.now


def test_a_new_and_a_deleted_record_are_told_apart() -> None:
    """One patient more and one fewer: numbers name both, in the order of the records."""
    now = [*(row for row in BEFORE if row["record_id"] != "3"), patient(100), patient(25)]
    found = changes(side(BEFORE), side(now))
    enrolled = found[ResultKey("flow", "treated", "n")]
    assert (enrolled.before, enrolled.now) == ("24", "25")
    assert enrolled.causes == (Cause(CauseKind.NEW, ("25", "100")), Cause(CauseKind.DELETED, ("3",)))


def test_a_patient_who_changes_group_moves_every_line() -> None:
    """The edit of the group is the cause wherever a number changed."""
    found = changes(side(BEFORE), side(edited(2, patency="0")))
    assert {"patency", "age", "groups"} <= {key.variable for key in found}
    assert all(Cause(CauseKind.EDITED, ("2",)) in one.causes for one in found.values())


def test_an_adverse_event_is_the_cause_of_the_safety_numbers() -> None:
    """A second event of a patient is an edit of that record."""
    event = {"redcap_repeat_instrument": "adverse_event", "redcap_repeat_instance": "2", "serious": "1"}
    now = [*BEFORE, {"record_id": "1", "term": "2", "grade": "2", **event}]
    found = changes(side(BEFORE), side(now))
    assert found[ResultKey("safety", "serious", "summary")].causes == (Cause(CauseKind.EDITED, ("1",)),)


def test_another_last_visit_is_the_cause_of_the_curve() -> None:
    """A date that time is counted to moves the shares at later times, each compared at every planned time."""
    before, now = side(patients()), side(edited(3, seen="2026-04-11"))
    found = {key: one for key, one in changes(before, now).items() if key.table == "survival"}
    assert found.keys() == {ResultKey("survival", "over_time", "free", level=level) for level in ("50", "75")}
    assert {cause.records for one in found.values() for cause in one.causes} == {("3",)}


def test_another_plan_is_a_cause() -> None:
    """More decimals in the plan change the texts, and no record did."""
    table = PLANNED.tables[0]
    sections = tuple(
        one.model_copy(update={"variables": tuple(v.model_copy(update={"digits": 3}) for v in one.variables)})
        for one in table.sections
    )
    plan = PLANNED.model_copy(update={"tables": (table.model_copy(update={"sections": sections}), *PLANNED.tables[1:])})
    found = changes(side(BEFORE), side(BEFORE, plan))
    assert found
    assert {one.causes for one in found.values()} == {(Cause(CauseKind.PLAN),)}


def test_other_software_is_the_cause_where_nothing_else_is() -> None:
    """A number that changed with the data and the plan as they were came of another version."""
    before, now = side(BEFORE, scipy="1"), side(BEFORE, scipy="2")
    rows = [replace(row, text="9.9") if row.variable == "age" and row.statistic == "p" else row for row in now.results]
    found = changes(before, replace(now, results=type(now.results)(rows)))
    assert {one.causes for one in found.values()} == {(Cause(CauseKind.SOFTWARE),)}


def test_without_the_last_snapshot_the_cause_is_unknown() -> None:
    """The numbers are still compared; what caused them is not guessed."""
    gone = replace(side(BEFORE), patients=None)
    found = changes(gone, side(edited(2, age="18")))
    assert {one.causes for one in found.values()} == {(Cause(CauseKind.UNKNOWN),)}


def test_what_is_not_printed_is_not_compared() -> None:
    """A mean is compared as part of its cell, a rate of the literature never."""
    results = side(BEFORE).results
    assert 0 < compared(results, results) < len(results)
    keys = {one.table for one in changed_numbers(replace(side(BEFORE), results=type(results)([])), side(BEFORE))}
    assert "literature" not in keys


def test_a_blank_that_stays_blank_is_no_edit() -> None:
    """Missing equals missing."""
    frame = pd.DataFrame({"age": [None, "3"]}, index=["1", "2"])
    assert not (frame["age"].isna() & frame["age"].notna()).any()
    blank = edited(2, age="")
    assert changes(side(blank), side(blank)) == {}


def changed(table: str, statistic: str, before: str, now: str, *records: str, group: str = "") -> ChangedNumber:
    """A changed number of the variable `age`."""
    return ChangedNumber(table, "age", statistic, group, "", "", before, now, (Cause(CauseKind.EDITED, records),))


def test_what_weighs_most_is_listed_first() -> None:
    """The flow, then a P value that crossed 0.05, then what few records caused, and the plan's order within those."""
    common = [changed("table1", "summary", f"{n}", f"{n + 1}", "5", "25", group="patency") for n in range(3)]
    rare = changed("table1", "summary", "54.2", "54.1", "2", "5", "25")
    crossing = changed("table1", "p", "0.060", "<0.001", "5", "25")
    staying = changed("table1", "p", "0.648", "0.963", "5", "25")
    flow = changed("flow", "n", "63", "62", "5")
    news = News(TAKEN, "a" * 64, 10, (*common, staying, rare, crossing, flow), 0, 2)
    assert weightiest_first(news, PLANNED) == [flow, crossing, rare, *common, staying]
