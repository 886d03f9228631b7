"""However the rows are shared out to parts and threads, every rule comes to the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.model.rule import Rule
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.validation import evaluation
from nightround.validation.batch import CONTEXT, Context
from nightround.validation.evaluation import RuleResult, evaluate_rules, parts_of
from nightround.validation.run import validate
from nightround.validation.suite import compile_rule
from nightround.validation.trees import read_trees
from tests.made_up import NIGHT, project, rule, snapshot

NOW = NIGHT.replace(tzinfo=None)
DICTIONARY = project(
    "record_id visit text - -",
    "weight visit text number -",
    "seen visit text date_ymd -",
    "grade visit radio - 0, None | 1, Mild",
    "note visit text time -",
    events={"one_arm_1": ["visit"], "two_arm_1": ["visit"]},
)
KINDS = ("range", "choice", "required", "blank", "format", "outlier", "slip", "missing_code")
WRITTEN = (
    rule("number", "visit", "[weight] > 70"),
    rule("date", "visit", "[seen] < '2024-03-01' or [seen] = '2024-03-02'", applies="[grade] = '1'"),
    rule("text", "visit", "contains(upper([note]), 'A') or length([note]) > 4"),
    rule("stored", "visit", "concat([weight], [note]) = '70.5abc'", events=("two_arm_1",)),
    rule("missing", "visit", "[nobody] > 1"),
    rule("broken", "visit", "[seen] <> ''", needs=("seen", "nobody")),
    rule("none", "visit", "[grade] = ''", needs=()),
    rule("spread", "visit", "stdev([weight], [grade], 3) > 40", needs=("weight",)),
)
RULES = (*rules_from_dictionary(DICTIONARY, DictionaryRulesTable.model_validate(dict.fromkeys(KINDS, True))), *WRITTEN)
LOGIC = {one.id: compile_rule(one, DICTIONARY).expectation["kwargs"]["logic"] for one in RULES}
WEIGHTS = (np.nan, 60.0, 61.5, 62.0, 70.5, 75.0, 6.2, 620.0, -99.0)
TEXTS = ("", "08:30", "25:61", "abc", "1", "NI")


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Up to 90 rows with the columns that the rules read, but for one that nobody has."""
    count, seed = draw(st.integers(0, 90)), draw(st.integers(0, 2**16))
    chance = np.random.default_rng(seed)
    weight = chance.choice(WEIGHTS, count, p=[0.1, 0.2, 0.2, 0.2, 0.1, 0.05, 0.05, 0.05, 0.05])
    days = [pd.NaT, *(pd.Timestamp("2024-02-28") + timedelta(days=n) for n in range(6))]
    seen = pd.Series([days[n] for n in chance.integers(0, 7, count)], dtype="datetime64[ns]")
    grade, note = (pd.Series(chance.choice(texts, count), dtype="str") for texts in (("", "0", "1", "7"), TEXTS))
    as_text = {"weight": [f"{n:g}" if n == n else "" for n in weight], "seen": seen.dt.strftime("%Y-%m-%d").fillna("")}  # noqa: PLR0124
    columns = {"weight": weight, "seen": seen, "grade": grade, "note": note}
    texts = {f"[{name}:text]": pd.Series(as_text.get(name, column), dtype="str") for name, column in columns.items()}
    events = chance.choice(["one_arm_1", "two_arm_1"], count)
    keys = {"record": np.arange(count).astype(str), "event": events, "instrument": "visit", "instance": 0}
    frame = pd.DataFrame({**keys, **columns, **texts, "[visit_complete:text]": pd.Series("2", index=range(count))})
    frame.attrs[CONTEXT] = Context(NOW, frozenset({"-99", "NI"}), {"seen": "date"})
    return frame


def said(results: Mapping[str, RuleResult]) -> dict[str, Any]:
    """Everything a result holds, in a form that can be compared."""
    return {
        rule_id: (
            *(one.error, one.in_scope, one.checked, dict(one.suggested)),
            *(part.tolist() for part in (one.scope, one.judged, one.failing)),
        )
        for rule_id, one in results.items()
    }


@settings(max_examples=60, deadline=None)
@given(frames(), st.integers(1, 3), st.integers(1, 20))
def test_parts_and_threads_change_nothing(frame: pd.DataFrame, threads: int, rows: int) -> None:
    """One part, or small ones on one to three threads: counts, rows, failing positions and reasons are the same."""
    whole = said(evaluate_rules(frame, LOGIC, threads=1))
    with patch.multiple(evaluation, MOST_ROWS=rows, FEWEST_ROWS=rows, _WORTH_THREADS=1):
        assert said(evaluate_rules(frame, LOGIC, threads=threads)) == whole
    assert list(whole) == list(LOGIC)
    assert str(whole["missing"][0]) == "The column nobody is missing."


def test_a_night_comes_to_the_same_whatever_its_threads() -> None:
    """`validate` hands the number of threads on to where the rules are worked out, and the outcomes are the same."""
    records = [
        {"record_id": str(n), "redcap_event_name": "one_arm_1", "weight": str(50 + n), "grade": str(n % 3)}
        for n in range(40)
    ]
    taken = snapshot(DICTIONARY, records)
    one = validate(taken, RULES, now=NOW, threads=1)
    asked: list[int] = []
    pool = evaluation._pool

    def noted(threads: int, length: int) -> Any:
        asked.append(threads)
        return pool(threads, length)

    small = {"MOST_ROWS": 8, "FEWEST_ROWS": 8, "_WORTH_THREADS": 1}
    with patch.multiple(evaluation, **small, _pool=noted):
        three = validate(taken, RULES, now=NOW, threads=3)
    assert asked == [3]
    outcomes = [(o.rule_id, o.status, o.in_scope, o.checked, o.violations, o.reason) for o in one.outcomes]
    assert [(o.rule_id, o.status, o.in_scope, o.checked, o.violations, o.reason) for o in three.outcomes] == outcomes


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 65_535, 65_536, 65_537, 131_073, 999_999])
def test_parts_follow_one_another_from_whole_bytes(length: int) -> None:
    """Each row is in one part, parts begin where a byte of a bit a row begins, and none is too large."""
    parts = parts_of(length)
    assert [row for part in parts for row in (part.start, part.stop)][1:-1] == [
        row for part in parts[1:] for row in (part.start, part.start)
    ]
    assert (parts[0].start, parts[-1].stop) == (0, length)
    assert all(part.start % 8 == 0 and part.stop - part.start <= evaluation.MOST_ROWS for part in parts)


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_the_trees_of_a_rule_are_those_its_suite_holds(one: Rule) -> None:
    """What is judged at night is what anybody reads out of the suite's JSON."""
    compiled = compile_rule(one, DICTIONARY)
    assert read_trees(json.loads(json.dumps(compiled.expectation["kwargs"]["logic"]))) == compiled.trees


@given(st.integers(0, 600), st.floats(0, 1), st.integers(0, 2**16))
def test_positions_are_those_of_the_true_rows(rows: int, share: float, seed: int) -> None:
    """However many rows there are and however few of them are true."""
    mask = np.random.default_rng(seed).random(rows) < share
    found = evaluation.positions_of(mask)
    assert found.tolist() == [row for row, true in enumerate(mask.tolist()) if true]
