"""Values below the limit of detection, once more with half of the limit in their place, where the plan asks for it."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from nightround.model.result import ResultKey, ResultSet
from nightround.statistics.cohort import csv_frame, patient_frame
from nightround.statistics.tables import tables
from nightround.study.methods import Caution, words_of
from nightround.study.plan import Plan
from redcap_sync.rows.tables import Table

VALUES = ["<0.5", "1.5", "2", "<1", "3", "4.5", "< 0.5", "2.5"]
HALVES = ["0.25", "1.5", "2", "0.5", "3", "4.5", "0.25", "2.5"]


def plan(**more: Any) -> Plan:
    """One laboratory value between two groups."""
    variable = {"id": "crp", "label": "CRP", "type": "continuous", "summary": "mean_sd", "digits": 2, "field": "crp"}
    return Plan.model_validate(
        {
            "policy": "recommended",
            "grouping": "arm",
            "population": "all",
            "groups": [{"id": name, "label": name, "codes": [code]} for name, code in (("a", "1"), ("b", "0"))],
            "flow": [{"id": "all", "label": "all"}],
            "tables": [
                {
                    "id": "t",
                    "title": "t",
                    "kind": "by_group",
                    "family": "holm",
                    "effects": ["difference"],
                    "sections": [{"variables": [{**variable, **more}]}],
                }
            ],
        }
    )


def found(made: Plan, values: list[str]) -> ResultSet:
    """The result rows of eight patients."""
    return tables(made, csv_frame(made, pd.DataFrame({"arm": list("11110000"), "crp": values})))


def test_every_number_is_that_of_the_data_with_half_limits() -> None:
    """Mean, SD, quartiles, test and difference are what the same data give with 0.25 in place of <0.5."""
    sensitivity = found(plan(below_detection=True, half_limit=True), VALUES)
    substituted = found(plan(), HALVES)
    compared = 0
    for row in substituted:
        ours = sensitivity.get(row.key._replace(statistic=f"half_limit_{row.statistic}"))
        if ours is not None:
            assert (ours.value, ours.text, ours.df, ours.method) == (row.value, row.text, row.df, row.method)
            compared += 1
    assert compared >= 15


def test_the_analysis_itself_keeps_its_place_for_values_below_detection() -> None:
    """The plan's own numbers are not changed by the sensitivity analysis, nor is the family of P values."""
    with_it = found(plan(below_detection=True, half_limit=True), VALUES)
    without = {row.key: row for row in found(plan(below_detection=True), VALUES)}
    assert {row.key: row for row in with_it if not row.statistic.startswith("half_limit")} == without


def test_every_row_says_what_was_done() -> None:
    """The warning names the substitution, in both languages."""
    rows = [row for row in found(plan(below_detection=True, half_limit=True), VALUES) if "half_limit" in row.statistic]
    assert all("set to half of it" in words_of(row.warning).en for row in rows)
    assert "一半" in words_of(rows[0].warning).zh


def test_instrument_tables_are_read_in_the_same_way() -> None:
    """From REDCap's tables the same numbers come out as from a CSV."""
    made = plan(below_detection=True, half_limit=True)
    keys = pd.DataFrame({"record": [str(n) for n in range(8)], "event": "", "instrument": "lab", "instance": 1})
    text = pd.DataFrame({"arm": list("11110000"), "crp": VALUES})
    pulled = tables(made, patient_frame(made, {"lab": Table("lab", keys, pa.Table.from_pandas(text), text)}))
    key = ResultKey("t", "crp", "half_limit_mean", "a")
    assert pulled[key].value == found(made, VALUES)[key].value == 1.0625


def test_it_needs_a_value_that_can_be_below_detection() -> None:
    """Half of a limit is asked for only where `<0.5` is read."""
    with pytest.raises(ValidationError, match="needs `below_detection`"):
        plan(half_limit=True)


def test_several_limits_of_detection_are_told() -> None:
    """Where limits differ, or a value is measured under one, each cell with such values says so, and counts them."""
    for values, told in (
        (VALUES, True),
        (["<0.5", "0.4", *VALUES[4:6] * 3], True),
        (["<0.5", *VALUES[4:6] * 3, "1"], False),
    ):
        rows = {row.key: row for row in found(plan(below_detection=True), values)}
        summary = rows[ResultKey("t", "crp", "summary", "a")]
        assert summary.warning == (str(Caution.LIMITS_DIFFER) if told else "")
        assert rows[ResultKey("t", "crp", "summary", "b")].warning == (summary.warning if values is VALUES else "")
    made = found(plan(below_detection=True), VALUES)
    assert {row.level: row.text for row in made if row.statistic == "below_limit" and not row.group} == {
        "0.5": "2",
        "1": "1",
    }
    assert words_of(str(Caution.LIMITS_DIFFER)).zh.startswith("检测下限不一致")
