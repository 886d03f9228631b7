"""How the study runs, as tables: who came to each visit, what was given, who died, and each site."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from nightround.model.result import ResultKey
from nightround.report.numbers.facts import PartFilled, PartKind
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.planned_tables import typeset
from nightround.report.tables.trust_page import event_title, filled_cell
from nightround.report.tables.views import Cell, Note, Row, TableColumn, TableView
from nightround.statistics.conduct import (
    ALL,
    ANALYSED,
    CAUSE,
    DEATHS,
    ENDED,
    ENTERED,
    EXPOSURE,
    FOLLOW_UP,
    GIVEN,
    ONGOING,
    SITES,
    TIME,
    UNASSIGNED,
    WITHIN,
)
from nightround.study.plan import Amount, Deaths, Exposure, FollowUp, PlannedVisit
from nightround.texts.catalogue import Wording


def conduct_tables(inputs: ReportInputs, say: Wording) -> Iterator[TableView]:
    """Every table of the chapter for which the plan, or the project, has something."""
    if inputs.plan.follow_up:
        yield follow_up_table(inputs, inputs.plan.follow_up, say)
    if inputs.plan.exposure:
        yield exposure_table(inputs, inputs.plan.exposure, say)
    if levels_of(inputs, SITES, ENTERED):
        yield sites_table(inputs, say)
    if parts_in(inputs, PartKind.GROUP):
        yield completeness_by_group(inputs, say)


def text_at(inputs: ReportInputs, *place: str) -> str:
    """A number as it is printed, by table, variable, statistic, group, visit and level; '' where there is none."""
    row = inputs.results.get(ResultKey(*place))
    return row.text if row else ""


def levels_of(inputs: ReportInputs, table: str, variable: str) -> tuple[str, ...]:
    """The levels of a variable that were counted, in their order."""
    rows = (row for row in inputs.results if (row.table, row.variable, row.statistic) == (table, variable, "count"))
    return tuple(dict.fromkeys(row.level for row in rows if row.level))


def groups_shown(inputs: ReportInputs) -> tuple[str, ...]:
    """The ids of the groups that have a column; none in the open version, or where nothing is compared."""
    closed = inputs.version == "closed" and inputs.plan.grouping
    return tuple(group.id for group in inputs.plan.groups) if closed else ()


def group_columns(inputs: ReportInputs, say: Wording, under: str = "") -> tuple[TableColumn, ...]:
    """A column each group, then one for everybody."""
    labels = {group.id: group.label.in_(say.language) for group in inputs.plan.groups}
    return (*(TableColumn(labels[one], under) for one in groups_shown(inputs)), TableColumn(say("overall"), under))


def by_columns(inputs: ReportInputs, table: str, variable: str, statistic: str, level: str = "") -> tuple[Cell, ...]:
    """One number in each group and of everybody."""
    texts = (text_at(inputs, table, variable, statistic, group, "", level) for group in (*groups_shown(inputs), ""))
    return tuple(Cell(text) for text in texts)


def median_cells(inputs: ReportInputs, table: str, variable: str, say: Wording) -> tuple[Cell, ...]:
    """Medians with their quartiles, with the range sign of the language."""
    cells = by_columns(inputs, table, variable, "summary")
    return tuple(Cell(typeset(cell.text, say.language)) for cell in cells)


def label_of_code(inputs: ReportInputs, field: str, code: str, say: Wording) -> str:
    """What a code means, or the code where the dictionary does not say."""
    labels = inputs.choices.get(field, {})
    return labels[code].in_(say.language) if code in labels else code


def label_of_visit(visit: PlannedVisit, inputs: ReportInputs, say: Wording) -> str:
    """The plan's label of a visit, or REDCap's of its event."""
    return visit.label.in_(say.language) or event_title(visit.came.event, inputs, say)


def label_of_amount(amount: Amount, say: Wording) -> str:
    """What was given, in its unit."""
    label, unit = amount.label.in_(say.language), amount.unit.in_(say.language)
    if not unit:
        return say("label_median_quartiles_no_unit", label=label)
    return say("label_median_quartiles", label=label, unit=unit)


def follow_up_table(inputs: ReportInputs, follow_up: FollowUp, say: Wording) -> TableView:
    """Each visit: who came of those due, who had ended before, who missed it; then how participation ended."""
    rows = [visit_row(visit, inputs, say) for visit in follow_up.visits]
    if follow_up.ended:
        rows.append(Row(say("ended_heading"), heading=True, depth=0))
        for code in levels_of(inputs, FOLLOW_UP, ENDED):
            label = label_of_code(inputs, follow_up.ended.field, code, say)
            rows.append(Row(label, by_columns(inputs, FOLLOW_UP, ENDED, "summary", code)))
        rows.append(Row(say("ended_not"), by_columns(inputs, FOLLOW_UP, ONGOING, "summary")))
    time = say("label_median_quartiles", label=say("follow_up_time"), unit=say(f"unit_{follow_up.unit}"))
    rows.append(Row(time, median_cells(inputs, FOLLOW_UP, TIME, say), depth=0))
    return TableView(
        id=FOLLOW_UP,
        number="",
        title=say("follow_up_title"),
        label_head=say("visit"),
        columns=(
            *group_columns(inputs, say, say("came_of_due")),
            TableColumn(say("visit_stopped")),
            TableColumn(say("visit_missed")),
        ),
        rows=tuple(rows),
        notes=(Note(say("follow_up_note", step=label_of_step(inputs, follow_up.among, say))),),
    )


def visit_row(visit: PlannedVisit, inputs: ReportInputs, say: Wording) -> Row:
    """One visit."""
    cells = [came_cell(inputs, visit.id, group) for group in (*groups_shown(inputs), "")]
    rest = (Cell(text_at(inputs, FOLLOW_UP, visit.id, statistic)) for statistic in ("stopped", "missed"))
    return Row(label_of_visit(visit, inputs, say), (*cells, *rest), depth=0)


def came_cell(inputs: ReportInputs, visit: str, group: str) -> Cell:
    """`62/72 (86.1)`: who came of those due."""
    came, due, percent = (text_at(inputs, FOLLOW_UP, visit, name, group) for name in ("count", "n", "percent"))
    return Cell(f"{came}/{due} ({percent})" if due != "0" else f"{came}/{due}")


def label_of_step(inputs: ReportInputs, step_id: str, say: Wording) -> str:
    """The label of a step of the flow."""
    return next(step.label.in_(say.language) for step in inputs.plan.flow if step.id == step_id)


def exposure_table(inputs: ReportInputs, exposure: Exposure, say: Wording) -> TableView:
    """How many patients had how many treatments, all treatments, and what was given in them."""
    label = exposure.label.in_(say.language)
    rows = [Row(say("exposure_times", label=label), heading=True, depth=0)]
    rows += [
        Row(times, by_columns(inputs, EXPOSURE, GIVEN, "summary", times))
        for times in levels_of(inputs, EXPOSURE, GIVEN)
    ]
    rows.append(Row(say("exposure_all", label=label), by_columns(inputs, EXPOSURE, GIVEN, "events"), depth=0))
    rows += [
        Row(label_of_amount(amount, say), median_cells(inputs, EXPOSURE, amount.id, say), depth=0)
        for amount in exposure.amounts
    ]
    return TableView(
        id=EXPOSURE,
        number="",
        title=say("exposure_title", label=label),
        label_head=say("characteristic"),
        columns=group_columns(inputs, say),
        rows=tuple(rows),
        notes=(Note(say("exposure_note", step=label_of_step(inputs, exposure.among, say))),),
    )


def deaths_table(inputs: ReportInputs, deaths: Deaths, say: Wording) -> TableView:
    """Who died, how soon, and of what; the exact interval of everybody."""
    rows = [death_row(say("deaths_all"), inputs, ALL, "", say)]
    rows += [
        death_row(say("deaths_within", days=days), inputs, WITHIN, days, say)
        for days in levels_of(inputs, DEATHS, WITHIN)
    ]
    causes = levels_of(inputs, DEATHS, CAUSE)
    if deaths.cause and causes:
        rows.append(Row(say("deaths_by_cause"), heading=True, depth=0))
        rows += [
            death_row(label_of_code(inputs, deaths.cause.field, code, say), inputs, CAUSE, code, say) for code in causes
        ]
    return TableView(
        id=DEATHS,
        number="",
        title=say("deaths_title", n=text_at(inputs, DEATHS, ALL, "n")),
        label_head=say("deaths_head"),
        columns=(
            *group_columns(inputs, say, say("patients_percent")),
            TableColumn(say("ci_95"), say("interval_clopper_pearson")),
        ),
        rows=tuple(rows),
    )


def death_row(label: str, inputs: ReportInputs, variable: str, level: str, say: Wording) -> Row:
    """One line on deaths."""
    low, high = (text_at(inputs, DEATHS, variable, f"percent_{end}", "", "", level) for end in ("low", "high"))
    interval = say("percent_interval", low=low, high=high) if low else ""
    cells = by_columns(inputs, DEATHS, variable, "summary", level)
    return Row(label, (*cells, Cell(interval)), depth=int(variable == CAUSE))


def deaths_sentence(inputs: ReportInputs, say: Wording) -> str:
    """How many died, with the exact interval; '' where the plan does not count deaths."""
    count, n, low, high = (text_at(inputs, DEATHS, ALL, name) for name in ("count", "n", "percent_low", "percent_high"))
    return say("headline_deaths", count=count, n=n, low=low, high=high) if low else ""


def follow_up_sentence(inputs: ReportInputs, say: Wording) -> str:
    """Who came to the last visit of the schedule, of those due; '' where nobody is due yet."""
    if inputs.plan.follow_up is None:
        return ""
    last = inputs.plan.follow_up.visits[-1]
    count, due, percent = (text_at(inputs, FOLLOW_UP, last.id, name) for name in ("count", "n", "percent"))
    if due in {"", "0"}:
        return ""
    label = label_of_visit(last, inputs, say)
    return say("headline_follow_up", visit=label, count=count, n=due, percent=percent)


def parts_in(inputs: ReportInputs, kind: PartKind) -> list[PartFilled]:
    """The completeness of each part of one kind at each event."""
    return [one for one in inputs.trust.parts if one.kind is kind]


def sites_table(inputs: ReportInputs, say: Wording) -> TableView:
    """Each site: patients entered and analysed, completeness, and open findings with their age."""
    unassigned = text_at(inputs, SITES, ENTERED, UNASSIGNED)
    notes = [Note(say("sites_note"))]
    if unassigned not in {"", "0"}:
        notes.append(Note(say("sites_unassigned", n=unassigned)))
    heads = ("enrolled", "sites_analysed", "sites_rows", "sites_cells", "findings_counted", "sites_age")
    return TableView(
        id=SITES,
        number="",
        title=say("sites_title"),
        label_head=say("site"),
        columns=tuple(TableColumn(say(head)) for head in heads),
        rows=tuple(site_row(site, inputs, say) for site in levels_of(inputs, SITES, ENTERED)),
        notes=tuple(notes),
    )


def site_row(site: str, inputs: ReportInputs, say: Wording) -> Row:
    """One site."""
    parts = [one for one in parts_in(inputs, PartKind.SITE) if one.part == site]
    rows = sum(one.begun for one in parts), sum(one.expected for one in parts)
    cells = sum(one.filled for one in parts), sum(one.cells for one in parts)
    ages = [
        (inputs.run.data_cutoff - one.opened_at).days
        for one in inputs.delta.in_doubt
        if inputs.site_of.get(one.row.record) == site
    ]
    label = inputs.sites[site].in_(say.language) if site in inputs.sites else site
    texts = (
        text_at(inputs, SITES, ENTERED, "summary", "", "", site),
        text_at(inputs, SITES, ANALYSED, "summary", "", "", site),
        share_text(*rows),
        share_text(*cells),
        str(len(ages)),
        f"{median(ages):g}" if ages else say("withheld"),
    )
    return Row(label, tuple(map(Cell, texts)), depth=0)


def share_text(some: int, all_of_them: int) -> str:
    """`96.1`: a percentage; 100.0 means all. A dash where there is nothing."""
    if not all_of_them:
        return "–"
    return "100.0" if some == all_of_them else f"{min(100 * some / all_of_them, 99.9):.1f}"


def completeness_by_group(inputs: ReportInputs, say: Wording) -> TableView:
    """Each visit in each group: rows begun of those expected, and required cells filled."""
    found = {(one.event, one.part): one for one in parts_in(inputs, PartKind.GROUP)}
    events = dict.fromkeys(event for (event, _), one in found.items() if one.expected)
    return TableView(
        id="completeness_by_group",
        number="",
        title=say("completeness_by_group_title"),
        label_head=say("visit"),
        columns=tuple(TableColumn(group.label.in_(say.language)) for group in inputs.plan.groups),
        rows=tuple(
            Row(
                event_title(event, inputs, say),
                tuple(filled_cell(found.get((event, group.id))) for group in inputs.plan.groups),
                depth=0,
            )
            for event in events
        ),
        notes=(Note(say("completeness_by_group_note")),),
    )
