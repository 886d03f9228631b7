"""Patency looked at in visits, against R: from the dates of `visits.R` to the rows that are printed."""

from pathlib import Path

import pandas as pd
import pytest

from nightround.model.result import ResultKey, ResultSet
from nightround.statistics.cohort import csv_frame
from nightround.statistics.tables import tables
from nightround.study.plan import Plan

STORED = Path(__file__).parent / "stored"
R = pd.read_csv(STORED / "visits_results.csv").set_index(["dataset", "statistic"])["value"]
CLOSED, ITERATIVE = 1e-10, 1e-6
CURVE = {
    "label": "Patency",
    "since": "start",
    "until": ["[second][day]", "[third][day]", "[sixth][day]"],
    "events": [{"field": "[sixth][shut]", "codes": ["1"]}, {"field": "reason", "codes": ["1", "2"]}],
    "unit": "d",
}
CURVES = (
    {**CURVE, "id": "planned", "scheduled": [1, 2, 8], "at": [0, 1, 2, 8]},
    {**CURVE, "id": "days", "at": [0, 30, 60, 240, 250]},
)
PLAN = Plan.model_validate(
    {
        "policy": "recommended",
        "grouping": "[sixth][shut]",
        "population": "all",
        "groups": [{"id": name, "label": name, "codes": [code]} for name, code in (("open", "0"), ("shut", "1"))],
        "flow": [{"id": "all", "label": "all"}],
        "survival": CURVES,
    }
)


def rows() -> ResultSet:
    """The result rows of R's patients: both curves, from their dates."""
    data = pd.read_csv(STORED / "visits_data.csv", dtype="str")
    names = {**{name: f"[{name}][day]" for name in ("second", "third", "sixth")}, "shut": "[sixth][shut]"}
    return tables(PLAN, csv_frame(PLAN, data.rename(columns=names)))


FOUND = rows()


@pytest.mark.parametrize(("curve", "moment"), [(one["id"], moment) for one in CURVES for moment in one["at"]])
def test_the_share_its_interval_and_who_is_at_risk_are_those_of_survfit(curve: str, moment: int) -> None:
    """By the planned times of visits and by day, 72 patients of whom some were never seen again."""
    dataset = f"{curve}_at_{moment}"
    place = {"table": "survival", "variable": curve, "level": str(moment)}
    for ours, theirs in (("free", "survival"), ("free_low", "survival_low"), ("free_high", "survival_high")):
        value = FOUND[ResultKey(statistic=ours, **place)].value
        assert value == pytest.approx(100 * R[dataset, theirs], rel=CLOSED), (dataset, ours)
    assert FOUND[ResultKey(statistic="at_risk", **place)].value == R[dataset, "at_risk"]


def test_every_patient_and_event_is_counted_as_r_counts_them() -> None:
    """Nobody is missing, nobody was last seen before the start, and the events are R's."""
    counts = [
        {name: FOUND[ResultKey("survival", curve, name)].value for name in ("n", "missing", "before_start", "events")}
        for curve in ("planned", "days")
    ]
    assert counts == [{"n": 72, "missing": 0, "before_start": 0, "events": R["planned_at_8", "events"]}] * 2


@pytest.mark.parametrize("moment", [0, 1, 2, 8])
def test_at_the_visits_kaplan_meier_is_turnbulls_estimate(moment: int) -> None:
    """An occlusion is only known to lie between two visits; by planned times both estimates are one."""
    value = FOUND[ResultKey("survival", "planned", "free", level=str(moment))].value
    assert value == pytest.approx(100 * R[f"turnbull_at_{moment}", "survival"], rel=ITERATIVE)
