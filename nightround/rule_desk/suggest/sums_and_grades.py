"""Suggests that a total is the sum of its items, and that a grade follows from a score, where the data show both."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from nightround.rule_desk.suggest.fences import as_logic
from nightround.rule_desk.suggest.study_data import SINGLE, StudyData
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, Suggestion, suggested_rule
from redcap_sync.dictionary import Field

LEAST_ROWS = 10
LEAST_ITEMS = 3
LEAST_TOTALS = 4
"""Different totals: the sum of a few rows that are all alike may be right by chance."""
LEAST_GRADED = 30
LEAST_IN_GRADE = 5
_TOTAL = re.compile(r"\b(?:total|sum|score)\b|总分|得分|合计|总计|评分")
_GRADE = re.compile(r"\b(?:grade|class|stage|severity|category|level)\b|分级|分期|等级|程度")
_POINTS = re.compile(r"[0-9]{1,2}")


# --- totals


def suggested_totals(data: StudyData, known: Collection[str]) -> Iterator[Suggestion]:
    """One rule for each typed total that is the sum of the items before it; totals of known scores are left out."""
    for total in data.numbers:
        if total.name in known or not _TOTAL.search(data.said_by(total)):
            continue
        for items in _candidates(data, total):
            rows = _sums(data, total, items)
            if _adds_up(rows):
                yield _of_total(data, total, items, rows)
                break


def _candidates(data: StudyData, total: Field) -> Iterator[list[Field]]:
    """Fields that a total may be the sum of: of one matrix, of one name, and all points before it."""
    before = []
    for one in data.dictionary.fields_of(total.instrument):
        if one.name == total.name:
            break
        before.append(one)
    points = [one for one in before if _is_points(one)]
    groups = dict.fromkeys(one.matrix_group for one in points if one.matrix_group)
    found = [[one for one in points if one.matrix_group == group] for group in reversed(groups)]
    stem = total.name.split("_")[0]
    found += [[one for one in points if one.name.split("_")[0] == stem], points]
    unique: list[list[Field]] = []
    for items in found:
        if len(items) >= LEAST_ITEMS and items not in unique:
            unique.append(items)
    yield from unique


def _is_points(field: Field) -> bool:
    """Whether the codes of a field are points."""
    codes = [one.code for one in field.choices]
    return field.type in SINGLE and len(codes) > 1 and all(_POINTS.fullmatch(code) for code in codes)


def _sums(data: StudyData, total: Field, items: Sequence[Field]) -> pd.DataFrame:
    """The printed total and the sum of its items, of the rows that have them all."""
    parts = pd.concat([data.number(one.name) for one in items], axis=1, join="inner").dropna()
    both = pd.concat([data.number(total.name), parts.sum(axis=1)], axis=1, keys=("total", "sum"), join="inner")
    return both.dropna()


def _adds_up(rows: pd.DataFrame) -> bool:
    right = (rows["total"] - rows["sum"]).abs() < 1 / 2
    return len(rows) >= LEAST_ROWS and rows["sum"].nunique() >= LEAST_TOTALS and bool(right.mean() >= LEAST_SHARE)


def _of_total(data: StudyData, total: Field, items: Sequence[Field], rows: pd.DataFrame) -> Suggestion:
    added = " + ".join(f"[{one.name}]" for one in items)
    return suggested_rule(
        "total",
        ("total", total.name),
        data.languages,
        {"field": data.label(total.name), "count": len(items)},
        {"field": total.name, "items": ", ".join(one.name for one in items)},
        evidence={"rows": len(rows), "right": int((rows["total"] == rows["sum"]).sum())},
        severity="major",
        instrument=total.instrument,
        fields=(total.name,),
        discrepancy=f"[{total.name}] <> {added}",
    )


# --- grades


class _Step(NamedTuple):
    """A code of a grade and the scores that it stands for."""

    code: str
    low: float
    high: float


def suggested_grades(data: StudyData, known: Collection[str]) -> Iterator[Suggestion]:
    """One rule for each grade whose codes follow one another along a score of the same instrument."""
    for grade in data.fields:
        if grade.type not in ("radio", "dropdown") or grade.name in known or not _GRADE.search(data.said_by(grade)):
            continue
        scores = [one for one in data.neighbours(grade) if one.kind == "number" and _TOTAL.search(data.said_by(one))]
        for score in scores:
            rows = _graded(data, grade, score)
            steps = _steps(rows)
            if steps and _share(rows, steps) >= LEAST_SHARE:
                yield _of_grade(data, grade, score, steps, rows)
                break


def _graded(data: StudyData, grade: Field, score: Field) -> pd.DataFrame:
    codes = data.text(grade.name)
    both = pd.concat([codes[codes != ""], data.number(score.name)], axis=1, keys=("code", "score"), join="inner")
    return both.dropna()


def _steps(rows: pd.DataFrame) -> list[_Step]:
    """The scores of each code from the lowest median up, ended halfway to the next; none where the codes mix."""
    counts = rows["code"].value_counts()
    if len(rows) < LEAST_GRADED or len(counts) < 2 or counts.min() < LEAST_IN_GRADE:  # noqa: PLR2004 - no step in one
        return []
    order = rows.groupby("code")["score"].median().sort_values()
    if not order.is_unique:
        return []
    inner = [rows[rows["code"] == code]["score"].quantile([0.05, 0.95]) for code in order.index]
    ends = [(one.iloc[1] + two.iloc[0]) / 2 for one, two in pairwise(inner)]
    bounds = [float("-inf"), *map(float, ends), float("inf")]
    return [_Step(str(code), bounds[i], bounds[i + 1]) for i, code in enumerate(order.index)]


def _share(rows: pd.DataFrame, steps: Sequence[_Step]) -> float:
    """How many of the rows have the grade that their score says."""
    by_code = {one.code: one for one in steps}
    low = rows["code"].map(lambda code: by_code[code].low)
    high = rows["code"].map(lambda code: by_code[code].high)
    return float(((rows["score"] >= low) & (rows["score"] < high)).mean())


def _of_grade(data: StudyData, grade: Field, score: Field, steps: Sequence[_Step], rows: pd.DataFrame) -> Suggestion:
    return suggested_rule(
        "grade",
        ("grade", grade.name),
        data.languages,
        {"grade": data.label(grade.name), "score": data.label(score.name)},
        {"grade": grade.name, "score": score.name},
        evidence={"rows": len(rows), "right": round(_share(rows, steps) * len(rows))},
        severity="major",
        instrument=grade.instrument,
        fields=(grade.name, score.name),
        discrepancy=" or ".join(_outside(grade, score, one) for one in steps),
    )


def _outside(grade: Field, score: Field, step: _Step) -> str:
    bounds = []
    if step.low != float("-inf"):
        bounds.append(f"[{score.name}] < {as_logic(step.low)}")
    if step.high != float("inf"):
        bounds.append(f"[{score.name}] >= {as_logic(step.high)}")
    return f"([{grade.name}] = '{step.code}' and ({' or '.join(bounds)}))"
