"""The gate measures figures: a shape that shows something else than its words or the result rows is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.model.result import ResultSet
from nightround.report.making import Pages, pages_of
from nightround.report.numbers.gathering import inputs_of
from nightround.report.self_audit.audit_figures import INTERVAL, contradictions_of_figures, lines_of_words
from nightround.report.self_audit.audit_page import notes_against_rows
from nightround.report.self_audit.figure_reader import panels_of, read_figures, ruler_of
from tests.interim_samples import edition_of, patients, snapshot_of
from tests.report_samples import TEMPLATES, night

NUMBERS = re.compile(r"\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def reports() -> tuple[Pages, Pages]:
    """The report of a made-up night, and one with a curve of enrolment, in both languages."""
    snapshot = snapshot_of(patients())
    return pages_of(night(), TEMPLATES), pages_of(inputs_of(edition_of(snapshot), snapshot), TEMPLATES)


def moved(page: str, shape: str, by: float, which: int = 0) -> str:
    """A page on which one number of a shape is another one; the shape is the first that matches."""
    found = re.search(shape, page)
    assert found, shape
    numbers = list(NUMBERS.finditer(page, found.end()))
    number = numbers[which]
    return f"{page[: number.start()]}{float(number[0]) + by:.2f}{page[number.end() :]}"


SPOILT: dict[str, Callable[[str], str]] = {
    "an estimate": lambda page: moved(page, r'<rect class="dot" x="(?=[1-9]\d\d)', 3.0),
    "the end of an interval": lambda page: moved(page, r'<polyline class="whisker" points="', 8.0),
    "a segment of a bar": lambda page: moved(page, r'<rect class="shade\d" x="[\d.]+" y="[\d.]+" width="(?=\d\d)', 9.0),
    "a step of a curve": lambda page: moved(page, r'<polyline class="curve" points="(?:\S+ ){4}[\d.]+,', 1.0),
    "when a curve falls": lambda page: moved(page, r'class="limit"[^>]*>\s*<polyline class="curve" points="\S+ ', 3.0),
    "how far a curve falls": lambda page: moved(
        page, r'class="limit"[^>]*>\s*<polyline class="curve" points="(?:\S+ ){4}[\d.]+,', 0.5
    ),
    "an interval of a curve": lambda page: moved(page, r'<polyline class="limit" points="(?:\S+ ){4}[\d.]+,', 1.0),
    "how far a curve runs": lambda page: moved(
        page, r'class="limit"[^>]*>\s*<polyline class="curve" points="(?:\S+ )+(?=\S+")', 4.0
    ),
    "a number at risk": lambda page: moved(page, r'At risk</text>\s*<text class="plain" x="', 25.0),
    "a month of enrolment": lambda page: moved(page, r'<rect class="month" x="[\d.]+" y="', 2.0),
    "a line of an axis": lambda page: moved(page, r'<polyline class="grid" points="[\d.]+,', 5.0),
    "a word": lambda page: re.sub(r'(<text class="plain"[^>]*>)', r"\g<1>9", page, count=1),
    "a whole figure": lambda page: re.sub(r'<svg class="figure".*?</svg>', "", page, count=1, flags=re.DOTALL),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_that_show_their_numbers_pass(reports: tuple[Pages, Pages], language: Language) -> None:
    """Every figure of a sound report is where its axes have its numbers."""
    for pages in reports:
        page, context = pages.html[language], pages.contexts[language]
        assert context.figures
        assert list(contradictions_of_figures(page, context.figures, pages.inputs)) == []


@pytest.mark.parametrize("kind", SPOILT)
def test_a_shape_that_shows_something_else_is_found(reports: tuple[Pages, Pages], kind: str) -> None:
    """Moved marks, intervals, segments, curves and axes, changed words and missing figures are contradictions."""
    pages = reports[any(word in kind for word in ("curve", "risk", "enrolment"))]
    page = SPOILT[kind](pages.html["en"])
    assert page != pages.html["en"]
    assert list(contradictions_of_figures(page, pages.contexts["en"].figures, pages.inputs))


def test_a_curve_is_held_against_its_own_rows(reports: tuple[Pages, Pages]) -> None:
    """Each line of the figure is that of the rows: with another step, low end or number at risk it is not."""
    page, context, inputs = reports[1].html["en"], reports[1].contexts["en"], reports[1].inputs
    for statistic in ("step", "step_low", "step_high", "at_risk"):
        rows = [row for row in inputs.results if (row.table, row.statistic) == ("survival", statistic)]
        other = replace(rows[0], value=(rows[0].value or 0) - 1, text="999")
        results = ResultSet(other if row is rows[0] else row for row in inputs.results)
        found = list(contradictions_of_figures(page, context.figures, replace(inputs, results=results)))
        assert len([one for one in found if "risk at" in one.why or "a curve or its interval" in one.why]) == 1


def test_every_kind_of_figure_is_measured(reports: tuple[Pages, Pages]) -> None:
    """Both languages print intervals, bars and panels that the reader finds; none is passed over unread."""
    for page in reports[0].html.values():
        figures = read_figures(page)
        assert any(INTERVAL.search(text) for figure in figures for _, text in lines_of_words(figure))
        assert any(box.style.startswith("shade") for figure in figures for box in figure.boxes)
        assert [panel for figure in figures for panel in panels_of(figure)]


def test_an_axis_is_straight_or_logarithmic_or_none() -> None:
    """Ticks decide which it is; ticks that fit neither make no axis."""
    straight, bent = ruler_of([(0, 0), (50, 5), (100, 10)]), ruler_of([(0, 1), (50, 10), (100, 100)])
    assert straight is not None
    assert straight.read(25) == pytest.approx(2.5)
    assert bent is not None
    assert bent.read(75) == pytest.approx(10**1.5)
    assert ruler_of([(0, 1), (50, 3), (100, 4)]) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_estimate_in_a_note_is_held_against_the_rows(reports: tuple[Pages, Pages], language: Language) -> None:
    """The shares under a curve are result rows; where the rows say otherwise, the note is a contradiction."""
    pages = reports[1]
    context, inputs = pages.contexts[language], pages.inputs
    assert any(INTERVAL.search(figure.note) for figure in context.figures)
    assert list(notes_against_rows(context, inputs)) == []
    others = ResultSet(replace(row, text="") if row.table == "survival" else row for row in inputs.results)
    assert list(notes_against_rows(context, replace(inputs, results=others)))
