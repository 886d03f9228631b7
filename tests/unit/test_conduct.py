"""How the study runs, as result rows and tables: visits, exposure, deaths and sites, on patients made by hand."""

from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.statistics.conduct import death_rows, exposure_rows, follow_up_rows, site_rows
from nightround.study.plan import Plan
from redcap_sync.dictionary import dictionary_from_api
from redcap_sync.rows.tables import tables_from_records

CUTOFF = date(2026, 6, 30)
PLAN = Plan.model_validate(
    {
        "policy": "recommended",
        "grouping": "arm",
        "population": "treated",
        "groups": [{"id": one, "label": one, "codes": [one]} for one in ("a", "b", "c")],
        "flow": [
            {"id": "entered", "label": "Entered"},
            {"id": "treated", "label": "Treated", "of": "entered", "where": [{"field": "start"}]},
        ],
        "follow_up": {
            "among": "treated", "since": "start", "ended": "ended", "ended_on": "ended_on", "unit": "days",
            "visits": [{"id": "first", "came": "visit_1", "within_days": 30},
                       {"id": "second", "came": "visit_2", "within_days": 90}],
        },
        "exposure": {"among": "treated", "label": "Doses", "given": ["dose_1", "dose_2"],
                     "amounts": [{"id": "dose", "label": "Dose", "unit": "mg", "fields": ["dose_1", "dose_2"]}]},
        "deaths": {"among": "treated", "field": "ended", "codes": ["9"], "on": "ended_on", "since": "start",
                   "within_days": [30], "cause": "cause"},
    }
)  # fmt: skip
COLUMNS = ("arm", "start", "visit_1", "visit_2", "ended", "ended_on", "dose_1", "dose_2", "cause")
PATIENTS = (
    ("a", "2026-01-01", "2026-01-20", "2026-03-20", None, None, "10", "20", None),  # came to both
    ("a", "2026-01-01", "2026-01-25", None, "2", "2026-02-01", "10", None, None),  # ended before the second
    ("b", "2026-01-01", None, None, None, None, "5", None, None),  # missed both
    ("b", "2026-05-15", "2026-05-30", None, None, None, "5", "5", None),  # the second is not due yet
    ("c", "2026-01-01", None, None, "9", "2026-01-21", None, None, "7"),  # died on day 20
    ("c", None, None, None, "9", None, None, None, None),  # never treated
)


def frame(rows: Any = PATIENTS) -> pd.DataFrame:
    """Patients by record, blank where nothing was entered."""
    index = pd.Index([str(number) for number in range(1, len(rows) + 1)], name="record")
    return pd.DataFrame(list(rows), columns=list(COLUMNS), index=index, dtype="object")


def results(plan: Plan = PLAN, patients: pd.DataFrame | None = None) -> ResultSet:
    """Every row on how the study runs."""
    assert plan.follow_up
    assert plan.exposure
    assert plan.deaths
    known = frame() if patients is None else patients
    return ResultSet(
        [
            *follow_up_rows(plan, plan.follow_up, known, CUTOFF),
            *exposure_rows(plan, plan.exposure, known, {}),
            *death_rows(plan, plan.deaths, known),
        ]
    )


def text(*place: str) -> str:
    """A printed number, by table, variable, statistic, group, visit and level."""
    return results()[ResultKey(*place)].text


@pytest.mark.parametrize(
    ("visit", "group", "numbers"),
    [
        ("first", "", ("5", "3", "1", "1")),
        ("second", "", ("4", "1", "2", "1")),
        ("first", "a", ("2", "2", "0", "0")),
        ("second", "b", ("1", "0", "0", "1")),
        ("second", "c", ("1", "0", "1", "0")),
    ],
)
def test_a_visit_is_attended_missed_or_after_the_end(visit: str, group: str, numbers: tuple[str, ...]) -> None:
    """Who is due came, had ended before the window closed, or missed it; whose window is open is not due."""
    assert tuple(text("follow_up", visit, name, group) for name in ("n", "count", "stopped", "missed")) == numbers


def test_how_participation_ended_is_counted_in_every_group() -> None:
    """A code that one group has is in every group, with the patients who have none of them."""
    assert [text("follow_up", "ended", "summary", group, "", "2") for group in ("", "a", "b")] == [
        "1 (20.0)", "1 (50.0)", "0 (0.0)",
    ]  # fmt: skip
    assert text("follow_up", "ongoing", "summary") == "3 (60.0)"


def test_time_is_followed_to_the_last_visit_attended() -> None:
    """78, 24, 0, 15 and 0 days: the median is 15."""
    assert text("follow_up", "time", "median") == "15.0"
    assert text("follow_up", "time", "median", "b") == "7.5"


def test_exposure_counts_treatments_and_adds_amounts_up() -> None:
    """Two patients had two doses, two one, one none; amounts are sums over the doses of a patient."""
    assert [text("exposure", "given", "count", "", "", level) for level in "012"] == ["1", "2", "2"]
    assert text("exposure", "given", "events") == "6"
    assert text("exposure", "dose", "summary") == "10.0 (8.8~15.0)"
    assert text("exposure", "dose", "missing") == "1"


def test_a_field_that_a_table_measures_is_counted_all_the_same() -> None:
    """A visit and a dose may be fields that the plan reads as numbers: who has one came, and the doses add up."""
    variables = [
        {"id": name, "label": name, "type": "continuous", "summary": "mean_sd", "field": name}
        for name in ("visit_1", "dose_1")
    ]
    tables = [{"id": "table1", "title": "Doses", "kind": "by_group", "sections": [{"variables": variables}]}]
    plan = Plan.model_validate({**PLAN.model_dump(), "tables": tables})
    patients = frame().assign(dose_1=[10.0, 10.0, 5.0, 5.0, None, None], visit_1=[1.0, 2.0, None, 3.0, None, None])
    found = results(plan, patients)
    assert found[ResultKey("follow_up", "first", "count")].text == "3"
    assert found[ResultKey("exposure", "dose", "median")].text == "10.0"


