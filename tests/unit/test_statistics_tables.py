"""The driver: from patients to result rows, on counts of the published Table 1 and on small samples."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.statistics.cohort import csv_frame, patient_frame
from nightround.statistics.tables import tables
from nightround.study.methods import words_of
from nightround.study.plan import Plan, read_plan
from redcap_sync.rows.tables import Table

STUDY_PLAN = Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "plan.toml"
GROUP_SIZES = (43, 19)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The study's plan."""
    return read_plan(STUDY_PLAN)


def blank_frame(plan: Plan, records: int) -> pd.DataFrame:
    """Patients of whom nothing is known."""
    measured = {reference.column for reference in plan.measured()}
    columns = {
        reference.column: pd.Series(
            np.nan, index=range(records), dtype="float64" if reference.column in measured else "str"
        )
        for reference in plan.references()
    }
    return pd.DataFrame(columns)


def cohort_frame(plan: Plan) -> pd.DataFrame:
    """72 treated patients, 62 with three sessions, 43 patent and 19 occluded."""
    frame = blank_frame(plan, 72)
    frame["[session_1_arm_1][session_date]"] = "2023-01-01"
    frame["[session_1_arm_1][three_sessions]"] = ["1"] * 62 + ["0"] * 10
    frame.loc[:61, "[month_6_arm_1][patency]"] = ["1"] * 43 + ["0"] * 19
    return frame


def with_counts(frame: pd.DataFrame, column: str, patency: dict[str, int], occlusion: dict[str, int]) -> None:
    """Give a coded field the counts of both groups."""
    codes = [code for counts in (patency, occlusion) for code, count in counts.items() for _ in range(count)]
    frame.loc[: len(codes) - 1, column] = codes


def row(found: ResultSet, variable: str, statistic: str, **place: str) -> ResultRow:
    """A row of Table 1, unless another table is named."""
    return found[ResultKey(place.pop("table", "table1"), variable, statistic, **place)]


def test_flow_counts_follow_the_steps(plan: Plan) -> None:
    """72 treated, 62 with three sessions, 43 patent, 19 occluded, nobody without a group."""
    found = tables(plan, cohort_frame(plan))
    counts = [row(found, step, "n", table="flow").value for step in ("treated", "three_sessions", "patent", "occluded")]
    assert counts == [72, 62, 43, 19]
    assert row(found, "groups", "unassigned", table="flow").value == 0


def test_primary_endpoint_has_both_intervals(plan: Plan) -> None:
    """43 of 62 is 69.4%, Wilson 57.0 to 79.4, Clopper-Pearson 56.3 to 80.4 (R: prop.test, binom.test)."""
    found = tables(plan, cohort_frame(plan))
    names = ("summary", "wilson_low", "wilson_high", "clopper_pearson_low", "clopper_pearson_high")
    texts = [row(found, "patency_6_months", name, table="endpoints").text for name in names]
    assert texts == ["69.4% (43/62)", "57.0", "79.4", "56.3", "80.4"]


@pytest.mark.parametrize(
    ("variable", "field", "counts", "printed"),
    [
        ("male", "sex", ({"1": 29, "2": 14}, {"1": 9, "2": 10}), ("2.238", "0.135")),
        ("hypertension", "hypertension", ({"1": 12, "0": 31}, {"1": 5, "0": 14}), ("0.017", "0.897")),
        ("cerebrovascular", "cerebrovascular", ({"0": 43}, {"1": 2, "0": 17}), ("4.677", "0.031")),
        (
            "thrombosis_side",
            "thrombosis_side",
            ({"1": 22, "2": 15, "3": 6}, {"1": 10, "2": 7, "3": 2}),
            ("0.140", "0.933"),
        ),
        (
            "filter_type",
            "filter_type",
            ({"1": 34, "2": 5, "3": 2, "4": 2}, {"1": 11, "2": 3, "3": 2, "4": 2, "5": 1}),
            ("4.664", "0.324"),
        ),
    ],
)
def test_published_counts_give_the_published_chi_square(
    plan: Plan, variable: str, field: str, counts: tuple[dict[str, int], dict[str, int]], printed: tuple[str, str]
) -> None:
    """Pearson without correction of the printed counts is the printed statistic."""
    frame = cohort_frame(plan)
    with_counts(frame, f"[screening_arm_1][{field}]", *counts)
    found = tables(plan, frame)
    assert (row(found, variable, "chi2").text, row(found, variable, "p").text) == printed


