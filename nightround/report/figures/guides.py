"""What figures are read by: a grid with its numbers, an axis below with its ticks, a legend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from nightround.report.figures.axes import Scale, tick_text
from nightround.report.figures.drawing import SMALL, TEXT, TICK, Label, Pen, Polyline, Shape

ABOVE_NUMBERS, ABOVE_TITLE = 14.0, 27.0
"""From an axis down to the baseline of its numbers and of its title."""
APART = 3.0
"""Between two numbers of an axis, where not all of them have room."""


def grid(scale: Scale, left: float, right: float, pen: Pen, *, gap: float, small: bool = False) -> Iterator[Shape]:
    """A line at each tick of an upright axis, with its number at the left, `small` in a panel."""
    size, drop = (SMALL - 1, 2.6) if small else (SMALL, 3)
    for tick in scale.ticks:
        yield Polyline(((left, scale(tick)), (right, scale(tick))), "grid")
        yield pen.right(left - gap, scale(tick) + drop, tick_text(tick), "soft", size)


def numbers_of(scale: Scale) -> Iterator[tuple[float, str]]:
    """The ticks of an axis with the numbers that they stand for."""
    return ((tick, tick_text(tick)) for tick in scale.ticks)


def axis_below(
    scale: Scale, y: float, named: Iterable[tuple[float, str]], pen: Pen, *, beyond: float = 0.0, sparing: bool = False
) -> Iterator[Shape]:
    """A level axis with a tick and a name at some of its values, longer by `beyond` at its end.

    `sparing` leaves out what would run into the name before it.
    """
    yield Polyline(((scale.start, y), (scale.end + beyond, y)), "axis")
    free = 0.0
    for value, text in named:
        name = pen.centred(scale(value), y + ABOVE_NUMBERS, text, "soft", SMALL)
        if sparing and name.x <= free:
            continue
        yield Polyline(((scale(value), y), (scale(value), y + TICK)), "axis")
        yield name
        free = name.x + pen.width(text, SMALL) + APART


def axis_title(scale: Scale, y: float, title: str, pen: Pen) -> Label:
    """What an axis measures, below its numbers."""
    return pen.centred((scale.start + scale.end) / 2, y + ABOVE_TITLE, title, "soft", SMALL)


def legend(
    names: Sequence[str], mark: Callable[[int, float], Shape], pen: Pen, *, x: float, room: tuple[float, float, float]
) -> Iterator[Shape]:
    """Each series' mark with its name, one next to the other.

    `mark` makes the mark of a number at a place; `room` is from there to the name, behind a name, and down from the
    ordinary baseline.
    """
    to_name, behind, lower = room
    for number, name in enumerate(names):
        yield mark(number, x)
        yield Label(x + to_name, TEXT + lower, name)
        x += pen.width(name) + behind
