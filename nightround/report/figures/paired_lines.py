"""A measurement before and after, one thin line a patient, the mean of each group over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightround.report.figures.axes import Scale, round_ticks
from nightround.report.figures.drawing import (
    SMALL,
    TEXT,
    WIDTH,
    Drawing,
    Label,
    Marker,
    Pen,
    Point,
    Polyline,
    Shape,
    Strokes,
)
from nightround.report.figures.guides import grid
from nightround.report.numbers.facts import PatientPair

GAP = 16.0
TOP = 34.0
HEIGHT = 150.0
BOTTOM = 18.0
TICK_ROOM = 28.0
MEANS = ("mean-line", "mean-second")
"""The line of a group's mean; further groups begin again."""


@dataclass(frozen=True)
class PairedPanel:
    """One measurement: its title, and the pairs of each group in the order of the groups."""

    title: str
    groups: tuple[tuple[PatientPair, ...], ...]


@dataclass(frozen=True)
class PairedTexts:
    """The title of the figure, the names of the groups, and of the two visits."""

    title: str
    groups: tuple[str, ...]
    visits: tuple[str, str]


def paired_drawing(panels: Sequence[PairedPanel], texts: PairedTexts, pen: Pen) -> Drawing:
    """The panels side by side; in each the groups side by side on one scale."""
    slot = (WIDTH + GAP) / len(panels)
    shapes: list[Shape] = []
    for number, panel in enumerate(panels):
        shapes += panel_shapes(panel, slot * number, slot - GAP, texts, pen)
    return Drawing(WIDTH, TOP + HEIGHT + BOTTOM, texts.title, tuple(shapes))


def panel_shapes(panel: PairedPanel, left: float, width: float, texts: PairedTexts, pen: Pen) -> Iterator[Shape]:
    """One measurement with its axis."""
    values = [value for pairs in panel.groups for pair in pairs for value in (pair.before, pair.after)]
    scale = Scale(round_ticks(min(values), max(values)), TOP + HEIGHT, TOP)
    yield Label(left, TEXT, pen.lines(panel.title, width, SMALL, "bold")[0], "bold", SMALL)
    yield from grid(scale, left + TICK_ROOM, left + width, pen, gap=4, small=True)
    part = (width - TICK_ROOM) / len(panel.groups)
    for number, pairs in enumerate(panel.groups):
        middle = left + TICK_ROOM + part * (number + 0.5)
        places = (middle - part * 0.23, middle + part * 0.23)
        yield pen.centred(middle, TOP - 8, pen.lines(texts.groups[number], part, SMALL - 1)[0], "plain", SMALL - 1)
        yield from group_shapes(pairs, places, scale, MEANS[number % len(MEANS)])
        for place, name in zip(places, texts.visits, strict=True):
            yield pen.centred(place, TOP + HEIGHT + 12, name, "soft", SMALL - 1.5)


def group_shapes(pairs: Sequence[PatientPair], places: Point, scale: Scale, style: str) -> Iterator[Shape]:
    """A thin line a patient, and the line between the means."""
    ends = (((places[0], scale(pair.before)), (places[1], scale(pair.after))) for pair in pairs)
    yield Strokes(tuple(ends), "patient")
    if pairs:
        means = [sum(values) / len(pairs) for values in zip(*((one.before, one.after) for one in pairs), strict=True)]
        middle = tuple((place, scale(mean)) for place, mean in zip(places, means, strict=True))
        yield Polyline(middle, style)
        yield from (Marker(x, y, "dot" if style == MEANS[0] else "square", 2.6) for x, y in middle)
