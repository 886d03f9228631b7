"""Who types the cohort into REDCap, and when: each instrument of a visit is one entry, some days after the visit.

The accounts are made up. A nurse types at the bedside or on one of the next working days, the laboratory when its
results are back, a data clerk twice a week; the patient answers the survey on the day of the visit.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np

from redcap_sync.column_name import ColumnName

from .visits import CHINA

Row = Mapping[str, str]

IDENTITY = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
METADATA = Path(__file__).parents[2] / "project" / "metadata.csv"
VALIDATION = "text_validation_type_or_show_slider_number"
EVERY_DAY = frozenset(range(1, 8))
VISIT_DATES = ("screening_date", "session_date", "visit_date", "eos_date")
"""The field of each event that says when it took place."""
OF_THE_COURSE = frozenset({"filter_retrieval", "filter_pathway", "treatment_course"})
"""Instruments of session 1 that say how the treatment ended: they are typed after the last session."""
FIRST = "demographics"
"""The instrument that creates a record."""


@dataclass(frozen=True)
class Typist:
    """A habit: after a mean of `waits` working days, on the next of some ISO weekdays, within some hours."""

    username: str
    waits: float
    weekdays: frozenset[int] = EVERY_DAY
    hours: tuple[int, int] = (9, 17)
    on_the_day: bool = False
    """Whether nothing is put off: the entry is made on the day of the visit, whatever day that is."""


BEDSIDE = Typist("bedside_nurse", 0, hours=(8, 12), on_the_day=True)
NURSE = Typist("ward_nurse", 1)
LABORATORY = Typist("laboratory_clerk", 2, hours=(13, 17))
CLERK = Typist("data_clerk", 1, weekdays=frozenset({2, 5}))
PATIENT = Typist("[survey respondent]", 0, hours=(13, 21), on_the_day=True)
"""REDCap's log names whoever answers a survey so."""
TYPISTS = {
    FIRST: BEDSIDE,
    "symptom_survey": PATIENT,
    "laboratory": LABORATORY,
    **dict.fromkeys(("ctv", "ultrasound", "outcome", "end_of_study", *OF_THE_COURSE), CLERK),
}
"""All other instruments are the ward nurse's."""
MOST_WAITS = 6
"""No entry waits for more working days."""


@dataclass(frozen=True)
class Entry:
    """One instrument as somebody saved it: the cells of an import row, without blanks, on the hospital's clock."""

    moment: datetime
    username: str
    row: Row


def entries_of(rows: Iterable[Row], rng: np.random.Generator) -> list[Entry]:
    """Turn the rows of a flat import into entries, oldest first. The same rows and generator give the same entries."""
    rows = list(rows)
    metadata = _metadata()
    instruments = {line["field_name"]: line["form_name"] for line in metadata}
    dates = frozenset(line["field_name"] for line in metadata if line[VALIDATION] == "date_ymd")
    ended = _last_sessions(rows)
    made: list[Entry] = []
    created: dict[str, datetime] = {}
    for row in rows:
        for instrument, cells in _by_instrument(row, instruments).items():
            known = [_visit_day(row), *(cells[name] for name in dates & cells.keys())]
            if instrument in OF_THE_COURSE:
                known.append(ended[row["record_id"]])
            typist = TYPISTS.get(instrument, NURSE)
            moment = _moment(date.fromisoformat(max(known)), typist, rng)
            earliest = created.setdefault(row["record_id"], moment)
            identity = {name: row[name] for name in IDENTITY}
            made.append(Entry(max(moment, earliest), typist.username, identity | cells))
    return sorted(made, key=lambda entry: entry.moment)


def rows_at(entries: Iterable[Entry], moment: datetime) -> list[dict[str, str]]:
    """Put what was entered until a moment, that one included, together again: rows of a flat import without blanks."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for entry in entries:
        if entry.moment <= moment:
            rows.setdefault(tuple(entry.row[name] for name in IDENTITY), {}).update(entry.row)
    return list(rows.values())


def _metadata() -> list[dict[str, str]]:
    with METADATA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _by_instrument(row: Row, instruments: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The cells of a row that hold something, by instrument; demographics are first in a row of screening."""
    found: dict[str, dict[str, str]] = {}
    for name, value in row.items():
        if name not in IDENTITY and value:
            found.setdefault(_instrument(name, instruments), {})[name] = value
    return found


def _instrument(column: str, instruments: Mapping[str, str]) -> str:
    field = ColumnName.parse(column).field
    return instruments[field] if field in instruments else column.removesuffix("_complete")


def _visit_day(row: Row) -> str:
    return next((row[name] for name in VISIT_DATES if row.get(name)), "")


def _last_sessions(rows: Iterable[Row]) -> dict[str, str]:
    return {row["record_id"]: row["session_date"] for row in rows if row.get("session_date")}


def _moment(known: date, typist: Typist, rng: np.random.Generator) -> datetime:
    """When somebody with this habit types what is known on a day."""
    waits = min(int(rng.poisson(typist.waits)), MOST_WAITS)
    begin, end = typist.hours
    clock = time(int(rng.integers(begin, end)), int(rng.integers(60)))
    return datetime.combine(known if typist.on_the_day else _typing_day(known, waits, typist), clock)


def _typing_day(known: date, waits: int, typist: Typist) -> date:
    first = CHINA.after(known - timedelta(days=1), waits + 1)
    return next(day for day in CHINA.from_day(first) if day.isoweekday() in typist.weekdays)
