"""Print docs/scores.md from the score library: `make scores`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from math import inf

from nightround.scores.library import Score, score_sheets
from nightround.scores.score_data import ScoreExample, ScoreItem, ScoreSheet
from nightround.scores.score_logic import number_text

INTRODUCTION = """# The score library

This page is written from the files in `nightround/scores/` by `make scores`; a test compares the two. A score is used
by its name and the name of a variant, never without one: `score("villalta", "isth_2009")`. Rules, published tables and
the recognition of scores in a data dictionary read the same files.

## What is unknown, and when

| the form | total | grade |
|---|---|---|
| every item is answered | known | known |
| an item is blank, or left out of the form | unknown, never the sum of the others: it would be too small | unknown |
| an item contains a missing data code | unknown, as for a blank | unknown |
| an answer is none that the item has (4 of 0 to 3, 1.5, a word) | unknown | unknown |
| the item that overrides the grade is present (the ulcer of Villalta) | as above | known, whatever the total |
| that item is unknown | as above | unknown, unless the total alone gives the same grade |

No variant of the library prorates: a form that is half filled has no total. A calculated value is rounded half up to
the decimals of its variant, and graded as it is then printed. Items with yes and no are stored as 1 and 0.

## Rules of a score

`[[scores]]` in a rule file makes the rules of a score; its keys are in [rule files](rules.md#scores). With the id `VIL`
these are:

| rule | what must hold | not checked |
|---|---|---|
| `VIL-total` | the total is the sum of the items with their weights | an item or the total is unknown |
| `VIL-total` of a calculated value | it differs from its parts by no more than rounding | the same |
| `VIL-grade-...` | in each band of totals the grade is that of the band | total, grade or overriding item is unknown |
| the grade that an item gives alone | the same, whatever the total | the grade is unknown |
| `VIL-range`, where `parts` names `range` | the total is one that the score can have | the total is unknown |
| `VIL-item-...`, where `parts` names `items` | each answer is one that the item has | the item is unknown |
| `VIL-half-filled` | where a total is stored, every item is known | the total is unknown |

Unknown is a blank or a missing data code. REDCap's own `sum()` in a calculated field leaves blanks out, so that a form
that is half filled has a total that is too small; `VIL-half-filled` finds it.

`range` and `items` are made without being named where no other rule can be: in most projects choices and limits of the
dictionary check the same (`choice`, `range`), and a second finding would say nothing new.
"""


def page() -> str:
    """The whole page."""
    return "\n\n".join([INTRODUCTION.rstrip(), *(part for sheet in score_sheets() for part in _score(sheet))]) + "\n"


def _score(sheet: ScoreSheet) -> Iterator[str]:
    yield f"## `{sheet.name}`: {sheet.label.en} {sheet.label.zh}"
    for remark in sheet.remark:
        yield f"> {remark.en}\n>\n> {remark.zh}"
    if sheet.item:
        yield f"Items: {sheet.item_source}."
        yield _table(("item", "English", "中文", "answers", "points"), (_item(sheet, item) for item in sheet.item))
    if any(item.levels for item in sheet.item):
        yield _table(("item", "answer", "English", "中文"), _levels(sheet.item))
    for variant in sheet.variant:
        yield from _variant(Score(sheet, variant))


def _item(sheet: ScoreSheet, item: ScoreItem) -> tuple[str, ...]:
    return f"`{item.key}`", item.label.en, item.label.zh, _answers(sheet, item), _points(sheet, item)


def _answers(sheet: ScoreSheet, item: ScoreItem) -> str:
    if sheet.form == "class":
        return "a class"
    if item.names:
        return ", ".join(f"`{name}`" for name in item.names)
    units = f" {' or '.join(item.units)}" if item.units else ""
    return f"{number_text(item.low)} to {number_text(item.high)}" + (
        f" {next(iter(item.units))}; written in{units}" if units else ""
    )


def _points(sheet: ScoreSheet, item: ScoreItem) -> str:
    if sheet.form != "sum":
        return ""
    if item.steps:
        return "1 for each of " + ", ".join(number_text(step) for step in item.steps) + " that it reaches"
    counted = "none" if not item.weight else "as answered" if item.weight == 1 else f"{item.weight} x answer"
    return f"{counted}; none where `{item.unless}` is present" if item.unless else counted


def _levels(items: Iterable[ScoreItem]) -> Iterator[tuple[str, ...]]:
    for item in items:
        for place, level in enumerate(item.levels):
            yield f"`{item.key}`", number_text(item.low + place), level.en, level.zh


def _variant(score: Score) -> Iterator[str]:
    variant = score.variant
    yield f"### `{score.sheet.name}`, `{variant.key}`: {variant.label.en} {variant.label.zh}"
    yield "\n".join(_facts(score))
    if variant.grade:
        heads = ("class",) if score.sheet.form == "class" else ("grade", score.sheet.unit.en)
        yield _table((*heads, "English", "中文"), (_grade(score, place) for place in range(len(variant.grade))))
    if variant.example:
        yield _table(("worked example", "total", "grade", "from"), (_example(one) for one in variant.example))


def _facts(score: Score) -> Iterator[str]:
    variant = score.variant
    yield f"- Source: {variant.source}."
    if score.sheet.form != "class" and not variant.formula:
        yield f"- Total: {number_text(variant.minimum)} to {number_text(variant.maximum)} points."
    if variant.items and score.sheet.form == "sum":
        yield f"- Items: {', '.join(f'`{item.key}`' for item in score.scored)}."
    if variant.weights:
        yield f"- Weights: {', '.join(f'`{key}` {weight}' for key, weight in variant.weights.items())}."
    if variant.formula:
        yield f"- Formula, parts in their first units: `{variant.formula}`."
        yield f"- Rounded half up; decimals: {variant.decimals}."
    if variant.override:
        yield f"- `{variant.override.item}` present: the grade is `{variant.override.grade}`, whatever the total."


def _grade(score: Score, place: int) -> tuple[str, ...]:
    grade = score.variant.grade[place]
    texts = (f"`{grade.key}`", grade.label.en, grade.label.zh)
    if score.sheet.form == "class":
        return texts
    below, whole = score.below(grade), score.sheet.whole
    end = number_text(score.variant.maximum) if whole else ""
    if below != inf:
        end = number_text(below - 1) if whole else f"below {number_text(below)}"
    band = f"{number_text(grade.low)} to {end}" if end else f"{number_text(grade.low)} or more"
    return texts[0], band, *texts[1:]


def _example(example: ScoreExample) -> tuple[str, ...]:
    values = ", ".join(f"{key} {_shown(value)}" for key, value in example.values.items() if value != 0)
    total = "" if example.total is None else number_text(example.total)
    return values or "every item 0", total, f"`{example.grade}`" if example.grade else "", example.source


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else number_text(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


if __name__ == "__main__":
    sys.stdout.write(page())
