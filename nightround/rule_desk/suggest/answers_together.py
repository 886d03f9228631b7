"""Suggests which answers go together: "none" alone, "other" with its text, and a field that one answer asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from nightround.rule_desk.suggest.study_data import SINGLE, StudyData
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, Suggestion, suggested_rule
from nightround.study.first_folder.field_words import label_words, plain
from nightround.texts.labels import words_of_label
from redcap_sync.dictionary import Choice, Field

LEAST_ROWS = 15
"""Rows with the answer, and as many without it."""
FILLED, EMPTY = 0.97, 0.05
"""The share of rows that are filled in with the answer, and without it."""
LEAST_SHOWN = 20
_NONE = re.compile(
    r"(?:none|nil|nothing)(?: of (?:the|these) ?(?:above|following|below)?)?|no (?:known )?\w+(?: \w+)?|n/?a"
    r"|not applicable|无|没有|以上均无|以上都没有|均无|均不符合|都不是",
    re.IGNORECASE,
)
_OTHER = re.compile(r"others?\b|其他|其它", re.IGNORECASE)
_SPECIFY = re.compile(
    r"specify|describe|explain|please (?:give|state|list)|\bother\b|请说明|请注明|说明|其他|其它|描述"
)


# --- "none" and others


def suggested_none_boxes(data: StudyData) -> Iterator[Suggestion]:
    """One rule for each checkbox with one option that says there is none, and others."""
    for box in data.fields:
        if box.type != "checkbox":
            continue
        nothing = [one for one in box.choices if _says(_NONE, one)]
        others = [one for one in box.choices if one not in nothing]
        if len(nothing) == 1 and others:
            yield _of_none(data, box, nothing[0], others)


def _says(pattern: re.Pattern[str], choice: Choice) -> bool:
    """Whether an option says it in one of its languages."""
    parts = (plain(choice.label), *words_of_label(plain(choice.label)))
    return any(pattern.fullmatch(part.strip(" .。")) for part in parts)


def _of_none(data: StudyData, box: Field, nothing: Choice, others: list[Choice]) -> Suggestion:
    ticked = " or ".join(f"[{box.name}({one.code})] = '1'" for one in others)
    return suggested_rule(
        "none_box",
        ("none", box.name),
        data.languages,
        {"field": data.label(box.name), "none": label_words(nothing.label, nothing.code, data.languages)},
        {"field": box.name, "code": nothing.code},
        instrument=box.instrument,
        fields=(box.name,),
        discrepancy=f"[{box.name}({nothing.code})] = '1' and ({ticked})",
    )


# --- "other", with a text that says what


def suggested_texts_of_other(data: StudyData) -> Iterator[Suggestion]:
    """One rule for each free text that follows a field with the answer "other", and asks what that is."""
    fields = data.dictionary.fields
    for asked, text in pairwise(fields):
        if asked.instrument != text.instrument or text.required or text.type not in ("text", "notes"):
            continue
        other = [one for one in asked.choices if _OTHER.search(plain(one.label))]
        if text.validation or len(other) != 1 or not _SPECIFY.search(data.said_by(text)):
            continue
        chosen = f"[{asked.name}({other[0].code})] = '1'" if asked.type == "checkbox" else ""
        chosen = chosen or f"[{asked.name}] = '{other[0].code}'"
        yield _of_text(data, asked, text, chosen)


def _of_text(data: StudyData, asked: Field, text: Field, chosen: str) -> Suggestion:
    return suggested_rule(
        "specify",
        ("specify", text.name),
        data.languages,
        {"field": data.label(text.name), "asked": data.label(asked.name)},
        {"field": text.name, "asked": asked.name},
        instrument=text.instrument,
        fields=(text.name,),
        discrepancy=f"{chosen} and [{text.name}] = ''",
    )


# --- filled in where one answer was given, or where it is shown


def suggested_required(data: StudyData) -> Iterator[Suggestion]:
    """One rule for each field that nearly all rows with one answer have, and nearly none of the others."""
    for field in _optional(data):
        if field.branching_logic:
            yield _of_shown(data, field)
        elif found := _asked_by(data, field):
            yield _of_answer(data, field, *found)


def _optional(data: StudyData) -> Iterator[Field]:
    """The fields that REDCap does not require, apart from free text, which is empty where there is nothing to say."""
    for one in data.fields:
        if not one.required and one.type not in ("checkbox", "calc", "notes", "slider") and not _is_remark(one):
            yield one


def _is_remark(field: Field) -> bool:
    return bool(re.search(r"comment|remark|note|备注|说明", f"{field.name} {field.label}".lower()))


def _asked_by(data: StudyData, field: Field) -> tuple[Field, str, dict[str, object]] | None:
    """The nearest answer before a field that decides whether it is filled in."""
    filled = data.text(field.name) != ""
    before = []
    for one in data.dictionary.fields_of(field.instrument):
        if one.name == field.name:
            break
        before.append(one)
    for one in reversed([one for one in before if one.type in SINGLE]):
        answers = data.text(one.name)
        answers = answers[answers != ""]
        rows = pd.concat([answers, filled], axis=1, keys=("answer", "filled"), join="inner").dropna()
        for code in (choice.code for choice in one.choices):
            given = rows["answer"] == code
            with_it, without = rows[given]["filled"].astype(float), rows[~given]["filled"].astype(float)
            if min(len(with_it), len(without)) < LEAST_ROWS:
                continue
            if with_it.mean() >= FILLED and without.mean() <= EMPTY:
                return one, code, {"rows": len(with_it), "filled": int(with_it.sum()), "others": int(without.sum())}
    return None


def _of_answer(data: StudyData, field: Field, asked: Field, code: str, evidence: dict[str, object]) -> Suggestion:
    answer = next(label_words(one.label, code, data.languages) for one in asked.choices if one.code == code)
    return suggested_rule(
        "required_if",
        ("needed", field.name),
        data.languages,
        {"field": data.label(field.name), "asked": data.label(asked.name), "answer": answer},
        {"field": field.name, "asked": asked.name, "code": code},
        evidence=evidence,
        instrument=field.instrument,
        fields=(field.name,),
        discrepancy=f"[{asked.name}] = '{code}' and [{field.name}] = ''",
    )


def _of_shown(data: StudyData, field: Field) -> Suggestion:
    """A rule that is worth it only where the data keep it, which is found out by judging it."""
    return suggested_rule(
        "shown",
        ("shown", field.name),
        data.languages,
        {"field": data.label(field.name)},
        {"field": field.name},
        evidence={"share": round(100 * LEAST_SHARE)},
        least_checked=LEAST_SHOWN,
        instrument=field.instrument,
        fields=(field.name,),
        applies=field.branching_logic,
        discrepancy=f"[{field.name}] = ''",
    )
