"""Result rows compared with themselves: text against value, percentages against counts, parts against totals.

Pure: result rows in, contradictions out. A contradiction names the number and contains no patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.study.plan import Plan
from redcap_sync.messages import Message

NUMBER = re.compile(r"-?\d+(?:\.(?P<decimals>\d+))?(?:e[+-]?\d+)?")
NOT_ESTIMABLE = frozenset({"–", "<LOD"})
NOISE = 1e-9
"""Relative; what adding up floats in another order may change."""
SMALLEST_P, LARGEST_P = "<0.001", ">0.999"
TRIMMED = frozenset({"q1", "median", "q3"})
"""Statistics that are printed without trailing zeros where the plan says so."""


@dataclass(frozen=True)
class Contradiction:
    """A number that cannot be right: where it is, and what speaks against it."""

    where: str
    reason: Message

    @property
    def why(self) -> str:
        """What speaks against it, in English."""
        return str(self.reason)

    def message(self) -> Message:
        """The place with what speaks against it."""
        return Message.of("contradiction.at", where=self.where, reason=self.reason)

    def __str__(self) -> str:
        return str(self.message())


def contradictions_of_rows(plan: Plan, results: ResultSet) -> Iterator[Contradiction]:
    """Everything in the result rows that cannot be right, whatever the data are."""
    for row in results:
        yield from text_against_value(plan, row)
        yield from summary_against_parts(row, results)
        yield from percent_against_count(row, results)
    yield from levels_against_total(results)
    yield from known_against_group(plan, results)
    yield from flow_against_itself(plan, results)


def place_of(row: ResultRow) -> str:
    """Where a number stands, for a person to find it."""
    parts = (row.table, row.variable, row.group, row.visit, row.level, row.statistic)
    return " / ".join(part for part in parts if part)


def row_at_same_place(row: ResultRow, results: ResultSet, statistic: str) -> ResultRow | None:
    """Another statistic of the same cell."""
    return results.get(ResultKey(row.table, row.variable, statistic, row.group, row.visit, row.level))


def text_against_value(plan: Plan, row: ResultRow) -> Iterator[Contradiction]:
    """The printed text is the value, rounded; a number that is not there has a reason."""
    if row.statistic.endswith("summary"):
        return
    if row.value is None:
        if row.text not in NOT_ESTIMABLE or not row.error:
            yield Contradiction(place_of(row), Message.of("contradiction.not_estimated", text=row.text))
    elif not is_text_of(row.text, row.value, digits_of(plan, row)):
        yield Contradiction(
            place_of(row), Message.of("contradiction.rounding", text=row.text, value=f"{row.value:.10g}")
        )


def digits_of(plan: Plan, row: ResultRow) -> int:
    """The decimals that must be there although trailing zeros were cut: the variable's own."""
    if not plan.trim_zeros or row.statistic not in TRIMMED:
        return 0
    variables = (one for table in plan.tables if table.id == row.table for one in table.variables)
    return next((one.digits for one in variables if one.id == row.variable), 0)


def is_text_of(text: str, value: float, least_digits: int = 0) -> bool:
    """Whether a text prints a value: within half a unit of its last digit."""
    if text == SMALLEST_P:
        return value < 0.001  # noqa: PLR2004 - as printed
    if text == LARGEST_P:
        return 0.9995 <= value < 1  # noqa: PLR2004 - what rounds to 1.000
    found = NUMBER.fullmatch(text.replace("\u2212", "-"))
    if found is None:
        return False
    if "e" in text:
        return abs(float(found[0]) - value) <= 0.01 * abs(value)
    digits = max(len(found["decimals"] or ""), least_digits)
    return abs(float(found[0]) - value) <= 0.5 * 10.0**-digits * (1 + NOISE) + NOISE * abs(value)


def summary_against_parts(row: ResultRow, results: ResultSet) -> Iterator[Contradiction]:
    """A cell is printed from its parts, each of which is a result row of its own."""
    if not row.statistic.endswith("summary") or row.value is None:
        return
    if row.text not in set(joined_pieces(row, results)):
        yield Contradiction(place_of(row), Message.of("contradiction.parts", text=row.text))


