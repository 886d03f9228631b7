"""Figures read back from their shapes: words, lines and boxes, and the values that the axes give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import NamedTuple

from nightround.report.figures.drawing import Drawing, Label, Marker, Point, Polyline, Rect

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PEN = 2e-6
"""Points; how far a place is off at most."""
TICK_LONGEST = 6.0
"""Points; a longer line of an axis is the axis itself."""
UNDER = 20.0
"""Points; the number of a stroke is with its baseline at most so far below it."""
BASELINE = 4.0
"""Points; the number of a horizontal line is with its baseline at most so far below it."""


class Word(NamedTuple):
    """A text: its left end, its baseline, and its style."""

    x: float
    y: float
    text: str
    style: str


class DrawnLine(NamedTuple):
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    style: str

    @property
    def level(self) -> bool:
        """Whether it runs from left to right, all at one height."""
        return len({y for _, y in self.points}) == 1 and len({x for x, _ in self.points}) > 1


class Box(NamedTuple):
    """A rectangle by its upper left corner; markers are small ones."""

    x: float
    y: float
    width: float
    height: float
    style: str

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle, which is where a marker points to."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass
class Drawn:
    """One figure as it was drawn."""

    words: list[Word] = field(default_factory=list)
    lines: list[DrawnLine] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    strokes: list[tuple[Point, Point]] = field(default_factory=list)
    """The line of each patient."""

    def lines_of(self, style: str) -> list[DrawnLine]:
        """The lines of one style."""
        return [line for line in self.lines if line.style == style]


def read_drawing(drawing: Drawing) -> Drawn:
    """The words, lines and boxes of a drawing; a marker is the box it fills."""
    seen = Drawn()
    for shape in drawing.shapes:
        if isinstance(shape, Label):
            seen.words.append(Word(exact(shape.x), exact(shape.y), shape.text, shape.style))
        elif isinstance(shape, Polyline):
            seen.lines.append(DrawnLine(tuple((exact(x), exact(y)) for x, y in shape.points), shape.style))
        elif isinstance(shape, Rect):
            seen.boxes.append(Box(exact(shape.x), exact(shape.y), shape.width, shape.height, shape.style))
        elif isinstance(shape, Marker):
            left, top, size = shape.x - shape.size, shape.y - shape.size, 2 * shape.size
            seen.boxes.append(Box(left, top, size, size, shape.style))
        else:
            seen.strokes += shape.lines
    return seen


def exact(place: float) -> float:
    """A place without the noise of its last bits, so that equal places are equal."""
    return round(place, 6)


@dataclass(frozen=True)
class Ruler:
    """An axis: two places on it with their values. `reach` are its ends in points, the lesser first."""

    places: tuple[float, float]
    values: tuple[float, float]
    reach: tuple[float, float]
    logarithmic: bool = False

    def read(self, place: float) -> float:
        """The value at a place, in the unit of the axis."""
        share = (place - self.places[0]) / (self.places[1] - self.places[0])
        first, last = self.values
        if self.logarithmic:
            return exp(log(first) + share * (log(last) - log(first)))
        return first + share * (last - first)

    def shows(self, place: float, value: float, unit: float = 0.0) -> bool:
        """Whether a place is that of a value printed to a unit, as exactly as it is drawn."""
        ends = sorted((self.read(place - PEN), self.read(place + PEN)))
        return ends[0] - unit / 2 * 1.001 <= value <= ends[1] + unit / 2 * 1.001

    def at_end(self, place: float) -> bool:
        """Whether a place is an end of the axis, where everything beyond it is drawn."""
        return min(abs(place - end) for end in self.reach) <= PEN


def value_of(text: str) -> float | None:
    """The number that a text is, or None."""
    plain = text.strip().replace("\u2212", "-")
    return float(plain) if NUMBER.fullmatch(plain) else None


def ruler_of(ticks: Sequence[tuple[float, float]]) -> Ruler | None:
    """The axis through ticks (place, value), straight or logarithmic; None where neither goes through all of them."""
    if len(ticks) < 2:
        return None
    ordered = sorted(ticks)
    (low, first), (high, last) = ordered[0], ordered[-1]
    for logarithmic in (False, True):
        if first == last or (logarithmic and min(first, last) <= 0):
            continue
        ruler = Ruler((low, high), (first, last), (low, high), logarithmic)
        if all(ruler.shows(place, value) for place, value in ordered):
            return ruler
    return None


def ruler_below(figure: Drawn) -> Ruler | None:
    """The horizontal axis: its short strokes with the numbers under them. Where strokes are dense, some have none."""
    strokes = [line.points[0] for line in figure.lines_of("axis") if is_stroke(line)]
    ticks = []
    for word in figure.words:
        value = value_of(word.text) if word.style == "soft" else None
        above = [x for x, y in strokes if y < word.y < y + UNDER and x >= word.x]
        if value is not None and above:
            ticks.append((min(above), value))  # a number is centred, so its stroke is the next one to the right
    return ruler_of(ticks)


def is_stroke(line: DrawnLine) -> bool:
    """Whether a line of an axis is one of its short strokes."""
    (x0, y0), (x1, y1) = line.points[0], line.points[-1]
    return x0 == x1 and abs(y1 - y0) <= TICK_LONGEST


class Panel(NamedTuple):
    """A part of a figure with an axis of its own on the left."""

    left: float
    right: float
    ruler: Ruler

    def holds(self, x: float, y: float) -> bool:
        """Whether a place lies on it."""
        low, high = self.ruler.reach
        return self.left - PEN <= x <= self.right + PEN and low - PEN <= y <= high + PEN


def panels_of(figure: Drawn) -> Iterator[Panel | None]:
    """Each part whose level lines carry numbers at their left; None for one whose numbers make no axis."""
    spans: dict[tuple[float, float, int], list[float]] = {}
    for line in figure.lines_of("grid"):
        (left, y), (right, _) = line.points[0], line.points[-1]
        spans.setdefault((left, right, row_of(y, left, figure)), []).append(y)
    for (left, right, _), heights in spans.items():
        ticks = [(y, value) for y in heights if (value := number_beside(figure.words, left, y)) is not None]
        ruler = ruler_of(ticks)
        yield Panel(left, right, ruler) if ruler and len(ticks) == len(heights) else None


def row_of(y: float, left: float, figure: Drawn) -> int:
    """Which row of panels a height belongs to: rows begin with their titles, set in bold."""
    titles = {word.y for word in figure.words if word.style == "bold" and word.x < left}
    return sum(title < y for title in titles)


def number_beside(words: Iterable[Word], left: float, y: float) -> float | None:
    """The number that stands left of the end of a level line."""
    beside = [word for word in words if word.x < left and 0 <= word.y - y <= BASELINE]
    found = [(left - word.x, value) for word in beside if (value := value_of(word.text)) is not None]
    return min(found)[1] if found else None
