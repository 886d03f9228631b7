"""Suggests a range for a number that the dictionary gives none, from the values in one unit."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from nightround.rule_desk.suggest.fences import Fences, as_logic, fences
from nightround.rule_desk.suggest.study_data import SINGLE, StudyData
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, Suggestion, suggested_rule
from redcap_sync.dictionary import Field

LEAST_VALUES = 30
"""Fewer values do not say how wide a range is."""


def suggested_ranges(data: StudyData) -> Iterator[Suggestion]:
    """One rule for each number without both limits, of which the data have enough values in one unit."""
    for field in data.numbers:
        if field.minimum and field.maximum:
            continue
        unit, code = _unit_of(data, field)
        values = _in_unit(data, field, unit, code)
        found = fences(values) if len(values) >= LEAST_VALUES else None
        if found and _inside(values, found) >= LEAST_SHARE * len(values):
            yield _suggestion(data, field, found, values, f"[{unit.name}] = '{code}'" if unit else "")


def _unit_of(data: StudyData, field: Field) -> tuple[Field | None, str]:
    """The field that says in which unit a number is, and the code that most rows have."""
    names = {f"{field.name}_unit", f"{field.name}_units", f"unit_{field.name}", f"{field.name}unit"}
    unit = next((one for one in data.neighbours(field) if one.name in names and one.type in SINGLE), None)
    answers = data.text(unit.name) if unit else pd.Series(dtype=object)
    filled = answers[answers != ""]
    return (unit, str(filled.mode().iloc[0])) if unit and len(filled) else (None, "")


def _in_unit(data: StudyData, field: Field, unit: Field | None, code: str) -> pd.Series[float]:
    values = data.number(field.name)
    if unit is None:
        return values
    same = data.text(unit.name).reindex(values.index) == code
    return values[same]


def _inside(values: pd.Series[float], found: Fences) -> int:
    return int(values.between(found.low, found.high).sum())


def _suggestion(data: StudyData, field: Field, found: Fences, values: pd.Series[float], applies: str) -> Suggestion:
    low, high = as_logic(found.low), as_logic(found.high)
    return suggested_rule(
        "range",
        ("range", field.name),
        data.languages,
        {"field": data.label(field.name), "low": low, "high": high},
        {"field": field.name, "low": low, "high": high},
        evidence={"count": len(values), "inside": _inside(values, found)},
        instrument=field.instrument,
        applies=applies,
        discrepancy=f"[{field.name}] < {low} or [{field.name}] > {high}",
    )
