"""Marks of figures that keep a reader from reading too much: empty cells, bands of intervals, legible text."""

from dataclasses import replace

import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.model.result import ResultSet
from nightround.report.figures.drawing import Label, Polyline
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.context import build_report
from nightround.report.tables.effect_tables import odds_lines, odds_note
from nightround.texts.catalogue import read_wording
from tests.interim_samples import edition_of, patients, snapshot_of
from tests.report_samples import PLAN, TEMPLATES

ENGLISH = read_wording([TEMPLATES], "en")
SMALLEST = 6.5
"""Points: what a journal still prints as text of a figure."""


def marked(inputs: ReportInputs) -> list[bool]:
    """Which lines of the regression have the mark of an empty cell."""
    regression = PLAN.regressions[0]
    lines = (line for factor in regression.factors for line in odds_lines(inputs, regression, factor, ENGLISH))
    return [line.label.endswith("†") for line in lines]


def with_counts(count: float) -> ReportInputs:
    """A made-up study, with one count in each cell of the table that a regression takes up."""
    inputs = inputs_of(edition_of(snapshot_of(patients())), snapshot_of(patients()))
    table = PLAN.regressions[0].table
    rows = [
        replace(row, value=count) if (row.table, row.statistic) == (table, "count") else row for row in inputs.results
    ]
    return replace(inputs, results=ResultSet(rows))


def test_an_odds_ratio_with_an_empty_cell_says_so() -> None:
    """A count of 0 marks the lines of levels, explains the mark, and leaves a measured factor as it is."""
    assert marked(with_counts(0)) == [False, True]
    assert "A cell is empty" in odds_note(with_counts(0), PLAN.regressions[0], ENGLISH)
    assert marked(with_counts(3)) == [False, False]
    assert "A cell is empty" not in odds_note(with_counts(3), PLAN.regressions[0], ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_a_figure_is_legible(language: Language) -> None:
    """No label of any figure is under the smallest size that a journal prints."""
    report = build_report(inputs_of(edition_of(snapshot_of(patients())), snapshot_of(patients())), language, TEMPLATES)
    sizes = [one.size for figure in report.figures for one in figure.drawing.shapes if isinstance(one, Label)]
    assert min(sizes) >= SMALLEST


def test_the_band_of_a_curve_lies_between_its_limits_and_under_it() -> None:
    """The corners of the band are those of both limits, and it is drawn before any line."""
    report = build_report(inputs_of(edition_of(snapshot_of(patients())), snapshot_of(patients())), "en", TEMPLATES)
    curve = next(figure for figure in report.figures if figure.title == "Patency over time")
    lines = [one for one in curve.drawing.shapes if isinstance(one, Polyline)]
    band = next(one for one in lines if one.style == "curve-band")
    limits = [one for one in lines if one.style == "limit"]
    assert sorted(band.points) == sorted(point for limit in limits for point in limit.points)
    assert all(lines.index(band) < lines.index(one) for one in limits)
