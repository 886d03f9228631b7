"""How far the groups differ in their change, what goes with the outcome, and how grades moved."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model.result import ResultKey, ResultRow
from nightround.report.figures.axes import odds_ticks
from nightround.report.figures.bars import Bar, BarTexts, bar_drawing
from nightround.report.figures.drawing import Drawing, Pen
from nightround.report.figures.intervals import Interval, IntervalTexts, interval_drawing
from nightround.report.figures.paired_lines import PairedPanel, PairedTexts, paired_drawing
from nightround.report.figures.survival_curves import CurveTexts, curves_of, survival_drawing
from nightround.report.numbers.facts import Line, PatientPair
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.planned_tables import (
    SIGNIFICANT,
    measured_label,
    p_with_sign,
    typeset,
    visit_label,
    visit_labels,
)
from nightround.report.tables.trust_marks import trust_mark, trust_notes
from nightround.report.tables.views import Cell, Figure, Note, Part, Row, TableColumn, TableView
from nightround.study.methods import words_of
from nightround.study.plan import Factor, Level, PlanGroup, PlannedTable, Regression, Survival, Variable
from nightround.texts.catalogue import Wording

DIFFERENCES = ("difference_in_change", "ancova")
FIT = "firth"
"""The odds ratio that is drawn: Firth's is finite also where a factor separates the outcome (Stat Med 2002;21:2409)."""
VISITS = ("before", "after")
EMPTY = "†"
"""The mark of an odds ratio behind which a cell is empty."""


def effect_parts(inputs: ReportInputs, say: Wording, pen: Pen) -> Iterator[Part]:
    """How grades moved and how far the changes differ, as far as the plan asked for it."""
    for table in (table for table in inputs.plan.tables if table.kind == "before_after"):
        for variable in (variable for variable in table.variables if variable.type == "ordinal"):
            title = say("distribution_title", label=variable.label.in_(say.language))
            yield Figure(title, distribution(inputs, table, variable, say, pen))
            if row_of(inputs, table.id, variable.id, "pairs", level=f"{variable.levels[0].id}>{variable.levels[0].id}"):
                yield transition_table(inputs, table, variable, say)
        if set(DIFFERENCES) <= set(table.effects) and (compared := difference_table(inputs, table, say)).rows:
            yield compared
        yield from paired_figures(inputs, table, say, pen)


def transition_table(inputs: ReportInputs, table: PlannedTable, variable: Variable, say: Wording) -> TableView:
    """From which grade before to which grade after, patients of each group; those who stayed are bold."""
    levels = [level.label.in_(say.language) for level in variable.levels]
    rows = tuple(row for group in inputs.plan.groups for row in transition_rows(inputs, table, variable, group, say))
    return TableView(
        id=f"{table.id}_{variable.id}_transitions",
        number="",
        title=say("transition_title", label=variable.label.in_(say.language)),
        label_head=visit_label(table, "before", say),
        columns=tuple(TableColumn(level, visit_label(table, "after", say)) for level in levels),
        rows=rows,
        notes=(Note(transition_note(table, say)),),
    )


def transition_note(table: PlannedTable, say: Wording) -> str:
    """Which visit the rows are, and which the columns."""
    before, after = visit_labels(table, say)
    return say("transition_note", before=before, after=after)


def transition_rows(
    inputs: ReportInputs, table: PlannedTable, variable: Variable, group: PlanGroup, say: Wording
) -> Iterator[Row]:
    """The lines of one group, a line a grade before."""
    yield Row(group.label.in_(say.language), heading=True, depth=0)
    for before in variable.levels:
        found = (
            (after, row_of(inputs, table.id, variable.id, "pairs", group=group.id, level=f"{before.id}>{after.id}"))
            for after in variable.levels
        )
        cells = tuple(Cell(row.text if row else "", strong=after is before) for after, row in found)
        yield Row(before.label.in_(say.language), cells)


def paired_figures(inputs: ReportInputs, table: PlannedTable, say: Wording, pen: Pen) -> Iterator[Figure]:
    """What the plan wants drawn patient by patient."""
    panels = [
        PairedPanel(measured_label(variable, say), by_group(inputs, Line(table.id, variable.id)))
        for variable in table.variables
        if inputs.pairs.get(Line(table.id, variable.id))
    ]
    if panels:
        groups = tuple(group.label.in_(say.language) for group in inputs.plan.groups)
        texts = PairedTexts(say("paired_title"), groups, visit_labels(table, say))
        yield Figure(say("paired_title"), paired_drawing(panels, texts, pen), say("paired_note"))


def by_group(inputs: ReportInputs, line: Line) -> tuple[tuple[PatientPair, ...], ...]:
    """The pairs of a line in the order of the groups."""
    pairs = inputs.pairs[line]
    return tuple(tuple(one for one in pairs if one.group == group.id) for group in inputs.plan.groups)


