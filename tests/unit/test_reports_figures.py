"""Figures are drawn from counts and estimates, with every label in its place."""

from itertools import pairwise
from typing import Any

import pytest

from nightround.model.result import ResultSet
from nightround.report.figures.axes import Scale, odds_ticks, round_ticks
from nightround.report.figures.bars import Bar, BarTexts, bar_drawing
from nightround.report.figures.drawing import HALF, WIDTH, Drawing, Label, Marker, Pen, Polyline, Rect
from nightround.report.figures.flow_diagram import FlowStep, FlowTexts, flow_drawing
from nightround.report.figures.intervals import Interval, IntervalTexts, axis_of, interval_drawing
from nightround.report.figures.survival_curves import BEYOND, Curve, CurveStep, CurveTexts, curves_of, survival_drawing
from nightround.report.figures.trends import Spot, TrendPanel, TrendTexts, trend_drawing
from nightround.report.printing.metrics import read_metrics
from nightround.report.tables.effect_tables import curve_note, curve_parts
from nightround.report.tables.views import Figure
from nightround.study.plan import Survival
from nightround.texts.catalogue import read_wording
from tests.report_samples import PLAN, RESULTS, TEMPLATES, night, row

PEN = Pen(read_metrics(TEMPLATES / "fonts"))
TEXTS = FlowTexts("flow", lambda n: f"n = {n}", lambda label, n: f"{label} (n = {n})", "not classified")
STEPS = (
    FlowStep("treated", "Treated", 72, ""),
    FlowStep("stopped", "Stopped early", 10, "treated"),
    FlowStep("finished", "Finished", 62, "treated"),
    FlowStep("patent", "Patent", 40, "finished"),
    FlowStep("occluded", "Occluded", 19, "finished"),
)


def labels(drawing: Drawing) -> list[str]:
    """Every text of a figure."""
    return [shape.text for shape in drawing.shapes if isinstance(shape, Label)]


def boxes(drawing: Drawing, style: str) -> list[Rect]:
    """The boxes of a style."""
    return [shape for shape in drawing.shapes if isinstance(shape, Rect) and shape.style == style]


def test_the_flow_shows_every_step_and_accounts_for_everyone() -> None:
    """Who stopped is next to the arrow; who is in no final step is counted as not classified."""
    drawing = flow_drawing(STEPS, TEXTS, PEN)
    assert {"n = 72", "n = 62", "n = 40", "n = 19"} <= set(labels(drawing))
    assert "Stopped early (n = 10)" in labels(drawing)
    assert "not classified (n = 3)" in labels(drawing)
    assert len(boxes(drawing, "box")) == 4


def test_no_box_of_the_flow_covers_another_or_leaves_the_page() -> None:
    """Boxes lie apart and within the width of the figure, also with long labels in four columns."""
    long = "技术成功后失去联系且未行影像学检查的全部患者"
    steps = (FlowStep("a", long, 9, ""), *(FlowStep(f"b{n}", long * 2, 2, "a") for n in range(4)))
    drawing = flow_drawing(steps, TEXTS, PEN)
    found = [shape for shape in drawing.shapes if isinstance(shape, Rect)]
    assert all(box.x >= 0 and box.x + box.width <= WIDTH for box in found)
    assert all(box.y + box.height <= drawing.height for box in found)
    apart = [
        one.x + one.width <= two.x
        or two.x + two.width <= one.x
        or one.y + one.height <= two.y
        or two.y + two.height <= one.y
        for one in found
        for two in found
        if one is not two
    ]
    assert all(apart)


def test_centred_and_right_bound_text_is_placed_by_its_own_width() -> None:
    """The left end is computed, so that no text-anchor is needed."""
    width = PEN.width("通畅率 69.4%")
    assert PEN.centred(100, 0, "通畅率 69.4%").x == pytest.approx(100 - width / 2)
    assert PEN.right(100, 0, "通畅率 69.4%").x == pytest.approx(100 - width)


