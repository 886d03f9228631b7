"""The judge against plain masks: how long rules take, side by side in one run.

    python -m benchmarks.validation                       small and middle sizes
    python -m benchmarks.validation --sizes 1000000x300   any size, rows x rules
    python -m benchmarks.validation --others              also polars, pointblank, pandera, and Great Expectations used
                                                          the ordinary way; they have to be installed

A block is ten rules on six columns: two required, two ranges, a choice, a date range, a conditional
required, a format, an order of two numbers, and a sum; 10% of the cells are blank and 0.2% are wrong.
The floor is the same ten checks as pandas masks, one after another, each giving its failing positions.
Every round runs all candidates in turn; ratios are medians over rounds of candidate / floor.
Ours uses as many threads as there are processors, and is measured with one thread as well.
Answers are compared rule by rule, row by row, before anything is timed.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nightround.model.language import Words
from nightround.model.rule import Check, Rule, Severity
from nightround.validation.batch import CONTEXT, Context
from nightround.validation.evaluation import evaluate_rules
from nightround.validation.gx_judge import judge
from nightround.validation.suite import CompiledRule, Suite, compile_rule
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.validation_types import PATTERNS

NOW = datetime(2025, 7, 5)  # noqa: DTZ001 - the hospital's clock
RULES_A_BLOCK = 10
TOLERANCE = 0.01
WRONG, BLANK = 0.002, 0.1
TIME = {"validation": "time", "missing": []}
TIME_PATTERN = PATTERNS["time"]
UNGROUPED = TIME_PATTERN.replace("(", "(?:")
Positions = list[np.ndarray]
Mask = pd.Series


@dataclass
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
        written.extend(_rules(block))
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


def _rules(n: int) -> Iterator[Rule]:
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


def _dictionary(blocks: int) -> Dictionary:
    kinds = {"a": "number", "b": "number", "total": "number", "seen": "date_ymd", "grade": "", "label": ""}
    rows = [{"field_name": "record_id", "form_name": "form", "field_type": "text"}]
    rows += [
        {
            "field_name": f"{name}_{block}",
            "form_name": "form",
            "field_type": "text",
            "text_validation_type_or_show_slider_number": validation,
        }
        for block in range(blocks)
        for name, validation in kinds.items()
    ]
    return dictionary_from_api(
        project={}, metadata=rows, instruments=[{"instrument_name": "form", "instrument_label": "Form"}]
    )


def floor(work: Work) -> Positions:
    """Plain masks, one after another."""
    return [np.flatnonzero(mask(work.frame).to_numpy()) for mask in work.masks]


def evaluator_alone(work: Work) -> Positions:
    """Our shared evaluation, without Great Expectations around it."""
    logic = {one.rule.id: one.trees for one in work.compiled}
    results = evaluate_rules(work.frame, logic)
    if errors := {result.error for result in results.values() if result.error}:
        raise SystemExit(f"a rule could not be evaluated: {errors}")
    return [result.failing for result in results.values()]


def ours(work: Work) -> Positions:
    """The judge: a suite, a batch, Great Expectations, and every failing position."""
    suite = Suite("form", ("form",), work.compiled)
    results = judge(suite, work.frame, run_name=uuid.uuid4().hex).results
    return [results[one.rule.id].failing for one in work.compiled]


def in_one_thread(work: Work) -> Positions:
    """The judge with a single thread."""
    context = work.frame.attrs[CONTEXT]
    work.frame.attrs[CONTEXT] = replace(context, threads=1)
    try:
        return ours(work)
    finally:
        work.frame.attrs[CONTEXT] = context


def gx_ordinary(work: Work, share: int) -> float:
    """Great Expectations with an expectation a check, on a share of the blocks; seconds scaled to all of them."""
    import great_expectations as gx
    from great_expectations import expectations as gxe

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    blocks = max(1, work.rules // RULES_A_BLOCK // share)
    checks: list[Any] = []
    for n in range(blocks):
        checks += [
            gxe.ExpectColumnValuesToNotBeNull(column=f"a_{n}"),
            gxe.ExpectColumnValuesToNotBeNull(column=f"grade_{n}"),
            gxe.ExpectColumnValuesToBeBetween(column=f"a_{n}", min_value=0, max_value=100),
            gxe.ExpectColumnValuesToBeBetween(column=f"b_{n}", min_value=0, max_value=100),
            gxe.ExpectColumnValuesToBeInSet(column=f"grade_{n}", value_set=["0", "1", "2"]),
            gxe.ExpectColumnValuesToBeBetween(
                column=f"seen_{n}", min_value="2020-01-01T00:00:00", max_value="2026-01-01T00:00:00"
            ),
            gxe.ExpectColumnValuesToMatchRegex(column=f"[label_{n}:text]", regex=f"^(?:{UNGROUPED})$"),
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=f"b_{n}", column_B=f"a_{n}", or_equal=True, ignore_row_if="either_value_is_missing"
            ),
        ]
    frame = work.frame.replace("", None)
    asset = context.data_sources.add_pandas(uuid.uuid4().hex).add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
    began = time.perf_counter()
    batch.validate(gx.ExpectationSuite(name="s", expectations=checks), result_format="COMPLETE")
    return (time.perf_counter() - began) * work.rules / len(checks)


def polars_masks(work: Work) -> Positions:
    """The same checks as polars expressions in one select, conversion included."""
    import polars as pl

    frame = pl.from_pandas(work.frame.drop(columns=["record", "event", "instrument", "instance"]), nan_to_null=True)
    column = pl.col
    low, high = datetime(2020, 1, 1), datetime(2026, 1, 1)  # noqa: DTZ001
    found = []
    for n in range(work.rules // RULES_A_BLOCK):
        a, b, total = column(f"a_{n}"), column(f"b_{n}"), column(f"total_{n}")
        seen, grade, label = column(f"seen_{n}"), column(f"grade_{n}"), column(f"[label_{n}:text]")
        found += [
            a.is_null(),
            grade == "",
            (a < 0) | (a > 100),
            (b < 0) | (b > 100),
            (grade != "") & ~grade.is_in(["0", "1", "2"]),
            (seen < low) | (seen > high),
            (grade == "2") & seen.is_null(),
            (label != "") & ~label.str.contains(f"^(?:{TIME_PATTERN})$"),
            a > b,
            (total - (a + b)).abs() > TOLERANCE,
        ]
    failing = frame.select([one.fill_null(value=False).alias(str(i)) for i, one in enumerate(found)])
    return [np.flatnonzero(failing[str(i)].to_numpy()) for i in range(len(found))]


def pointblank_steps(work: Work, share: int) -> float:
    """Pointblank on a polars frame, on a share of the blocks; seconds scaled to all of them, without the conversion."""
    import pointblank as pb
    import polars as pl

    blocks = max(1, work.rules // RULES_A_BLOCK // share)
    frame = pl.from_pandas(work.frame, nan_to_null=True).with_columns(pl.col(pl.String).replace("", None))
    low, high = datetime(2020, 1, 1), datetime(2026, 1, 1)  # noqa: DTZ001
    steps = pb.Validate(data=frame)
    for n in range(blocks):
        a, b, total = pl.col(f"a_{n}"), pl.col(f"b_{n}"), pl.col(f"total_{n}")
        steps = (
            steps.col_vals_not_null(columns=f"a_{n}")
            .col_vals_not_null(columns=f"grade_{n}")
            .col_vals_between(columns=f"a_{n}", left=0, right=100, na_pass=True)
            .col_vals_between(columns=f"b_{n}", left=0, right=100, na_pass=True)
            .col_vals_expr(expr=pl.col(f"grade_{n}").is_in(["0", "1", "2"]).fill_null(value=True))
            .col_vals_between(columns=f"seen_{n}", left=low, right=high, na_pass=True)
            .col_vals_expr(
                expr=((pl.col(f"grade_{n}") != "2") | pl.col(f"seen_{n}").is_not_null()).fill_null(value=True)
            )
            .col_vals_regex(columns=f"[label_{n}:text]", pattern=f"^(?:{TIME_PATTERN})$", na_pass=True)
            .col_vals_expr(expr=(a <= b).fill_null(value=True))
            .col_vals_expr(expr=((total - (a + b)).abs() <= TOLERANCE).fill_null(value=True))
        )
    began = time.perf_counter()
    steps.interrogate()
    return (time.perf_counter() - began) * work.rules / (blocks * RULES_A_BLOCK)


def pandera_checks(work: Work, share: int) -> float:
    """Pandera, lazily, on a share of the blocks; seconds scaled to all of them."""
    import pandera.pandas as pa

    masks = work.masks[: max(RULES_A_BLOCK, work.rules // share)]
    schema = pa.DataFrameSchema(checks=[pa.Check(lambda f, mask=mask: ~mask(f)) for mask in masks])
    began = time.perf_counter()
    try:
        schema.validate(work.frame, lazy=True)
    except pa.errors.SchemaErrors as failed:
        len(failed.failure_cases)
    return (time.perf_counter() - began) * work.rules / len(masks)


def seconds(run: Callable[[Work], object], work: Work) -> float:
    """Time one run, with the garbage of the one before collected first."""
    gc.collect()
    began = time.perf_counter()
    run(work)
    return time.perf_counter() - began


def peak_above_start(run: Callable[[], object]) -> float:
    """How far the process' memory rises while something runs, in MB (Linux: the high-water mark is reset first)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # memory that was freed and kept would hide what is taken again
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = status_mb("VmRSS")
    run()
    return status_mb("VmHWM") - before


