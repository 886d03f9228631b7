"""What figures show otherwise than their own words and the result rows say, read from their shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from nightround.model.result import ResultSet
from nightround.report.numbers.facts import PatientPair
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.self_audit.audit_page import INTERVAL
from nightround.report.self_audit.audit_rows import Contradiction
from nightround.report.tables.views import Figure
from redcap_sync.messages import Message
from tests.shape_curves import contradictions_of_curve
from tests.shape_reader import (
    Box,
    Drawn,
    Panel,
    Ruler,
    Word,
    panels_of,
    read_drawing,
    ruler_below,
    value_of,
)

ABOVE_BASELINE = 3.15
"""Points; what belongs to a word of 9 points is drawn so far above its baseline."""
BAR_LEAST = 10.0
"""Points; lower boxes of a shade belong to the legend."""
MARKER_MOST = 8.0
MARKS = frozenset({"dot", "square", "published"})
WHISKERS = ("whisker", "published")
COUNT_OFF = 1e-3
EVERYBODY = 100.0
SAME_ROW = 2.0
"""Points; rows are further apart."""


def contradictions_of_figures(figures: Iterable[Figure], inputs: ReportInputs) -> Iterator[Contradiction]:
    """What the figures of a report show otherwise than their words and the result rows say."""
    for figure in figures:
        where, seen = f"figure {figure.number}", read_drawing(figure.drawing)
        yield from intervals_against_words(where, seen)
        yield from bars_against_counts(where, seen)
        yield from panels_against_rows(where, seen, inputs)
        yield from patients_against_pairs(where, seen, inputs)
        for curve in inputs.plan.survival:
            if figure.title in {curve.label.zh, curve.label.en}:
                yield from contradictions_of_curve(where, seen, curve, inputs)


def intervals_against_words(where: str, seen: Drawn) -> Iterator[Contradiction]:
    """Each printed estimate with its interval is drawn at its place on the axis."""
    printed = [(y, found) for y, text in lines_of_words(seen) if (found := INTERVAL.search(text))]
    ruler = ruler_below(seen) if printed else None
    for y, found in printed:
        if ruler is None:
            yield Contradiction(where, Message.read(f"{found[0]!r} is printed, and no axis says where it belongs"))
            continue
        texts = [found[name] for name in ("low", "value", "high")]
        places = places_of_interval(y, seen)
        wrong = [text for text, place in zip(texts, places, strict=True) if not is_drawn(text, place, ruler)]
        if wrong:
            yield Contradiction(where, Message.read(f"{', '.join(wrong)} of {found[0]!r} is drawn somewhere else"))


def lines_of_words(seen: Drawn) -> Iterator[tuple[float, str]]:
    """The words of one baseline put together, from left to right."""
    for y in sorted({word.y for word in seen.words}):
        yield y, " ".join(word.text for word in sorted(seen.words) if word.y == y)


def places_of_interval(baseline: float, seen: Drawn) -> tuple[float | None, float | None, float | None]:
    """Where the lower end, the estimate and the upper end of a line of the figure are drawn."""
    middle = baseline - ABOVE_BASELINE
    level = [line for style in WHISKERS for line in seen.lines_of(style) if line.level]
    ends = [x for line in level if abs(line.points[0][1] - middle) <= SAME_ROW for x, _ in line.points]
    marks = [x for x, y in marks_of(seen) if abs(y - middle) <= SAME_ROW]
    return (min(ends), marks[0] if marks else None, max(ends)) if ends else (None, None, None)


def marks_of(seen: Drawn) -> list[tuple[float, float]]:
    """Where the markers of a figure point to."""
    return [box.middle for box in seen.boxes if box.style in MARKS and box.width <= MARKER_MOST]


def is_drawn(text: str, place: float | None, ruler: Ruler) -> bool:
    """Whether a printed number is at its place; beyond the axis it is at its end, or has no mark."""
    value = value_of(text) or 0.0
    low, high = sorted(ruler.values)
    if not low <= value <= high:
        return place is None or ruler.at_end(place)
    decimals = len(text.partition(".")[2])
    return place is not None and ruler.shows(place, value, 10.0**-decimals)


def bars_against_counts(where: str, seen: Drawn) -> Iterator[Contradiction]:
    """The segments of a bar are as wide as their counts say.

    A bar is as long as every other, or else its segments are as long as their counts on the axis.
    """
    rows: dict[float, list[Box]] = {}
    for box in seen.boxes:
        if box.style.startswith("shade") and box.height >= BAR_LEAST:
            rows.setdefault(box.y, []).append(box)
    for boxes in rows.values():
        counted = [(box, count) for box in boxes if (count := count_in(box, seen.words)) is not None]
        for (one, count), (other, others) in pairwise(counted):
            if abs(one.width * others - other.width * count) > (count + others) * 1e-4:
                yield Contradiction(
                    where, Message.read(f"segments of {count:g} and {others:g} are not as wide as that")
                )
    lengths = {round(sum(box.width for box in boxes), 0) for boxes in rows.values()}
    ruler = ruler_below(seen) if len(lengths) > 1 else None
    if len(lengths) > 1 and not (ruler and all(on_axis(box, seen, ruler) for one in rows.values() for box in one)):
        yield Contradiction(where, Message.read("its bars are not equally long"))


def on_axis(box: Box, seen: Drawn, ruler: Ruler) -> bool:
    """Whether a segment is as long on the axis as the count that is printed in it; the first ones begin at zero."""
    count, length = count_in(box, seen.words), ruler.read(box.x + box.width) - ruler.read(box.x)
    return abs(length - (round(length) if count is None else count)) < COUNT_OFF


def count_in(box: Box, words: Iterable[Word]) -> float | None:
    """The count that is printed in a segment."""
    inside = (w for w in words if box.x <= w.x <= box.x + box.width and box.y <= w.y <= box.y + box.height)
    return next((value for word in inside if (value := value_of(word.text)) is not None), None)


def panels_against_rows(where: str, seen: Drawn, inputs: ReportInputs) -> Iterator[Contradiction]:
    """Marks and curves over a vertical axis show numbers of the result rows, those of one variable a panel."""
    for panel in panels_of(seen):
        if panel is None:
            yield Contradiction(where, Message.read("the numbers of a vertical axis are not where its lines are"))
            continue
        marks = [y for x, y in marks_of(seen) if panel.holds(x, y)]
        if marks and not any(all_shown(marks, panel, values) for values in values_of_variables(inputs)):
            yield Contradiction(where, Message.read("a panel's marks are the numbers of no variable"))
        levels = [y for line in seen.lines_of("curve") for _, y in line.points if panel.holds(line.points[0][0], y)]
        if levels and not all_shown(levels, panel, levels_of_curves(inputs.results)):
            yield Contradiction(where, Message.read("a curve runs through what no result row says"))
        tops = [box.y for box in seen.boxes if box.style == "month" and panel.holds(box.x, box.y)]
        if tops and not all_shown(tops, panel, entered_in_months(inputs.results)):
            yield Contradiction(where, Message.read("a bar shows a month in which others entered"))


def patients_against_pairs(where: str, seen: Drawn, inputs: ReportInputs) -> Iterator[Contradiction]:
    """The lines of a panel run from a measurement before to the same patient's after, each pair of a variable once."""
    drawn = [Counter((rounded(one.before), rounded(one.after)) for one in pairs) for pairs in inputs.pairs.values()]
    for panel in (panel for panel in panels_of(seen) if panel and seen.strokes):
        ends = [(y0, y1) for (x, y0), (_, y1) in seen.strokes if panel.holds(x, y0)]
        if Counter((rounded(panel.ruler.read(y0)), rounded(panel.ruler.read(y1))) for y0, y1 in ends) not in drawn:
            yield Contradiction(where, Message.read("the lines of the patients are not their pairs of measurements"))


