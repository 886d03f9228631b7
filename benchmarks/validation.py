"""The judge against plain masks: how long rules take, side by side in one run.

    python -m benchmarks.validation                       small and middle sizes
    python -m benchmarks.validation --sizes 1000000x300   any size, rows x rules
    python -m benchmarks.validation --others              also polars, pointblank, pandera, and Great Expectations used
                                                          the ordinary way; one that is not installed is left out

The checks are those of `validation_work.py`. The floor is the same checks as pandas masks, one after another, each
giving its failing positions. Every round runs all candidates in turn; ratios are medians over rounds of candidate /
floor. `ours` is the judge on one frame, with as many threads as there are processors, and is measured with one thread
as well; `a night` is what a night pays for judging ten instruments: compile, batches, suites, every violation.
Everyone answers with the failing rows of every rule. The answers are compared, rule by rule and row by row, before
anything is timed. A ratio that is missed by more than a tenth ends the benchmark with exit code 1.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.aims import Aim, check
from benchmarks.validation_night import INSTRUMENTS, JudgedNight
from benchmarks.validation_rivals import RIVALS
from benchmarks.validation_work import RULES_A_BLOCK, Positions, Work, floor, make_work
from nightround.validation.batch import CONTEXT
from nightround.validation.evaluation import evaluate_rules
from nightround.validation.gx_judge import judge
from nightround.validation.suite import Suite

MOST_ROWS_OF_A_NIGHT = 20_000
"""More rows than these take long to load into the sandbox and to pull."""
AIMS = {"62x300": 1.8, "10000x300": 0.8, "100000x1000": 0.4, "1000000x300": 0.25, "1000000x1000": 0.2}
"""The judge to the floor, by size."""
MEMORY_AIM = 0.5
"""What the judge takes on top of a frame of the largest size, to that frame."""
Run = Callable[[], Positions]


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
    results = judge(suite, work.frame).results
    return [results[one.rule.id].failing for one in work.compiled]


def in_one_thread(work: Work) -> Positions:
    """The judge with a single thread."""
    context = work.frame.attrs[CONTEXT]
    work.frame.attrs[CONTEXT] = replace(context, threads=1)
    try:
        return ours(work)
    finally:
        work.frame.attrs[CONTEXT] = context


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


def candidates(work: Work, others: Sequence[str]) -> dict[str, Run]:
    """Everyone who takes part in a size, ready to run."""
    found: dict[str, Run] = {
        "floor": partial(floor, work),
        "evaluator": partial(evaluator_alone, work),
        "ours": partial(ours, work),
        "one thread": partial(in_one_thread, work),
    }
    if work.rows <= MOST_ROWS_OF_A_NIGHT and work.rules >= INSTRUMENTS * RULES_A_BLOCK:
        found["a night"] = JudgedNight(work)
    return found | {name: RIVALS[name][1](work) for name in others}


def prove_equal(work: Work, runs: Mapping[str, Run]) -> None:
    """Compare the failing rows that everyone finds for every rule with the floor's."""
    expected = floor(work)
    for name, run in runs.items():
        for one, theirs, plain in zip(work.compiled, run(), expected, strict=True):
            if not np.array_equal(theirs, plain):
                raise SystemExit(f"{name} and the floor disagree on {one.rule.id}: {len(theirs)} and {len(plain)} rows")


class Spent(NamedTuple):
    """Seconds of one run: of the clock, and of all threads of the process."""

    wall: float
    cpu: float


def spent(run: Run) -> Spent:
    """Time one run, with the garbage of the one before collected first."""
    gc.collect()
    began, cpu_before = time.perf_counter(), time.process_time()
    run()
    return Spent(time.perf_counter() - began, time.process_time() - cpu_before)


def ratio(taken: Sequence[Spent], floors: Sequence[Spent], part: str) -> float:
    """The median over the rounds of a candidate's time to the floor's."""
    return statistics.median(getattr(a, part) / getattr(b, part) for a, b in zip(taken, floors, strict=True))


def compare(work: Work, rounds: int, others: Sequence[str]) -> Iterator[Aim]:
    """Print the medians and ratios of one size, and give the ratios that are aimed at."""
    runs = candidates(work, others)
    prove_equal(work, runs)
    peak_mb = peak_above_start(runs["ours"])
    times: dict[str, list[Spent]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(spent(run))
    frame_mb = work.frame.memory_usage(deep=False).sum() / 1e6
    print(f"{work.name:>14} frame {frame_mb:7.1f} MB, ours at its peak {peak_mb:7.1f} MB on top of it")
    print(f"{'':>14} {work.rules} rules compiled in {work.seconds_to_compile:.2f} s; load {os.getloadavg()[0]:.1f}")
    for name, taken in times.items():
        wall, cpu = (ratio(taken, times["floor"], part) for part in Spent._fields)
        middle = statistics.median(one.wall for one in taken)
        print(f"{'':>14} {name:12} {middle:9.3f} s {wall:7.2f} x floor, {cpu:7.2f} x its CPU seconds", flush=True)
    if work.name in AIMS:
        yield Aim(f"{work.name}, the judge to the floor", AIMS[work.name], ratio(times["ours"], times["floor"], "wall"))
    if work.name == "1000000x300":
        yield Aim(f"{work.name}, memory on top of the frame to the frame", MEMORY_AIM, peak_mb / frame_mb)


def installed(names: Sequence[str]) -> list[str]:
    """Those of the others that can be imported; says how to install what cannot."""
    found = [name for name in names if find_spec(RIVALS[name][0])]
    for name in names:
        if name not in found:
            print(f"{name} is left out, because it is not installed: pip install {RIVALS[name][0]}")
    return found


def main() -> None:
    """Run the sizes that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=["62x300", "10000x300", "100000x300"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--others", nargs="*", choices=RIVALS, help="which of them; without a name all")
    asked = parser.parse_args()
    others = installed([] if asked.others is None else asked.others or list(RIVALS))
    aims: list[Aim] = []
    for size in asked.sizes:
        rows, rules = (int(part) for part in size.split("x"))
        aims.extend(compare(make_work(rows, rules), asked.rounds, others))
    check(aims)


if __name__ == "__main__":
    main()
