"""What makes a right study look like a real one: missing data codes, reasons of late visits, a month half filled in."""

from __future__ import annotations

import re

import numpy as np

from nightround.simulation.twin.draft import Draft, Mask, Rows
from nightround.simulation.twin.enrolment import People
from nightround.simulation.twin.first_values import FieldValues
from nightround.simulation.twin.hang_together import FieldLogic, Hanging, filled_rows, settle
from nightround.simulation.twin.made_texts import language_of
from nightround.texts.catalogue import wording
from redcap_sync.column_name import checkbox_column

CODED_SHARE, HALF_FILLED_SHARE = 0.03, 0.1
REMARK = re.compile(r"comment|remark|note|reason|备注|说明|原因", re.IGNORECASE)
LATE = "twin.remark.late"


def make_messy(
    draft: Draft,
    people: People,
    hanging: Hanging,
    values: FieldValues,
    *,
    rng: np.random.Generator,
    fixed: frozenset[str],
) -> None:
    """Make a draft messy; no rule is broken by a missing data code, and nothing required is left blank."""
    _explain_late_visits(draft, people, rng)
    names = [logic.field.name for logic in hanging.fields if _put_codes(draft, logic, rng, fixed)]
    settle(draft, hanging, values, hanging.behind(names))
    _leave_half_filled(draft, hanging, rng)


def _put_codes(draft: Draft, logic: FieldLogic, rng: np.random.Generator, fixed: frozenset[str]) -> bool:
    """Put a missing data code into some of the cells that a person fills in; whether there was any."""
    one, codes = logic.field, [choice.code for choice in draft.dictionary.missing_data_codes]
    if not codes or logic.calculation is not None or one.name in fixed or "@NOMISSING" in one.annotation:
        return False
    if one.type in ("calc", "file", "descriptive", "slider"):
        return False
    rows = np.flatnonzero(filled_rows(draft, one) & (rng.random(len(draft.tables[one.instrument])) < CODED_SHARE))
    chosen = np.array(codes, dtype=object)[rng.integers(0, len(codes), size=len(rows))]
    if one.type != "checkbox":
        _put(draft, one.name, rows, chosen)
        return len(rows) > 0
    for column in draft.dictionary.columns_of_field(one):
        ticked = np.array([checkbox_column(one.name, code) == column for code in chosen], dtype=bool)
        _put(draft, column, rows, np.where(ticked, "1", "0").astype(object))
    return len(rows) > 0


def _put(draft: Draft, column: str, rows: Rows, cells: np.ndarray) -> None:
    changed = draft[column].copy()
    changed[rows] = cells
    draft[column] = changed


def _explain_late_visits(draft: Draft, people: People, rng: np.random.Generator) -> None:
    """Say why a visit was late, in the first field of it that takes a remark."""
    order = {event: number for number, event in enumerate(draft.dictionary.event_names)}
    say = wording(language_of(draft.dictionary))
    for instrument, table in draft.tables.items():
        remarks = [one for one in draft.dictionary.fields_of(instrument) if one.type in ("text", "notes")]
        remark = next((one for one in remarks if not one.validation and REMARK.search(f"{one.name} {one.label}")), None)
        if remark is None or remark.identifier or "@CALC" in remark.annotation or not len(table):
            continue
        late = people.late[draft.origin[table.records], table.keys["event"].map(order).to_numpy(dtype=np.int64)]
        rows = np.flatnonzero(late & filled_rows(draft, remark))
        days = rng.integers(15, 60, size=len(rows))
        _put(draft, remark.name, rows, np.array([say(LATE, days=int(day)) for day in days], dtype=object))


def _leave_half_filled(draft: Draft, hanging: Hanging, rng: np.random.Generator) -> None:
    """In some records nothing that is not required was entered yet in the last instruments of the last visit."""
    chosen: Mask = rng.random(len(draft.records)) < HALF_FILLED_SHARE
    order = {event: number for number, event in enumerate(draft.dictionary.event_names)}
    last = np.full(len(draft.records), -1)
    events = {name: table.keys["event"].map(order).to_numpy(dtype=np.int64) for name, table in draft.tables.items()}
    for name, table in draft.tables.items():
        np.maximum.at(last, table.records, events[name])
    instruments = list(draft.tables)
    for name in instruments[len(instruments) // 2 :]:
        table = draft.tables[name]
        rows = np.flatnonzero(chosen[table.records] & (events[name] == last[table.records]))
        if len(rows):
            _put(draft, f"{name}_complete", rows, np.full(len(rows), "0", dtype=object))
        for one in draft.dictionary.fields_of(name) if len(rows) else ():
            logic = hanging.by_name.get(one.name)
            if logic is None or one.required or logic.calculation is not None or one.name in hanging.readers:
                continue
            for column in draft.dictionary.columns_of_field(one):
                _put(draft, column, rows, np.full(len(rows), "0" if one.type == "checkbox" else "", dtype=object))