def status_mb(name: str) -> float:
    """One figure of the process from the kernel, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith(name))


def prove_equal(work: Work) -> None:
    """Compare every rule's failing rows with the floor's before anything is timed."""
    expected = floor(work)
    for name, run in (("evaluator", evaluator_alone), ("ours", ours)):
        for one, mine, plain in zip(work.compiled, run(work), expected, strict=True):
            if not np.array_equal(mine, plain):
                raise SystemExit(f"{name} and the floor disagree on {one.rule.id}: {len(mine)} and {len(plain)} rows")


OTHERS: dict[str, Callable[[Work], float]] = {
    "polars": lambda work: seconds(polars_masks, work),
    "pointblank": lambda work: pointblank_steps(work, share=max(1, work.rules // 50)),
    "pandera": lambda work: pandera_checks(work, share=max(1, work.rules // 50)),
    "gx": lambda work: gx_ordinary(work, share=max(1, work.rules // 20)),
}


def compare(work: Work, rounds: int, others: Sequence[str]) -> None:
    """Print the medians and ratios of one size."""
    prove_equal(work)
    peak_mb = peak_above_start(lambda: ours(work))
    candidates: dict[str, Callable[[Work], float]] = {
        "floor": lambda w: seconds(floor, w),
        "evaluator": lambda w: seconds(evaluator_alone, w),
        "ours": lambda w: seconds(ours, w),
        "one thread": lambda w: seconds(in_one_thread, w),
        **{name: OTHERS[name] for name in others},
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            times[name].append(run(work))
    frame_mb = work.frame.memory_usage(deep=False).sum() / 1e6
    print(f"{work.name:>14} frame {frame_mb:7.1f} MB, ours at its peak {peak_mb:7.1f} MB on top of it")
    print(f"{'':>14} {work.rules} rules compiled in {work.seconds_to_compile:.2f} s; load {os.getloadavg()[0]:.1f}")
    for name, taken in times.items():
        ratio = statistics.median(t / f for t, f in zip(taken, times["floor"], strict=True))
        print(f"{'':>14} {name:12} {statistics.median(taken):9.3f} s   {ratio:7.2f} x floor", flush=True)


def main() -> None:
    """Run the sizes that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=["62x300", "10000x300", "100000x300"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--others", nargs="*", choices=OTHERS, help="which of them; without a name all")
    asked = parser.parse_args()
    others = [] if asked.others is None else asked.others or list(OTHERS)
    for size in asked.sizes:
        rows, rules = (int(part) for part in size.split("x"))
        compare(make_work(rows, rules), asked.rounds, others)


if __name__ == "__main__":
    main()