def test_a_level_may_live_in_another_field(plan: Plan) -> None:
    """Filters that were not retrieved are counted from the field that says so."""
    frame = cohort_frame(plan)
    with_counts(frame, "[session_1_arm_1][retrieval_method]", {"1": 39, "2": 4}, {"1": 14, "2": 1})
    frame.loc[58:61, "[session_1_arm_1][filter_retrieved]"] = "0"
    found = tables(plan, frame)
    texts = [
        row(found, "filter_retrieval", "summary", group="occlusion", level=level).text
        for level in ("open", "not_retrieved")
    ]
    assert texts == ["1 (5.3)", "4 (21.1)"]
    assert row(found, "filter_retrieval", "chi2").text == "9.765"


def test_pts_grades_give_the_published_rank_test(plan: Plan) -> None:
    """The published Z of the PTS grades is that of an unpaired rank test, and the row says so."""
    frame = cohort_frame(plan)
    with_counts(frame, "[screening_arm_1][pts_grade]", {"0": 4, "1": 31, "2": 8}, {"0": 4, "1": 12, "2": 2, "3": 1})
    with_counts(frame, "[month_6_arm_1][pts_grade]", {"0": 19, "1": 22, "2": 2}, {"0": 2, "1": 14, "2": 1, "3": 2})
    found = tables(plan, frame)
    z = [row(found, "pts_grade", "z", table="table2", group=group) for group in ("patency", "occlusion")]
    assert [one.text for one in z] == ["−3.797", "−0.622"]
    assert z[0].warning == "treats the two visits as independent groups"


def test_mean_and_sd_are_printed_as_one_cell(plan: Plan) -> None:
    """A measured variable has its parts unrounded and its cell printed."""
    frame = cohort_frame(plan)
    frame.loc[:61, "[screening_arm_1][age]"] = [40.0 + i % 7 for i in range(62)]
    found = tables(plan, frame)
    ages = np.array([40.0 + i % 7 for i in range(43)])
    assert row(found, "age", "mean", group="patency").value == pytest.approx(ages.mean(), rel=1e-14)
    assert row(found, "age", "summary", group="patency").text == f"{ages.mean():.1f}±{ages.std(ddof=1):.1f}"
    assert row(found, "age", "t").df == 60


def test_one_patient_in_a_group_has_no_sd_and_takes_part_in_a_pooled_test(plan: Plan) -> None:
    """With one value the mean is printed and the SD refused with its reason; Student's t takes the SD of the others."""
    frame = cohort_frame(plan)
    frame.loc[:43, "[screening_arm_1][age]"] = [50.0 + i for i in range(44)]
    found = tables(plan, frame)
    summary = row(found, "age", "summary", group="occlusion")
    assert (summary.text, summary.error) == ("93.0±–", "one value has no spread")
    test = row(found, "age", "t")
    assert (test.text, test.error) == ("\u22121.732", "")


def test_every_statistic_without_data_is_a_row_with_its_reason(plan: Plan) -> None:
    """On patients of whom nothing is known no row is blank, and every reason exists in both languages."""
    found = tables(plan, blank_frame(plan, 5))
    assert all(one.text and (one.value is not None or one.error) for one in found)
    assert all(words_of(text).zh for one in found for text in (one.error, one.warning, one.method) if text)


def test_a_code_the_plan_does_not_know_is_reported(plan: Plan) -> None:
    """An unknown code counts as missing and leaves a warning on the line."""
    frame = cohort_frame(plan)
    with_counts(frame, "[screening_arm_1][sex]", {"1": 29, "2": 13, "9": 1}, {"1": 9, "2": 10})
    n = row(tables(plan, frame), "male", "n", group="patency")
    assert (n.value, n.warning) == (42, "codes the plan does not know were left out")


def test_missing_values_are_outside_percentages_and_tests(plan: Plan) -> None:
    """The denominator of a percentage is the known values, and the missing are counted next to it."""
    frame = cohort_frame(plan)
    with_counts(frame, "[screening_arm_1][sex]", {"1": 20, "2": 20}, {})
    found = tables(plan, frame)
    assert row(found, "male", "summary", group="patency").text == "20 (50.0)"
    assert row(found, "male", "missing", group="patency").value == 3


def small_tables(events: list[str]) -> dict[str, Table]:
    """One instrument with a row for each event of record 1."""
    keys = pd.DataFrame({"record": ["1"] * len(events), "event": events, "instrument": "lab", "instance": 0}).astype(
        {"record": "str", "event": "str", "instrument": "str", "instance": "int64"}
    )
    text = pd.DataFrame({"arm": ["1"] * len(events), "age": ["<0.5"] * len(events)}, dtype="str")
    return {"lab": Table("lab", keys, pa.Table.from_pandas(text), text)}


