"""What changed since the last report, as a sentence, a table, and a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nightround.model.language import Words
from nightround.report.numbers.facts import Cause, ChangedNumber, News
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.planned_tables import SIGNIFICANT, typeset, visit_label
from nightround.report.tables.views import Cell, Note, Row, TableColumn, TableView
from nightround.study.methods import STATISTIC_SYMBOLS
from nightround.study.plan import Plan, Variable
from nightround.texts.catalogue import Wording

MOST_CAUSES = 8
"""Lines, one a group of causes; the attached changes.csv contains every number."""
MOST_RECORDS = 6
ATTACHED_ONLY = frozenset({"odds_ratio_summary", "logistic_summary"})
"""Numbers of the attached result rows that no page prints."""
ENDS = ("_low", "_high")
PRINTED_P = re.compile(r"<?([01]?\.\d+)")
COUNTS = ("n", "count", "percent", "events", "target", "stopped", "missed")
STATISTICS = frozenset({"summary", "p", *COUNTS, *STATISTIC_SYMBOLS})


def news_sentence(inputs: ReportInputs, say: Wording) -> str:
    """How many numbers changed, and how many records caused it."""
    news = inputs.news
    if news is None:
        return say("news_first")
    day = f"{news.since:%Y-%m-%d}"
    if not news.changed:
        return say("news_none", day=day, compared=news.compared)
    return say("news_some", day=day, n=len(news.changed), compared=news.compared, records=len(news.records))


def news_table(inputs: ReportInputs, news: News, say: Wording) -> TableView:
    """What caused changes: each set of causes once, with how many numbers it moved, where, and the weightiest."""
    groups = by_causes(news, inputs.plan)
    return TableView(
        id="news",
        number="",
        title=say("news_title", day=f"{news.since:%Y-%m-%d}"),
        label_head=say("news_cause"),
        columns=(
            TableColumn(say("news_numbers")),
            TableColumn(say("news_where"), kind="text"),
            TableColumn(say("news_weightiest"), kind="text"),
        ),
        rows=tuple(cause_row(causes, found, inputs, say) for causes, found in groups[:MOST_CAUSES]),
        notes=tuple(Note(text) for text in news_notes(inputs, news, groups, say)),
    )


CauseGroup = tuple[tuple[Cause, ...], list[ChangedNumber]]
"""A set of causes with the numbers that it moved."""


def by_causes(news: News, plan: Plan) -> list[CauseGroup]:
    """The changed numbers by their causes: the group with the weightiest number first."""
    groups: dict[tuple[Cause, ...], list[ChangedNumber]] = {}
    for one in weightiest_first(news, plan):
        groups.setdefault(tuple(one.causes), []).append(one)
    return list(groups.items())


def cause_row(causes: tuple[Cause, ...], found: list[ChangedNumber], inputs: ReportInputs, say: Wording) -> Row:
    """One set of causes: its records, its numbers by place, and the weightiest of them before and now."""
    places = Counter(place_of(one, inputs.plan, say) for one in found)
    where = say("enumeration").join(say("counted_in", place=place, n=n) for place, n in places.items())
    first = found[0]
    before, now = (typeset(text, say.language) or say("news_absent") for text in (first.before, first.now))
    name = say("name_parts").join(names_of(first, inputs, say))
    moved = say("news_moved", name=name, before=before, now=now)
    return Row(causes_text(causes, inputs, say), (Cell(str(len(found))), Cell(where), Cell(moved)), depth=0)


def place_of(one: ChangedNumber, plan: Plan, say: Wording) -> str:
    """The table of the plan or the part of the report that a changed number is in."""
    ids = [table.id for table in plan.tables]
    if one.table in ids:
        return say("table_number", n=ids.index(one.table) + 1)
    regression = next((part for part in plan.regressions if part.id == one.table), None)
    return regression.label.in_(say.language) if regression else say(f"changed_{one.table}")


def weightiest_first(news: News, plan: Plan) -> list[ChangedNumber]:
    """Flow, endpoints and safety; then P values that crossed; then what few records caused; then the plan's order."""
    planned = {table.id for table in plan.tables} | {regression.id for regression in plan.regressions}
    often = Counter(one.causes for one in news.changed)

    def rank(one: ChangedNumber) -> tuple[int, int]:
        if one.table not in planned:
            return (3, 0) if one.group or one.statistic.endswith(ENDS) else (0, 0)
        if one.statistic in ATTACHED_ONLY:
            return (3, 1)
        return (1, 0) if crossed(one) else (2, often[one.causes])

    return sorted(news.changed, key=rank)


