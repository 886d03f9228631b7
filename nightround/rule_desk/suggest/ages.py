"""Suggests that an age follows from the date of birth and the date that it was taken on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from nightround.rule_desk.suggest.study_data import StudyData
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, Suggestion, suggested_rule
from redcap_sync.dictionary import Field

LEAST_PAIRS = 10
_AGE = re.compile(r"^age\b|\bage(?: \(?(?:in )?years?\)?)?$|年龄")
_NOT_IN_YEARS = re.compile(r"month|week|day|gestation|onset|diagnos|first|月龄|孕|初")
_BIRTH = re.compile(r"\bdob\b|\bbirth ?date\b|\bdate of birth\b|\bbirthday\b|出生日期|出生年月日")
_ENTRY = re.compile(r"enrol|consent|screen|baseline|inclusion|registration|入组|入选|筛选|知情|登记")


def suggested_ages(data: StudyData) -> Iterator[Suggestion]:
    """One rule for an age in years that is typed next to a date of birth."""
    births = [one for one in data.dates if _BIRTH.search(data.said_by(one))]
    ages = [one for one in data.fields if one.type == "text" and _is_age(data, one)]
    if len(births) != 1:
        return
    for age in ages:
        if age.instrument == births[0].instrument and (found := _taken_on(data, age, births[0])):
            yield found


def _is_age(data: StudyData, field: Field) -> bool:
    said = data.said_by(field)
    is_age = any(_AGE.search(part) for part in (field.name.replace("_", " "), said.removeprefix(field.name).strip()))
    return is_age and field.kind in ("number", "text") and not _NOT_IN_YEARS.search(said)


def _taken_on(data: StudyData, age: Field, birth: Field) -> Suggestion | None:
    """The rule by the date that fits the data best; before there are data by the only date of entry, a year apart."""
    dates = [one for one in data.dates if one.instrument == age.instrument and one.name != birth.name]
    fits = {one.name: _fit(data, age, birth, one) for one in dates}
    best = max(fits, key=lambda name: fits[name][0] / max(1, fits[name][1]), default="")
    right, pairs = fits.get(best, (0, 0))
    if pairs >= LEAST_PAIRS:
        fitting = right >= LEAST_SHARE * pairs
        return _suggestion(data, age, birth, best, evidence={"right": right, "pairs": pairs}) if fitting else None
    entry = [one.name for one in dates if _ENTRY.search(data.said_by(one))]
    return _suggestion(data, age, birth, entry[0], evidence=None) if len(entry) == 1 else None


def _fit(data: StudyData, age: Field, birth: Field, taken: Field) -> tuple[int, int]:
    """How many ages are the one by the dates, and how many rows have all three."""
    parts: list[pd.Series[Any]] = [data.number(age.name), data.day(birth.name), data.day(taken.name)]
    rows = pd.concat(parts, axis=1, keys=("age", "birth", "taken"), join="inner").dropna()
    birth_day, day = rows["birth"].dt, rows["taken"].dt
    before = (day.month < birth_day.month) | ((day.month == birth_day.month) & (day.day < birth_day.day))
    return int((day.year - birth_day.year - before == rows["age"]).sum()), len(rows)


def _suggestion(
    data: StudyData, age: Field, birth: Field, taken: str, *, evidence: dict[str, object] | None
) -> Suggestion:
    by_dates = f"age_at_date([{birth.name}], [{taken}])"
    exact = f"[{age.name}] <> {by_dates}"
    return suggested_rule(
        "age",
        ("age", age.name),
        data.languages,
        {"age": data.label(age.name), "birth": data.label(birth.name), "taken": data.label(taken)},
        {"age": age.name, "birth": birth.name, "taken": taken},
        evidence=evidence,
        severity="major",
        instrument=age.instrument,
        fields=(age.name,),
        discrepancy=exact if evidence else f"abs([{age.name}] - {by_dates}) > 1",
    )