@pytest.fixture
def small_plan(plan: Plan) -> Plan:
    """A plan of one measured variable that may lie below the limit of detection."""
    return Plan.model_validate(
        {
            "policy": "recommended",
            "grouping": "arm",
            "population": "all",
            "groups": [group.model_dump() for group in plan.groups],
            "flow": [{"id": "all", "label": "all"}],
            "tables": [
                {
                    "id": "t",
                    "title": "t",
                    "kind": "by_group",
                    "sections": [
                        {
                            "variables": [
                                {
                                    "id": "age",
                                    "label": "age",
                                    "type": "continuous",
                                    "summary": "median_quartiles",
                                    "field": "age",
                                    "below_detection": True,
                                }
                            ]
                        }
                    ],
                }
            ],
        }
    )


def test_a_record_with_two_rows_of_a_variable_is_an_error(small_plan: Plan) -> None:
    """Nothing is taken silently from the first of two rows."""
    with pytest.raises(StudyFilesWrong, match="more than one row for 1 record"):
        patient_frame(small_plan, small_tables(["a_arm_1", "b_arm_1"]))


def test_an_event_nobody_reached_yet_is_missing_and_a_misspelt_one_is_an_error(plan: Plan) -> None:
    """Early in a study month 6 has no row, and its fields are missing; an event the project lacks is refused."""
    blank = pd.DataFrame({"record": [], "event": []}, dtype="str")
    fields = pd.DataFrame({reference.field: pd.Series(dtype="str") for reference in plan.references()})
    empty = {"all": Table("all", blank, pa.Table.from_pandas(fields), fields)}
    assert len(patient_frame(plan, empty)) == 0
    assert row(tables(plan, patient_frame(plan, empty)), "groups", "unassigned", table="flow").value == 0
    with pytest.raises(StudyFilesWrong, match="month_6_arm_1"):
        patient_frame(plan, empty, events=["screening_arm_1", "session_1_arm_1"])


def test_a_missing_data_code_is_no_value(small_plan: Plan) -> None:
    """REDCap's missing data codes count as missing."""
    frame = patient_frame(small_plan, small_tables(["a_arm_1"]), missing_codes=["1"])
    assert frame["arm"].isna().all()


def test_values_below_detection_keep_their_place(small_plan: Plan) -> None:
    """A value below the limit is counted, ranks lowest, and has no place in a mean."""
    rows = pd.DataFrame({"arm": ["1"] * 4 + ["0"] * 4, "age": ["<0.5"] * 3 + ["2"] + ["1", "2", "3", "4"]})
    found = tables(small_plan, csv_frame(small_plan, rows))
    low = {name: row(found, "age", name, table="t", group="patency") for name in ("below_detection", "median", "mean")}
    assert low["below_detection"].value == 3
    assert (low["median"].text, low["median"].error) == ("<LOD", "a value is below the limit of detection")
    assert low["mean"].error == "a value is below the limit of detection"
    assert row(found, "age", "p", table="t").value is not None


def test_a_csv_value_that_is_no_number_is_named_by_its_line(small_plan: Plan) -> None:
    """A remark in a measured column is an error with its row, and without the value."""
    rows = pd.DataFrame({"arm": ["1", "0"], "age": ["12", "about 50"]})
    with pytest.raises(StudyFilesWrong, match="data row 2") as refused:
        csv_frame(small_plan, rows)
    assert "about 50" not in str(refused.value)


@pytest.mark.parametrize("written", ["<", "<low", "<0,5", "<=0.5", "> 100", "1e308", "inf", "12 years"])
def test_what_only_looks_like_a_value_is_refused(small_plan: Plan, written: str) -> None:
    """Below detection is a number after `<`; a number whose square overflows is none."""
    rows = pd.DataFrame({"arm": ["1", "0"], "age": ["12", written]})
    with pytest.raises(StudyFilesWrong, match="data row 2"):
        csv_frame(small_plan, rows)


@pytest.mark.parametrize("written", ["<0.5", "< 0.5", "＜0.5"])
def test_below_detection_may_be_written_with_a_wide_sign(small_plan: Plan, written: str) -> None:
    """As Chinese input methods write it."""
    frame = csv_frame(small_plan, pd.DataFrame({"arm": ["1", "0"], "age": ["12", written]}))
    assert list(frame["age"]) == [12, -np.inf]


def test_a_csv_in_which_nobody_belongs_to_a_group_is_refused(small_plan: Plan) -> None:
    """1.0 for 1, as some programs write whole numbers, would leave every group empty."""
    with pytest.raises(StudyFilesWrong, match="No row of column arm has the code of a group"):
        csv_frame(small_plan, pd.DataFrame({"arm": ["1.0", "0.0"], "age": ["1", "2"]}))


def test_a_csv_without_a_planned_column_is_refused(small_plan: Plan) -> None:
    """A column the plan needs and the data lack is named."""
    with pytest.raises(StudyFilesWrong, match="age cannot be found"):
        csv_frame(small_plan, pd.DataFrame({"arm": ["1"]}))
