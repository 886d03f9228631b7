"""Effects, shifts, families, regressions, curves, policies and drift: the rest of what a plan asks for."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.statistics.cohort import csv_frame
from nightround.statistics.compare_policies import compare
from nightround.statistics.drift import drift
from nightround.statistics.tables import tables
from nightround.study.methods import words_of
from nightround.study.plan import Plan, read_plan

STUDY_PLAN = Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "plan.toml"
YES_NO = [{"id": "yes", "label": "yes", "codes": ["1"]}, {"id": "no", "label": "no", "codes": ["0"]}]
GRADES = [{"id": name, "label": name, "codes": [str(code)]} for code, name in enumerate(("none", "mild", "severe"))]


def plan_of(tables_of_plan: list[dict[str, Any]], **more: Any) -> Plan:
    """A plan with two groups over the given tables."""
    groups = [{"id": "a", "label": "A", "codes": ["1"]}, {"id": "b", "label": "B", "codes": ["2"]}]
    flow = [{"id": "all", "label": "all"}]
    base = {"policy": "recommended", "grouping": "arm", "population": "all", "groups": groups, "flow": flow}
    return Plan.model_validate({**base, "tables": tables_of_plan, **more})


def table_of(kind: str, *variables: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A table `t` of one section."""
    return {"id": "t", "title": "t", "kind": kind, "sections": [{"variables": list(variables)}], **more}


def measured(name: str, summary: str = "mean_sd", **more: Any) -> dict[str, Any]:
    """A continuous variable before and after, or once where `field` is given."""
    fields = {} if "field" in more else {"before": f"{name}_before", "after": f"{name}_after"}
    return {"id": name, "label": name, "type": "continuous", "summary": summary, **fields, **more}


def yes_no(name: str, **more: Any) -> dict[str, Any]:
    """A dichotomous variable of which `yes` is shown."""
    fields = {} if "before" in more else {"field": name}
    counted = {"type": "dichotomous", "summary": "n_percent", "levels": YES_NO, "shown": "yes"}
    return {"id": name, "label": name, **counted, **fields, **more}


def results(plan: Plan, **columns: list[Any]) -> ResultSet:
    """The result rows of a plan on columns of text."""
    return tables(plan, csv_frame(plan, pd.DataFrame(columns).astype("str")))


def row(found: ResultSet, variable: str, statistic: str, **place: str) -> ResultRow:
    """A row of table `t`, unless another is named."""
    return found[ResultKey(place.pop("table", "t"), variable, statistic, **place)]


ARMS = ["1"] * 6 + ["2"] * 6


def test_a_mean_difference_is_first_group_minus_second_with_its_interval() -> None:
    """The difference is signed by the plan's order of groups, and printed with its interval."""
    plan = plan_of([table_of("by_group", measured("x", field="x"), effects=["difference", "smd"])])
    found = results(plan, arm=ARMS, x=[1, 2, 3, 4, 5, 6, 3, 4, 5, 6, 7, 8])
    assert row(found, "x", "difference").value == -2
    assert row(found, "x", "difference_summary").text == "−2.0 (−4.4, 0.4)"
    assert row(found, "x", "smd").value == pytest.approx(-2 / np.std([1, 2, 3, 4, 5, 6], ddof=1))


def test_a_dichotomous_variable_has_risk_difference_and_odds_ratio() -> None:
    """Of a yes-or-no variable the difference is in percentage points, and the odds ratio is next to it."""
    plan = plan_of([table_of("by_group", yes_no("ill"), effects=["difference"])])
    found = results(plan, arm=ARMS, ill=[1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0])
    assert row(found, "ill", "difference").value == pytest.approx(100 * (3 / 6 - 1 / 6))
    assert row(found, "ill", "odds_ratio").value == pytest.approx(5.0)


def test_percentages_are_withheld_in_small_groups_where_the_plan_says_so() -> None:
    """Below the plan's limit the count is alone, with the reason on the row."""
    found = results(plan_of([table_of("by_group", yes_no("ill"))], percent_from=10), arm=ARMS, ill=[1, 0] * 6)
    in_group, overall = row(found, "ill", "summary", group="a"), row(found, "ill", "summary")
    assert (in_group.text, in_group.error) == ("3", "too few patients for a percentage")
    assert overall.text == "6 (50.0)"


