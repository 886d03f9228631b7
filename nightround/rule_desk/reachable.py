"""What a rule can come to at all: whether it can ever judge a row, ask, or be content, by the dictionary.

The answer is `yes` where a row shows it, `never` where it is proven, and else `cannot tell`:

1. An example of the rule whose values the dictionary allows is such a row.
2. All combinations are tried where they are few: every code, every whole number within limits, and for
   values that are only compared one for each place in the order of what they are compared with. This
   decides: nothing else could change the rule's truth.
3. Where there are too many, some are tried, which can only show that it can be.
4. Where that shows nothing, bounds are worked out through arithmetic, which can prove that it never is.

Whatever ties fields to one another (branching logic, other rules) is not looked at, so more values are
thought possible than are, and a `never` is true all the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.rule_desk.allowed import Allowed, allowed_in
from nightround.rule_desk.bounds import Bounds, may_be
from nightround.rule_desk.candidates import Candidates, candidates_of
from nightround.rule_desk.examples import EXAMPLE_TIME, verdict
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.usage import usage_of
from redcap_sync.logic import Evaluator, Expression
from redcap_sync.logic.syntax import And, Not

Answer = Literal["yes", "never", "cannot tell"]
Mask = npt.NDArray[np.bool_]

MOST_COMBINATIONS = 60_000
TRIED_AT_RANDOM = 6_000
TRIED_AT_NIGHT = 3_000
SHOWN_BY = {"fails": "asks", "passes": "is_content"}


@dataclass(frozen=True)
class Reach:
    """Whether a rule can judge a row, ask about one, and be content with one."""

    judges: Answer
    asks: Answer
    is_content: Answer


def reach_of(linted: Linted, *, limits: bool = True) -> Reach:
    """Find out what a rule can come to; `limits` heeds the dictionary's minimum and maximum."""
    allowed = allowed_columns(linted, limits=limits)
    shown = _shown_by_examples(linted, allowed)
    if shown >= {"asks", "is_content"}:
        return Reach("yes", "yes", "yes")
    needed = {reference.column for reference in linted.needed}
    usage = usage_of((linted.applies, linted.discrepancy))
    tried = {column: _with_blank(candidates_of(column, usage, allowed), column in needed) for column in allowed}
    few = prod(len(one.texts) for one in tried.values()) <= MOST_COMBINATIONS
    decides = few and all(one.complete for one in tried.values()) and not usage.hangs_on_clock
    judged, asked = _work_out(linted, _rows(tried, linted.rule.id, few=few))
    shown |= {"judges"} if judged.any() else set()
    shown |= {"asks"} if asked.any() else set()
    shown |= {"is_content"} if (judged & ~asked).any() else set()
    bounds = Bounds(allowed, frozenset(needed))
    goals: dict[str, Expression] = {
        "judges": linted.applies,
        "asks": And((linted.applies, linted.discrepancy)),
        "is_content": And((linted.applies, Not(linted.discrepancy))),
    }
    return Reach(**{name: _answer(goal, name in shown, decides, bounds) for name, goal in goals.items()})


def never_asks(linted: Linted) -> bool:
    """Whether it is proven, whatever soft limits say, that the rule asks about no row. Cheap enough for every night."""
    allowed = allowed_columns(linted, limits=False)
    if "asks" in _shown_by_examples(linted, allowed):
        return False
    needed = {reference.column for reference in linted.needed}
    if True not in may_be(And((linted.applies, linted.discrepancy)), Bounds(allowed, frozenset(needed))):
        return True
    usage = usage_of((linted.applies, linted.discrepancy))
    tried = {column: _with_blank(candidates_of(column, usage, allowed), column in needed) for column in allowed}
    if usage.hangs_on_clock or not all(one.complete for one in tried.values()):
        return False
    if prod(len(one.texts) for one in tried.values()) > TRIED_AT_NIGHT:
        return False
    _, asked = _work_out(linted, _rows(tried, linted.rule.id, few=True))
    return not asked.any()


def allowed_columns(linted: Linted, *, limits: bool = True) -> dict[str, Allowed]:
    """What the dictionary allows in every column that the rule reads."""
    rule = linted.rule
    return {
        reference.column: allowed_in(
            reference, linted.dictionary, events=linted.events, instrument=rule.instrument, limits=limits
        )
        for reference in linted.columns
    }


def _shown_by_examples(linted: Linted, allowed: Mapping[str, Allowed]) -> set[str]:
    """What the rule's own examples show, where they contain only what the dictionary allows."""
    honest = (
        example
        for example in linted.rule.examples
        if all(fits(allowed, column, text) for column, text in example.values.items())  # noqa: PD011 - no frame
    )
    return {SHOWN_BY[found] for example in honest if (found := verdict(linted.rule, example, linted.codes)) in SHOWN_BY}


def fits(allowed: Mapping[str, Allowed], column: str, text: str) -> bool:
    """Say whether a text may be stored in a column; a blank may, and what is not read does not matter."""
    return not text or column not in allowed or allowed[column].has(text)


def _with_blank(found: Candidates, is_needed: bool) -> Candidates:  # noqa: FBT001 - read at the one call
    return found if is_needed else Candidates(("", *found.texts), found.complete)


def _rows(tried: Mapping[str, Candidates], seed: str, *, few: bool) -> pd.DataFrame:
    """Every combination, or some at random, always the same ones for a rule."""
    values: list[Sequence[str]] = [one.texts for one in tried.values()]
    if few:
        return pd.DataFrame(list(product(*values)), columns=list(tried), dtype="str")
    chance = random.Random(seed)
    rows = [[chance.choice(texts) for texts in values] for _ in range(TRIED_AT_RANDOM)]
    return pd.DataFrame(rows, columns=list(tried), dtype="str")


def _work_out(linted: Linted, rows: pd.DataFrame) -> tuple[Mask, Mask]:
    """Which rows the rule would judge, and which of them it would ask about."""
    evaluator = Evaluator(
        {column: rows[column] for column in rows.columns.astype(str)},
        length=len(rows),
        now=EXAMPLE_TIME,
        missing_codes=linted.codes,
    )
    judged = evaluator.truth(linted.applies)
    for reference in linted.needed:
        judged = judged & evaluator.filled(reference.column)
    return judged, judged & evaluator.truth(linted.discrepancy)


def _answer(goal: Expression, shown: bool, decides: bool, bounds: Bounds) -> Answer:  # noqa: FBT001
    if shown:
        return "yes"
    return "never" if decides or True not in may_be(goal, bounds) else "cannot tell"
