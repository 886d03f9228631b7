"""Survival curves compared with the result rows: every corner of every line, and each number at risk under its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nightround.model.result import ResultSet
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.self_audit.audit_rows import Contradiction
from nightround.study.plan import Survival
from tests.shape_reader import PEN, Drawn, DrawnLine, Panel, Ruler, is_stroke, panels_of, ruler_below

LINES = frozenset({"curve", "limit", "dashed", "dashed-limit"})
DRAWN = ("step_low", "step_high", "step")
"""What is drawn of each group, in this order."""
EVERYBODY = 100.0
WIDEST = 20.0
"""Points; half of the room that a number at risk takes, at most."""
Corners = list[tuple[float, float]]


def contradictions_of_curve(where: str, seen: Drawn, curve: Survival, inputs: ReportInputs) -> Iterator[Contradiction]:
    """What the figure of one curve of the plan shows otherwise than its result rows."""
    time, panels = ruler_below(seen), list(panels_of(seen))
    if time is None or len(panels) != 1 or panels[0] is None:
        yield Contradiction(where, "a curve has no axes to be read by")
        return
    groups = [group.id for group in inputs.plan.groups] if curve.by_group else [""]
    lines = [line for line in seen.lines if line.style in LINES]
    expected = [corners(inputs.results, curve, group, statistic, time) for group in groups for statistic in DRAWN]
    if len(lines) != len(expected) or not all(runs_along(lines, expected, time, panels[0])):
        yield Contradiction(where, "a curve or its interval does not fall when and as far as the result rows say")
    for group in groups:
        yield from at_risk_against_rows(where, seen, curve, group, inputs.results)


def runs_along(lines: Sequence[DrawnLine], expected: Sequence[Corners], time: Ruler, panel: Panel) -> Iterator[bool]:
    """Whether each line has the corners that are expected of it, and runs from the last to the end of the panel."""
    for line, wanted in zip(lines, expected, strict=True):
        *turns, (end, height) = line.points
        yield len(turns) == len(wanted) and abs(end - panel.right) <= PEN and panel.ruler.shows(height, wanted[-1][1])
        for (x, y), (moment, share) in zip(turns, wanted, strict=False):
            yield time.shows(x, moment) and panel.ruler.shows(y, share)


def corners(results: ResultSet, curve: Survival, group: str, statistic: str, time: Ruler) -> Corners:
    """Where a line begins and turns: time and percentage, level between its steps."""
    rows = sorted(
        (float(row.level), row.value)
        for row in results
        if (row.table, row.variable, row.group, row.statistic) == ("survival", curve.id, group, statistic)
        and row.value is not None
    )
    first, last = sorted(time.values)
    found, height = [(first, EVERYBODY)], EVERYBODY
    for moment, share in rows:
        if moment <= last:
            found += [(moment, height), (moment, share)]
            height = share
    return found


def at_risk_against_rows(
    where: str, seen: Drawn, curve: Survival, group: str, results: ResultSet
) -> Iterator[Contradiction]:
    """Each number at risk of a group is printed under the stroke of its time."""
    time = ruler_below(seen)
    strokes = [line.points[0][0] for line in seen.lines_of("axis") if is_stroke(line)]
    for row in results:
        if (row.table, row.variable, row.group, row.statistic) != ("survival", curve.id, group, "at_risk"):
            continue
        places = [x for x in strokes if time and time.shows(x, float(row.level))]
        under = any(
            word.text.strip() == row.text and word.style == "plain" and 0 <= x - word.x <= WIDEST
            for word in seen.words
            for x in places
        )
        if not under:
            yield Contradiction(where, f"{row.text} at risk at {row.level} is not printed under that time")
