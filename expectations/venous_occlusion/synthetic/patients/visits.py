"""From patients to the rows of a flat REDCap import: one row per record, event and repeated instance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from nightround.study.working_days import WorkingDays

from . import protocol
from .people import AFTER, BEFORE, Person

Row = dict[str, str]

DECIMALS = {
    **dict.fromkeys(("height_cm", "weight_kg", "bmi", "circ_above_knee", "circ_below_knee", "hcy", "cr"), 1),
    **dict.fromkeys(("urea", "d_dimer"), 2),
    **{f"{level}_{what}": 2 for level in ("renal", "mid", "origin") for what in ("trans", "ap", "area")},
}
"""Digits after the point of each measured field; whole numbers are not listed."""
VCSS_ITEMS = ("pain", "varicose", "oedema", "pigment", "inflammation", "induration", "compression")
VCSS_ULCER_ITEMS = ("ulcer_n", "ulcer_time", "ulcer_size")
VILLALTA_ITEMS = (
    *("pain", "cramps", "heaviness", "paraesthesia", "pruritus"),
    *("oedema", "induration", "pigment", "redness", "ectasia", "calf_pain"),
)
MOST_POINTS = 3
"""Points of one item: 0 none to 3 severe (paper, 1.5.3)."""
CHINA = WorkingDays("CN")
FIRST_DAY = date(2022, 1, 24)
LAST_DAY = date(2024, 7, 31)
"""Days of a first session, so that three of them end within the paper's years 2022 to 2024."""
REASONS_LEFT_IN = ("滤器与腔静脉壁粘连 Filter grown into the caval wall", "永久性滤器 Permanent filter")
MILD_TERMS = 3
"""Pain at the puncture site, back pain during dilatation, a mild reaction to contrast medium."""
TROUBLED = frozenset({4, 11, 19, 26, 33, 40, 48, 57, 66})
"""Records with a mild adverse event; the paper reports no serious one (2.4)."""


@dataclass(frozen=True)
class Calendar:
    """The days of one patient's treatment. `sessions` are one to three days, `visit` is month 6."""

    screening: date
    ctv: date
    blood: date
    sessions: tuple[date, ...]
    retrieval: date | None
    visit: date


def calendar_of(person: Person, rng: np.random.Generator) -> Calendar:
    """Sessions a month apart; an open filter retrieval takes a month of its own (paper, 1.2)."""
    first = _nearest_day_open(FIRST_DAY + timedelta(days=int(rng.integers((LAST_DAY - FIRST_DAY).days))))
    screening = _last_day_open(first - timedelta(days=int(rng.integers(4, 21))))
    opened = _nearest_day_open(first + timedelta(days=int(rng.integers(26, 39))))
    retrieval = {"0": None, "1": first, "2": opened}[person.codes["retrieval"]]
    before = opened if person.codes["retrieval"] == "2" else first
    second = _nearest_day_open(before + timedelta(days=int(rng.integers(25, 41))))
    third = _nearest_day_open(second + timedelta(days=int(rng.integers(25, 41))))
    return Calendar(
        screening=screening,
        ctv=screening + timedelta(days=int(rng.integers(0, 3))),
        blood=screening + timedelta(days=int(rng.integers(0, 2))),
        sessions=(first, second, third)[: person.sessions],
        retrieval=retrieval,
        visit=_nearest_day_open(third + timedelta(days=int(rng.integers(165, 201)))),
    )


def _nearest_day_open(day: date) -> date:
    """The nearest working day, the later of two. No holidays of China's move a day by more than four."""
    days = (day + timedelta(days=sign * distance) for distance in range(15) for sign in (1, -1))
    return next(one for one in days if CHINA.has(one))


def _last_day_open(day: date) -> date:
    return next(one for one in (day - timedelta(days=back) for back in range(15)) if CHINA.has(one))


def written(name: str, value: float) -> str:
    """A number as it stands in the chart."""
    return f"{value:.{DECIMALS.get(name, 0)}f}"


@dataclass(frozen=True)
class Asked:
    """What the protocol's other questions need of a patient, and the generator that answers them."""

    person: Person
    when: Calendar
    side: str
    thinner: tuple[float, float]
    """By how many cm the other leg is thinner above and below the knee, before treatment."""
    ward: str
    more: np.random.Generator


def rows_of(number: int, person: Person, rng: np.random.Generator, more: np.random.Generator) -> Iterator[Row]:
    """Every row of one record. `rng` draws what the tables print, `more` what the protocol asks beside it."""
    when = calendar_of(person, rng)
    record = str(number)
    asked = _asked(person, when, more)
    screening = _row(record, "screening_arm_1") | _screening(number, person, when, rng)
    screening |= _asked_at_screening(screening, asked)
    yield screening
    for row in _sessions(record, person, when, rng):
        repeated = row["redcap_repeat_instrument"]
        yield row | (protocol.adverse_event(more) if repeated else _asked_at_session(row, asked))
    if person.group:
        visit = _row(record, "month_6_arm_1") | _month_6(person, when, rng)
        yield visit | _asked_at_month_6(visit, asked, screening)
    last = when.visit if person.group else when.sessions[-1]
    yield _row(record, "end_arm_1") | protocol.end_of_study(person, last)


