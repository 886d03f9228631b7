"""Estimates with their confidence intervals on one axis: endpoints, and forest plots."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightround.report.figures.axes import Scale
from nightround.report.figures.drawing import TEXT, WIDTH, Drawing, Label, Marker, Pen, Polyline, Rect, Shape
from nightround.report.figures.guides import axis_below, axis_title, numbers_of

LEAST_LABEL_WIDTH = 150.0
ROW = 22.0
DENSE_ROW = 16.0
"""The room of a line, where there are more than a few."""
FEW = 4
TOP = 20.0
AXIS_ROOM = 34.0
INSET = 16.0
PUBLISHED_INDENT = 9.0
BRACKET = re.compile(r"\s?[(（]")
"""Where the interval of a printed estimate begins."""


@dataclass(frozen=True)
class Interval:
    """One line: its label, the printed estimate, and its place on the axis. None where it cannot be estimated."""

    label: str
    text: str
    value: float | None
    low: float | None
    high: float | None
    strong: bool = False
    p: str = ""
    published: bool = False
    """Whether it is another study's: drawn open."""


def axis_of(ticks: tuple[float, ...], rows: Sequence[Interval], pen: Pen, *, logarithmic: bool = False) -> Scale:
    """The axis between the labels and the printed values, which take the room they need."""
    labels = max((pen.width(row.label, style="bold") for row in rows), default=0.0)
    return Scale(ticks, max(labels, LEAST_LABEL_WIDTH) + INSET, values_of(rows, pen).start - INSET, logarithmic)


@dataclass(frozen=True)
class ValueColumns:
    """The columns of the printed values: where they start, where their brackets open, and where P ends."""

    start: float
    pivot: float
    end: float


def values_of(rows: Sequence[Interval], pen: Pen) -> ValueColumns:
    """Room for the widest estimate and the widest interval; P is after them where there is one."""
    parts = [halves(row.text) for row in rows]
    first, second = (max((pen.width(part[side], style="bold") for part in parts), default=0.0) for side in (0, 1))
    p_room = max((pen.width(row.p) for row in rows), default=0.0)
    end = WIDTH - 4 - (p_room + INSET if p_room else 0.0)
    return ValueColumns(end - second - first, end - second, end)


def halves(text: str) -> tuple[str, str]:
    """An estimate, and its interval from the bracket on."""
    found = BRACKET.search(text)
    return (text[: found.start()], text[found.start() :]) if found else (text, "")


@dataclass(frozen=True)
class IntervalTexts:
    """The title of the figure, the heads of the labels and of the printed values, and the title of the axis."""

    title: str
    labels: str
    values: str
    axis: str
    p: str = ""


def interval_drawing(
    rows: Sequence[Interval], ticks: tuple[float, ...], texts: IntervalTexts, pen: Pen, *, around: float | None = None
) -> Drawing:
    """Draw one line an estimate; `around` draws a line of no effect there, on a logarithmic axis."""
    height = ROW if len(rows) <= FEW else DENSE_ROW
    bottom = TOP + height * len(rows)
    axis = axis_of(ticks, rows, pen, logarithmic=around is not None)
    shapes: list[Shape] = [
        Label(0, TEXT, texts.labels, "bold"),
        pen.right(values_of(rows, pen).end, TEXT, texts.values, "bold"),
        *([pen.right(WIDTH - 4, TEXT, texts.p, "italic")] if texts.p else []),
        Polyline(((0, TOP - 5), (WIDTH, TOP - 5)), "rule"),
    ]
    if around is not None:
        shapes.append(Polyline(((axis(around), TOP - 5), (axis(around), bottom)), "axis"))
    values = values_of(rows, pen)
    for number, row in enumerate(rows):
        if row.strong:
            shapes.append(Rect(0, TOP + height * number, WIDTH, height, "band"))
        shapes += interval_shapes(row, TOP + height * (number + 0.5), axis)
        shapes += printed_values(row, TOP + height * (number + 0.5) + TEXT * 0.35, values, pen)
    shapes += axis_below(axis, bottom, numbers_of(axis), pen, sparing=True)
    shapes.append(axis_title(axis, bottom, texts.axis, pen))
    return Drawing(WIDTH, bottom + AXIS_ROOM, texts.title, tuple(shapes))


def interval_shapes(row: Interval, middle: float, axis: Scale) -> Iterator[Shape]:
    """The label, the whisker with its end strokes, and the estimate."""
    weight = "bold" if row.strong else "plain"
    baseline = middle + TEXT * 0.35
    yield Label(4 + (PUBLISHED_INDENT if row.published else 0.0), baseline, row.label, weight)
    if row.value is None or row.low is None or row.high is None:
        return
    yield from whisker(row.low, row.high, middle, axis)
    if axis.within(row.value) == row.value:
        yield Marker(axis(row.value), middle, "square" if row.published else "dot")


def printed_values(row: Interval, baseline: float, values: ValueColumns, pen: Pen) -> Iterator[Shape]:
    """The estimate with its interval, brackets under one another, and P."""
    weight = "bold" if row.strong else "plain"
    estimate, _ = halves(row.text)
    yield Label(values.pivot - pen.width(estimate, style=weight), baseline, row.text, weight)
    if row.p:
        yield pen.right(WIDTH - 4, baseline, row.p)


def whisker(low: float, high: float, middle: float, axis: Scale) -> Iterator[Shape]:
    """A line from end to end with a stroke at each; an arrow where an end lies beyond the axis."""
    for start, end in ((high, low), (low, high)):
        points = ((axis(start), middle), (axis(end), middle))
        beyond = axis.within(end) != end and points[0] != points[1]
        yield Polyline(points, "whisker", arrow=beyond)
        if not beyond:
            yield Polyline(((axis(end), middle - 3), (axis(end), middle + 3)), "whisker")
