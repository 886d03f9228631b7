"""How long patients are followed: one clock or another, visits, what is unknown, and what lies before the start."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultKey, ResultSet
from nightround.statistics.cohort import cohort_of, csv_frame
from nightround.statistics.followed import followed
from nightround.statistics.tables import tables
from nightround.study.methods import words_of
from nightround.study.plan import Plan, read_plan

STUDY_PLAN = Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "plan.toml"
START, SECOND, SIXTH = "[start][day]", "[second][day]", "[six][day]"
SHUT, STOPPED = "[six][shut]", "[start][stopped]"
VISITS = {
    "since": START,
    "until": [SECOND, SIXTH],
    "events": [{"field": SHUT, "codes": ["1"]}, {"field": STOPPED, "codes": ["re-occluded"]}],
}


def plan(**curve: Any) -> Plan:
    """A plan of one curve, counted between dates unless told otherwise."""
    told = {"id": "patency", "label": "Patency", "unit": "d", **(VISITS if "time" not in curve else {}), **curve}
    return Plan.model_validate(
        {
            "policy": "recommended",
            "grouping": "arm",
            "population": "finished",
            "groups": [{"id": name, "label": name, "codes": [code]} for name, code in (("a", "1"), ("b", "2"))],
            "flow": [
                {"id": "all", "label": "all"},
                {"id": "finished", "label": "f", "of": "all", "where": [{"field": "finished", "codes": ["1"]}]},
            ],
            "survival": [told],
        }
    )


def patients(*rows: dict[str, str]) -> pd.DataFrame:
    """One row a patient who began on the first of January; blank is missing."""
    names = ["arm", "finished", START, SECOND, SIXTH, SHUT, STOPPED, "months"]
    usual = {**dict.fromkeys(names, ""), "arm": "1", "finished": "1", START: "2024-01-01"}
    return pd.DataFrame([{**usual, **row} for row in rows])


def times(made: Plan, *rows: dict[str, str]) -> list[tuple[float | None, bool]]:
    """Time and event of each patient; None where the time is unknown."""
    found = followed(made.survival[0], cohort_of(made, csv_frame(made, patients(*rows)), "all"))
    return [
        (None if np.isnan(time) else time, bool(event)) for time, event in zip(found.time, found.event, strict=True)
    ]


def counted(made: Plan, *rows: dict[str, str]) -> dict[str, float | None]:
    """How many are in the curve, and how many are not."""
    found = tables(made, csv_frame(made, patients(*rows)))
    return {
        name: found[ResultKey("survival", "patency", name)].value for name in ("n", "missing", "before_start", "events")
    }


SEEN_TWICE = {SECOND: "2024-02-01", SIXTH: "2024-07-01"}


def test_time_runs_to_the_last_visit_that_is_there() -> None:
    """An event found at a visit counts there; who was not seen after the start is followed for no time."""
    found = times(
        plan(),
        {**SEEN_TWICE, SHUT: "1"},
        {**SEEN_TWICE, SHUT: "0"},
        {SECOND: "2024-02-01 10:30"},
        {SECOND: "2024-02-01", STOPPED: "re-occluded"},
        {STOPPED: "declined"},
        {STOPPED: "re-occluded"},
    )
    assert found == [(182, True), (182, False), (31, False), (31, True), (0, False), (0, True)]


def test_a_blank_is_no_proof_that_the_event_did_not_happen() -> None:
    """A visit at which nobody looked for the event does not count; an event at a visit without a date has no time."""
    found = times(plan(), dict(SEEN_TWICE), {SIXTH: "2024-07-01"}, {SECOND: "2024-02-01", SHUT: "1"}, {START: ""})
    assert found == [(31, False), (None, False), (None, True), (None, False)]


def test_the_first_visit_that_finds_an_event_ends_the_time() -> None:
    """A vein that was shut at the second visit was not shut at the sixth month only."""
    early = {"field": "[second][shut]", "codes": ["1"]}
    made = plan(events=[*VISITS["events"], early])
    data = patients({**SEEN_TWICE, SHUT: "1"}, {**SEEN_TWICE, SHUT: "1"}).assign(**{"[second][shut]": ["1", "0"]})
    found = followed(made.survival[0], cohort_of(made, csv_frame(made, data)))
    assert list(found.time) == [31, 182]


def test_times_may_be_those_of_the_schedule_or_in_another_unit() -> None:
    """A visit that was planned for 6 months counts there on whichever day it was held."""
    late = {SECOND: "2024-02-09", SIXTH: "2024-08-20", SHUT: "1"}
    assert times(plan(scheduled=[1, 6]), late, {}) == [(6, True), (0, False)]
    assert times(plan(unit_days=30.4375), late)[0][0] == pytest.approx(232 / 30.4375)


def test_a_measured_time_needs_one_code_of_its_events() -> None:
    """Any of the conditions makes an event; who has a code in none of their fields is missing."""
    made = plan(time="months", events=VISITS["events"])
    rows = ({"months": "3", SHUT: "1"}, {"months": "4", STOPPED: "declined"}, {"months": "5"}, {SHUT: "0"})
    assert times(made, *rows) == [(3, True), (4, False), (None, False), (None, False)]


@pytest.mark.parametrize(
    ("made", "before"),
    [
        (plan(), {**SEEN_TWICE, SHUT: "1", SIXTH: "2023-12-31"}),
        (plan(scheduled=[1, 6]), {**SEEN_TWICE, SHUT: "1", SIXTH: "2023-12-31"}),
        (plan(time="months", events=VISITS["events"]), {"months": "-1", SHUT: "1"}),
    ],
)
def test_a_time_before_the_start_is_in_no_curve_and_is_counted(made: Plan, before: dict[str, str]) -> None:
    """Whatever clock it is by: the patient is no event, not missing, and a row says how many there are and why."""
    sound = {**SEEN_TWICE, SHUT: "1", "months": "6"}
    assert counted(made, sound, before) == {"n": 1, "missing": 0, "before_start": 1, "events": 1}
    row = tables(made, csv_frame(made, patients(sound, before)))[ResultKey("survival", "patency", "before_start")]
    assert words_of(row.warning).zh == "末次随访早于起点，未纳入曲线"


def test_a_curve_may_be_of_another_step_than_the_tables() -> None:
    """Who was treated and did not finish is followed where the plan says so."""
    rows = ({**SEEN_TWICE, SHUT: "0"}, {"finished": "0", STOPPED: "re-occluded"})
    assert counted(plan(), *rows)["n"] == 1
    assert counted(plan(population="all"), *rows) == {"n": 2, "missing": 0, "before_start": 0, "events": 1}


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        ({"time": "months", **VISITS}, "not both"),
        ({"until": []}, "needs `time`, or `since` with `until`"),
        ({"since": None}, "needs `time`, or `since` with `until`"),
        ({"until": [START, SIXTH]}, "names dates after `since`, each once"),
        ({"until": [SIXTH, SIXTH]}, "names dates after `since`, each once"),
        ({"scheduled": [1]}, "one time for each date"),
        ({"scheduled": [6, 1]}, "rise from visit to visit"),
        ({"scheduled": [0, 6]}, "above 0"),
        ({"population": "everybody"}, "'everybody' is no step of the flow"),
        ({"events": []}, "at least 1 item"),
    ],
)
def test_a_curve_that_is_planned_wrongly_is_refused_in_words(curve: dict[str, Any], words: str) -> None:
    """Two clocks, none, half of one, a schedule that does not fit, and a step that is none."""
    with pytest.raises(ValidationError, match=words):
        plan(**curve)


def test_a_wrong_curve_in_the_file_names_the_file_and_the_place(tmp_path: Path) -> None:
    """The message names plan.toml and the curve, and the key that is missing."""
    sound = STUDY_PLAN.read_text(encoding="utf-8")
    wrong = {
        'since = "[session_1': ('time = "[x][y]"\nsince = "[session_1', r"plan.toml: survival.0: .* not both"),
        'population = "treated"': ('population = "nobody"', r"plan.toml: .*'nobody' is no step of the flow"),
        "events = [": ("event = [", r"plan.toml: survival.0.events: the key is missing"),
    }
    for part, (instead, words) in wrong.items():
        path = tmp_path / "plan.toml"
        path.write_text(sound.replace(part, instead, 1), encoding="utf-8")
        with pytest.raises(StudyFilesWrong, match=words):
            read_plan(path)


def test_a_date_that_is_none_is_refused_by_its_line() -> None:
    """A file that writes 5/3/2024 is not read as a patient without a visit."""
    with pytest.raises(StudyFilesWrong, match=r"1 value is not a date, the first in data row 2"):
        csv_frame(plan(), patients({}, {SECOND: "5/3/2024"}))


def test_nobody_gives_reasons() -> None:
    """A curve without a patient has its reasons in place of numbers."""
    found: ResultSet = tables(plan(population="all"), csv_frame(plan(), patients({}).iloc[:0]))
    assert found[ResultKey("survival", "patency", "median")].error == "no values"
