"""The rules that a score of the library makes for a study: total, grades, items, range, and half-filled forms.

Each is written as a table of a rule file would be, so that it is read, checked and shown like any other rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, NamedTuple

from nightround.model.language import Words
from nightround.scores.computing_scores import Answers, scored
from nightround.scores.library import Score
from nightround.scores.score_data import ScoreGrade, ScoreItem
from nightround.scores.score_logic import (
    allowed_difference,
    grade_applies,
    grade_differs,
    half_filled,
    item_outside,
    number_text,
    total_differs,
    total_is_calculable,
    total_outside,
)
from nightround.study.rules.score_tables import ScoresTable, rule_name
from nightround.texts.catalogue import words
from redcap_sync.logic import Reference, parse

PASSES, FAILS, SKIPPED = "passes", "fails", "skipped"
RuleDocument = dict[str, Any]
"""A rule as `[[rule]]` of a rule file writes it."""


class _Made(NamedTuple):
    """What is special of one rule that is made."""

    name: str
    discrepancy: str
    title: Words
    problem: Words
    advice: Words
    fields: tuple[str, ...]
    examples: tuple[tuple[str, Mapping[str, str]], ...]
    applies: str = ""
    analyst: Words = Words("", "")
    source: str = ""


def rules_of_score(table: ScoresTable) -> list[RuleDocument]:
    """Every rule of a score, total first, then grades, range, items and half-filled forms; ids are stable."""
    makers = {"total": _total, "grade": _grades, "range": _range, "items": _items, "half_filled": _half_filled}
    made = [one for part, maker in makers.items() if part in table.made_parts for one in maker(table)]
    return [_document(table, one) for one in made]


def _document(table: ScoresTable, made: _Made) -> RuleDocument:
    own = table.rules.get(made.name)
    analyst = own.analyst.words() if own and own.analyst else made.analyst
    return {
        "id": (own and own.id) or f"{table.id}-{made.name}",
        "instrument": table.instrument,
        "title": made.title._asdict(),
        "problem": made.problem._asdict(),
        "advice": made.advice._asdict(),
        "analyst": analyst._asdict(),
        "applies": made.applies,
        "discrepancy": made.discrepancy,
        "severity": (own and own.severity) or table.severity,
        "owner": table.owner,
        "fields": (own and own.fields) or made.fields,
        "source": made.source or table.score.variant.source,
        "examples": [{"verdict": verdict, "values": dict(values)} for verdict, values in made.examples],
        "was": own.was if own else (),
    }


def _facts(table: ScoresTable) -> dict[str, Any]:
    return {"score": table.score.sheet.short.words(), "n": len(table.score.scored)}


def _said(code: str, **facts: Any) -> tuple[Words, Words, Words]:
    """Title, problem and advice of a kind of rule."""
    return (
        words(f"score_rule.{code}.title", **facts),
        words(f"score_rule.{code}.problem", **facts),
        words(f"score_rule.{code}.advice", **facts),
    )


# --- the total, or the calculated value


def _total(table: ScoresTable) -> Iterator[_Made]:
    chosen, fields = table.score, table.score_fields
    kind = "value" if chosen.variant.formula else "weighted" if chosen.is_weighted else "total"
    facts = _facts(table)
    if chosen.variant.rule:
        facts |= {"rule": chosen.variant.rule.words(), "allowed": number_text(allowed_difference(chosen, fields))}
    parts = (fields.items[item.key] for item in chosen.scored)
    yield _Made(
        "total",
        total_differs(chosen, fields),
        *_said(kind, **facts),
        fields=_own_fields(fields.total, *parts),
        examples=tuple(_total_examples(table)),
        applies=total_is_calculable(chosen, fields),
        analyst=words("score_rule.unknown_total"),
        source=chosen.sheet.item_source,
    )


def _total_examples(table: ScoresTable) -> Iterator[tuple[str, Mapping[str, str]]]:
    chosen, fields = table.score, table.score_fields
    answers = sample_answers(chosen)
    total = scored(chosen, answers).exact or 0
    wrong = total + max(1, round(2 * allowed_difference(chosen, fields))) if chosen.variant.formula else total + 1
    row = _stored(table, answers, [item.key for item in chosen.scored])
    column = _column(fields.total)
    last = _column(fields.items[chosen.scored[-1].key])
    first = _column(fields.items[chosen.scored[0].key])
    yield PASSES, {**row, column: number_text(total)}
    yield FAILS, {**row, column: number_text(wrong)}
    yield SKIPPED, {**row, last: "", column: number_text(total)}
    yield SKIPPED, {**row, column: ""}
    if table.missing_code:
        yield SKIPPED, {**row, first: table.missing_code, column: number_text(total)}


def sample_answers(score: Score) -> dict[str, float | str]:
    """Answers that every item can have, of many kinds; the flag that overrides the grade is not set."""
    answers: dict[str, float | str] = {}
    for place, item in enumerate(score.items):
        if item.names:
            answers[item.key] = item.names[0]
        elif item.is_points:
            answers[item.key] = item.low + place % int(item.high - item.low + 1) if item.weight else 0
        else:
            answers[item.key] = _middle(item)
    return answers


MIDDLE = {"height": 1.7, "weight": 70.8, "creatinine": 1.0}
"""Measured values of an adult."""


def _middle(item: ScoreItem) -> float:
    return MIDDLE.get(item.key, 64)


def _stored(table: ScoresTable, answers: Answers, keys: list[str]) -> dict[str, str]:
    """Answers as the study stores them: in its units and codes, by column."""
    stored = {}
    for key in keys:
        item, answer = table.score.item(key), answers[key]
        factor = item.units.get(table.units.get(key, ""), 1)
        text = table.values[key][str(answer)] if item.names else number_text(float(answer or 0) * factor)
        stored[_column(table.item_fields[key])] = text
    return stored


# --- grades


def _grades(table: ScoresTable) -> Iterator[_Made]:
    chosen, fields = table.score, table.score_fields
    override = chosen.variant.override
    shown = (fields.grade, fields.total, *([fields.items[override.item]] if override else []))
    item = {"item": chosen.item(override.item).label.words()} if override else {}
    for grade in chosen.variant.grade:
        facts = _facts(table) | item | {"range": _condition(chosen, grade), "grade": grade.label.words()}
        yield _Made(
            rule_name("grade", grade.key),
            grade_differs(grade, fields),
            *_said("grade_or_item" if override else "grade", **facts),
            fields=_own_fields(*shown),
            examples=tuple(_grade_examples(table, grade)),
            applies=grade_applies(chosen, grade, fields),
            analyst=words("score_rule.overridden", **facts) if grade.key == chosen.overridden else Words("", ""),
        )


def _condition(score: Score, grade: ScoreGrade) -> Words:
    """Which totals have the grade, in words: `5 to 9 points without an ulcer`."""
    below, whole, lowest = score.below(grade), score.sheet.whole, grade.low <= score.variant.minimum
    facts = {"low": number_text(grade.low), "unit": score.sheet.unit.words()}
    if below == inf:
        said = words("score_range.from", **facts)
    elif whole:
        said = words("score_range.whole", high=number_text(below - 1), **facts)
    elif lowest:
        said = words("score_range.below", high=number_text(below), unit=facts["unit"])
    else:
        said = words("score_range.between", high=number_text(below), **facts)
    override = score.variant.override
    if override is None:
        return said
    if override.grade == grade.key:
        return words("score_range.or", range=said, flag=override.present.words())
    return words("score_range.without", range=said, flag=override.absent.words())


def _grade_examples(table: ScoresTable, grade: ScoreGrade) -> Iterator[tuple[str, Mapping[str, str]]]:
    chosen, fields, codes = table.score, table.score_fields, table.grade_codes
    total, stored, override = _column(fields.total), _column(fields.grade), chosen.variant.override
    flag = {_column(fields.items[override.item]): "0"} if override else {}
    right, lowest = codes[grade.key], max(grade.low, chosen.variant.minimum)
    other = next((code for code in codes.values() if code != right), "")
    row = {total: number_text(lowest), **flag}
    yield PASSES, {**row, stored: right}
    yield FAILS, {**row, stored: other}
    yield SKIPPED, {**row, stored: ""}
    if grade.low > chosen.variant.minimum:
        yield SKIPPED, {**row, total: number_text(grade.low - 0.1 - 0.9 * chosen.sheet.whole), stored: right}
    if override:
        present = dict.fromkeys(flag, "1")
        verdict = FAILS if grade.key == override.grade else SKIPPED
        yield verdict, {**row, total: number_text(chosen.variant.minimum), **present, stored: other}
    if table.missing_code:
        yield SKIPPED, {**row, stored: table.missing_code}


# --- ranges, and half-filled forms


def _range(table: ScoresTable) -> Iterator[_Made]:
    chosen, fields, column = table.score, table.score_fields, _column(table.score_fields.total)
    low, high = chosen.variant.minimum, chosen.variant.maximum
    coded = [(SKIPPED, {column: table.missing_code})] if table.missing_code else []
    yield _Made(
        "range",
        total_outside(chosen, fields),
        *_said("range", **_facts(table), low=number_text(low), high=number_text(high)),
        fields=_own_fields(fields.total),
        examples=(
            (PASSES, {column: number_text(low)}),
            (PASSES, {column: number_text(high)}),
            (FAILS, {column: number_text(high + 1)}),
            (SKIPPED, {column: ""}),
            *coded,
        ),
    )


def _items(table: ScoresTable) -> Iterator[_Made]:
    """A rule for each item whose answers are points or classes, where it is a field of the row itself."""
    for item in table.score.items:
        reference = table.item_fields.get(item.key, "")
        answers = _answers_of(table, item)
        if not answers or not reference or _reference(reference).event or _reference(reference).code:
            continue
        column = _column(reference)
        coded = [(SKIPPED, {column: table.missing_code})] if table.missing_code else []
        yield _Made(
            rule_name("item", item.key),
            item_outside(reference, answers),
            *_said("item", **_facts(table), item=item.label.words(), low=answers[0], high=answers[-1]),
            fields=_own_fields(reference),
            examples=(
                (PASSES, {column: answers[-1]}),
                (FAILS, {column: _beyond(answers)}),
                (SKIPPED, {column: ""}),
                *coded,
            ),
            source=table.score.sheet.item_source,
        )


def _answers_of(table: ScoresTable, item: ScoreItem) -> list[str]:
    """What may be stored for an item, from the lowest; nothing where it is measured."""
    if table.score.sheet.form == "class":
        return list(table.grade_codes.values())
    if not item.is_points:
        return []
    return [str(answer) for answer in range(int(item.low), int(item.high) + 1)]


def _beyond(answers: list[str]) -> str:
    """What cannot be stored: a point more than the highest, or a class that there is not."""
    last = answers[-1]
    return str(int(last) + 1) if last.isdecimal() else f"{last}9"


def _half_filled(table: ScoresTable) -> Iterator[_Made]:
    chosen, fields = table.score, table.score_fields
    applies, discrepancy = half_filled(chosen, fields)
    answers = sample_answers(chosen)
    row = _stored(table, answers, [item.key for item in chosen.scored])
    row[_column(fields.total)] = number_text(scored(chosen, answers).total or 0)
    last = _column(fields.items[chosen.scored[-1].key])
    coded = [(FAILS, {**row, last: table.missing_code})] if table.missing_code else []
    yield _Made(
        "half-filled",
        discrepancy,
        *_said("half_filled", **_facts(table)),
        fields=_own_fields(fields.total, *(fields.items[item.key] for item in chosen.scored)),
        examples=(
            (PASSES, row),
            (FAILS, {**row, last: ""}),
            (SKIPPED, {**row, _column(fields.total): "", last: ""}),
            *coded,
        ),
        applies=applies,
        analyst=words("score_rule.unknown_total"),
        source=chosen.sheet.item_source,
    )


def _reference(text: str) -> Reference:
    found = parse(text)
    assert isinstance(found, Reference)  # noqa: S101 - the table was checked
    return found


def _column(text: str) -> str:
    return _reference(text).column


def _own_fields(*texts: str) -> tuple[str, ...]:
    """The fields of the row itself, each once."""
    found = (_reference(text) for text in texts)
    return tuple(dict.fromkeys(one.field for one in found if not one.event))
