"""Enrolment over time: the curve, the target, and the pace carried forward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nightround.model.result import ResultKey, ResultRow
from nightround.report.figures.axes import Scale, round_ticks
from nightround.report.figures.drawing import HALF, SMALL, TEXT, WIDTH, Drawing, Label, Pen, Polyline, Rect, Shape
from nightround.report.figures.guides import axis_below, grid
from nightround.report.numbers.inputs import ReportInputs
from nightround.texts.catalogue import Wording

ACCRUAL, ENROLLED = "accrual", "enrolled"
LEFT, RIGHT, RIGHT_OF_HALF = 30.0, 86.0, 42.0
TOP, HEIGHT = 16.0, 116.0
LEADING = 11.0
MONTHS = 12
LONGEST_PROJECTION = 24
"""Months; what lies further ahead is reported in words only."""
HALF_YEAR = 6
MOST_MONTHS, MOST_OF_HALF = 7, 4
"""Steps between the months that are named."""


@dataclass(frozen=True)
class Enrolment:
    """Months from the first one with the count at the end of each, the target, and months to go; None without pace."""

    first_month: str
    counts: tuple[tuple[int, int], ...]
    last: int
    target: int
    to_go: float | None


def enrolled(inputs: ReportInputs, statistic: str) -> ResultRow | None:
    """One number of the enrolment."""
    return inputs.results.get(ResultKey(ACCRUAL, ENROLLED, statistic))


def months_between(first: str, month: str) -> int:
    """Whole months from one YYYY-MM to another."""
    (y0, m0), (y1, m1) = ((int(part) for part in text.split("-")) for text in (first, month))
    return (y1 - y0) * MONTHS + m1 - m0


def month_after(first: str, months: int) -> str:
    """The YYYY-MM some months after another."""
    year, month = (int(part) for part in first.split("-"))
    years, rest = divmod(month - 1 + months, MONTHS)
    return f"{year + years}-{rest + 1:02d}"


def enrolment_of(inputs: ReportInputs) -> Enrolment | None:
    """The curve out of the result rows; None before the first patient."""
    rows = [row for row in inputs.results if (row.table, row.statistic) == (ACCRUAL, "cumulative")]
    target, to_go = enrolled(inputs, "target"), enrolled(inputs, "months_to_go")
    if not rows or target is None:
        return None
    first = rows[0].level
    counts = tuple((months_between(first, row.level) + 1, int(row.value or 0)) for row in rows)
    last = max(months_between(first, f"{inputs.run.data_cutoff:%Y-%m}") + 1, counts[-1][0])
    return Enrolment(first, counts, last, int(target.value or 0), to_go.value if to_go else None)


def accrual_note(inputs: ReportInputs, say: Wording) -> str:
    """How many of how many, the pace, and when the target would be reached."""
    found = enrolment_of(inputs)
    rows = {name: enrolled(inputs, name) for name in ("n", "target", "percent", "pace", "months_to_go")}
    texts = {name: row.text if row else "" for name, row in rows.items()}
    if found is None or found.to_go is None:
        return say("accrual_stalled", **texts)
    if found.to_go <= 0:
        return say("accrual_reached", month=month_reached(found), **texts)
    return say("accrual_projected", month=month_after(found.first_month, found.last - 1 + round(found.to_go)), **texts)


def month_reached(found: Enrolment) -> str:
    """The month in which the target was reached."""
    reached = next(month for month, count in found.counts if count >= found.target)
    return month_after(found.first_month, reached - 1)


def accrual_drawing(inputs: ReportInputs, say: Wording, pen: Pen, *, half: bool = False) -> Drawing | None:
    """The curve over the months, with its target and the pace carried forward; `half` as wide, next to another."""
    found = enrolment_of(inputs)
    if found is None:
        return None
    ahead = min(found.to_go or 0.0, LONGEST_PROJECTION)
    width, end = (HALF, HALF - RIGHT_OF_HALF) if half else (WIDTH, WIDTH - RIGHT)
    months = Scale((0.0, max(found.last + ahead, 1.0)), LEFT, end)
    most = max(found.target, found.counts[-1][1])
    patients = Scale(round_ticks(0, most), TOP + HEIGHT, TOP)
    shapes = [
        *entered_each_month(found, months, patients),
        *accrual_axes(found, months, patients, Named(say, pen, MOST_OF_HALF if half else MOST_MONTHS)),
        *curve(found, months, patients),
        *labels(found, months, patients, say),
    ]
    if ahead:
        now = found.counts[-1][1]
        reached = now + (found.target - now) * ahead / (found.to_go or 1.0)
        ends = ((months(found.last), patients(now)), (months(found.last + ahead), patients(reached)))
        shapes.append(Polyline(ends, "dashed"))
    return Drawing(width, TOP + HEIGHT + 22, say("accrual_title"), tuple(shapes))


class Named(NamedTuple):
    """What axes are named with, and how many steps between named months they have room for."""

    say: Wording
    pen: Pen
    steps: int


def accrual_axes(found: Enrolment, months: Scale, patients: Scale, named: Named) -> Iterator[Shape]:
    """Both axes, and the target as a line with its name."""
    say, pen = named.say, named.pen
    yield Label(0, TEXT - 1, say("patients_axis"), "soft", SMALL)
    yield from grid(patients, months.start, months.end, pen, gap=5)
    dated = ((month, month_after(found.first_month, month)) for month in month_ticks(months.ticks[-1], named.steps))
    yield from axis_below(months, patients.start, dated, pen)
    goal = patients(found.target)
    yield Polyline(((months.start, goal), (months.end, goal)), "target")


def labels(found: Enrolment, months: Scale, patients: Scale, say: Wording) -> Iterator[Shape]:
    """The names of both lines: the target next to its end, the count below it or where the curve ends."""
    now = found.counts[-1][1]
    yield Label(months.end + 6, patients(found.target) + 3, say("target_line", n=found.target), "soft", SMALL)
    aside = months(found.last) < months.end
    meets = abs(patients(now) - patients(found.target)) < LEADING
    x = months(found.last) + (4 if aside else 6)
    y = patients(now) + (LEADING + 3 if aside or meets else 3)
    yield Label(x, y, say("actual_line", n=now), "plain", SMALL)


def entered_each_month(found: Enrolment, months: Scale, patients: Scale) -> Iterator[Shape]:
    """A bar for each month in which somebody entered."""
    before = 0
    for month, count in found.counts:
        if count > before:
            left, top = months(month - 0.85), patients(count - before)
            yield Rect(left, top, months(month - 0.15) - left, patients.start - top, "month")
        before = count


def month_ticks(last: float, most: int = MOST_MONTHS) -> Sequence[int]:
    """Every month, half year or years, so that there are at most so many steps between those named."""
    step = next(step for step in (1, 3, HALF_YEAR, MONTHS, 2 * MONTHS, 10 * MONTHS) if last / step <= most)
    return range(0, int(last) + 1, step)


def curve(found: Enrolment, months: Scale, patients: Scale) -> Iterator[Shape]:
    """The counts as a step line, up to the cut-off."""
    points, height = [(months(0), patients(0))], 0
    for month, count in found.counts:
        points += [(months(month), patients(height)), (months(month), patients(count))]
        height = count
    yield Polyline((*points, (months(found.last), patients(height))), "curve")
