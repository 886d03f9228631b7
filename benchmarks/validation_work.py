"""Ten kinds of checks in equal parts, as rules and as plain pandas masks, with a frame of any size.

A block is ten rules on six columns: two required, two ranges, a choice, a date range, a conditional
required, a format, an order of two numbers, and a sum; 10% of the cells are blank and 0.2% are wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from nightround.model.language import Words
from nightround.model.rule import Check, Rule, Severity
from nightround.validation.batch import CONTEXT, Context
from nightround.validation.suite import CompiledRule, compile_rule
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.validation_types import PATTERNS

NOW = datetime(2025, 7, 5)  # noqa: DTZ001 - the hospital's clock
RULES_A_BLOCK = 10
TOLERANCE = 0.01
WRONG, BLANK = 0.002, 0.1
TIME = {"validation": "time", "missing": []}
TIME_PATTERN = PATTERNS["time"]
Positions = list[np.ndarray]
Mask = pd.Series


@dataclass(eq=False)
class Work:
    """One size: the frame, the rules for us, and the same rules as masks."""

    rows: int
    rules: int
    frame: pd.DataFrame
    compiled: tuple[CompiledRule, ...]
    masks: list[Callable[[pd.DataFrame], Mask]] = field(repr=False)
    seconds_to_compile: float

    @property
    def name(self) -> str:
        """Such as 10000x300."""
        return f"{self.rows}x{self.rules}"


def make_work(rows: int, rules: int) -> Work:
    """Make the frame and the rules of one size."""
    blocks = rules // RULES_A_BLOCK
    rng = np.random.default_rng(7)
    columns: dict[str, Any] = {}
    written: list[Rule] = []
    masks: list[Callable[[pd.DataFrame], Mask]] = []
    for block in range(blocks):
        columns.update(_columns(rng, rows, block))
        written.extend(rules_of_block(block))
        masks.extend(_masks(block))
    keys = {
        "record": np.arange(rows).astype(str),
        "event": np.full(rows, ""),
        "instrument": np.full(rows, "form"),
        "instance": np.zeros(rows, dtype="int64"),
    }
    frame = pd.DataFrame({**keys, **columns})
    kinds = {f"seen_{block}": "date" for block in range(blocks)}
    frame.attrs[CONTEXT] = Context(NOW, date_kinds=kinds)
    dictionary = _dictionary(blocks)
    began = time.perf_counter()
    compiled = tuple(compile_rule(rule, dictionary) for rule in written)
    return Work(rows, rules, frame, compiled, masks, time.perf_counter() - began)


def _columns(rng: np.random.Generator, rows: int, block: int) -> dict[str, Any]:
    def numbers(low: float, high: float, wrong: float) -> np.ndarray:
        values = rng.uniform(low, high, rows).round(1)
        values[rng.random(rows) < WRONG] = wrong
        values[rng.random(rows) < BLANK] = np.nan
        return values

    a, b = numbers(10, 50, 999), numbers(50, 90, -5)
    total = a + b
    total[rng.random(rows) < WRONG] += 1
    days = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    seen = pd.Series(days).astype("datetime64[ns]").mask(pd.Series(rng.random(rows) < BLANK))
    seen[rng.random(rows) < WRONG] = pd.Timestamp("1999-01-01")
    codes = np.array(["", "0", "1", "2", "7"])
    grade = codes[rng.choice(5, rows, p=[0.1, 0.3, 0.3, 0.298, 0.002])]
    clock = np.array([f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(24 * 60)])
    text = pd.Series(clock[rng.integers(0, len(clock), rows)], dtype="str")
    text[rng.random(rows) < WRONG] = "25:61"
    text[rng.random(rows) < BLANK] = ""
    return {
        f"a_{block}": a,
        f"b_{block}": b,
        f"total_{block}": total,
        f"seen_{block}": seen,
        f"grade_{block}": pd.Series(grade, dtype="str"),
        f"[label_{block}:text]": text,
    }


def rules_of_block(n: int) -> Iterator[Rule]:
    """The ten rules of a block."""

    def rule(name: str, discrepancy: str, needs: tuple[str, ...], applies: str = "") -> Rule:
        words = Words(name, name)
        return Rule(f"{name}_{n}", words, "form", discrepancy, Severity.MINOR, needs[:1], applies=applies, needs=needs)

    yield rule("required_a", f"[a_{n}] = ''", ())
    yield rule("required_grade", f"[grade_{n}] = ''", ())
    yield rule("range_a", f"[a_{n}] < 0 or [a_{n}] > 100", (f"a_{n}",))
    yield rule("range_b", f"[b_{n}] < 0 or [b_{n}] > 100", (f"b_{n}",))
    yield rule("choice", f"[grade_{n}] <> '0' and [grade_{n}] <> '1' and [grade_{n}] <> '2'", (f"grade_{n}",))
    yield rule("date", f"[seen_{n}] < '2020-01-01' or [seen_{n}] > '2026-01-01'", (f"seen_{n}",))
    yield rule("conditional", f"[seen_{n}] = ''", (), applies=f"[grade_{n}] = '2'")
    yield replace(rule("format", "", (f"label_{n}",)), needs=(), check=Check("format", (f"label_{n}",), TIME))
    yield rule("order", f"[a_{n}] > [b_{n}]", (f"a_{n}", f"b_{n}"))
    yield rule("sum", f"abs([total_{n}] - sum([a_{n}], [b_{n}])) > 0.01", (f"total_{n}", f"a_{n}", f"b_{n}"))


def _masks(n: int) -> list[Callable[[pd.DataFrame], Mask]]:
    a, b, total, seen, grade, label = (f"{name}_{n}" for name in ("a", "b", "total", "seen", "grade", "label"))
    label = f"[{label}:text]"
    low, high = pd.Timestamp("2020-01-01"), pd.Timestamp("2026-01-01")
    return [
        lambda f: f[a].isna(),
        lambda f: f[grade] == "",
        lambda f: f[a].notna() & ((f[a] < 0) | (f[a] > 100)),
        lambda f: f[b].notna() & ((f[b] < 0) | (f[b] > 100)),
        lambda f: (f[grade] != "") & ~f[grade].isin(["0", "1", "2"]),
        lambda f: f[seen].notna() & ((f[seen] < low) | (f[seen] > high)),
        lambda f: (f[grade] == "2") & f[seen].isna(),
        lambda f: (f[label] != "") & ~f[label].str.fullmatch(TIME_PATTERN),
        lambda f: f[a].notna() & f[b].notna() & (f[a] > f[b]),
        lambda f: f[total].notna() & f[a].notna() & f[b].notna() & ((f[total] - (f[a] + f[b])).abs() > TOLERANCE),
    ]


def field_rows(block: int, instrument: str) -> Iterator[dict[str, str]]:
    """The rows of a data dictionary for the columns of a block."""
    kinds = {"a": "number", "b": "number", "total": "number", "seen": "date_ymd", "grade": "", "label": ""}
    for name, validation in kinds.items():
        yield {
            "field_name": f"{name}_{block}",
            "form_name": instrument,
            "field_type": "text",
            "text_validation_type_or_show_slider_number": validation,
        }


def _dictionary(blocks: int) -> Dictionary:
    id_row = {"field_name": "record_id", "form_name": "form", "field_type": "text"}
    rows = [id_row, *(row for block in range(blocks) for row in field_rows(block, "form"))]
    return dictionary_from_api(
        project={}, metadata=rows, instruments=[{"instrument_name": "form", "instrument_label": "Form"}]
    )


def floor(work: Work) -> Positions:
    """Plain masks, one after another."""
    return [np.flatnonzero(mask(work.frame).to_numpy()) for mask in work.masks]
