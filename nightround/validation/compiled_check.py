"""A rule's check as the JSON that its suite keeps, with every column it reads by its canonical name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from nightround.model.rule import Check
from nightround.validation.lookup import ROW_COUNT, VISIT_EXISTS
from nightround.validation.stored import MEASURES, Measure
from redcap_sync.column_name import AS_TEXT
from redcap_sync.errors import LogicError
from redcap_sync.logic import Reference, from_json, parse, references
from redcap_sync.messages import Message

GROUP = "record-dag-name"
"""The smart variable that names the data access group of a row's record."""
COLUMN_LISTS = ("opened", "options", "coded_options")
"""Settings that hold export columns."""
BOUND_WRONG: Mapping[Measure, str] = {
    "number": "outcome.bound_no_number",
    "moment": "outcome.bound_no_date",
    "clock": "outcome.bound_no_time",
}
BOUNDS = ("minimum", "maximum", "hard_minimum", "hard_maximum")


def compile_check(check: Check) -> tuple[dict[str, Any], tuple[Reference, ...]]:
    """Turn a check into JSON and name every reference it reads; raises LogicError for what cannot be read."""
    settings = dict(check.settings)
    if "refused" in settings:
        refused = Message.read(settings["refused"])
        raise LogicError(refused.code, text="", position=0, hint="outcome.fix_in_designer", **refused.facts)
    read = [*check.columns, *(column for name in COLUMN_LISTS for column in settings.get(name, ()))]
    for name in COLUMN_LISTS:
        if name in settings:
            settings[name] = _names(settings[name])
    if "status" in settings:
        read.append(settings["status"])
        settings["status"] = _as_text(settings["status"]).column
    found = [_as_text(column) for column in read]
    if "visit" in settings:
        visits = [Reference(VISIT_EXISTS, event=event) for event in (settings["visit"], *settings["later"])]
        settings["visit"], *settings["later"] = (visit.column for visit in visits)
        found += visits
    found += _across(settings)
    found += _cohort(settings) if check.kind == "cohort" else []
    for name in BOUNDS:
        if settings.get(name):
            settings[name], more = _bound(settings[name], settings["measure"])
            found += more
    if "formula" in settings:
        found += references(from_json(settings["formula"]))
    written = {"kind": check.kind, "columns": _names(check.columns), "settings": settings}
    return written, tuple(dict.fromkeys(found))


def _across(settings: dict[str, Any]) -> list[Reference]:
    """What a check across rows reads besides its columns; its settings are given their canonical names."""
    near = [(_as_text(column), measure, largest) for column, measure, largest in settings.get("near", ())]
    if "near" in settings:
        settings["near"] = [[one.column, measure, largest] for one, measure, largest in near]
    counted = [_counted(event, instrument) for event, instrument in settings.get("counted", ())]
    if "counted" in settings:
        settings["counted"] = [one.column for one in counted]
    return [*(one for one, _, _ in near), *counted]


def _cohort(settings: dict[str, Any]) -> list[Reference]:
    """What a check on all rows together reads besides its fields; its settings are given their canonical names."""
    found = []
    for name in ("date", "examiner"):
        if settings[name]:
            found.append(_as_text(settings[name]))
            settings[name] = found[-1].column
    if settings["each_group"]:
        found.append(Reference(GROUP))
        settings["group"] = found[-1].column
    return found


def _counted(event: str, instrument: str) -> Reference:
    """What counts the rows of an instrument, or says whether the record contains anything in an event."""
    return Reference(ROW_COUNT, event=event, code=instrument) if instrument else Reference(VISIT_EXISTS, event=event)


@lru_cache(maxsize=1 << 16)
def _as_text(column: str) -> Reference:
    # Each rule on blank cells names every column of its instrument again.
    return replace(Reference.of_column(column), modifier=AS_TEXT)


def _names(columns: Iterable[str]) -> list[str]:
    return [_as_text(column).column for column in columns]


def _bound(written: str, measure: Measure) -> tuple[dict[str, Any], tuple[Reference, ...]]:
    """A minimum or maximum: a literal, today, now, or another field."""
    if written in ("today", "now"):
        return {"day": written}, ()
    if written.startswith("["):
        other = parse(written)
        if isinstance(other, Reference) and not other.is_smart:
            text = replace(other, modifier=AS_TEXT)
            return {"column": text.column}, (text,)
        raise LogicError("outcome.bound_no_field", text=written, position=0, hint="outcome.one_field")
    value = MEASURES[measure](written)
    if np.isnan(value):
        raise LogicError(BOUND_WRONG[measure], text=written, position=0, hint="outcome.as_stored")
    return {"value": value}, ()
