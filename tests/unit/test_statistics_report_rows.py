"""What the report tells next to the planned tables: enrolment, adverse events, grades that moved, published rates."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.report.numbers.computing import results_of, treated_step
from nightround.statistics.accrual import accrual_rows
from nightround.statistics.published import bounds_rows
from nightround.study.plan import Accrual, Plan, Safety
from tests.interim_samples import PLANNED, patients, snapshot_of

ROWS = results_of(PLANNED, snapshot_of(patients()))


def accrued(days: list[str], cutoff: date, target: int = 10, pace_months: int = 6) -> ResultSet:
    """The enrolment of patients who entered on some days."""
    accrual = Accrual.model_validate({"entered": "entered", "target": target, "pace_months": pace_months})
    return ResultSet(accrual_rows(accrual, pd.DataFrame({"entered": days}), cutoff))


def value(rows: ResultSet, statistic: str, level: str = "") -> ResultRow:
    """One number of the enrolment."""
    return rows[ResultKey("accrual", "enrolled", statistic, level=level)]


def test_enrolment_is_counted_to_the_end_of_each_month() -> None:
    """Cumulative counts by month; a blank date counts nowhere, and one after the cut-off not yet."""
    rows = accrued(["2026-01-05", "2026-01-20", "2026-03-01", "", "2026-12-01"], date(2026, 4, 1))
    assert [value(rows, "cumulative", month).text for month in ("2026-01", "2026-03")] == ["2", "3"]
    assert value(rows, "n").text == "3"
    assert value(rows, "percent").text == "30.0"


def test_the_projection_carries_the_last_months_forward() -> None:
    """Six patients in six months are one a month, so the seven that are missing need seven months."""
    rows = accrued(["2025-01-05", *["2026-05-05"] * 6], date(2026, 6, 30), target=14)
    assert value(rows, "pace").value == pytest.approx(1)
    assert value(rows, "months_to_go").value == pytest.approx(7)


def test_without_recent_patients_nothing_is_projected() -> None:
    """A pace of none reaches no target; a target that is reached needs no more months."""
    assert value(accrued(["2025-01-05"], date(2026, 6, 30)), "months_to_go").value is None
    assert value(accrued(["2025-01-05"], date(2026, 6, 30), target=1), "months_to_go").value == 0


def events(*rows: dict[str, str]) -> ResultSet:
    """The result rows of 24 patients with some adverse events."""
    repeated = [
        {
            "record_id": "1",
            "redcap_repeat_instrument": "adverse_event",
            "redcap_repeat_instance": str(number),
            "serious": "0",
            **row,
        }
        for number, row in enumerate(rows, start=1)
    ]
    return results_of(PLANNED, snapshot_of([*patients()[:24], *repeated]))


def test_a_patient_with_two_events_counts_once() -> None:
    """Patients and events are counted apart, and a patient is at the worst grade alone."""
    rows = events({"term": "1", "grade": "1"}, {"term": "1", "grade": "2"}, {"term": "2", "grade": "1"})
    told = {(row.variable, row.level, row.statistic): row.text for row in rows if row.table == "safety"}
    assert told["any", "", "count"] == "1"
    assert told["any", "", "events"] == "3"
    assert told["term", "1", "events"] == "2"
    assert told["grade", "1", "count"] == "0"
    assert told["grade", "2", "count"] == "1"
    assert told["serious", "", "count"] == "0"
    assert told["any", "", "percent_high"] == "21.1"  # Clopper and Pearson, 1 of 24


def test_an_unfinished_row_is_no_event() -> None:
    """A row that was opened without a term counts nowhere."""
    assert events({"term": "", "grade": ""})[ResultKey("safety", "any", "events")].text == "0"


def test_a_safety_field_that_is_not_there_is_named() -> None:
    """A misspelt field of [safety] ends with its name."""
    wrong = PLANNED.model_copy(update={"safety": PLANNED.safety.model_copy(update={"term": "ae_trem"})})  # type: ignore[union-attr]
    with pytest.raises(StudyFilesWrong, match="ae_trem"):
        results_of(wrong, snapshot_of(patients()))


def test_grades_are_counted_from_before_to_after() -> None:
    """The pairs of a group add up to its patients, and its rows to the counts before."""
    pairs = {row.level: row.value or 0 for row in ROWS if row.statistic == "pairs" and row.group == "shut"}
    assert sum(pairs.values()) == 8
    before = sum(1 for number in range(1, 25) if number % 3 == 0 and number % 2 == 0)
    assert pairs["none>none"] + pairs["none>mild"] == before


def test_the_unknown_bound_an_endpoint_on_both_sides() -> None:
    """Those who were not looked at are all failures at the lowest, all successes at the highest."""
    frame = pd.DataFrame({"finished": ["1"] * 6 + ["0"] * 4, "patency": ["1"] * 4 + ["0"] * 2 + [np.nan] * 4})
    rows = ResultSet(bounds_rows(PLANNED, PLANNED.endpoints[0], frame, treated_step(PLANNED)))
    told = {row.statistic: row.text for row in rows}
    assert told == {"n": "10", "known": "6", "met": "4", "lowest": "40.0", "highest": "80.0"}


def test_a_published_rate_has_an_interval_of_its_own_size() -> None:
    """Wilson's interval of 100 of 121, which is the printed 83%."""
    told = {row.statistic: row.text for row in ROWS if row.table == "literature"}
    assert (told["wilson_low"], told["wilson_high"]) == ("74.9", "88.4")


@pytest.mark.parametrize(
    "wrong",
    [
        {"literature": [{"id": "a", "endpoint": "none", "label": "A", "percent": 1, "n": 1, "source": "doi:1"}]},
        {"per_patient": [{"table": "table2", "variables": ["pts"]}]},
        {"per_patient": [{"table": "table1", "variables": ["age"]}]},
    ],
)  # fmt: skip
def test_what_the_report_shows_must_be_planned(wrong: dict[str, object]) -> None:
    """A published rate next to no endpoint, and a plot of what is measured at no two visits, are refused."""
    with pytest.raises(ValueError, match=r"is no endpoint|at no two visits"):
        Plan.model_validate({**PLANNED.model_dump(), **wrong})


def test_adverse_events_need_a_step_of_the_flow() -> None:
    """Who is asked about adverse events is a step that the plan has."""
    safety = Safety(instrument="a", among="nobody", term="t", grade="g", serious="s")
    with pytest.raises(ValueError, match="nobody"):
        Plan.model_validate({**PLANNED.model_dump(), "safety": safety.model_dump()})