def _asked(person: Person, when: Calendar, more: np.random.Generator) -> Asked:
    side = protocol.affected_leg(person.codes["thrombosis_side"], more)
    thinner = (float(more.uniform(0.3, 3.0)), float(more.uniform(0.3, 2.5)))
    return Asked(person, when, side, thinner, protocol.WARDS[int(more.integers(2))], more)


def _asked_at_screening(row: Row, asked: Asked) -> Row:
    criteria = protocol.eligibility(asked.person.codes["thrombosis_side"], asked.more)
    return {
        **protocol.demographics(row, asked.ward),
        **criteria,
        **protocol.thrombosis(row, asked.more),
        **_asked_at_both(row, asked, {}, patent=False),
        "us_iliac": protocol.OCCLUDED_ON_ULTRASOUND[criteria["iliac_side"]],
    }


def _asked_at_both(row: Row, asked: Asked, earlier: Row, *, patent: bool) -> Row:
    """What screening and month 6 share; `earlier` is the visit before, if there was one."""
    scores = protocol.scores(row, earlier, asked.more)
    day = date.fromisoformat(row["screening_date"] if "screening_date" in row else row["visit_date"])
    return {
        **protocol.legs(row, asked.side, asked.thinner),
        **scores,
        **protocol.images(row, day, patent=patent, rng=asked.more),
        **protocol.laboratory(asked.person.codes["sex"]),
        **protocol.survey(row | scores, day, asked.more),
    }


def _asked_at_session(row: Row, asked: Asked) -> Row:
    days = (*asked.when.sessions, None)
    path = protocol.pathway(asked.person, asked.when.sessions[0], asked.when.retrieval, days[1], asked.more)
    return {
        **protocol.session(asked.person, asked.side, row, asked.more),
        "rivaroxaban_start": asked.when.sessions[0].isoformat(),
        **(path if row["redcap_event_name"] == "session_1_arm_1" else {}),
    }


def _asked_at_month_6(row: Row, asked: Asked, screening: Row) -> Row:
    thinner = tuple(max(0.1, one + float(asked.more.normal(0, 0.4))) for one in asked.thinner)
    now = replace(asked, thinner=thinner)
    patent = asked.person.group == "patency"
    return {
        **_asked_at_both(row, now, screening, patent=patent),
        **protocol.month_6(asked.person, asked.when.visit, asked.more),
    }


def _row(record: str, event: str, instrument: str = "", instance: str = "") -> Row:
    return {
        "record_id": record,
        "redcap_event_name": event,
        "redcap_repeat_instrument": instrument,
        "redcap_repeat_instance": instance,
    }


def _complete(*instruments: str) -> Row:
    return {f"{name}_complete": "2" for name in instruments}


def _born(age: int, screening: date, rng: np.random.Generator) -> date:
    """A day that makes the patient `age` full years old on the day of screening."""
    birthday = date(screening.year - age, screening.month, min(screening.day, 28))
    return birthday - timedelta(days=int(rng.integers(0, 360)))


def _screening(number: int, person: Person, when: Calendar, rng: np.random.Generator) -> Row:
    return {
        **_demographics(number, person, when, rng),
        **{f"exclusion___{code}": str(int(code == 0)) for code in range(6)},
        "chronic_confirmed": "1",
        **_history(person, when, rng),
        **_measurements(person.visits[BEFORE], rng),
        "ctv_date": when.ctv.isoformat(),
        "lumen_opacified": "0",
        "lab_date": when.blood.isoformat(),
        **_complete("demographics", "eligibility", "comorbidities", "thrombosis_filter"),
    }


def _demographics(number: int, person: Person, when: Calendar, rng: np.random.Generator) -> Row:
    once = person.once
    return {
        "patient_name": f"合成病例{number:03d}",
        "hospital_no": f"SYNTHETIC-{number:04d}",
        "birth_date": _born(round(once["age"]), when.screening, rng).isoformat(),
        "sex": person.codes["sex"],
        "screening_date": when.screening.isoformat(),
        **{name: written(name, once[name]) for name in ("age", "height_cm", "weight_kg", "bmi")},
    }


def _history(person: Person, when: Calendar, rng: np.random.Generator) -> Row:
    """Comorbidities, thrombosis and filter; the thrombosis comes before both the filter and the occlusion."""
    filter_days, occlusion_days = (round(person.once[name]) for name in ("filter_days", "occlusion_days"))
    placed = when.sessions[0] - timedelta(days=filter_days)
    occluded = when.ctv - timedelta(days=occlusion_days)
    names = ("hypertension", "diabetes", "hyperlipidaemia", "cardiovascular", "cerebrovascular", "fracture")
    return {
        **{name: person.codes[name] for name in names},
        "thrombosis_date": (min(placed, occluded) - timedelta(days=int(rng.integers(0, 21)))).isoformat(),
        "thrombosis_side": person.codes["thrombosis_side"],
        "occlusion_date": occluded.isoformat(),
        "occlusion_days": str(occlusion_days),
        "filter_date": placed.isoformat(),
        "filter_type": person.codes["filter_type"],
        "filter_days": str(filter_days),
    }