def test_groups_that_share_no_level_have_no_standardised_difference() -> None:
    """Totally different groups are never printed as balanced: the row gives the reason."""
    plan = plan_of([table_of("by_group", yes_no("ill"), effects=["smd"])])
    smd = row(results(plan, arm=ARMS, ill=[1] * 6 + [0] * 6), "ill", "smd")
    assert (smd.value, smd.text, smd.error) == (None, "–", "the groups share no level")


def test_a_change_is_after_minus_before_over_the_pairs() -> None:
    """Unpaired patients are counted and left out, a rise is positive, in test and in change."""
    plan = plan_of([table_of("before_after", measured("x"), effects=["change"])])
    before, after = [1, 2, 3, 4, 5, ""], [2, 4, 4, 6, 6, 9]
    found = results(plan, arm=ARMS, x_before=before * 2, x_after=after * 2)
    assert row(found, "x", "n", group="a").value == 5
    assert row(found, "x", "unpaired", group="a").value == 1
    assert row(found, "x", "change", group="a").value == pytest.approx(1.4)
    assert (row(found, "x", "t", group="a").value or 0) > 0


def test_ordered_levels_count_who_rose_and_who_fell() -> None:
    """The change of a grade is reported as how many rose, stayed and fell."""
    grade = {"id": "g", "label": "g", "type": "ordinal", "summary": "n_percent", "levels": GRADES}
    plan = plan_of([table_of("before_after", {**grade, "before": "g0", "after": "g1"}, effects=["change"])])
    found = results(plan, arm=ARMS, g0=[2, 2, 1, 1, 0, 0] * 2, g1=[0, 1, 1, 1, 1, 0] * 2)
    counts = [row(found, "g", name, group="a").value for name in ("fell", "unchanged", "rose")]
    assert counts == [2, 3, 1]


def test_a_paired_proportion_changes_by_newcombe() -> None:
    """From 4 of 6 with the level to 1 of 6 is a fall of 50 percentage points."""
    plan = plan_of([table_of("before_after", yes_no("ill", before="i0", after="i1"), effects=["change"])])
    found = results(plan, arm=ARMS, i0=[1, 1, 1, 1, 0, 0] * 2, i1=[1, 0, 0, 0, 0, 0] * 2)
    assert row(found, "ill", "change", group="a").value == pytest.approx(-50)
    assert row(found, "ill", "p", group="a").method == "McNemar test (exact binomial)"


def test_ancova_that_disagrees_with_the_change_scores_says_so() -> None:
    """Groups that differ before and regress to the mean give the two analyses different answers (Lord's paradox)."""
    generator = np.random.default_rng(7)
    before = np.concatenate([generator.normal(60, 5, 60), generator.normal(70, 5, 60)])
    after = np.concatenate([30 + 0.5 * before[:60], 35 + 0.5 * before[60:]]) + generator.normal(0, 2, 120)
    plan = plan_of([table_of("before_after", measured("x"), effects=["difference_in_change", "ancova"])])
    columns = {"x_before": list(before.round(2)), "x_after": list(after.round(2))}
    found = results(plan, arm=["1"] * 60 + ["2"] * 60, **columns)
    assert row(found, "x", "ancova_summary").warning == "ANCOVA and change scores disagree"


def test_shift_tables_go_by_each_patients_own_limits() -> None:
    """A value on the limit is normal, and men and women have limits of their own."""
    limits = [
        {"low": 130, "high": 175, "source": "WS/T 405-2012", "where": [{"field": "sex", "codes": ["1"]}]},
        {"low": 115, "high": 150, "source": "WS/T 405-2012", "where": [{"field": "sex", "codes": ["2"]}]},
    ]
    plan = plan_of([table_of("laboratory", measured("hb", limits=limits))])
    values = {"hb_before": [120, 130, 180, 120, 150, 160], "hb_after": [140, 130, 170, 110, 151, ""]}
    found = results(plan, arm=["1"] * 6, sex=[1, 1, 1, 2, 2, 2], **values)
    shifts = {one.level: one.value for one in found if one.statistic == "shift" and not one.group and one.value}
    assert shifts == {"low>normal": 1, "normal>normal": 1, "high>normal": 1, "normal>low": 1, "normal>high": 1}
    assert row(found, "hb", "in_range", visit="before", level="high").value == 2


