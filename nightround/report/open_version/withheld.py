"""What the open version withholds where the groups are an outcome: everything the sizes of the groups follow from.

A pooled rate of that outcome, a step of the flow that is one of the groups, or the rows a rule finds in one of them
would each tell how many patients are in which group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from nightround.model.outcome import Outcome
from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.model.rule import Rule
from nightround.report.numbers.inputs import ReportInputs
from nightround.study.plan import Endpoint, Plan, PlannedTable, Step, Survival, Variable
from nightround.texts.catalogue import words

FLOW, ENDPOINTS, BOUNDS, LITERATURE = "flow", "endpoints", "bounds", "literature"
KNOWN = "outcome_known"
"""The step of the flow that stands for all groups together."""
TOLD_OF_ENDPOINT = frozenset({"n", "missing"})
"""Of a withheld endpoint only how many were assessed and how many were not."""
FIGURE = re.compile(r"\d")


def is_withheld(inputs: ReportInputs, endpoint: Endpoint) -> bool:
    """Whether an endpoint is not reported, because its version is open and the groups are its answers."""
    return inputs.version == "open" and endpoint.field == inputs.plan.grouping


def withheld_endpoints(plan: Plan) -> frozenset[str]:
    """The endpoints that the groups are the answers to."""
    return frozenset(one.id for one in plan.endpoints if one.field == plan.grouping)


def parts_by_group(plan: Plan) -> tuple[Step, ...]:
    """The steps of the flow that contain the patients of some groups alone, with everything below them."""
    found: dict[str, Step] = {}
    for step in plan.flow:
        split = any(condition.field == plan.grouping and condition.codes for condition in step.where)
        if split or step.of in found:
            found[step.id] = step
    return tuple(found.values())


def pooled_flow(plan: Plan) -> tuple[Step, ...]:
    """The flow with one step in the place of those by group; none where their sum is not everybody."""
    parts = parts_by_group(plan)
    kept = tuple(step for step in plan.flow if step not in parts)
    if not sum_is_everybody(plan, parts):
        return kept
    return (*kept, Step(id=KNOWN, label=words("open_version.outcome_known"), of=tops(parts)[0].of))


def tops(parts: Iterable[Step]) -> list[Step]:
    """The steps by group that are of a step that stays."""
    ids = {step.id for step in parts}
    return [step for step in parts if step.of not in ids]


def sum_is_everybody(plan: Plan, parts: Iterable[Step]) -> bool:
    """Whether the steps by group are of one step, and contain each group once: only then their sum tells no part."""
    first = tops(parts)
    codes = [c for step in first for one in step.where if one.field == plan.grouping for c in one.codes]
    return len({step.of for step in first}) == 1 and sorted(codes) == sorted(c for g in plan.groups for c in g.codes)


def pooled_rows(plan: Plan, results: ResultSet) -> Iterator[ResultRow]:
    """The result rows without what is withheld, and the one count that stands for all groups."""
    endpoints, parts = withheld_endpoints(plan), parts_by_group(plan)
    steps = {step.id for step in parts}
    published = {one.id for one in plan.literature if one.endpoint in endpoints}
    dropped = {variable.id for table in plan.tables for variable in table.variables if reveals_groups(variable, plan)}
    curves = {curve.id for curve in plan.survival if curve_reveals_groups(curve, plan)}
    gone = {FLOW: steps, BOUNDS: endpoints, LITERATURE: published, "survival": curves}
    gone |= {table.id: dropped for table in plan.tables}
    withheld = withheld_conduct(plan)
    for row in (row for row in results if row.table not in withheld):
        untold = row.table == ENDPOINTS and row.variable in endpoints and row.statistic not in TOLD_OF_ENDPOINT
        if row.variable not in gone.get(row.table, ()) and not untold:
            yield row
    if parts and sum_is_everybody(plan, parts):
        rows = [results[ResultKey(FLOW, step.id, "n")] for step in tops(parts)]
        known = sum(row.value or 0 for row in rows)
        yield replace(rows[0], variable=KNOWN, value=known, text=f"{known:.0f}", n=round(known))


def reveals_groups(variable: Variable, plan: Plan) -> bool:
    """Whether a variable is the grouping field itself."""
    fields = (*(field for _, field in variable.visits), *(level.field for level in variable.levels))
    return plan.grouping in fields


def curve_reveals_groups(curve: Survival, plan: Plan) -> bool:
    """Whether a curve is of the outcome that the groups are the answers to, or of the patients of one group."""
    followed = curve.population in {step.id for step in parts_by_group(plan)}
    return followed or plan.grouping in {*curve.references()}


def withheld_conduct(plan: Plan) -> frozenset[str]:
    """The parts on how the study runs that are of one group's patients, or count the grouping field itself."""
    steps = {step.id for step in parts_by_group(plan)}
    parts = {"follow_up": plan.follow_up, "exposure": plan.exposure, "deaths": plan.deaths}
    return frozenset(
        name for name, part in parts.items() if part and (part.among in steps or plan.grouping in part.references())
    )


def pooled_tables(plan: Plan) -> tuple[PlannedTable, ...]:
    """The tables without variables that are the grouping field itself."""
    return tuple(one for table in plan.tables for one in [without_groups(table, plan)] if one.variables)


def without_groups(table: PlannedTable, plan: Plan) -> PlannedTable:
    """A table without lines that count the groups."""
    sections = (
        section.model_copy(update={"variables": tuple(v for v in section.variables if not reveals_groups(v, plan))})
        for section in table.sections
    )
    return table.model_copy(update={"sections": tuple(section for section in sections if section.variables)})


def uncounted_rules(plan: Plan, rules: Iterable[Rule]) -> frozenset[str]:
    """The rules that speak of the grouping field: how many rows they looked at could tell of a group."""
    if plan.grouping is None:
        return frozenset()
    named = re.compile(rf"\[{re.escape(plan.grouping.field)}\]")
    return frozenset(
        rule.id for rule in rules if any(named.search(text) for text in (rule.applies, rule.discrepancy, *rule.needs))
    )


def without_counts(outcome: Outcome, uncounted: frozenset[str]) -> Outcome:
    """An outcome whose reason contains no number where its rows are not counted."""
    stated = outcome.rule_id in uncounted and FIGURE.search(str(outcome.reason or ""))
    return replace(outcome, reason=None) if stated else outcome
