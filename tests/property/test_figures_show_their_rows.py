"""Figures of random result rows, read back from their shapes: they show what the rows say, and nothing else.

The report draws from result rows and writes the shapes down as they are. That a drawing equals its rows is proven
here, over random studies and with a fault of each kind planted; at run time only the words of a figure are compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.model.language import LANGUAGES, Language
from nightround.model.result import ResultSet
from nightround.report.figures.drawing import Label, Marker, Polyline, Rect, Shape, Strokes
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.context import ReportContext, build_report
from nightround.report.printing.render import html
from nightround.report.self_audit.audit_page import INTERVAL, contradictions_of_page, notes_against_rows
from nightround.report.tables.views import Figure
from tests.interim_samples import edition_of, snapshot_of
from tests.report_samples import TEMPLATES, night
from tests.shape_reader import panels_of, read_drawing, ruler_of
from tests.shape_values import contradictions_of_figures

NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
SEEDS = st.integers(0, 10_000)
FIXED = (1, 2, 3)
"""Random studies in which each fault is planted."""


def random_patients(seed: int) -> Iterator[dict[str, str]]:
    """The rows of an export: random values, some missing, in a cohort of random size."""
    random = np.random.default_rng(seed)
    count, missing, scale = int(random.integers(14, 60)), random.uniform(0, 0.15), 10.0 ** random.integers(-1, 4)
    for number in range(1, count + 1):
        month, shut = int(random.integers(1, 10)), random.random() < 0.4
        values = {
            "entered": f"2026-{month:02d}-{int(random.integers(1, 28)):02d}",
            "seen": f"2026-{month + 2:02d}-{int(random.integers(1, 28)):02d}",
            "sex": str(random.integers(1, 3)),
            "age": str(random.integers(18, 90)),
            "side": str(random.integers(1, 3)),
            "days": str(random.integers(1, 400)),
            "knee_0": f"{random.normal(45, 4):.1f}",
            "knee_6": f"{random.normal(44 + shut, 4):.1f}",
            "pts_0": str(random.integers(0, 2)),
            "pts_6": str(random.integers(0, 2)),
            "plt_0": f"{scale * random.uniform(1, 3):.3f}",
            "plt_6": f"{scale * random.uniform(1, 3):.3f}",
        }
        kept = {name: "" if random.random() < missing else value for name, value in values.items()}
        finished = "0" if random.random() < 0.1 else "1"
        yield {"record_id": str(number), **kept, "finished": finished, "patency": "0" if shut else "1"}


@cache
def random_report(seed: int) -> ReportInputs:
    """What the report of a random study says."""
    snapshot = snapshot_of(list(random_patients(seed)))
    return inputs_of(edition_of(snapshot), snapshot)


@cache
def context_of(seed: int, language: Language = "en") -> ReportContext:
    """The report of a random study in one language."""
    return build_report(random_report(seed), language, TEMPLATES)


@settings(max_examples=25)
@given(SEEDS, st.sampled_from(LANGUAGES))
def test_what_is_read_from_the_shapes_is_what_the_rows_say(seed: int, language: Language) -> None:
    """Estimates, intervals, bars, medians, means, patients, curves, months and numbers at risk, in both languages."""
    figures = context_of(seed, language).figures
    assert len(figures) > 5
    assert list(contradictions_of_figures(figures, random_report(seed))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_of_a_made_up_night_show_its_rows(language: Language) -> None:
    """So do rows that no cohort gave, with estimates that cannot be drawn among them."""
    context = build_report(night(), language, TEMPLATES)
    assert context.figures
    assert list(contradictions_of_figures(context.figures, night())) == []


Wanted = Callable[[Figure, Shape], bool]


@dataclass(frozen=True)
class Fault:
    """A shape that is drawn otherwise than its rows say: which one, and how."""

    wanted: Wanted
    spoil: Callable[[Any], Shape]


def styled(kind: type[Shape], *styles: str) -> Wanted:
    """Shapes of a kind and style."""
    return lambda _, shape: isinstance(shape, kind) and shape.style in styles


def in_intervals(wanted: Wanted) -> Wanted:
    """Shapes of a figure that prints intervals."""
    return lambda figure, shape: (
        wanted(figure, shape)
        and any(INTERVAL.search(one.text) for one in figure.drawing.shapes if isinstance(one, Label))
    )


def of_survival(wanted: Wanted) -> Wanted:
    """Shapes of a figure that has a curve with its interval."""
    return lambda figure, shape: (
        wanted(figure, shape)
        and any(isinstance(one, Polyline) and one.style == "limit" for one in figure.drawing.shapes)
    )


def of_panels(wanted: Wanted) -> Wanted:
    """Shapes of a figure with axes on the left, without a curve."""
    return lambda figure, shape: (
        wanted(figure, shape)
        and not any(isinstance(one, Label) and INTERVAL.search(one.text) for one in figure.drawing.shapes)
    )


def on_axis(_: Figure, shape: Shape) -> bool:
    """A mark that is no part of a legend: it lies below the first row."""
    return isinstance(shape, Marker) and shape.y > 20


def turned(index: int, dx: float = 0.0, dy: float = 0.0) -> Callable[[Polyline], Polyline]:
    """A line on which one of its points is moved."""

    def move(line: Polyline) -> Polyline:
        points = list(line.points)
        place = min(index, len(points) - 1)
        points[place] = (points[place][0] + dx, points[place][1] + dy)
        return replace(line, points=tuple(points))

    return move


def last_moved(line: Polyline) -> Polyline:
    """A line that runs on too far."""
    return turned(len(line.points) - 1, dx=4.0)(line)


def stroke_moved(strokes: Strokes) -> Strokes:
    """The lines of patients, one of which ends elsewhere."""
    (begin, (x, y)), *others = strokes.lines
    return replace(strokes, lines=((begin, (x, y + 0.5)), *others))


FAULTS: dict[str, Fault] = {
    "an estimate": Fault(in_intervals(on_axis), lambda one: replace(one, x=one.x + 3)),
    "the end of an interval": Fault(in_intervals(styled(Polyline, "whisker")), turned(0, dx=8)),
    "a median or a mean": Fault(of_panels(on_axis), lambda one: replace(one, y=one.y + 0.5)),
    "a patient": Fault(styled(Strokes, "patient"), stroke_moved),
    "a segment of a bar": Fault(
        lambda _, one: isinstance(one, Rect) and one.style.startswith("shade") and one.height > 10 and one.width > 10,
        lambda one: replace(one, width=one.width + 9),
    ),
    "a step of a curve": Fault(styled(Polyline, "curve"), turned(4, dy=1)),
    "when a curve falls": Fault(of_survival(styled(Polyline, "curve")), turned(1, dx=3)),
    "how far a curve falls": Fault(of_survival(styled(Polyline, "curve")), turned(4, dy=0.5)),
    "an interval of a curve": Fault(styled(Polyline, "limit"), turned(4, dy=1)),
    "how far a curve runs": Fault(of_survival(styled(Polyline, "curve")), last_moved),
    "a number at risk": Fault(
        of_survival(lambda _, one: isinstance(one, Label) and one.style == "plain" and one.text.isdigit()),
        lambda one: replace(one, x=one.x + 25),
    ),
    "a month of enrolment": Fault(styled(Rect, "month"), lambda one: replace(one, y=one.y + 2)),
    "a line of an axis": Fault(styled(Polyline, "grid"), turned(0, dy=5)),
}


def planted(figures: tuple[Figure, ...], fault: Fault) -> list[Figure]:
    """The figures with a fault in the first shape that can have it."""
    for number, figure in enumerate(figures):
        shapes = list(figure.drawing.shapes)
        for place, shape in enumerate(shapes):
            if fault.wanted(figure, shape):
                shapes[place] = fault.spoil(shape)
                spoilt = replace(figure, drawing=replace(figure.drawing, shapes=tuple(shapes)))
                return [*figures[:number], spoilt, *figures[number + 1 :]]
    raise AssertionError("no figure has such a shape")


@pytest.mark.parametrize("seed", FIXED)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_shape_that_shows_something_else_is_found(kind: str, seed: int) -> None:
    """Moved marks, ends, segments, curves, months, numbers at risk and axes are contradictions."""
    figures = planted(context_of(seed).figures, FAULTS[kind])
    assert list(contradictions_of_figures(figures, random_report(seed)))


@pytest.mark.parametrize("seed", FIXED)
def test_a_curve_is_that_of_its_own_rows(seed: int) -> None:
    """Each line of the figure is that of the rows: with another step, low end or number at risk it is not."""
    inputs, figures = random_report(seed), context_of(seed).figures
    for statistic in ("step", "step_low", "step_high", "at_risk"):
        rows = [row for row in inputs.results if (row.table, row.statistic) == ("survival", statistic)]
        other = replace(rows[0], value=(rows[0].value or 0) - 1, text="999")
        results = ResultSet(other if row is rows[0] else row for row in inputs.results)
        found = list(contradictions_of_figures(figures, replace(inputs, results=results)))
        assert len([one for one in found if "risk at" in one.why or "a curve or its interval" in one.why]) == 1


def test_every_kind_of_figure_is_read() -> None:
    """Intervals, bars, panels and the lines of patients are found; none is passed over unread."""
    drawn = [read_drawing(figure.drawing) for figure in context_of(FIXED[0]).figures]
    assert any(INTERVAL.search(word.text) for seen in drawn for word in seen.words)
    assert any(box.style.startswith("shade") for seen in drawn for box in seen.boxes)
    assert [panel for seen in drawn for panel in panels_of(seen)]
    assert any(seen.strokes for seen in drawn)


def test_an_axis_is_straight_or_logarithmic_or_none() -> None:
    """Ticks decide which it is; ticks that fit neither make no axis."""
    straight, bent = ruler_of([(0, 0), (50, 5), (100, 10)]), ruler_of([(0, 1), (50, 10), (100, 100)])
    assert straight is not None
    assert straight.read(25) == pytest.approx(2.5)
    assert bent is not None
    assert bent.read(75) == pytest.approx(10**1.5)
    assert ruler_of([(0, 1), (50, 3), (100, 4)]) is None


class ShapesOfPage(HTMLParser):
    """Reads every shape of every figure on a page: its tag, its style and its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: list[list[tuple[str, str]]] = []
        self.places: list[float] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a shape."""
        about = {name: value or "" for name, value in attrs}
        if tag == "svg":
            self._inside = about.get("class") == "figure"
            self.figures += [[]] if self._inside else []
        names = {"rect": ("x", "y", "width", "height"), "polyline": ("points",), "text": ("x", "y"), "path": ("d",)}
        if self._inside and tag in names:
            self.figures[-1].append((tag, about["class"]))
            self.places += (float(found) for name in names[tag] for found in NUMBERS.findall(about[name]))


def written(shape: Shape) -> tuple[str, tuple[float, ...]]:
    """The tag of a shape on a page, and its numbers."""
    if isinstance(shape, Rect):
        return "rect", (shape.x, shape.y, shape.width, shape.height)
    if isinstance(shape, Marker):
        return "rect", (shape.x - shape.size, shape.y - shape.size, shape.size * 2, shape.size * 2)
    if isinstance(shape, Label):
        return "text", (shape.x, shape.y)
    if isinstance(shape, Polyline):
        return "polyline", tuple(place for point in shape.points for place in point)
    return "path", tuple(place for line in shape.lines for point in line for place in point)


@pytest.mark.parametrize("seed", FIXED)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_writes_down_each_shape_as_it_was_drawn(seed: int, language: Language) -> None:
    """What was read from the shapes is on the page, to a hundredth of a point; lines of patients to a tenth."""
    context = context_of(seed, language)
    reader = ShapesOfPage()
    reader.feed(html(context, TEMPLATES))
    shapes = [shape for figure in context.figures for shape in figure.drawing.shapes]
    expected = [(written(one), one.style, 0.051 if isinstance(one, Strokes) else 0.0051) for one in shapes]
    assert [one for figure in reader.figures for one in figure] == [(tag, style) for (tag, _), style, _ in expected]
    places = [(place, within) for (_, places), _, within in expected for place in places]
    assert len(places) == len(reader.places)
    assert all(abs(seen - place) <= within for seen, (place, within) in zip(reader.places, places, strict=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_or_a_figure_that_the_page_lost_is_found(language: Language) -> None:
    """The gate compares the words of every figure with those that were made, and counts the figures."""
    context, inputs = context_of(FIXED[0], language), random_report(FIXED[0])
    page = html(context, TEMPLATES)
    assert list(contradictions_of_page(page, context, inputs)) == []
    word = page.replace('<text class="plain"', '<text class="plain">9</text><text class="plain"', 1)
    begin, end = page.index('<svg class="figure"'), page.index("</svg>") + len("</svg>")
    for spoilt in (word, page[:begin] + page[end:]):
        assert any("figure" in one.where for one in contradictions_of_page(spoilt, context, inputs))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_estimate_in_a_note_is_one_of_the_rows(language: Language) -> None:
    """The shares under a curve are result rows; where the rows say otherwise, the note is a contradiction."""
    context, inputs = context_of(FIXED[0], language), random_report(FIXED[0])
    assert any(INTERVAL.search(figure.note) for figure in context.figures)
    assert list(notes_against_rows(context, inputs)) == []
    others = ResultSet(replace(row, text="") if row.table == "survival" else row for row in inputs.results)
    assert list(notes_against_rows(context, replace(inputs, results=others)))