@pytest.mark.parametrize(("family", "expected"), [("holm", 2), ("fdr", 2), ("none", 0)])
def test_p_values_are_adjusted_only_in_a_declared_family(family: str, expected: int) -> None:
    """The family is the planned tests of the table; what could not be tested does not enlarge it."""
    variables = [measured(name, field=name) for name in ("x", "y", "same")]
    plan = plan_of([table_of("by_group", *variables, family=family)])
    found = results(plan, arm=ARMS, x=list(range(12)), y=[5, 3, 8, 1, 9, 2, 4, 7, 6, 0, 3, 5], same=[1] * 12)
    adjusted = [one for one in found if one.statistic == "p_adjusted"]
    assert len(adjusted) == expected
    assert all(one.n == expected and one.value >= row(found, one.variable, "p").value for one in adjusted)


def test_a_curve_has_numbers_at_risk_and_intervals_at_the_planned_times() -> None:
    """Patency over time is printed in percent, with who was still followed."""
    curve = {"id": "patency", "label": "p", "time": "months", "events": [{"field": "occluded", "codes": ["1"]}]}
    plan = plan_of([], survival=[{**curve, "unit": "months", "at": [1, 6], "by_group": True}])
    months, occluded = [2, 3, 4, 5, 6, 8] * 2, [1, 0, 1, 0, 0, 0] * 2
    found = results(plan, arm=ARMS, months=months, occluded=occluded)
    at_six = {name: row(found, "patency", name, table="survival", level="6") for name in ("at_risk", "free")}
    assert at_six["at_risk"].value == 4
    assert at_six["free"].value == pytest.approx(100 * (10 / 12) * (6 / 8))
    assert row(found, "patency", "free", table="survival", level="1").text == "100.0"
    assert row(found, "patency", "p", table="survival").text == "1.000"


def test_a_curve_says_nothing_of_times_that_nobody_reached() -> None:
    """At 12 months, where the last patient was followed for 8, there is a reason and no share; of no time as well."""
    curve = {"id": "patency", "label": "p", "time": "months", "events": [{"field": "occluded", "codes": ["1"]}]}
    plan = plan_of([], survival=[{**curve, "unit": "months", "at": [6, 12], "by_group": True}])
    found = results(plan, arm=ARMS, months=[2, 3, 4, 5, 6, 8] + [""] * 6, occluded=[1, 0, 1, 0, 0, 0] * 2)
    at_twelve = row(found, "patency", "free_summary", table="survival", level="12")
    assert (at_twelve.value, at_twelve.error) == (None, "nobody was followed for so long")
    nobody = row(found, "patency", "free_summary", table="survival", level="6", group="b")
    assert (nobody.value, nobody.error) == (None, "no values")
    ended = results(plan, arm=ARMS, months=[2, 3, 4, 5, 6, 8] * 2, occluded=[1] * 12)
    assert row(ended, "patency", "free", table="survival", level="12").value == 0


def test_an_unknown_event_is_missing_and_not_an_absence() -> None:
    """A patient with a time and a blank event is left out, and counted as missing."""
    curve = {"id": "patency", "label": "p", "time": "months", "events": [{"field": "occluded", "codes": ["1"]}]}
    plan = plan_of([], survival=[{**curve, "unit": "months", "at": [6]}])
    found = results(plan, arm=ARMS, months=[2, 3, 4, 5, 6, 8] * 2, occluded=[1, 0, "", 0, 0, 0] * 2)
    counts = {name: row(found, "patency", name, table="survival").value for name in ("n", "missing", "events")}
    assert counts == {"n": 10, "missing": 2, "events": 2}