def test_deaths_are_counted_with_interval_days_and_cause() -> None:
    """One of five, on day 20, of cause 7; who was never treated is not among them."""
    assert text("deaths", "all", "summary") == "1 (20.0)"
    assert text("deaths", "all", "percent_high") == "71.6"
    assert text("deaths", "within", "count", "", "", "30") == "1"
    assert text("deaths", "cause", "count", "c", "", "7") == "1"


def test_one_site_is_no_comparison_and_several_are_counted() -> None:
    """Patients of each data access group, entered and analysed, and how many are in none."""
    assert list(site_rows(PLAN, dict.fromkeys("123456", "one"), frame())) == []
    rows = ResultSet(site_rows(PLAN, {"1": "one", "2": "one", "6": "two"}, frame()))
    assert rows[ResultKey("sites", "entered", "summary", level="one")].text == "2 (33.3)"
    assert rows[ResultKey("sites", "analysed", "summary", level="two")].text == "0 (0.0)"
    assert rows[ResultKey("sites", "entered", "unassigned")].text == "3"


def test_treatments_of_a_repeating_instrument_are_its_rows() -> None:
    """Each row with a date is a dose, on the patient it is of; a field that is not there is a fault of the plan."""
    metadata = [
        {"field_name": name, "form_name": form, "field_type": "text", "field_label": name}
        for form, name in (("chart", "record_id"), ("dosing", "dose_day"), ("dosing", "dose_mg"))
    ]
    made = dictionary_from_api(
        project={"project_title": "made up", "is_longitudinal": 0},
        metadata=metadata,
        instruments=[{"instrument_name": one, "instrument_label": one} for one in ("chart", "dosing")],
        repeating=[{"form_name": "dosing"}],
    )
    rows = [
        {"record_id": record, "redcap_repeat_instrument": "dosing", "redcap_repeat_instance": instance,
         "dose_day": day, "dose_mg": "10", "chart_complete": "", "dosing_complete": ""}
        for record, instance, day in (("1", "1", "2026-01-02"), ("1", "2", "2026-01-09"), ("2", "1", ""))
    ]  # fmt: skip
    tables = tables_from_records(made, rows)
    dosing = {"among": "treated", "label": "Doses", "instrument": "dosing", "entered": "dose_day"}
    amounts = [{"id": "mg", "label": "Dose", "field": "dose_mg"}]
    plan = Plan.model_validate({**PLAN.model_dump(), "exposure": {**dosing, "amounts": amounts}})
    assert plan.exposure
    found = ResultSet(exposure_rows(plan, plan.exposure, frame(), tables))
    assert found[ResultKey("exposure", "given", "events")].text == "2"
    assert found[ResultKey("exposure", "mg", "median")].text == "20.0"
    wrong = plan.exposure.model_copy(update={"entered": "dose_date"})
    with pytest.raises(StudyFilesWrong, match="exposure"):
        list(exposure_rows(plan, wrong, frame(), tables))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("exposure", {"given": []}),
        ("exposure", {"instrument": "dosing", "entered": "dose_day"}),
        ("exposure", {"amounts": [{"id": "mg", "label": "mg", "field": "dose_mg"}]}),
        ("deaths", {"on": None}),
        ("deaths", {"among": "nobody"}),
        ("follow_up", {"visits": []}),
        ("follow_up", {"among": "nobody"}),
    ],
)
def test_what_contradicts_itself_is_refused(part: str, change: dict[str, Any]) -> None:
    """Treatments have one source, amounts fit it, days need dates, and every part is of a step of the flow."""
    written = PLAN.model_dump()
    with pytest.raises(ValidationError):
        Plan.model_validate({**written, part: {**written[part], **change}})


DAYS = st.dates(date(2025, 6, 1), date(2026, 7, 31)).map(str)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        *(st.one_of(st.none(), DAYS) for _ in range(3)),
        st.sampled_from([None, "2", "9"]),
        st.one_of(st.none(), DAYS),
        *(st.sampled_from([None, "1", "2.5", "x"]) for _ in range(2)),
        st.sampled_from([None, "7", "8"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40)
@given(ROWS)
def test_counts_add_up_whatever_was_entered(rows: list[tuple[Any, ...]]) -> None:
    """Due is came, stopped and missed; treatments add up; groups and who has none make everybody."""
    found = results(patients=frame(rows))

    def value(*place: str) -> float:
        return found[ResultKey(*place)].value or 0.0

    for group in ("", "a", "b", "c"):
        for visit in ("first", "second"):
            parts = (value("follow_up", visit, name, group) for name in ("count", "stopped", "missed"))
            assert sum(parts) == value("follow_up", visit, "n", group)
        levels = [row for row in found if (row.table, row.statistic, row.group) == ("exposure", "count", group)]
        assert sum(row.value or 0 for row in levels) == value("exposure", "given", "n", group)
        assert sum(int(row.level) * (row.value or 0) for row in levels) == value("exposure", "given", "events", group)
    whole: list[ResultRow] = [row for row in found if row.statistic in {"count", "n"} and not row.group]
    for row in whole:
        by_group = [value(row.table, row.variable, row.statistic, group, "", row.level) for group in "abc"]
        assert sum(by_group) <= (row.value or 0)