def curve_parts(inputs: ReportInputs, say: Wording, pen: Pen, *, half: bool = False) -> Iterator[Part]:
    """A curve over time for each one of the plan, with its shares and the test between the groups."""
    for survival in inputs.plan.survival:
        label = survival.label.in_(say.language)
        time = say("time_axis", unit=survival.unit.in_(say.language))
        texts = CurveTexts(label, say("free_axis"), time, say("at_risk"))
        drawing = survival_drawing(curves_of(inputs, survival, say), texts, pen, half=half)
        yield Figure(label, drawing, curve_note(inputs, survival, say), half)


def curve_note(inputs: ReportInputs, survival: Survival, say: Wording) -> str:
    """The method of the curve, its shares, what its times are, who is in none, and the test between the groups."""
    parts = [say("curve_note", interval=survival.interval)]
    if shares := [*curve_shares(inputs, survival, say)]:
        parts.append(say("curve_shares", unit=survival.unit.in_(say.language), list=say("semicolon").join(shares)))
    parts += curve_times(survival, say)
    for name in ("before_start", "missing"):
        left_out = row_of(inputs, "survival", survival.id, name)
        if left_out and left_out.value:
            parts.append(say(f"curve_{name}", n=left_out.text))
    p = row_of(inputs, "survival", survival.id, "p")
    if p and p.value is not None:
        parts.append(say("curve_test", test=words_of(p.method).in_(say.language), p=p_with_sign(p.text)))
    return "".join(parts)


def curve_shares(inputs: ReportInputs, survival: Survival, say: Wording) -> Iterator[str]:
    """The share free of the event with its interval, at each planned time at which it is another one."""
    last = ""
    for moment in survival.at:
        level = f"{moment:g}"
        names = ("free", "free_low", "free_high")
        share, low, high = (row_of(inputs, "survival", survival.id, name, level=level) for name in names)
        if share and low and high and share.text != last:
            last, interval = share.text, say("interval", low=low.text, high=high.text)
            stated = say("percent_with_interval", percent=share.text, interval=interval)
            yield say("curve_share", time=level, share=stated)


def curve_times(survival: Survival, say: Wording) -> Iterator[str]:
    """What a time between dates is, for the event is looked for at visits only."""
    if survival.since is None:
        return
    yield say("curve_found_on_schedule" if survival.scheduled else "curve_found_by_day")
    visits = {reference.event for reference in survival.until}
    if any(condition.field.event not in visits for condition in survival.events):
        yield say("curve_undated")


def factor_parts(inputs: ReportInputs, say: Wording, pen: Pen) -> Iterator[Part]:
    """What goes with the outcome: a forest plot for each regression of the plan."""
    for regression in inputs.plan.regressions:
        drawing = odds_drawing(inputs, regression, say, pen)
        yield Figure(regression.label.in_(say.language), drawing, odds_note(inputs, regression, say))


def row_of(inputs: ReportInputs, table: str, variable: str, statistic: str, **place: str) -> ResultRow | None:
    """A result row, or None where none was made."""
    return inputs.results.get(ResultKey(table, variable, statistic, **place))


def differences_id(table: PlannedTable) -> str:
    """The id of the table that compares the changes of a table between groups."""
    return f"{table.id}_differences"


def difference_table(inputs: ReportInputs, table: PlannedTable, say: Wording) -> TableView:
    """The groups' changes compared: plainly, and adjusted for the value before."""
    rows = [
        Row(
            measured_label(variable, say),
            tuple(difference_cells(inputs, table, variable, say)),
            depth=0,
            mark=trust_mark(inputs.trust, Line(table.id, variable.id)),
        )
        for variable in table.variables
        if row_of(inputs, table.id, variable.id, f"{DIFFERENCES[0]}_summary")
    ]
    columns = [TableColumn(say(f"effect_{effect}"), say("ci_95")) for effect in DIFFERENCES]
    return TableView(
        id=differences_id(table),
        number="",
        title=say("differences_title"),
        label_head=say("outcome"),
        columns=(*columns, TableColumn("P", say("effect_ancova"), kind="p")),
        rows=tuple(rows),
        notes=(
            Note(differences_note(inputs, table, say)),
            Note(methods_note(inputs, table, say)),
            *trust_notes(rows, say),
        ),
    )


def differences_note(inputs: ReportInputs, table: PlannedTable, say: Wording) -> str:
    """Which group and which visit is taken from which."""
    groups = [group.label.in_(say.language) for group in inputs.plan.groups[:2]]
    before, after = visit_labels(table, say)
    return say("differences_note", first=groups[0], second=groups[-1], before=before, after=after)


def difference_cells(inputs: ReportInputs, table: PlannedTable, variable: Variable, say: Wording) -> Iterator[Cell]:
    """Each difference with its interval, then P of the adjusted one."""
    for effect in DIFFERENCES:
        row = row_of(inputs, table.id, variable.id, f"{effect}_summary")
        yield Cell(typeset(row.text, say.language)) if row else Cell()
    p = row_of(inputs, table.id, variable.id, f"{DIFFERENCES[1]}_p")
    yield Cell(p.text, strong=p.value is not None and p.value < SIGNIFICANT) if p else Cell()


