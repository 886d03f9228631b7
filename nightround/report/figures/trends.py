"""Small panels, one a measurement: medians with quartiles at both visits, the groups apart in shape and place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightround.model.result import ResultKey, ResultSet
from nightround.report.figures.axes import Scale, round_ticks
from nightround.report.figures.drawing import SMALL, TEXT, WIDTH, Drawing, Label, Marker, Pen, Point, Polyline, Shape
from nightround.report.figures.guides import grid, legend
from nightround.study.plan import Plan, PlannedTable, Variable

ACROSS = 4
GAP = 14.0
PANEL_HEIGHT = 118.0
LEGEND_HEIGHT = 20.0
TICK_ROOM = 24.0
"""Points left of a panel for the numbers of its axis."""
STYLES = (("dot", "whisker"), ("square", "second"))
"""The marker and the line of the first and of the second group; further groups begin again."""
VISITS = ("before", "after")


@dataclass(frozen=True)
class Spot:
    """A median with its quartiles, in the unit of the variable."""

    q1: float
    median: float
    q3: float


@dataclass(frozen=True)
class TrendPanel:
    """One measurement: a pair of spots a group."""

    title: str
    groups: tuple[tuple[Spot, Spot], ...]


@dataclass(frozen=True)
class TrendTexts:
    """The title of the figure, the names of the groups and of the two visits."""

    title: str
    groups: tuple[str, ...]
    visits: tuple[str, str]


def spot(results: ResultSet, table: str, variable: str, group: str, visit: str) -> Spot | None:
    """What is drawn of one group at one visit, or None where a quartile cannot be estimated."""
    rows = (results.get(ResultKey(table, variable, name, group, visit)) for name in ("q1", "median", "q3"))
    values = [row.value for row in rows if row and row.value is not None]
    return Spot(*values) if len(values) == len(VISITS) + 1 else None


def panel(results: ResultSet, plan: Plan, table: PlannedTable, variable: Variable, title: str) -> TrendPanel | None:
    """The panel of a variable, or None where a group cannot be drawn."""
    groups = []
    for group in plan.groups:
        before, after = (spot(results, table.id, variable.id, group.id, visit) for visit in VISITS)
        if before is None or after is None:
            return None
        groups.append((before, after))
    return TrendPanel(title, tuple(groups))


def trend_drawing(panels: Sequence[TrendPanel], texts: TrendTexts, pen: Pen) -> Drawing:
    """The panels in rows of four, under a legend."""
    slot = (WIDTH + GAP) / ACROSS
    shapes = list(legend(texts.groups, mark_of_group, pen, x=4.0, room=(7, 28, 0)))
    for number, one in enumerate(panels):
        down, along = divmod(number, ACROSS)
        left, top = along * slot, LEGEND_HEIGHT + down * (PANEL_HEIGHT + GAP)
        shapes += panel_shapes(one, (left, top), slot - GAP, texts.visits, pen)
    rows = -(-len(panels) // ACROSS)
    height = LEGEND_HEIGHT + rows * (PANEL_HEIGHT + GAP) - GAP
    return Drawing(WIDTH, height, texts.title, tuple(shapes))


def mark_of_group(number: int, x: float) -> Shape:
    """The marker of a group."""
    return Marker(x, TEXT * 0.65, STYLES[number % len(STYLES)][0])


def panel_shapes(one: TrendPanel, corner: Point, width: float, visits: tuple[str, str], pen: Pen) -> Iterator[Shape]:
    """The title, the axis with its grid, and the groups."""
    left, top = corner
    spots = [found for pair in one.groups for found in pair]
    ticks = round_ticks(min(found.q1 for found in spots), max(found.q3 for found in spots), most=4)
    scale = Scale(ticks, top + PANEL_HEIGHT - 15, top + 17)
    yield Label(left, top + TEXT, one.title, "bold", SMALL)
    yield from grid(scale, left + TICK_ROOM, left + width, pen, gap=4, small=True)
    places = [left + TICK_ROOM + (width - TICK_ROOM) * share for share in (0.26, 0.74)]
    for place, name in zip(places, visits, strict=True):
        yield pen.centred(place, top + PANEL_HEIGHT - 4, name, "soft", SMALL - 1)
    for number, pair in enumerate(one.groups):
        offset = (number - (len(one.groups) - 1) / 2) * 10
        yield from pair_shapes(pair, [place + offset for place in places], scale, number)


def pair_shapes(pair: tuple[Spot, Spot], places: Sequence[float], scale: Scale, number: int) -> Iterator[Shape]:
    """A group's two medians, joined, each with the stroke of its quartiles."""
    marker, line = STYLES[number % len(STYLES)]
    yield Polyline(tuple((x, scale(found.median)) for x, found in zip(places, pair, strict=True)), line)
    for x, found in zip(places, pair, strict=True):
        yield Polyline(((x, scale(found.q1)), (x, scale(found.q3))), line)
        yield Marker(x, scale(found.median), marker, 2.8)