def crossed(one: ChangedNumber) -> bool:
    """Whether a P value came to lie on the other side of the customary level."""
    if one.statistic != "p":
        return False
    sides = [PRINTED_P.fullmatch(text) for text in (one.before, one.now)]
    under = [float(found[1]) < SIGNIFICANT for found in sides if found]
    return len(under) == len(sides) and under[0] != under[1]


def news_notes(inputs: ReportInputs, news: News, groups: list[CauseGroup], say: Wording) -> Iterator[str]:
    """Where every number is listed, and what else changed."""
    if len(groups) > MOST_CAUSES:
        rest = sum(len(found) for _, found in groups[MOST_CAUSES:])
        yield say("news_capped", shown=MOST_CAUSES, all=len(groups), n=rest)
    yield say("news_attached")
    yield say("news_findings", before=news.findings_before, now=len(inputs.delta.in_doubt))
    if news.rules_changed:
        yield say("news_rules", before=news.rules_before)
    yield say("news_snapshot", snapshot=news.snapshot[:16])


def causes_text(causes: Sequence[Cause], inputs: ReportInputs, say: Wording) -> str:
    """Every cause of a number."""
    return say("semicolon").join(cause_text(cause, inputs, say) for cause in causes)


def cause_text(cause: Cause, inputs: ReportInputs, say: Wording) -> str:
    """A cause with its records, or how many they are where no record may be named."""
    if not cause.records:
        return say(f"cause_{cause.kind}")
    kind = say(f"cause_{cause.kind}")
    if not inputs.record_ids:
        return say("cause_counted", cause=kind, n=len(cause.records))
    named = say("enumeration").join(cause.records[:MOST_RECORDS])
    more = len(cause.records) - MOST_RECORDS
    return say("cause_named", cause=kind, records=say("and_more", names=named, n=more) if more > 0 else named)


def names_of(one: ChangedNumber, inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """What a number is about, from the table to the statistic."""
    plan, language = inputs.plan, say.language
    ids = [table.id for table in plan.tables]
    if one.table in ids:
        yield say("table_number", n=ids.index(one.table) + 1)
    variable = variable_of(plan, one)
    label = variable.label if variable else label_elsewhere(plan, one)
    yield label.in_(language) if label else say(f"changed_{one.table}")
    for curve in (
        curve for curve in plan.survival if one.level and (one.table, one.variable) == ("survival", curve.id)
    ):
        yield say("changed_at", time=one.level, unit=curve.unit.in_(language))
    if variable and one.level:
        yield next((level.label.in_(language) for level in variable.levels if level.id == one.level), one.level)
    yield from (group.label.in_(language) for group in plan.groups if one.group and group.id == one.group)
    if one.visit:
        yield visit_name(plan, one, say)
    name = one.statistic.removesuffix("_summary")
    if name != "summary":
        yield say(f"changed_{name}") if name in STATISTICS else effect_name(name, say)


def visit_name(plan: Plan, one: ChangedNumber, say: Wording) -> str:
    """The visit of a changed number, by the table it is in."""
    table = next((table for table in plan.tables if table.id == one.table), None)
    return visit_label(table, one.visit, say) if table else say(one.visit)


def effect_name(name: str, say: Wording) -> str:
    """An effect or an interval's end in words, or as the result rows name it."""
    return say(f"effect_{name}") if f"effect_{name}" in say.texts else name.replace("_", " ")


def variable_of(plan: Plan, one: ChangedNumber) -> Variable | None:
    """The variable of a planned table, also where a regression takes it up."""
    tables = {one.table, *(regression.table for regression in plan.regressions if regression.id == one.table)}
    found = (v for table in plan.tables if table.id in tables for v in table.variables if v.id == one.variable)
    return next(found, None)


def label_elsewhere(plan: Plan, one: ChangedNumber) -> Words | None:
    """The label of a step of the flow, of an endpoint or of a curve."""
    labels = {("flow", step.id): step.label for step in plan.flow}
    labels |= {("endpoints", endpoint.id): endpoint.label for endpoint in plan.endpoints}
    labels |= {("survival", curve.id): curve.label for curve in plan.survival}
    labels |= {("exposure", amount.id): amount.label for one in [plan.exposure] if one for amount in one.amounts}
    labels |= {("follow_up", visit.id): visit.label for one in [plan.follow_up] if one for visit in one.visits}
    return labels.get((one.table, one.variable))


def causes_shown(one: ChangedNumber, *, record_ids: bool) -> str:
    """The causes of a changed number in one field of a CSV file."""
    named = (
        f"{cause.kind}: {' '.join(cause.records)}" if record_ids and cause.records else cause.kind
        for cause in one.causes
    )
    return "; ".join(named)