def methods_note(inputs: ReportInputs, table: PlannedTable, say: Wording) -> str:
    """What gave the differences, each method once."""
    names = dict.fromkeys(
        row.method for row in inputs.results if row.table == table.id and row.statistic in DIFFERENCES
    )
    return say(
        "methods_used", methods=say("semicolon").join(words_of(name).in_(say.language) for name in names if name)
    )


def distribution(inputs: ReportInputs, table: PlannedTable, variable: Variable, say: Wording, pen: Pen) -> Drawing:
    """The levels of an ordered variable at both visits of each group, as stacked bars."""
    bars = []
    for group in inputs.plan.groups:
        for visit in VISITS:
            rows = [
                row_of(inputs, table.id, variable.id, "count", group=group.id, visit=visit, level=level.id)
                for level in variable.levels
            ]
            label = say("group_at_visit", group=group.label.in_(say.language), visit=visit_label(table, visit, say))
            bars.append(Bar(label, tuple(int(row.value or 0) if row else 0 for row in rows)))
    levels = tuple(level.label.in_(say.language) for level in variable.levels)
    title = say("distribution_title", label=variable.label.in_(say.language))
    return bar_drawing(bars, BarTexts(title, levels, say("percent_axis")), pen)


def odds_drawing(inputs: ReportInputs, regression: Regression, say: Wording, pen: Pen) -> Drawing:
    """One line a factor, on a logarithmic axis around 1."""
    rows = [line for factor in regression.factors for line in odds_lines(inputs, regression, factor, say)]
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    texts = IntervalTexts(
        regression.label.in_(say.language),
        say("factor"),
        say("odds_ratio_ci"),
        say("odds_axis", group=group_label(inputs, regression, say)),
        "P",
    )
    return interval_drawing(rows, odds_ticks(ends), texts, pen, around=1.0)


def group_label(inputs: ReportInputs, regression: Regression, say: Wording) -> str:
    """The group whose odds are reported."""
    return next(group.label.in_(say.language) for group in inputs.plan.groups if group.id == regression.group)


def odds_lines(inputs: ReportInputs, regression: Regression, factor: Factor, say: Wording) -> Iterator[Interval]:
    """A factor, or each level of it against the first."""
    variable = next(one for one in inputs.plan.table(regression.table).variables if one.id == factor.variable)
    levels = variable.levels[1:] if variable.counted and not variable.shown and variable.type != "ordinal" else (None,)
    for level in levels:
        place = {"level": level.id} if level else {}
        value, low, high, summary, p = (
            row_of(inputs, regression.id, variable.id, f"{FIT}{part}", **place)
            for part in ("", "_low", "_high", "_summary", "_p")
        )
        label = variable.label.in_(say.language)
        if level:
            first = variable.levels[0].label.in_(say.language)
            label = say("level_against", label=label, level=level.label.in_(say.language), first=first)
        elif not variable.counted:
            label = say("label_per", label=label, per=f"{factor.per:g}", unit=variable.unit.in_(say.language))
        if empty_cell(inputs, regression, variable, level):
            label = say("odds_empty", label=label)
        stated = p.text if p and p.value is not None else ""
        text = summary.text if summary else ""
        yield Interval(label, text, number_of(value), number_of(low), number_of(high), p=stated)


def empty_cell(inputs: ReportInputs, regression: Regression, variable: Variable, level: Level | None) -> bool:
    """Whether a cell of the table behind an odds ratio is 0: of the level, or of what it is compared with."""
    if not variable.counted or (level is None and not variable.shown):
        return False
    groups = [group.id for group in inputs.plan.groups]
    if level is None:
        found = (counted(inputs, regression.table, variable.id, group) for group in groups)
        return any(count in {0, n} for count, n in found)
    levels = (level.id, variable.levels[0].id)
    return any(counted(inputs, regression.table, variable.id, group, one)[0] == 0 for group in groups for one in levels)


def counted(inputs: ReportInputs, table: str, variable: str, group: str, level: str = "") -> tuple[float, float]:
    """How many patients of a group have a level, of how many; -1 where it was not counted."""
    rows = (
        row_of(inputs, table, variable, "count", group=group, level=level),
        row_of(inputs, table, variable, "n", group=group),
    )
    count, n = (row.value if row and row.value is not None else -1.0 for row in rows)
    return count, n


def number_of(row: ResultRow | None) -> float | None:
    """The unrounded number of a result row."""
    return row.value if row else None


def odds_note(inputs: ReportInputs, regression: Regression, say: Wording) -> str:
    """What gave the odds ratios, and that the plain ones are attached."""
    rows = (row for row in inputs.results if row.table == regression.id and row.statistic == FIT)
    names = dict.fromkeys(row.method for row in rows if row.method)
    note = say("odds_note", methods=say("semicolon").join(words_of(name).in_(say.language) for name in names))
    lines = (line for factor in regression.factors for line in odds_lines(inputs, regression, factor, say))
    return note + (say("odds_empty_note") if any(line.label.endswith(EMPTY) for line in lines) else "")