def rounded(value: float) -> float:
    """A measurement without the noise of having been drawn."""
    return round(value, 4)


def all_shown(places: Iterable[float], panel: Panel, values: Iterable[float]) -> bool:
    """Whether each place is that of one of the values."""
    known = list(values)
    return all(any(panel.ruler.shows(place, value) for value in known) for place in places)


def values_of_variables(inputs: ReportInputs) -> Iterator[list[float]]:
    """The medians of each variable, then the means of each that is drawn patient by patient."""
    medians: dict[tuple[str, str], list[float]] = {}
    for row in inputs.results:
        if row.statistic == "median" and row.value is not None:
            medians.setdefault((row.table, row.variable), []).append(row.value)
    yield from medians.values()
    for pairs in inputs.pairs.values():
        yield [mean for group in {pair.group for pair in pairs} for mean in means_of(pairs, group)]


def means_of(pairs: Iterable[PatientPair], group: str) -> tuple[float, float]:
    """The means of a group before and after."""
    mine = [pair for pair in pairs if pair.group == group]
    return sum(pair.before for pair in mine) / len(mine), sum(pair.after for pair in mine) / len(mine)


def levels_of_curves(results: ResultSet) -> list[float]:
    """Every height a curve may have: enrolled so far, or still free of the event."""
    rows = (row for row in results if (row.table, row.statistic) in {("accrual", "cumulative"), ("survival", "step")})
    return [0.0, EVERYBODY, *(row.value for row in rows if row.value is not None)]


def entered_in_months(results: ResultSet) -> list[float]:
    """How many entered in each month that somebody entered in."""
    so_far = [row.value or 0.0 for row in results if (row.table, row.statistic) == ("accrual", "cumulative")]
    return [here - before for before, here in pairwise([0.0, *so_far])]
