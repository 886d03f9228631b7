"""Suggests which rows are there once: a person by number or by name and date of birth, and a row that repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nightround.model.language import LANGUAGES, Words
from nightround.rule_desk.suggest.study_data import SINGLE, StudyData
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, Suggestion, suggested_rule
from redcap_sync.dictionary import Field

LEAST_ROWS = 10
_NUMBER = re.compile(
    r"\bmrn\b|medical record (?:no|num)|hospital (?:no|num|id)|patient (?:no|num|id)\b|subject (?:no|num|id)\b"
    r"|screening (?:no|num|id)\b|randomi[sz]ation (?:no|num|id)\b|\bssn\b|social security|passport|national id"
    r"|病案号|住院号|门诊号|身份证|筛选号|随机号|入组号"
)
_NAME = re.compile(
    r"\bpt ?name\b|\b(?:first|last|family|given|patient|full) ?name\b|\bname (?:first|last)\b|姓名|\binitials\b|缩写"
)
_SOMEBODY_ELSE = re.compile(r"kin|contact|mother|father|parent|physician|doctor|investigator|联系人|医师|家属")
_BIRTH = re.compile(r"\bdob\b|\bbirth ?date\b|\bdate of birth\b|出生日期")


def suggested_duplicates(data: StudyData) -> Iterator[Suggestion]:
    """The rules of persons and of repeating rows."""
    yield from _numbers_of_persons(data)
    yield from _persons(data)
    yield from _repeated_rows(data)


def _once(data: StudyData, field: Field) -> bool:
    """Whether a record has the field once."""
    return len(data.places.events_of(field.instrument)) == 1


def _numbers_of_persons(data: StudyData) -> Iterator[Suggestion]:
    for field in data.fields:
        if field.type != "text" or not _once(data, field) or not _NUMBER.search(data.said_by(field)):
            continue
        values = data.text(field.name)
        values = values[values != ""]
        if len(values) < LEAST_ROWS or values.nunique() >= LEAST_SHARE * len(values):
            yield _of_person(data, (field.name,), len(values), values.nunique())


def _persons(data: StudyData) -> Iterator[Suggestion]:
    """Name and date of birth, where one instrument has both."""
    births = [one for one in data.dates if _BIRTH.search(data.said_by(one)) and _once(data, one)]
    for birth in births[:1]:
        names = [one.name for one in data.neighbours(birth) if _is_name(data, one)]
        if names:
            yield _of_person(data, (*names, birth.name), 0, 0)


def _is_name(data: StudyData, field: Field) -> bool:
    said = data.said_by(field)
    return field.type == "text" and bool(_NAME.search(said)) and not _SOMEBODY_ELSE.search(said)


def _of_person(data: StudyData, fields: tuple[str, ...], rows: int, different: int) -> Suggestion:
    first = data.dictionary.by_name[fields[0]]
    return suggested_rule(
        "one_person",
        ("once", *fields),
        data.languages,
        {"fields": _listed(data, fields), "first": data.label(first.name)},
        {"fields": ", ".join(fields)},
        evidence={"rows": rows, "different": different} if rows else None,
        severity="critical",
        instrument=first.instrument,
        owner="data_manager",
        fields=fields,
        unique=fields,
    )


def _listed(data: StudyData, fields: tuple[str, ...]) -> Words:
    """The labels of some fields in one text of each language."""
    labels = [data.label(name) for name in fields]
    return Words(*(("、" if one == "zh" else ", ").join(label.in_(one) for label in labels) for one in LANGUAGES))


def _repeated_rows(data: StudyData) -> Iterator[Suggestion]:
    """Of each repeating instrument with a date: the date with the first answer before it, or after it."""
    repeating = dict.fromkeys(name for _, name in sorted(data.dictionary.repeating) if name)
    for instrument in repeating:
        fields = [one for one in data.fields if one.instrument == instrument]
        dates = [one for one in fields if one.kind in ("date", "datetime")]
        said = [one for one in fields if _is_answer(data, one)]
        if dates and said:
            yield _of_repeated(data, (said[0].name, dates[0].name), instrument)


def _is_answer(data: StudyData, field: Field) -> bool:
    """Whether a field says what a row is about: no free text, and no name of a person."""
    return field.kind in ("number", "text") and field.type in ("text", *SINGLE) and not _is_name(data, field)


def _of_repeated(data: StudyData, fields: tuple[str, ...], instrument: str) -> Suggestion:
    return suggested_rule(
        "entered_twice",
        ("twice", instrument),
        data.languages,
        {"fields": _listed(data, fields)},
        {"instrument": instrument, "fields": ", ".join(fields)},
        instrument=instrument,
        fields=fields,
        alike={"fields": fields, "between": "rows_of_a_record"},
    )