def test_lines_break_between_chinese_characters_but_not_before_a_mark() -> None:
    """Every line fits, nothing is lost, and no line begins with a comma."""
    text = "未完成三次球囊扩张，因出血、肺栓塞或拒绝继续治疗（n = 10）"
    lines = PEN.lines(text, 60)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(PEN.width(line) <= 60 + 9 for line in lines)
    assert not any(line.startswith(("，", "、", "）")) for line in lines)


def test_an_interval_is_drawn_to_scale_and_kept_on_the_axis() -> None:
    """The marker and whisker ends lie where the axis puts their values; a limit beyond the axis ends at it."""
    ticks = (0.0, 50.0, 100.0)
    texts = IntervalTexts("title", "endpoint", "value", "axis")
    rows = [Interval("a", "69 (57, 120)", 69.0, 57.0, 120.0)]
    drawing = interval_drawing(rows, ticks, texts, PEN)
    marker = next(shape for shape in drawing.shapes if isinstance(shape, Marker))
    lines = [shape for shape in drawing.shapes if isinstance(shape, Polyline) and shape.style == "whisker"]
    axis = axis_of(ticks, rows, PEN)
    assert marker.x == axis(69.0)
    assert {x for line in lines for x, _ in line.points} == {axis(57.0), axis(100.0)}


def test_a_limit_beyond_the_axis_ends_in_an_arrow_and_one_within_in_a_stroke() -> None:
    """On a logarithmic axis around 1 an interval from 0.5 to 500 has one stroke and one arrow."""
    texts = IntervalTexts("title", "factor", "odds ratio", "axis")
    rows = [Interval("a", "15 (0.5, 500)", 15.0, 0.5, 500.0)]
    drawing = interval_drawing(rows, odds_ticks([0.5, 500.0]), texts, PEN, around=1.0)
    arrows = [shape for shape in drawing.shapes if isinstance(shape, Polyline) and shape.arrow]
    assert [line.points[-1][0] for line in arrows] == [axis_of((0.05, 20.0), rows, PEN, logarithmic=True)(20.0)]


@pytest.mark.parametrize(("values", "ends"), [([], (0.5, 2.0)), ([0.3], (0.2, 5.0)), ([1e-9, 1e9], (0.05, 20.0))])
def test_an_axis_of_odds_is_even_around_one(values: list[float], ends: tuple[float, float]) -> None:
    """It reaches as far down as up, no further than it must, and never without end."""
    ticks = odds_ticks(values)
    assert (ticks[0], ticks[-1]) == ends
    assert 1.0 in ticks


def test_stacked_bars_are_as_long_as_their_shares() -> None:
    """Segments lie end to end over the whole axis; an empty level has none, a narrow one no number."""
    drawing = bar_drawing([Bar("a", (97, 0, 3)), Bar("nobody", (0, 0, 0))], BarTexts("t", ("x", "y", "z"), "%"), PEN)
    segments = [shape for shape in boxes(drawing, "shade0") + boxes(drawing, "shade2") if shape.height > 10]
    first, second = segments
    assert first.width / (first.width + second.width) == pytest.approx(0.97)
    assert second.x == pytest.approx(first.x + first.width)
    assert "97" in labels(drawing)


def test_a_panel_draws_each_group_at_both_visits() -> None:
    """Two groups, two visits: four marks, at the heights of their medians, in two shapes."""
    pair = (Spot(1.0, 2.0, 3.0), Spot(2.0, 4.0, 6.0))
    texts = TrendTexts("t", ("A", "B"), ("before", "after"))
    drawing = trend_drawing([TrendPanel("Hb", (pair, pair))], texts, PEN)
    legend = {"A", "B", "before", "after", "Hb"}
    marks = [shape for shape in drawing.shapes if isinstance(shape, Marker)][2:]
    assert legend <= set(labels(drawing))
    assert {mark.style for mark in marks} == {"dot", "square"}
    assert marks[0].y > marks[1].y


