"""Kaplan-Meier curves with the numbers at risk under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightround.model.result import ResultKey, ResultRow
from nightround.report.figures.axes import PERCENT_TICKS, Scale, round_ticks
from nightround.report.figures.drawing import HALF, SMALL, TEXT, WIDTH, Drawing, Label, Pen, Point, Polyline, Shape
from nightround.report.figures.guides import axis_below, axis_title, grid, numbers_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.study.plan import Survival
from nightround.texts.catalogue import Wording

LEFT, RIGHT = 86.0, 90.0
"""Room for the groups' names before the numbers at risk, and behind the ends of the curves."""
LEFT_ALONE, RIGHT_ALONE = 46.0, 2.0
TOP = 18.0
HEIGHT, HALF_HEIGHT = 150.0, 90.0
BEYOND = 12.0
"""Points; lines run on so far behind the last time, so that a fall at that time has an end that can be seen."""
LINE = 13.0
STYLES = (("curve", "limit"), ("dashed", "dashed-limit"))
"""The line of a curve and of its interval, by group: solid and dashed, so that they differ without colour."""


@dataclass(frozen=True)
class CurveStep:
    """Who is still free of the event after a time, in percent, with the interval where there is one."""

    time: float
    free: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Curve:
    """One group: its steps, and how many were at risk at each time that is printed."""

    name: str
    steps: tuple[CurveStep, ...]
    at_risk: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class CurveTexts:
    """The title, the heads of both axes, and the head of the numbers at risk."""

    title: str
    percent: str
    time: str
    at_risk: str


def curves_of(inputs: ReportInputs, survival: Survival, say: Wording) -> list[Curve]:
    """The curve of everybody, or of each group where the plan compares them."""
    groups = [("", say("everybody"))]
    if survival.by_group:
        groups = [(group.id, group.label.in_(say.language)) for group in inputs.plan.groups]
    return [curve_of(inputs, survival, group, name) for group, name in groups]


def curve_of(inputs: ReportInputs, survival: Survival, group: str, name: str) -> Curve:
    """The steps and the numbers at risk of one group, from the result rows."""
    mine = [row for row in inputs.results if (row.table, row.variable, row.group) == ("survival", survival.id, group)]
    steps = [step_of(inputs, row) for row in mine if row.statistic == "step" and row.value is not None]
    at_risk = [(float(row.level), row.text) for row in mine if row.statistic == "at_risk"]
    return Curve(name, tuple(sorted(steps, key=lambda step: step.time)), tuple(at_risk))


def step_of(inputs: ReportInputs, row: ResultRow) -> CurveStep:
    """A step with its interval, of one result row and its neighbours."""
    ends = (
        inputs.results.get(ResultKey(row.table, row.variable, f"step_{end}", row.group, "", row.level))
        for end in ("low", "high")
    )
    low, high = (end.value if end else None for end in ends)
    return CurveStep(float(row.level), row.value or 0.0, low, high)


def survival_drawing(curves: Sequence[Curve], texts: CurveTexts, pen: Pen, *, half: bool = False) -> Drawing:
    """Draw the curves over a common time axis, the numbers at risk below it; `half` as wide, next to another figure.

    A curve that is alone needs no name.
    """
    alone, width = len(curves) == 1, HALF if half else WIDTH
    left, right = (LEFT_ALONE, RIGHT_ALONE) if alone else (LEFT, RIGHT)
    bottom = TOP + (HALF_HEIGHT if half else HEIGHT)
    time = Scale(time_ticks(curves), left, width - right - BEYOND)
    free = Scale(PERCENT_TICKS, bottom, TOP)
    shapes = list(axes(time, free, texts, pen))
    shapes += [band for number, curve in enumerate(curves) for band in bands(curve, number, time, free)]
    for number, curve in enumerate(curves):
        shapes += curve_shapes(curve, number, time, free)
    if alone:
        shapes += risk_line(curves[0], bottom + 41, time, pen, Label(0, bottom + 41, texts.at_risk, "bold", SMALL))
        return Drawing(width, bottom + 47, texts.title, tuple(shapes))
    shapes += [*names(curves, free, width - right + 6), Label(0, bottom + 44, texts.at_risk, "bold", SMALL)]
    for number, curve in enumerate(curves, start=1):
        y = bottom + 44 + LINE * number
        shapes += risk_line(curve, y, time, pen, Label(0, y, curve.name, "plain", SMALL))
    return Drawing(width, bottom + 50 + LINE * len(curves), texts.title, tuple(shapes))


def time_ticks(curves: Sequence[Curve]) -> tuple[float, ...]:
    """The times at which the numbers at risk are printed; where the plan names none, round ones."""
    planned = {moment for curve in curves for moment, _ in curve.at_risk if moment > 0}
    if planned:
        return (0.0, *sorted(planned))
    return round_ticks(0.0, max((step.time for curve in curves for step in curve.steps), default=1.0))


def axes(time: Scale, free: Scale, texts: CurveTexts, pen: Pen) -> Iterator[Shape]:
    """Both axes with their ticks and heads."""
    yield Label(time.start - 26, TEXT, texts.percent, "soft", SMALL)
    yield from grid(free, time.start, time.end + BEYOND, pen, gap=6)
    yield from axis_below(time, free.start, numbers_of(time), pen, beyond=BEYOND)
    yield axis_title(time, free.start, texts.time, pen)


def bands(curve: Curve, number: int, time: Scale, free: Scale) -> Iterator[Shape]:
    """The interval as a shaded band, where both of its ends are known; it lies under every curve."""
    if any(step.low is None or step.high is None for step in curve.steps) or not curve.steps:
        return
    low, high = (
        stairs([(step.time, value) for step in curve.steps if (value := getattr(step, end)) is not None], time, free)
        for end in ("low", "high")
    )
    yield Polyline((*low, *reversed(high)), f"{STYLES[number % len(STYLES)][0]}-band")


def curve_shapes(curve: Curve, number: int, time: Scale, free: Scale) -> Iterator[Shape]:
    """The curve, and the ends of its interval as thin lines."""
    line, limit = STYLES[number % len(STYLES)]
    for end in ("low", "high"):
        ends = [(step.time, getattr(step, end)) for step in curve.steps]
        yield Polyline(stairs([(when, value) for when, value in ends if value is not None], time, free), limit)
    yield Polyline(stairs([(step.time, step.free) for step in curve.steps], time, free), line)


def stairs(points: Sequence[Point], time: Scale, free: Scale) -> tuple[Point, ...]:
    """A line that starts with everybody, falls at each time, and runs level to the end of the axis."""
    height, corners = 100.0, [(time.start, free(100.0))]
    for when, value in points:
        if time.within(when) != when:
            break
        corners += [(time(when), free(height)), (time(when), free(value))]
        height = value
    return (*corners, (time.end + BEYOND, free(height)))


def names(curves: Sequence[Curve], free: Scale, x: float) -> Iterator[Shape]:
    """Each group's name next to the end of its curve, moved apart where two ends meet."""
    taken: list[float] = []
    for curve in sorted(curves, key=lambda one: one.steps[-1].free if one.steps else 100.0, reverse=True):
        y = free(curve.steps[-1].free if curve.steps else 100.0) + 3
        y = max(y, taken[-1] + LINE) if taken else y
        taken.append(y)
        yield Label(x, y, curve.name, "bold", SMALL)


def risk_line(curve: Curve, y: float, time: Scale, pen: Pen, head: Label) -> Iterator[Shape]:
    """A group's numbers at risk, each under its time."""
    yield head
    for moment, count in curve.at_risk:
        yield pen.centred(time(moment), y, count, "plain", SMALL)