def test_regression_gives_each_level_against_the_first() -> None:
    """Both likelihoods are printed for each factor; where only Firth's is finite, the other gives its reason."""
    plan = plan_of(
        [table_of("by_group", measured("x", field="x"), yes_no("ill"))],
        regressions=[
            {"id": "r", "label": "r", "group": "b", "table": "t", "factors": [{"variable": "x"}, {"variable": "ill"}]}
        ],
    )
    found = results(plan, arm=ARMS, x=[1, 5, 3, 4, 2, 6, 3, 4, 5, 6, 7, 8], ill=[0] * 6 + [1] * 3 + [0] * 3)
    assert (row(found, "x", "logistic", table="r").value or 0) > 1
    assert row(found, "ill", "logistic", table="r").error == "the factor separates the outcomes completely"
    assert (row(found, "ill", "firth", table="r").value or 0) > 1


def whole_cohort(plan: Plan) -> pd.DataFrame:
    """Made-up patients with every field of the study's plan filled."""
    generator = np.random.default_rng(11)
    size, columns = 62, {}
    for reference in plan.references():
        if reference in plan.measured():
            columns[reference.column] = generator.lognormal(3, 0.4, size).round(1)
        else:
            columns[reference.column] = generator.choice(["1", "2", "0"], size, p=[0.6, 0.3, 0.1])
    columns["[session_1_arm_1][three_sessions]"] = ["1"] * size
    columns["[month_6_arm_1][patency]"] = ["1"] * 43 + ["0"] * 19
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def study() -> tuple[Plan, pd.DataFrame]:
    """The study's plan with made-up patients."""
    plan = read_plan(STUDY_PLAN)
    return plan, whole_cohort(plan)


@pytest.mark.parametrize("policy", ["as-published", "spss", "cn-textbook", "recommended"])
def test_every_policy_fills_every_row(study: tuple[Plan, pd.DataFrame], policy: Any) -> None:
    """Under each policy every row has a text and a value or reason, and its words exist in both languages."""
    found = tables(*study, policy)
    assert all(one.text and (one.value is not None or one.error) for one in found)
    assert all(words_of(text).zh for one in found for text in (one.error, one.warning, one.method) if text)


def test_policies_differ_where_their_definitions_do(study: tuple[Plan, pd.DataFrame]) -> None:
    """Comparing policies lists each number that differs with both methods, and nothing else."""
    differences = {one.key: one for one in compare(*study, "spss", "recommended")}
    age = differences[ResultKey("table1", "age", "p")]
    assert age.why.en == "Student t test (pooled variance) | Welch t test"
    quartiles = {
        one.why.en for key, one in differences.items() if key.table == "table1" and key.statistic in ("q1", "q3")
    }
    assert quartiles == {"quartiles of Hyndman-Fan type 6 | quartiles of Hyndman-Fan type 7"}
    assert ResultKey("table1", "age", "mean", "patency") not in differences
    assert compare(*study, "spss", "spss") == ()


def test_the_published_sign_holds_under_its_policy_only(study: tuple[Plan, pd.DataFrame]) -> None:
    """A reversed t is reversed as published, says so, and is after minus before everywhere else."""
    key = ResultKey("table2", "circ_above_knee", "t", "patency")
    published, plain = tables(*study)[key], tables(*study, "spss")[key]
    assert published.value == pytest.approx(-(plain.value or 0))
    assert published.warning == "sign is before minus after"


def test_drift_is_reported_and_the_plan_stands(study: tuple[Plan, pd.DataFrame]) -> None:
    """Skewed data under a planned mean are named, and the planned test still runs."""
    plan, patients = study
    skewed = patients.copy()
    skewed["[screening_arm_1][age]"] = np.exp(np.linspace(0, 8, 62))
    found = [one for one in drift(plan, skewed) if one.variable == "age"]
    assert {(one.group, one.assumption) for one in found} == {("patency", "normal"), ("occlusion", "normal")}
    assert tables(plan, skewed)[ResultKey("table1", "age", "t")].method == "Student t test (pooled variance)"
