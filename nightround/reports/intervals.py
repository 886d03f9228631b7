"""Estimates with their confidence intervals on one axis: endpoints, and forest plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightround.reports.axes import Scale, tick_text
from nightround.reports.drawing import SMALL, TEXT, TICK, Drawing, Label, Marker, Pen, Polyline, Rect, Shape

WIDTH = 482.0
LEAST_LABEL_WIDTH = 150.0
ROW = 22.0
DENSE_ROW = 16.0
"""The room of a line, where there are more than a few."""
FEW = 4
TOP = 20.0
AXIS_ROOM = 34.0
INSET = 16.0


@dataclass(frozen=True)
class Interval:
    """One line: its label, the printed estimate, and its place on the axis. None where it cannot be estimated."""

    label: str
    text: str
    value: float | None
    low: float | None
    high: float | None
    strong: bool = False


def axis_of(ticks: tuple[float, ...], rows: Sequence[Interval], pen: Pen, *, logarithmic: bool = False) -> Scale:
    """The axis between the labels and the printed values, which take the room they need."""
    labels = max((pen.width(row.label, style="bold") for row in rows), default=0.0)
    values = max((pen.width(row.text, style="bold") for row in rows), default=0.0)
    return Scale(ticks, max(labels, LEAST_LABEL_WIDTH) + INSET, WIDTH - values - INSET, logarithmic)


@dataclass(frozen=True)
class IntervalTexts:
    """The title of the figure, the heads of the labels and of the printed values, and the title of the axis."""

    title: str
    labels: str
    values: str
    axis: str


def interval_drawing(
    rows: Sequence[Interval], ticks: tuple[float, ...], texts: IntervalTexts, pen: Pen, *, around: float | None = None
) -> Drawing:
    """Draw one line an estimate; `around` draws a line of no effect there, on a logarithmic axis."""
    height = ROW if len(rows) <= FEW else DENSE_ROW
    bottom = TOP + height * len(rows)
    axis = axis_of(ticks, rows, pen, logarithmic=around is not None)
    shapes: list[Shape] = [
        Label(0, TEXT, texts.labels, "bold"),
        pen.right(WIDTH, TEXT, texts.values, "bold"),
        Polyline(((0, TOP - 5), (WIDTH, TOP - 5)), "rule"),
    ]
    if around is not None:
        shapes.append(Polyline(((axis(around), TOP - 5), (axis(around), bottom)), "axis"))
    for number, row in enumerate(rows):
        shapes += interval_shapes(row, TOP + height * (number + 0.5), axis, pen)
    shapes += axis_shapes(axis, bottom, texts.axis, pen)
    return Drawing(WIDTH, bottom + AXIS_ROOM, texts.title, tuple(shapes))


def interval_shapes(row: Interval, middle: float, axis: Scale, pen: Pen) -> Iterator[Shape]:
    """The label, the whisker with its end strokes, the estimate, and the printed value."""
    weight = "bold" if row.strong else "plain"
    baseline = middle + TEXT * 0.35
    if row.strong:
        yield Rect(0, middle - ROW / 2, WIDTH, ROW, "band")
    yield Label(4, baseline, row.label, weight)
    yield pen.right(WIDTH - 4, baseline, row.text, weight)
    if row.value is None or row.low is None or row.high is None:
        return
    yield from whisker(row.low, row.high, middle, axis)
    if axis.within(row.value) == row.value:
        yield Marker(axis(row.value), middle, "dot")


def whisker(low: float, high: float, middle: float, axis: Scale) -> Iterator[Shape]:
    """A line from end to end with a stroke at each; an arrow where an end lies beyond the axis."""
    for start, end in ((high, low), (low, high)):
        points = ((axis(start), middle), (axis(end), middle))
        beyond = axis.within(end) != end and points[0] != points[1]
        yield Polyline(points, "whisker", arrow=beyond)
        if not beyond:
            yield Polyline(((axis(end), middle - 3), (axis(end), middle + 3)), "whisker")


def axis_shapes(axis: Scale, top: float, title: str, pen: Pen) -> Iterator[Shape]:
    """The axis with its ticks, their numbers and its title."""
    yield Polyline(((axis.start, top), (axis.end, top)), "axis")
    for tick in axis.ticks:
        yield Polyline(((axis(tick), top), (axis(tick), top + TICK)), "axis")
        yield pen.centred(axis(tick), top + 14, tick_text(tick), "soft", SMALL)
    yield pen.centred((axis.start + axis.end) / 2, top + 27, title, "soft", SMALL)