def _measurements(visit: dict[str, float], rng: np.random.Generator) -> Row:
    """What is measured at both visits: limbs, scores with their items, CTV and laboratory."""
    ulcer = bool(visit["vil_ulcer"])
    return {
        **{name: written(name, value) for name, value in visit.items()},
        **_vcss_items(round(visit["vcss_total"]), ulcer=ulcer, rng=rng),
        **_shared_out(round(visit["villalta_total"]), [f"vil_{item}" for item in VILLALTA_ITEMS], rng),
        **_complete("limb_circumference", "vcss", "villalta", "ctv", "laboratory"),
    }


def _vcss_items(total: int, *, ulcer: bool, rng: np.random.Generator) -> Row:
    """Items that add up to the total; an ulcer takes one point of each item about ulcers."""
    ulcers = {f"vcss_{item}": str(int(ulcer)) for item in VCSS_ULCER_ITEMS}
    rest = total - len(VCSS_ULCER_ITEMS) * int(ulcer)
    return ulcers | _shared_out(rest, [f"vcss_{item}" for item in VCSS_ITEMS], rng)


def _shared_out(total: int, items: list[str], rng: np.random.Generator) -> Row:
    """Share the points of a total among its items, at most three each."""
    places = rng.permutation(np.repeat(np.arange(len(items)), MOST_POINTS))[:total]
    return {item: str(points) for item, points in zip(items, np.bincount(places, minlength=len(items)), strict=True)}


def _sessions(record: str, person: Person, when: Calendar, rng: np.random.Generator) -> Iterator[Row]:
    troubled = int(rng.integers(person.sessions)) if int(record) in TROUBLED else -1
    for index, day in enumerate(when.sessions):
        event = f"session_{index + 1}_arm_1"
        course = _course(person, when) if index == 0 else {}
        yield _row(record, event) | _procedure(index, day, happened=index == troubled, rng=rng) | course
        if index == troubled:
            happened = [_adverse_event(day, rng) for _ in range(int(rng.integers(1, 3)))]
            for instance, event_row in enumerate(_all_different(happened), start=1):
                yield _row(record, event, "adverse_event", str(instance)) | event_row


def _procedure(index: int, day: date, *, happened: bool, rng: np.random.Generator) -> Row:
    """A session; only the third ends with the drug-coated balloon, 12 mm for 2 min (paper, 1.2.1)."""
    last = index == 2  # noqa: PLR2004 - the third session
    return {
        "session_date": day.isoformat(),
        "balloon_max_mm": str(rng.choice([12, 14])),
        "balloon_minutes": "5",
        "dcb_used": str(int(last)),
        "dcb_mm": "12" if last else "",
        "dcb_minutes": "2" if last else "",
        "session_complication": str(int(happened)),
        **_complete("procedure"),
    }


def _course(person: Person, when: Calendar) -> Row:
    """What became of the filter and of the treatment, written down at session 1."""
    method = person.codes["retrieval"]
    completed = bool(person.group)
    left_in = REASONS_LEFT_IN[int(person.codes["filter_type"] in ("4", "5"))]
    return {
        "filter_retrieved": str(int(method != "0")),
        "retrieval_method": method if method != "0" else "",
        "retrieval_date": when.retrieval.isoformat() if when.retrieval else "",
        "not_retrieved_reason": left_in if method == "0" else "",
        "three_sessions": str(int(completed)),
        "stopped_reason": person.stopped_reason,
        **_complete("filter_retrieval", "treatment_course"),
    }


def _all_different(events: list[Row]) -> Iterator[Row]:
    """One event is entered once: a term that is already there becomes the next mild one."""
    taken: set[str] = set()
    for event in events:
        term = event["ae_term"] if event["ae_term"] not in taken else str(int(event["ae_term"]) % MILD_TERMS + 1)
        taken.add(term)
        yield event | {"ae_term": term}


def _adverse_event(day: date, rng: np.random.Generator) -> Row:
    onset = day + timedelta(days=int(rng.integers(0, 3)))
    return {
        "ae_term": str(rng.integers(1, MILD_TERMS + 1)),
        "ae_other": "",
        "ae_onset": onset.isoformat(),
        "ae_grade": str(rng.integers(1, 3)),
        "ae_serious": "0",
        "ae_outcome": "1",
        "ae_end": (onset + timedelta(days=int(rng.integers(1, 11)))).isoformat(),
        **_complete("adverse_event"),
    }


def _month_6(person: Person, when: Calendar, rng: np.random.Generator) -> Row:
    patent = str(int(person.group == "patency"))
    ctv = when.visit + timedelta(days=int(rng.integers(-3, 4)))
    return {
        **_measurements(person.visits[AFTER], rng),
        "ctv_date": ctv.isoformat(),
        "lumen_opacified": patent,
        "lab_date": when.visit.isoformat(),
        "visit_date": when.visit.isoformat(),
        "patency": patent,
        "stockings": person.codes["stockings"],
        "anticoagulation": "1",
        "anticoag_months": "6",
        **_complete("outcome"),
    }
