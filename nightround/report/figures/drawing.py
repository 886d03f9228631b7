"""Figures as plain shapes with every position computed, so that a template only writes them down.

Text is placed by its left end: WeasyPrint turns each centred or right-bound SVG text into a transparency group,
which is slow and not allowed in PDF/A-1. Units are points of the figure; `style` names a look in figure.svg.j2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from nightround.report.printing.cleaning import spaced
from nightround.report.printing.metrics import FontMetrics

Point = tuple[float, float]

TEXT = 9.0
"""The size of ordinary text in a figure."""
SMALL = 8.0
WIDTH = 482.0
"""Points; the 170 mm between the margins of the page."""
HALF = 232.0
"""Points; the width of a figure that is next to another."""
TICK = 4.0
CLOSING_MARKS = frozenset("，。；：、！？）》”’%")
"""Marks that may not begin a line."""
GLUE = frozenset(" \u00a0")


@dataclass(frozen=True)
class Rect:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    style: str
    kind: ClassVar[str] = "rect"


@dataclass(frozen=True)
class Polyline:
    """A line through points; `arrow` puts a head at its end."""

    points: tuple[Point, ...]
    style: str
    arrow: bool = False
    kind: ClassVar[str] = "polyline"

    @property
    def path(self) -> str:
        """The points as SVG wants them."""
        return " ".join(f"{x:.2f},{y:.2f}" for x, y in self.points)

    @property
    def head(self) -> str:
        """The three corners of the arrow head, along the last piece of the line."""
        (x0, y0), (x1, y1) = self.points[-2:]
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        along = ((x1 - x0) / length, (y1 - y0) / length)
        back = (x1 - 6 * along[0], y1 - 6 * along[1])
        across = (-along[1] * 3, along[0] * 3)
        corners = ((x1, y1), (back[0] + across[0], back[1] + across[1]), (back[0] - across[0], back[1] - across[1]))
        return " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)


@dataclass(frozen=True)
class Label:
    """A line of text; `x` is its left end and `y` its baseline."""

    x: float
    y: float
    text: str
    style: str = "plain"
    size: float = TEXT
    kind: ClassVar[str] = "label"


@dataclass(frozen=True)
class Marker:
    """The mark of a series: a filled dot or an open square, so that it is distinguished without colour."""

    x: float
    y: float
    style: str
    size: float = 3.2
    kind: ClassVar[str] = "marker"


@dataclass(frozen=True)
class Strokes:
    """Many separate lines of one style, as one shape: a hundred lines are as quick as one."""

    lines: tuple[tuple[Point, Point], ...]
    style: str
    kind: ClassVar[str] = "strokes"

    @property
    def path(self) -> str:
        """The lines as SVG wants them."""
        return "".join(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" for (x0, y0), (x1, y1) in self.lines)


Shape = Rect | Polyline | Label | Marker | Strokes


@dataclass(frozen=True)
class Drawing:
    """A figure: its size in points and its shapes, the first one lowest. `title` is read aloud."""

    width: float
    height: float
    title: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Pen:
    """Places text by the widths of the font."""

    metrics: FontMetrics

    def width(self, text: str, size: float = TEXT, style: str = "plain") -> float:
        """The width of a text in points."""
        return size * self.metrics.width(spaced(text), bold=style == "bold")

    def centred(self, x: float, y: float, text: str, style: str = "plain", size: float = TEXT) -> Label:
        """A text whose middle is at x."""
        return Label(x - self.width(text, size, style) / 2, y, text, style, size)

    def right(self, x: float, y: float, text: str, style: str = "plain", size: float = TEXT) -> Label:
        """A text that ends at x."""
        return Label(x - self.width(text, size, style), y, text, style, size)

    def lines(self, text: str, width: float, size: float = TEXT, style: str = "plain") -> tuple[str, ...]:
        """Break a text into lines of at most `width`: at spaces, and between Chinese characters."""
        lines = [""]
        for piece in pieces(spaced(text)):
            if self.width((lines[-1] + piece).rstrip(), size, style) > width and lines[-1]:
                lines.append(piece.lstrip())
            else:
                lines[-1] += piece
        return tuple(line.rstrip() for line in lines)


def pieces(text: str) -> Iterator[str]:
    """What may not be broken: a word with the space after it, a Chinese character with the marks after it."""
    piece = ""
    for character in text:
        starts = piece.endswith(" ") or ((is_wide(character) or is_wide(piece[-1:])) and character not in GLUE)
        if piece and starts and character not in CLOSING_MARKS and not piece.endswith("\u00a0"):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def is_wide(character: str) -> bool:
    """Whether a character is Chinese script or one of its marks."""
    return "\u2e80" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
