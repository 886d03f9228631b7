"""The open version of a report: the whole population alone, so that nobody sees the outcome of a group, or its size."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.report.numbers.changed_numbers import printed
from nightround.report.numbers.facts import FindingWeight, Line, LineTrust, News, PartKind, Trust
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.withheld import (
    curve_reveals_groups,
    pooled_flow,
    pooled_rows,
    pooled_tables,
    uncounted_rules,
    withheld_conduct,
    withheld_endpoints,
    without_counts,
)
from nightround.study.plan import Plan, PlanGroup, PlannedTable, Survival
from nightround.texts.catalogue import words

EVERYBODY = PlanGroup(id="", label=words("open_version.everybody"), codes=("",))
DESCRIPTIVE = frozenset(
    {"n", "missing", "below_detection", "mean", "sd", "q1", "median", "q3", "count", "percent", "summary", "pairs"}
)
"""What tells of one group and compares none."""
COMPARES_GROUPS = ("difference_in_change", "ancova", "difference", "smd", "odds_ratio")
TESTS = frozenset({"t", "z", "chi2", "f", "h", "df_within", "p", "p_adjusted"})


def open_inputs(inputs: ReportInputs) -> ReportInputs:
    """The same night without anything by group and without any comparison of groups."""
    plan = open_plan(inputs.plan)
    pooled = ResultSet(pooled_rows(inputs.plan, inputs.results))
    rows = ResultSet((*open_rows(inputs.plan, pooled), size_row(inputs)))
    uncounted = uncounted_rules(inputs.plan, inputs.rules)
    return replace(
        inputs,
        version="open",
        plan=plan,
        results=rows,
        outcomes=tuple(without_counts(one, uncounted) for one in inputs.outcomes),
        uncounted=uncounted,
        withheld=withheld_conduct(inputs.plan),
        trust=open_trust(inputs.trust, plan),
        drifting={},
        news=open_news(inputs.news, rows),
        pairs={line: tuple(replace(one, group="") for one in pairs) for line, pairs in inputs.pairs.items()},
    )


def open_plan(plan: Plan) -> Plan:
    """The plan with the whole population for its one group, and without what the groups' sizes follow from."""
    withheld = withheld_endpoints(plan)
    return plan.model_copy(
        update={
            "groups": (EVERYBODY,),
            "flow": pooled_flow(plan),
            "tables": tuple(open_table(table) for table in pooled_tables(plan)),
            "survival": tuple(open_curve(curve) for curve in plan.survival if not curve_reveals_groups(curve, plan)),
            "literature": tuple(one for one in plan.literature if one.endpoint not in withheld),
            "regressions": (),
            **dict.fromkeys(withheld_conduct(plan)),
        }
    )


def open_curve(curve: Survival) -> Survival:
    """A curve of everybody."""
    return curve.model_copy(update={"by_group": False})


def open_table(table: PlannedTable) -> PlannedTable:
    """A table without effects between groups and without tests next to the planned one."""
    sections = tuple(
        section.model_copy(
            update={"variables": tuple(one.model_copy(update={"beside": ()}) for one in section.variables)}
        )
        for section in table.sections
    )
    effects = tuple(effect for effect in table.effects if effect == "change")
    title = words("open_version.pooled_title", title=table.title)
    return table.model_copy(update={"title": title, "sections": sections, "effects": effects, "overall": False})


def open_rows(plan: Plan, results: ResultSet) -> Iterator[ResultRow]:
    """The result rows of everybody that compare no groups."""
    kinds = {table.id: table.kind for table in plan.tables}
    compared = {regression.id for regression in plan.regressions}
    for row in results:
        by_group = row.group or row.table in compared or (row.table, row.variable) == ("flow", "groups")
        between = row.statistic.startswith(COMPARES_GROUPS) or (row.table == "survival" and row.statistic in TESTS)
        if row.table in kinds and (kinds[row.table] == "by_group" or row.visit):
            between = between or row.statistic not in DESCRIPTIVE
        if not by_group and not between:
            yield row


def size_row(inputs: ReportInputs) -> ResultRow:
    """How many patients the one column is about."""
    found = next(row for row in inputs.results if (row.table, row.variable) == ("flow", inputs.plan.population))
    return replace(found, variable="groups")


def open_trust(trust: Trust, plan: Plan) -> Trust:
    """Which values are in doubt, without what they could move: that was tried on the groups.

    A shift is in standard deviations, and that of a proportion tells the proportion; so the order says nothing either.
    """
    weights = (replace(one, verdict=None, shift=None) for one in trust.weights)
    stated = {one for table in plan.tables for one in (Line(table.id, variable.id) for variable in table.variables)}
    stated |= {Line("endpoints", endpoint.id) for endpoint in plan.endpoints}
    return replace(
        trust,
        lines=tuple(without_numbers(line) for line in trust.lines if line.line in stated),
        parts=tuple(one for one in trust.parts if one.kind is not PartKind.GROUP),
        checked=tuple(one for one in trust.checked if one.line in stated),
        weights=tuple(
            sorted((without_lines(one, stated) for one in weights), key=lambda one: (one.lines, one.finding))
        ),
    )


def without_lines(weight: FindingWeight, stated: Container[Line]) -> FindingWeight:
    """The lines that this version has."""
    return replace(weight, lines=tuple(line for line in weight.lines if line in stated))


def without_numbers(line: LineTrust) -> LineTrust:
    """Only how many of its values are in doubt."""
    return replace(line, verdict=None, reported="", excluded="", extremes=("", ""), by_observed=False, measure="")


def open_news(news: News | None, rows: ResultSet) -> News | None:
    """The changed numbers that this version prints, of as many as it prints or printed."""
    if news is None:
        return None
    kept = {(row.table, row.variable, row.statistic, row.visit, row.level) for row in rows}
    here = {row.key for row in rows if printed(row)}
    changed = tuple(
        one
        for one in news.changed
        if not one.group and (one.table, one.variable, one.statistic, one.visit, one.level) in kept
    )
    here |= {ResultKey(one.table, one.variable, one.statistic, one.group, one.visit, one.level) for one in changed}
    return replace(news, changed=changed, compared=len(here))
