"""How fast Table 1 is: 50 variables of 100,000 patients, next to bare pandas and scipy.

    python -m benchmarks.table_one [--rounds 5] [--patients 100000]

The floor is what anybody would write: `groupby` for means, SDs and counts, and scipy's test of each variable
(Welch, Mann-Whitney, chi-square), without texts, missing counts, percentages, quartiles or reasons.
Both get the same typed frame, run in turns, and their P values are compared before anything is timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from nightround.model.result import ResultKey
from nightround.statistics.cohort import csv_frame
from nightround.statistics.tables import tables
from nightround.study.plan import Plan

VARIABLES = 50
LEVELS = "0123"


def plan_of(measured: int, ranked: int, effects: list[str]) -> Plan:
    """A Table 1 of measured variables (mean), ranked ones (median), and the rest in four levels."""
    variables: list[dict[str, Any]] = [
        {"id": f"v{number}", "label": "v", "type": "continuous", "field": f"v{number}"}
        | {"summary": "mean_sd" if number < measured else "median_quartiles"}
        for number in range(measured + ranked)
    ]
    levels = [{"id": code, "label": code, "codes": [code]} for code in LEVELS]
    variables += [
        {"id": f"v{n}", "label": "v", "type": "categorical", "summary": "n_percent", "field": f"v{n}", "levels": levels}
        for n in range(measured + ranked, VARIABLES)
    ]
    table = {"id": "t", "title": "t", "kind": "by_group", "effects": effects, "sections": [{"variables": variables}]}
    return Plan.model_validate(
        {
            "policy": "recommended",
            "grouping": "arm",
            "population": "all",
            "groups": [{"id": code, "label": code, "codes": [code]} for code in "01"],
            "flow": [{"id": "all", "label": "all"}],
            "tables": [table],
        }
    )


def patients(count: int, measured: int) -> pd.DataFrame:
    """Random patients as text: one in twenty values missing."""
    random = np.random.default_rng(1)
    columns: dict[str, Any] = {"arm": random.integers(0, 2, count).astype(str)}
    for number in range(VARIABLES):
        values = random.normal(50, 10, count).round(1) if number < measured else random.integers(0, 4, count)
        columns[f"v{number}"] = np.where(random.random(count) < 0.05, "", values.astype(str))
    return pd.DataFrame(columns).astype("str")


def floor(frame: pd.DataFrame, measured: int, ranked: int) -> list[float]:
    """Means, SDs and counts by pandas, and a P of each variable by scipy."""
    arm, found = frame["arm"], []
    continuous = [f"v{number}" for number in range(measured + ranked)]
    if continuous:
        frame.groupby("arm")[continuous].agg(["mean", "std", "count"])
    for number in range(VARIABLES):
        column = frame[f"v{number}"]
        if number >= measured + ranked:
            found.append(float(stats.chi2_contingency(pd.crosstab(column, arm), correction=False).pvalue))
            continue
        first, second = (column[arm == code].dropna().to_numpy() for code in "01")
        if number < measured:
            found.append(float(stats.ttest_ind(first, second, equal_var=False).pvalue))
        else:
            found.append(float(stats.mannwhitneyu(first, second, method="asymptotic").pvalue))
    return found


def seconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    run()
    return perf_counter() - start


def compare(count: int, measured: int, ranked: int, effects: list[str], rounds: int) -> tuple[float, float]:
    """Median seconds of the floor and of ours, in turns."""
    plan = plan_of(measured, ranked, effects)
    frame = csv_frame(plan, patients(count, measured + ranked))
    ours = tables(plan, frame)
    for number, p in enumerate(floor(frame, measured, ranked)):
        if not np.isclose(ours[ResultKey("t", f"v{number}", "p")].value or 0.0, p, rtol=1e-9):
            raise SystemExit(f"the P of variable {number} is not that of scipy")
    times = [
        (seconds(lambda: floor(frame, measured, ranked)), seconds(lambda: tables(plan, frame))) for _ in range(rounds)
    ]
    return median(first for first, _ in times), median(second for _, second in times)


def main() -> None:
    """Print a line for each mix of variables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patients", type=int, default=100_000)
    asked = parser.parse_args()
    both = ["difference", "smd"]
    print("| Table 1 of 50 variables | floor, s | ours, s | ratio |\n|---|---|---|---|")
    for words, measured, ranked, effects in (
        ("30 means, 20 in levels", 30, 0, []),
        ("the same with difference and SMD", 30, 0, both),
        ("20 means, 10 medians, 20 in levels", 20, 10, []),
        ("the same with difference (Hodges-Lehmann) and SMD", 20, 10, both),
    ):
        first, second = compare(asked.patients, measured, ranked, effects, asked.rounds)
        print(f"| {words} | {first:.2f} | {second:.2f} | {second / first:.2f} |", flush=True)


if __name__ == "__main__":
    main()