def joined_pieces(row: ResultRow, results: ResultSet) -> Iterator[str]:
    """Every form a cell may have, from the texts of its parts."""

    def text(statistic: str) -> str:
        found = row_at_same_place(row, results, statistic)
        return found.text if found else "?"

    base = row.statistic.removesuffix("summary").rstrip("_")
    if base:
        with_interval = row_at_same_place(row, results, f"{base}_low") is not None
        yield f"{text(base)} ({text(f'{base}_low')}, {text(f'{base}_high')})" if with_interval else text(base)
        return
    yield f"{text('mean')}±{text('sd')}"
    yield f"{text('median')} ({text('q1')}~{text('q3')})"
    yield f"{text('count')} ({text('percent')})"
    yield f"{text('percent')}% ({text('count')}/{text('n')})"
    if row.error:
        yield text("count")


def percent_against_count(row: ResultRow, results: ResultSet) -> Iterator[Contradiction]:
    """A percentage is its count over its number."""
    count = row_at_same_place(row, results, "count")
    if row.statistic != "percent" or row.value is None or count is None or count.value is None or not row.n:
        return
    if abs(row.value - 100 * count.value / row.n) > NOISE * 100:
        yield Contradiction(
            place_of(row), Message.of("contradiction.percent", text=row.text, count=count.text, n=row.n)
        )


def levels_against_total(results: ResultSet) -> Iterator[Contradiction]:
    """The counts of a variable's levels add up to those with a value."""
    sums: dict[ResultKey, float] = {}
    for row in results:
        if row.statistic == "count" and row.level and row.value is not None:
            total = ResultKey(row.table, row.variable, "n", row.group, row.visit)
            sums[total] = sums.get(total, 0.0) + row.value
    for key, added in sums.items():
        total_row = results.get(key)
        if total_row is not None and total_row.value is not None and total_row.value != added:
            yield Contradiction(
                place_of(total_row), Message.of("contradiction.levels", added=f"{added:g}", total=total_row.text)
            )


def known_against_group(plan: Plan, results: ResultSet) -> Iterator[Contradiction]:
    """Those with a value and those without make the group that the head of the column names."""
    described = {table.id for table in plan.tables}
    for row in results:
        known = row_at_same_place(row, results, "n")
        size = group_size(plan, results, row.group)
        if row.statistic != "missing" or row.table not in described or known is None or size is None:
            continue
        if (known.value or 0) + (row.value or 0) != size:
            yield Contradiction(
                place_of(row), Message.of("contradiction.missing", known=known.text, missing=row.text, size=f"{size:g}")
            )


def group_size(plan: Plan, results: ResultSet, group: str) -> float | None:
    """How many patients a group has; '' is the population."""
    key = ResultKey("flow", "groups", "n", group) if group else ResultKey("flow", plan.population, "n")
    row = results.get(key)
    return row.value if row else None


def flow_against_itself(plan: Plan, results: ResultSet) -> Iterator[Contradiction]:
    """No step contains more than the step it is of, and the groups with the unassigned are the population."""
    counts = {step.id: results[ResultKey("flow", step.id, "n")].value or 0 for step in plan.flow}
    for step in plan.flow:
        if step.of and counts[step.id] > counts[step.of]:
            yield Contradiction(
                f"flow / {step.id}",
                Message.of("contradiction.flow", some=f"{counts[step.id]:g}", all=f"{counts[step.of]:g}"),
            )
    rest = results.get(ResultKey("flow", "groups", "unassigned"))
    if rest is None:
        return
    sizes = sum(group_size(plan, results, group.id) or 0 for group in plan.groups)
    if sizes + (rest.value or 0) != counts[plan.population]:
        yield Contradiction("flow / groups", Message.of("contradiction.groups", grouped=f"{sizes:g}", rest=rest.text))