def test_an_estimate_that_is_missing_leaves_its_line_without_a_mark() -> None:
    """The label and the printed reason are there; nothing is drawn at zero."""
    texts = IntervalTexts("title", "endpoint", "value", "axis")
    drawing = interval_drawing([Interval("a", "–", None, None, None)], (0.0, 100.0), texts, PEN)
    assert {"a", "–"} <= set(labels(drawing))
    assert not any(isinstance(shape, Marker) for shape in drawing.shapes)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (46.8, 49.1), (-3.0, 400.0), (5.0, 5.0), (1e-4, 3e-4), (0.0, 0.0)]
)
def test_ticks_are_few_round_and_hold_the_data(low: float, high: float) -> None:
    """At most five ticks, evenly apart, from not above the lowest to not below the highest value."""
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks) <= 5
    assert ticks[0] <= low <= high <= ticks[-1]
    assert Scale(ticks, 0.0, 1.0)(ticks[-1]) == pytest.approx(1.0)


def curve(name: str, free: float) -> Curve:
    """A curve that falls once, at 3 months."""
    return Curve(name, (CurveStep(3.0, free, free - 10, free + 5),), ((0.0, "43"), (6.0, "30")))


def test_a_curve_starts_with_everybody_and_falls_at_its_events() -> None:
    """The line is level at 100 until the event, vertical there, and level to the end of the axis and beyond."""
    drawing = survival_drawing([curve("A", 80.0)], CurveTexts("t", "%", "months", "At risk"), PEN)
    line = next(shape for shape in drawing.shapes if isinstance(shape, Polyline) and shape.style == "curve")
    (x0, top), (fall, before), (fall_again, low), (end, last) = line.points
    assert (fall, before, last) == (fall_again, top, low)
    assert x0 < fall < end
    assert (fall - x0) / (end - BEYOND - x0) == pytest.approx(0.5)


def test_a_curve_at_half_width_stands_beside_another_figure() -> None:
    """It is as wide as its half, nothing of it lies outside, and one that is alone needs no name."""
    texts = CurveTexts("t", "%", "months", "At risk")
    drawing = survival_drawing([curve("A", 80.0)], texts, PEN, half=True)
    lines = [shape for shape in drawing.shapes if isinstance(shape, Polyline)]
    assert drawing.width == HALF < survival_drawing([curve("A", 80.0)], texts, PEN).width
    assert all(0 <= x <= HALF and 0 <= y <= drawing.height for line in lines for x, y in line.points)
    assert "A" not in {shape.text for shape in drawing.shapes if isinstance(shape, Label)}


def test_numbers_at_risk_stand_under_their_times_and_names_apart() -> None:
    """Each group has a line of numbers, centred on the tick of its time; equal ends do not print names over another."""
    drawing = survival_drawing([curve("A", 80.0), curve("B", 80.0)], CurveTexts("t", "%", "months", "At risk"), PEN)
    placed = {(shape.text, shape.y): shape.x for shape in drawing.shapes if isinstance(shape, Label)}
    middles = {round(x + PEN.width(text, 8.0) / 2, 3) for (text, _), x in placed.items() if text in {"43", "0"}}
    heights = sorted(y for (text, y), _ in placed.items() if text in {"A", "B"})
    assert len([key for key in placed if key[0] == "43"]) == 2
    assert len(middles) <= 2
    assert all(second - first >= 12 for first, second in pairwise(heights))


def test_a_plan_with_a_curve_gets_its_figure_from_the_result_rows() -> None:
    """Steps, intervals and numbers at risk come from the rows of the curve; the test is reported in the note."""
    plan = PLAN.model_copy(
        update={
            "survival": (
                Survival.model_validate(
                    {"id": "patency", "label": "Patency", "time": "t", "events": [{"field": "e"}], "unit": "months"}
                ),
            )
        }
    )
    made = [
        row("survival", "patency", "step", 90.0, "90.0", level="2"),
        row("survival", "patency", "step_low", 80.0, "80.0", level="2"),
        row("survival", "patency", "step_high", 95.0, "95.0", level="2"),
        row("survival", "patency", "at_risk", 62.0, "62", level="0"),
        row("survival", "patency", "p", 0.02, "0.020", method="log-rank test"),
    ]
    inputs = night(plan=plan, results=ResultSet([*RESULTS, *made]))
    figure = next(iter(curve_parts(inputs, read_wording([TEMPLATES], "en"), PEN)))
    assert isinstance(figure, Figure)
    assert curves_of(inputs, plan.survival[0], read_wording([TEMPLATES], "en"))[0].steps == (
        CurveStep(2.0, 90.0, 80.0, 95.0),
    )
    assert figure.note.endswith("log-rank test: P = 0.020.")


