"""Stacked bars of shares, or of counts: each level a shade, the count in its segment, readable without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightround.report.figures.axes import PERCENT_TICKS, Scale, round_ticks
from nightround.report.figures.drawing import SMALL, TEXT, WIDTH, Drawing, Label, Pen, Rect, Shape
from nightround.report.figures.guides import axis_below, axis_title, legend, numbers_of

LABEL_WIDTH = 128.0
BAR = 15.0
ROW = 21.0
LEGEND_HEIGHT = 22.0
AXIS_ROOM = 32.0
SHADES = 5
"""Shades from light to dark in figure.css; more levels begin again."""
FEWEST = 5
"""An axis of counts reaches that far at least, so that no tick is a fraction."""
DARK_FROM = 3
"""From this shade on the count is printed in white."""


@dataclass(frozen=True)
class Bar:
    """A bar with the count of each level, in the order of the levels."""

    label: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class BarTexts:
    """The title of the figure, the names of the levels, and the title of the axis."""

    title: str
    levels: tuple[str, ...]
    axis: str


def bar_drawing(bars: Sequence[Bar], texts: BarTexts, pen: Pen, *, counted: bool = False) -> Drawing:
    """Draw the bars from above to below: each as long as the whole axis, or, where `counted`, as its counts."""
    longest = max((sum(bar.counts) for bar in bars), default=0)
    ticks = round_ticks(0, max(longest, FEWEST)) if counted else PERCENT_TICKS
    scale = Scale(ticks, LABEL_WIDTH, WIDTH - 12)
    bottom = LEGEND_HEIGHT + ROW * len(bars)
    shapes = list(legend(texts.levels, shade, pen, x=LABEL_WIDTH, room=(13, 30, 1)))
    for number, bar in enumerate(bars):
        unit = 1.0 if counted else PERCENT_TICKS[-1] / max(sum(bar.counts), 1)
        shapes += bar_shapes(bar, LEGEND_HEIGHT + ROW * number, unit, scale, pen)
    shapes += [*axis_below(scale, bottom, numbers_of(scale), pen), axis_title(scale, bottom, texts.axis, pen)]
    return Drawing(WIDTH, bottom + AXIS_ROOM, texts.title, tuple(shapes))


def shade(number: int, x: float) -> Shape:
    """The mark of a level: its shade."""
    return Rect(x, 2, 9, 9, f"shade{number % SHADES}")


def bar_shapes(bar: Bar, top: float, unit: float, scale: Scale, pen: Pen) -> Iterator[Shape]:
    """The label and the segments, `unit` of the axis for one; a count that does not fit its segment is left out."""
    yield Label(0, top + BAR * 0.5 + TEXT * 0.35, bar.label)
    before = 0
    for number, count in enumerate(bar.counts):
        if not count:
            continue
        left, right = scale(unit * before), scale(unit * (before + count))
        before += count
        yield Rect(left, top, right - left, BAR, f"shade{number % SHADES}")
        if pen.width(str(count), SMALL) + 3 < right - left:
            style = "white" if number % SHADES >= DARK_FROM else "plain"
            yield pen.centred((left + right) / 2, top + BAR * 0.5 + SMALL * 0.35, str(count), style, SMALL)
