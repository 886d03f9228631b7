"""Listings as tables of a page and as lines of a file: what is counted, how many, and which records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from nightround.model.result import ResultRow
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.numbers.listings import COMPLETENESS, FINDINGS, RecordListing
from nightround.report.tables.conduct_page import label_of_code, label_of_visit
from nightround.report.tables.planned_tables import visit_label
from nightround.report.tables.trust_page import event_title
from nightround.report.tables.views import Cell, Note, Row, TableColumn, TableView
from nightround.statistics.transitions import ARROW
from nightround.study.plan import PlannedTable
from nightround.texts.catalogue import Wording

FIELDS = ("table", "variable", "statistic", "group", "visit", "level", "count", "record")
LEAST_OF_RUN = 3
"""Whole numbers one after another that are written as a range."""
WIDTHS = (9.0, 52.0)
"""Percent of the page: the count, and the records; what is counted takes the rest."""
IN_FILE_ALONE = frozenset({"cumulative"})
"""Statistics that stand in the file alone: the months of enrolment hold the same records again and again."""


def listing_tables(listings: Iterable[RecordListing], inputs: ReportInputs, say: Wording) -> Iterator[TableView]:
    """A table for each part of the report, without counts of nobody."""
    parts: dict[str, list[RecordListing]] = {}
    for one in listings:
        if one.records and one.row.statistic not in IN_FILE_ALONE and is_shown(one, inputs):
            parts.setdefault(part_title(one.row, inputs, say), []).append(one)
    for number, (title, found) in enumerate(parts.items(), start=1):
        rows = tuple(
            Row(
                say("name_parts").join(label_parts(one.row, inputs, say)),
                (Cell(one.row.text), Cell(records_text(one.records, say))),
                depth=0,
            )
            for one in found
        )
        columns = (
            TableColumn(say("listing_size"), width=WIDTHS[0]),
            TableColumn(say("record"), kind="text", width=WIDTHS[1]),
        )
        yield TableView(
            f"listing_{number}", f"L{number}", title, say("listing_of"), columns, rows, label_width=100 - sum(WIDTHS)
        )


def is_shown(listing: RecordListing, inputs: ReportInputs) -> bool:
    """Whether the page prints a count: of the groups where these have columns, of everybody where they have none."""
    row = listing.row
    if (row.table, row.statistic) == ("safety", "n") and row.variable != "any":
        return False  # the same patients for each line
    table = next((one for one in inputs.plan.tables if one.id == row.table), None)
    return bool(row.group) or table is None or not inputs.plan.grouping or table.overall or inputs.version == "open"


def listing_note(inputs: ReportInputs, say: Wording) -> Note:
    """How records are named."""
    return Note(say("listing_note_records" if inputs.record_ids else "listing_note_numbers"))


def listing_rows(listings: Iterable[RecordListing]) -> Iterator[Mapping[str, object]]:
    """A line each record of each count."""
    for one in listings:
        row = one.row
        place = (row.table, row.variable, row.statistic, row.group, row.visit, row.level, row.text)
        for record in one.records:
            yield dict(zip(FIELDS, (*place, record), strict=True))


def records_text(records: Sequence[str], say: Wording) -> str:
    """`1–5, 8 ×2`: records, runs of whole numbers as ranges, and how often a record is counted where it is not once."""
    return say("enumeration").join(ranges_of(Counter(records), say))


def ranges_of(times: Mapping[str, int], say: Wording) -> Iterator[str]:
    """The records one by one, or runs of at least three with their ends; of one run all are counted as often."""
    keyed = (
        ((int(one) - place if one.isascii() and one.isdigit() else one, n), one)
        for place, (one, n) in enumerate(times.items())
    )
    for (key, n), found in groupby(keyed, key=lambda pair: pair[0]):
        run = [one for _, one in found]
        is_range = isinstance(key, int) and len(run) >= LEAST_OF_RUN
        texts = [say("listing_run", first=run[0], last=run[-1])] if is_range else run
        yield from (text if n == 1 else say("listing_times", record=text, n=n) for text in texts)


def part_title(row: ResultRow, inputs: ReportInputs, say: Wording) -> str:
    """What the part of the report is called that a count stands in."""
    ids = [table.id for table in inputs.plan.tables]
    if row.table in ids:
        number = ids.index(row.table) + 1
        title = inputs.plan.tables[number - 1].title.in_(say.language)
        return say("line_of", place=say("table_number", n=number), label=title)
    return say(PART_TITLES.get(row.table, f"changed_{row.table}"))


PART_TITLES = {COMPLETENESS: "listing_not_begun", FINDINGS: "open_heading", "endpoints": "endpoint"}


def label_parts(row: ResultRow, inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """What is counted, its level, group, visit and statistic."""
    planned = next((table for table in inputs.plan.tables if table.id == row.table), None)
    if planned:
        yield from parts_of_variable(planned, row, say)
    else:
        yield from (part for part in parts_elsewhere(row, inputs, say) if part)
    yield from (group.label.in_(say.language) for group in inputs.plan.groups if row.group and group.id == row.group)
    yield from statistic_part(row, say)


def statistic_part(row: ResultRow, say: Wording) -> Iterator[str]:
    """What the number is of those named; nothing where it is simply how many they are."""
    own = f"listing_{row.table}_{row.statistic}"
    if own in say.texts:
        yield say(own)
    elif row.statistic not in PLAIN:
        yield say(f"listing_{row.statistic}")


PLAIN = frozenset({"count", "n", "pairs", "open"})
"""Statistics that need no name: the number of those who were named."""


def parts_of_variable(table: PlannedTable, row: ResultRow, say: Wording) -> Iterator[str]:
    """A planned variable, its level or both levels, and the visit."""
    variable = next(one for one in table.variables if one.id == row.variable)
    labels = {level.id: level.label.in_(say.language) for level in variable.levels}
    yield variable.label.in_(say.language)
    if row.level:
        yield say("listing_moved").join(labels[one] for one in row.level.split(ARROW))
    if row.visit:
        yield visit_label(table, row.visit, say)


def parts_elsewhere(row: ResultRow, inputs: ReportInputs, say: Wording) -> tuple[str, ...]:
    """What a count beside the planned tables is of."""
    plan, language = inputs.plan, say.language
    labels = {("flow", one.id): one.label for one in plan.flow}
    labels |= {("endpoints", one.id): one.label for one in plan.endpoints}
    labels |= {("survival", one.id): one.label for one in plan.survival}
    if (row.table, row.variable, row.group) == ("flow", "groups", ""):
        return (say("overall"),)
    if (row.table, row.variable) in labels:
        return (labels[row.table, row.variable].in_(language),)
    if row.table == COMPLETENESS:
        title = inputs.instruments[row.variable].in_(language) if row.variable in inputs.instruments else row.variable
        return (title, event_title(row.visit, inputs, say))
    if row.table == FINDINGS:
        rule = next((one for one in inputs.rules if one.id == row.variable), None)
        return (rule.finding_title.in_(language) if rule else row.variable,)
    return parts_of_conduct(row, inputs, say)


def parts_of_conduct(row: ResultRow, inputs: ReportInputs, say: Wording) -> tuple[str, ...]:
    """What a count on how the study runs, or on safety, is of."""
    named = PARTS.get(row.table)
    return named(row, inputs, say) if named else (row.level,)


def parts_of_safety(row: ResultRow, inputs: ReportInputs, say: Wording) -> tuple[str, ...]:
    """An adverse event, or a worst grade."""
    safety = inputs.plan.safety
    field = {"term": safety.term, "grade": safety.grade}.get(row.variable, "") if safety else ""
    heads = {"term": "", "grade": say("ae_by_grade"), "any": say("ae_any"), "serious": say("ae_serious")}
    return heads[row.variable], label_of_code(inputs, field, row.level, say)


def parts_of_follow_up(row: ResultRow, inputs: ReportInputs, say: Wording) -> tuple[str, ...]:
    """A visit, or how participation ended."""
    follow_up = inputs.plan.follow_up
    for visit in (one for one in (follow_up.visits if follow_up else ()) if one.id == row.variable):
        return label_of_visit(visit, inputs, say), say("listing_came") if row.statistic == "count" else ""
    if row.variable == "time":
        return (say("follow_up_time"),)
    ended = follow_up.ended if follow_up else None
    return (label_of_code(inputs, ended.field, row.level, say) if ended and row.level else say("ended_not"),)


def parts_of_exposure(row: ResultRow, inputs: ReportInputs, say: Wording) -> tuple[str, ...]:
    """Treatments, so many of them, or an amount."""
    exposure = inputs.plan.exposure
    label = exposure.label.in_(say.language) if exposure else ""
    for amount in (one for one in (exposure.amounts if exposure else ()) if one.id == row.variable):
        return (amount.label.in_(say.language),)
    return (say("listing_treatments", label=label, n=row.level) if row.level else label,)


def parts_of_deaths(row: ResultRow, inputs: ReportInputs, say: Wording) -> tuple[str, ...]:
    """Deaths from any cause, within days, or of a cause."""
    deaths = inputs.plan.deaths
    if row.variable == "cause" and deaths and deaths.cause:
        return (label_of_code(inputs, deaths.cause.field, row.level, say),)
    return (say("deaths_within", days=row.level) if row.level else say("deaths_all"),)


def parts_of_site(row: ResultRow, inputs: ReportInputs, say: Wording) -> tuple[str, ...]:
    """A site, entered or analysed."""
    site = inputs.sites[row.level].in_(say.language) if row.level in inputs.sites else row.level
    return site, say("sites_analysed" if row.variable == "analysed" else "enrolled")


def parts_of_enrolment(row: ResultRow, inputs: ReportInputs, say: Wording) -> tuple[str, ...]:  # noqa: ARG001 - as the others
    """Who entered."""
    return (say("enrolled"),)


PARTS: Mapping[str, Callable[[ResultRow, ReportInputs, Wording], tuple[str, ...]]] = {
    "safety": parts_of_safety,
    "follow_up": parts_of_follow_up,
    "exposure": parts_of_exposure,
    "deaths": parts_of_deaths,
    "sites": parts_of_site,
    "accrual": parts_of_enrolment,
}