def test_brackets_of_printed_estimates_stand_under_one_another() -> None:
    """Estimates end and intervals begin at one place whatever their length, and P ends every line."""
    rows = [
        Interval("a", "0.44 (0.15, 1.31)", 0.44, 0.15, 1.31, p="0.140"),
        Interval("b", "24.52 (2.39, 3326.25)", 24.52, 2.39, 3326.25, p="<0.001"),
    ]
    drawing = interval_drawing(rows, (0.1, 1.0, 10.0), IntervalTexts("t", "l", "v", "x", "P"), PEN, around=1.0)
    found = [one for one in drawing.shapes if isinstance(one, Label)]
    brackets = {round(one.x + PEN.width(one.text.partition(" (")[0]), 6) for one in found if " (" in one.text}
    assert len(brackets) == 1
    assert {round(one.x + PEN.width(one.text), 6) for one in found if one.text in {"0.140", "<0.001"}} == {478.0}


def test_published_estimates_are_told_apart_without_colour() -> None:
    """Another study's line is drawn with an open mark, ours with a filled one."""
    rows = [
        Interval("ours", "69 (57, 79)", 69, 57, 79, strong=True),
        Interval("theirs", "96 (92, 99)", 96, 92, 99, published=True),
    ]
    drawing = interval_drawing(rows, (0.0, 50.0, 100.0), IntervalTexts("t", "l", "v", "x"), PEN)
    assert [one.style for one in drawing.shapes if isinstance(one, Marker)] == ["dot", "square"]


def test_numbers_of_a_crowded_axis_leave_each_other_room() -> None:
    """Where ticks stand too near for their numbers, some numbers are left out and none overlaps another."""
    rows = [
        Interval(
            "a long label of a factor that leaves only little room to its axis, because it is told in full",
            "1 (0, 20)",
            1,
            0.06,
            19,
        )
    ]
    ticks = odds_ticks([0.06, 19])
    drawing = interval_drawing(rows, ticks, IntervalTexts("t", "l", "v", "x"), PEN, around=1.0)
    shown = {f"{tick:g}" for tick in ticks}
    soft = [one for one in drawing.shapes if isinstance(one, Label) and one.style == "soft"]
    numbers = [one for one in soft if one.text in shown]
    assert 1 < len(numbers) < len(ticks)
    assert all(one.x + PEN.width(one.text, 8.0) < after.x for one, after in pairwise(numbers))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"scheduled": [1]}, "Turnbull's estimate"),
        ({}, "times are the days of those visits"),
        ({"events": [{"field": "[other][e]"}]}, "Events without a date count at the last visit attended."),
    ],
)
def test_the_note_under_a_curve_says_what_its_times_are(more: dict[str, Any], told: str) -> None:
    """Found at visits, by the schedule or by day; who is left out is counted; the share is shown where it changes."""
    about = {"id": "c", "label": "C", "since": "a", "until": ["[x][b]"], "events": [{"field": "[x][e]"}], "unit": "d"}
    survival = Survival.model_validate({**about, "at": [0, 1, 2], **more})
    made = [
        row("survival", "c", f"free{part}", value, text, level=level)
        for level in ("1", "2")
        for part, value, text in (("", 90.0, "90.0"), ("_low", 80.0, "80.0"), ("_high", 95.0, "95.0"))
    ]
    left_out = [row("survival", "c", name, 2.0, "2") for name in ("before_start", "missing")]
    inputs = night(plan=PLAN.model_copy(update={"survival": (survival,)}), results=ResultSet([*made, *left_out]))
    note = curve_note(inputs, survival, read_wording([TEMPLATES], "en"))
    assert told in note
    assert "Free of the event (%): 90.0 (80.0 to 95.0) at 1 d." in note
    assert "Left out: 2 last seen before the start." in note
    assert "Left out: 2 whose time or outcome is unknown." in note
    assert ("Stat Med" in note) == ("scheduled" not in more)
