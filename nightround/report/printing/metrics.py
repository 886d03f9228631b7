"""How wide a text is in the bundled fonts, so that charts and columns are laid out by numbers, not by eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WIDEST = 1.0
"""Em; the width that is assumed of a character outside the fonts."""


@dataclass(frozen=True)
class FontMetrics:
    """Advance widths in em, by code point, of the regular and the bold face."""

    regular: Mapping[int, float]
    bold: Mapping[int, float]

    def width(self, text: str, *, bold: bool = False) -> float:
        """The width of a text in em, without kerning."""
        widths = self.bold if bold else self.regular
        return sum(widths.get(ord(character), WIDEST) for character in text)


@cache
def read_metrics(fonts: Path) -> FontMetrics:
    """Read the widths of ReportSans from a font folder."""
    return FontMetrics(widths(fonts / "ReportSans-Regular.ttf"), widths(fonts / "ReportSans-Bold.ttf"))


def widths(face: Path) -> dict[int, float]:
    """The advance width in em of each code point of a font file."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    with TTFont(face, lazy=True) as font:
        em, advance = font["head"].unitsPerEm, font["hmtx"]
        return {point: advance[glyph][0] / em for point, glyph in font.getBestCmap().items()}


@cache
def printable(fonts: Path) -> frozenset[int]:
    """Every code point that a font in the folder can print."""
    return frozenset(point for face in sorted(fonts.glob("*.ttf")) for point in widths(face))
