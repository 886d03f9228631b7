"""What is right raises no question: late visits with a reason, unknown values, and patients who left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import pytest

from tests.unit.test_study_rules import RECALCULATED, Row, all_rules, clean, judged

SCREENING, SESSION_1, SESSION_2, SESSION_3, MONTH_6, END = (
    f"{name}_arm_1" for name in ("screening", "session_1", "session_2", "session_3", "month_6", "end")
)
Rows = dict[str, Row]
UNKNOWN = {
    SCREENING: (
        "age sex height_cm weight_kg bmi birth_date hypertension thrombosis_date thrombosis_side occlusion_date "
        "occlusion_days filter_date filter_type filter_days us_echo limb_side"
    ),
    MONTH_6: (
        "circ_above_knee circ_below_left vcss_pain vcss_total vil_pain villalta_total pts_grade vil_ulcer ctv_date "
        "mid_trans mid_area occlusion_length lumen_opacified lab_date hb plt hcy alt urea cr d_dimer visit_date "
        "patency stockings anticoagulation sv_pain"
    ),
    SESSION_1: "filter_retrieved retrieval_method retrieval_date three_sessions heparin rivaroxaban_mg",
    SESSION_3: "session_date crossed balloon_max_mm balloon_minutes dcb_used dcb_mm session_complication",
    END: "eos_date eos_status",
}
"""Fields of which somebody wrote that nobody knows."""


@dataclass(frozen=True)
class Case:
    """Something that is unusual and right."""

    name: str
    happen: Callable[[Rows], None]


def later(rows: Rows, event: str, days: int, *fields: str) -> None:
    """Put dates off."""
    for name in fields:
        if rows[event][name]:
            rows[event][name] = (date.fromisoformat(rows[event][name]) + timedelta(days=days)).isoformat()


def visit_put_off(rows: Rows, days: int) -> None:
    """The whole visit of month 6 comes later, and so does what follows it."""
    later(rows, MONTH_6, days, "visit_date", "ctv_date", "lab_date", "us_date", "sv_date", "anticoag_end")
    later(rows, END, days, "eos_date")


def late_with_a_reason(rows: Rows) -> None:
    """Out of the window, and somebody says why."""
    visit_put_off(rows, 60)
    rows[MONTH_6]["visit_window_reason"] = "门诊停诊"


def withdrawn(rows: Rows) -> None:
    """The patient does not want the third session."""
    end = date.fromisoformat(rows[SESSION_2]["session_date"]) + timedelta(days=40)
    rows[END] |= {"eos_status": "2", "eos_date": end.isoformat()}
    rows[SESSION_1] |= {"three_sessions": "0", "stopped_reason": "3"}
    del rows[SESSION_3], rows[MONTH_6]


def gap_of(days: int) -> Callable[[Rows], None]:
    """So many days between the last two sessions."""

    def happen(rows: Rows) -> None:
        now = date.fromisoformat(rows[SESSION_3]["session_date"])
        second = date.fromisoformat(rows[SESSION_2]["session_date"])
        later(rows, SESSION_3, (second - now).days + days, "session_date")

    return happen


def born_with_another(rows: Rows) -> None:
    """Two patients of one day: the age follows."""
    middle_aged = next(row for row in clean() if 40 < int(row.get("age", 0)) < 60)
    born = date.fromisoformat(middle_aged["birth_date"])
    screened = date.fromisoformat(rows[SCREENING]["screening_date"])
    age = str(screened.year - born.year - ((screened.month, screened.day) < (born.month, born.day)))
    rows[SCREENING] |= {"birth_date": born.isoformat(), "age": age}


def put(event: str, **values: str) -> Callable[[Rows], None]:
    """A value that is rare."""
    return lambda rows: rows[event].update(values)


def unresolved(rows: Rows) -> None:
    """An event that goes on, of which nobody knows when it began."""
    session = rows[SESSION_3]
    session["session_complication"] = "1"
    rows["event"] = {
        "record_id": session["record_id"],
        "redcap_event_name": session["redcap_event_name"],
        "redcap_repeat_instrument": "adverse_event",
        "redcap_repeat_instance": "9",
        "ae_term": "7",
        "ae_onset": "UNK",
        "ae_grade": "2",
        "ae_serious": "0",
        "ae_related": "2",
        "ae_treated": "1",
        "ae_outcome": "2",
        "adverse_event_complete": "2",
    }


CASES = (
    *(
        Case(f"{name} is unknown", put(event, **{name: code}))
        for event, names in UNKNOWN.items()
        for name, code in zip(names.split(), ("UNK", "NI", "NASK") * len(names), strict=False)
    ),
    Case("late visit with a reason", late_with_a_reason),
    Case("visit three weeks early in its window", lambda rows: visit_put_off(rows, -12)),
    Case("withdrawal", withdrawn),
    Case("22 days between sessions", gap_of(22)),
    Case("44 days between sessions", gap_of(44)),
    Case("two births of one day", born_with_another),
    Case("two patients of one name", lambda rows: rows[SCREENING].update(patient_name=clean()[0]["patient_name"])),
    Case("high homocysteine", put(MONTH_6, hcy="55.0")),
    Case("a long inflation", put(SESSION_2, balloon_minutes="7")),
    Case("eight months of tablets", put(MONTH_6, anticoag_months="8")),
    Case("a trailing zero", lambda rows: rows[MONTH_6].update(urea=rows[MONTH_6]["urea"] + "0")),
    Case("a full-width number", put(SCREENING, comorbidity_other="痛风 １０年")),
    Case("an event that goes on", unresolved),
)  # fmt: skip


def fits(rows: Rows) -> bool:
    """Somebody who came to every visit, whose filter came out through the vein, with no event at the last session."""
    return MONTH_6 in rows and f"{SESSION_3}#1" not in rows and rows[SESSION_1]["retrieval_method"] == "1"


@cache
def asked() -> dict[str, set[str]]:
    """Of each case the rules that ask about it; deviations ask nobody."""
    people: dict[str, Rows] = {}
    for row in clean():
        event, instance = row["redcap_event_name"], row["redcap_repeat_instance"]
        people.setdefault(row["record_id"], {})[f"{event}#{instance}" if instance else event] = dict(row)
    found: dict[str, set[str]] = {}
    waiting = list(CASES)
    while waiting:
        where: dict[str, str] = {}
        changed = {record: {event: dict(row) for event, row in rows.items()} for record, rows in people.items()}
        for record, rows in changed.items():
            if record != "1" and waiting and fits(rows):
                case = waiting.pop()
                case.happen(rows)
                where[record] = case.name
        found |= {name: set() for name in where.values()}
        validation = judged([row for rows in changed.values() for row in rows.values()], RECALCULATED)
        for outcome in validation.outcomes:
            for one in outcome.violations:
                found.setdefault(where.get(one.row.record, "nobody's"), set()).add(outcome.rule_id)
    deviations = {rule.id for rule in all_rules() if rule.deviation}
    return {name: rules - deviations for name, rules in found.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_unusual_and_right_raises_no_question(case: Case) -> None:
    """No rule asks anybody to correct it."""
    assert asked()[case.name] == set()


def test_nobody_else_is_asked() -> None:
    """What is unusual in one record accuses no other."""
    assert set(asked()) == {case.name for case in CASES}
