"""Estimates with their confidence intervals on one axis: endpoints, and later a forest plot of studies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightround.reports.axes import Scale, tick_text
from nightround.reports.drawing import SMALL, TEXT, TICK, Drawing, Label, Marker, Pen, Polyline, Rect, Shape

WIDTH = 482.0
LABEL_WIDTH = 168.0
VALUE_WIDTH = 112.0
ROW = 22.0
TOP = 20.0
AXIS_ROOM = 34.0
INSET = 8.0


@dataclass(frozen=True)
class Interval:
    """One line: its label, the printed estimate, and its place on the axis. None where it cannot be estimated."""

    label: str
    text: str
    value: float | None
    low: float | None
    high: float | None
    strong: bool = False


def axis_of(ticks: tuple[float, ...]) -> Scale:
    """The axis between the labels and the printed values."""
    return Scale(ticks, LABEL_WIDTH + INSET, WIDTH - VALUE_WIDTH - INSET)


@dataclass(frozen=True)
class IntervalTexts:
    """The title of the figure, the heads of the labels and of the printed values, and the title of the axis."""

    title: str
    labels: str
    values: str
    axis: str


def interval_drawing(rows: Sequence[Interval], ticks: tuple[float, ...], texts: IntervalTexts, pen: Pen) -> Drawing:
    """Draw one line an estimate, on an axis with the given ticks."""
    bottom, axis = TOP + ROW * len(rows), axis_of(ticks)
    shapes: list[Shape] = [
        Label(0, TEXT, texts.labels, "bold"),
        pen.right(WIDTH, TEXT, texts.values, "bold"),
        Polyline(((0, TOP - 5), (WIDTH, TOP - 5)), "rule"),
    ]
    for number, row in enumerate(rows):
        shapes += interval_shapes(row, TOP + ROW * (number + 0.5), axis, pen)
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
    left, right = axis(row.low), axis(row.high)
    yield Polyline(((left, middle), (right, middle)), "whisker")
    for end in (left, right):
        yield Polyline(((end, middle - 3), (end, middle + 3)), "whisker")
    yield Marker(axis(row.value), middle, "dot")


def axis_shapes(axis: Scale, top: float, title: str, pen: Pen) -> Iterator[Shape]:
    """The axis with its ticks, their numbers and its title."""
    yield Polyline(((axis.start, top), (axis.end, top)), "axis")
    for tick in axis.ticks:
        yield Polyline(((axis(tick), top), (axis(tick), top + TICK)), "axis")
        yield pen.centred(axis(tick), top + 14, tick_text(tick), "soft", SMALL)
    yield pen.centred((axis.start + axis.end) / 2, top + 27, title, "soft", SMALL)
