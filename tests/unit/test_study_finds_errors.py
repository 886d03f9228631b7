"""What the study's rules find: one error of each kind, each in a record of its own, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import pytest

from nightround.validation.run import Validation
from tests.unit.test_study_rules import Row, all_rules, clean, judged

SCREENING, SESSION_1, SESSION_2, SESSION_3, MONTH_6 = (
    f"{name}_arm_1" for name in ("screening", "session_1", "session_2", "session_3", "month_6")
)
Rows = dict[str, Row]
"""The rows of one record by their event; what repeats has `event#instance`."""


@dataclass(frozen=True)
class Kind:
    """How data go wrong: who may have it, what is done to the record, and where it must be found, by which field."""

    name: str
    event: str
    field: str
    plant: Callable[[Rows, Rows], None]
    fits: Callable[[Rows], bool] = lambda rows: MONTH_6 in rows


def put(event: str, **values: str) -> Callable[[Rows, Rows], None]:
    """Type these values into an event."""
    return lambda rows, _: rows[event].update(values)


def copy(event: str, *fields: str) -> Callable[[Rows, Rows], None]:
    """Carry fields over from screening."""
    return lambda rows, _: rows[event].update({name: rows[SCREENING][name] for name in fields})


def from_other(*fields: str) -> Callable[[Rows, Rows], None]:
    """Type what belongs to another patient."""
    return lambda rows, other: rows[SCREENING].update({name: other[SCREENING][name] for name in fields})


def moved(event: str, field: str, since: tuple[str, str], days: int) -> Callable[[Rows, Rows], None]:
    """Date something so many days after something else."""

    def plant(rows: Rows, _: Rows) -> None:
        rows[event][field] = (date.fromisoformat(rows[since[0]][since[1]]) + timedelta(days=days)).isoformat()

    return plant


def scaled(event: str, field: str, factor: float, digits: int = 0) -> Callable[[Rows, Rows], None]:
    """Slip a decimal point, or take another unit."""
    return lambda rows, _: rows[event].update({field: f"{float(rows[event][field]) * factor:.{digits}f}"})


def gone(*events: str) -> Callable[[Rows, Rows], None]:
    """Lose whole visits."""

    def plant(rows: Rows, _: Rows) -> None:
        for event in events:
            del rows[event]

    return plant


def happened(event: str, days: int = 0, **values: str) -> Callable[[Rows, Rows], None]:
    """Enter an adverse event that begins so many days after the session."""

    def plant(rows: Rows, _: Rows) -> None:
        session = rows[event]
        begin = (date.fromisoformat(session["session_date"]) + timedelta(days=days)).isoformat()
        instance = str(1 + sum(key.startswith(f"{event}#") for key in rows))
        row = {"record_id": session["record_id"], "redcap_event_name": event, "redcap_repeat_instance": instance}
        common = {"ae_term": "1", "ae_grade": "1", "ae_serious": "0", "ae_outcome": "1", "adverse_event_complete": "2"}
        dates = {"ae_onset": begin, "ae_end": begin}
        rows[f"{event}#{instance}"] = {**row, "redcap_repeat_instrument": "adverse_event", **common, **dates, **values}
        session["session_complication"] = "1"

    return plant


def both(*plants: Callable[[Rows, Rows], None]) -> Callable[[Rows, Rows], None]:
    """Do one after the other."""

    def plant(rows: Rows, other: Rows) -> None:
        for one in plants:
            one(rows, other)

    return plant


FATAL = {"ae_term": "8", "ae_grade": "5", "ae_serious": "1", "ae_outcome": "3", "ae_end": ""}
ENDOVASCULAR = {"retrieval_method": "1"}


def cone(rows: Rows) -> bool:
    """A patient whose filter was taken out through the vein."""
    return MONTH_6 in rows and rows[SESSION_1]["retrieval_method"] == "1"


def no_ulcer(rows: Rows) -> bool:
    """A patient without an ulcer at month 6."""
    return MONTH_6 in rows and rows[MONTH_6]["vil_ulcer"] == "0"


KINDS = (
    Kind("birth a decade early", SCREENING, "birth_date", put(SCREENING, birth_date="1911-02-03")),
    Kind("weight typed anew, BMI not", SCREENING, "weight_kg", scaled(SCREENING, "weight_kg", 1.1, 1)),
    Kind("height in metres", SCREENING, "height_cm", scaled(SCREENING, "height_cm", 0.01, 2)),
    Kind(
        "screening after surgery",
        SCREENING,
        "screening_date",
        moved(SCREENING, "screening_date", (SESSION_1, "session_date"), 3),
    ),
    Kind("hospital number twice", SCREENING, "hospital_no", from_other("hospital_no")),
    Kind("laboratory of another patient", SCREENING, "hb", from_other("hb", "plt", "hcy", "alt", "ast", "urea", "cr")),
    Kind("thrombosis in the wrong century", SCREENING, "thrombosis_date", put(SCREENING, thrombosis_date="1922-05-05")),
    Kind(
        "occlusion before its thrombosis",
        SCREENING,
        "occlusion_date",
        moved(SCREENING, "occlusion_date", (SCREENING, "thrombosis_date"), -40),
    ),
    Kind(
        "filter placed after surgery",
        SCREENING,
        "filter_date",
        moved(SCREENING, "filter_date", (SESSION_1, "session_date"), 4),
    ),
    Kind("a date in the future", MONTH_6, "visit_date", put(MONTH_6, visit_date="2031-01-01")),
    Kind(
        "above and below swapped",
        MONTH_6,
        "circ_below_knee",
        put(MONTH_6, circ_above_knee="36.1", circ_below_knee="48.8"),
    ),
    Kind("circumference far from the first", MONTH_6, "circ_above_knee", put(MONTH_6, circ_above_knee="70.0")),
    Kind(
        "an item changed, the total not",
        MONTH_6,
        "vil_cramps",
        lambda rows, _: rows[MONTH_6].update(vil_cramps=str((int(rows[MONTH_6]["vil_cramps"]) + 1) % 4)),
    ),
    Kind(
        "ulcer in one scale only",
        MONTH_6,
        "vil_ulcer",
        both(
            put(MONTH_6, vcss_ulcer_n="1", vcss_ulcer_time="1", vcss_ulcer_size="1"),
            lambda rows, _: rows[MONTH_6].update(vcss_total=str(int(rows[MONTH_6]["vcss_total"]) + 3)),
        ),
        no_ulcer,
    ),
    Kind("area with a slipped point", MONTH_6, "mid_area", scaled(MONTH_6, "mid_area", 0.1, 2)),
    Kind(
        "level far from the first",
        MONTH_6,
        "origin_trans",
        both(scaled(MONTH_6, "origin_trans", 1.5, 2), scaled(MONTH_6, "origin_area", 1.5, 2)),
    ),
    Kind(
        "CTV carried over",
        MONTH_6,
        "renal_area",
        copy(MONTH_6, *(f"{one}_{what}" for one in ("renal", "mid", "origin") for what in ("trans", "ap", "area"))),
    ),
    Kind(
        "level copied onto another",
        SCREENING,
        "mid_trans",
        lambda rows, _: rows[SCREENING].update(
            {f"mid_{what}": rows[SCREENING][f"renal_{what}"] for what in ("trans", "ap", "area")}
        ),
    ),
    Kind("length in centimetres", MONTH_6, "occlusion_length", scaled(MONTH_6, "occlusion_length", 0.1)),
    Kind(
        "lumen and outcome disagree",
        MONTH_6,
        "lumen_opacified",
        lambda rows, _: rows[MONTH_6].update(lumen_opacified=str(1 - int(rows[MONTH_6]["lumen_opacified"]))),
    ),
    Kind("laboratory date of the first visit", MONTH_6, "lab_date", copy(MONTH_6, "lab_date")),
    Kind("creatinine a tenth", MONTH_6, "cr", scaled(MONTH_6, "cr", 0.3, 1)),
    Kind("text in a number", MONTH_6, "hcy", put(MONTH_6, hcy="未查")),
    Kind("a session disappears", SESSION_2, "", gone(SESSION_2)),
    Kind("month 6 never comes", MONTH_6, "", gone(MONTH_6)),
    Kind("treatment never comes", SESSION_1, "", gone(SESSION_1, SESSION_2, SESSION_3, MONTH_6)),
    Kind("inflated for a minute", SESSION_2, "balloon_minutes", put(SESSION_2, balloon_minutes="1")),
    Kind("values left behind", SESSION_1, "filter_retrieved", put(SESSION_1, filter_retrieved="0"), cone),
    Kind(
        "retrieved before it was placed",
        SESSION_1,
        "retrieval_date",
        moved(SESSION_1, "retrieval_date", (SCREENING, "filter_date"), -3),
        cone,
    ),
    Kind(
        "complication without an event",
        SESSION_3,
        "session_complication",
        put(SESSION_3, session_complication="1"),
        lambda rows: MONTH_6 in rows and f"{SESSION_3}#1" not in rows,
    ),
    Kind("event before its own session", SESSION_3, "ae_onset", happened(SESSION_3, -9)),
    Kind("event after the next session", SESSION_1, "ae_onset", happened(SESSION_1, 80)),
    Kind("death without grade 5", SESSION_3, "ae_grade", happened(SESSION_3, **FATAL | {"ae_grade": "3"})),
    Kind("life after death", SESSION_1, "ae_outcome", happened(SESSION_1, **FATAL)),
    Kind("embolism that is not serious", SESSION_1, "ae_serious", happened(SESSION_1, ae_term="6", ae_grade="3")),
    Kind(
        "one event entered twice",
        SESSION_2,
        "ae_term",
        both(happened(SESSION_2, ae_term="4"), happened(SESSION_2, 1, ae_term="4")),
    ),
    Kind("a recovery that was taken back", SESSION_1, "ae_outcome", happened(SESSION_1, ae_outcome="2")),
    Kind("three years of tablets at month 6", MONTH_6, "anticoag_months", put(MONTH_6, anticoag_months="36")),
)


@cache
def planted() -> tuple[dict[str, Kind], Validation]:
    """The clean cohort with each kind in a record of its own, judged once; by record."""
    people: dict[str, Rows] = {}
    for row in clean():
        event, instance = row["redcap_event_name"], row["redcap_repeat_instance"]
        people.setdefault(row["record_id"], {})[f"{event}#{instance}" if instance else event] = dict(row)
    untouched = people["1"]
    where: dict[str, Kind] = {}
    for kind in KINDS:
        record = next(one for one in people if one != "1" and one not in where and kind.fits(people[one]))
        where[record] = kind
        kind.plant(people[record], untouched)
    return where, judged([row for rows in people.values() for row in rows.values()])


def named(validation: Validation) -> Mapping[str, set[tuple[str, str]]]:
    """Of each record the events and fields that findings name; '' for a visit that is missing."""
    rules = {rule.id: rule for rule in all_rules()}
    found: dict[str, set[tuple[str, str]]] = {}
    for outcome in validation.outcomes:
        rule = rules[outcome.rule_id]
        for one in outcome.violations:
            event = rule.shown_at.event if rule.shown_at else one.row.event
            for row in (one.row, *one.others):
                at = event if row is one.row else row.event
                found.setdefault(row.record, set()).update((at, name) for name in rule.fields or ("",))
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_error_is_found_at_its_visit_and_by_its_field(kind: Kind) -> None:
    """Some finding of the record is at the visit of the error and names the field that is wrong."""
    where, validation = planted()
    record = next(one for one, planted_kind in where.items() if planted_kind is kind)
    assert (kind.event, kind.field) in named(validation)[record]


def test_no_other_record_has_a_finding() -> None:
    """What is wrong in one record accuses no other, but the one that it was copied from."""
    where, validation = planted()
    assert set(named(validation)) - set(where) == {"1"}
