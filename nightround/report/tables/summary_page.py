"""The one-page summary below its answers: a few numbers, and what the tables show in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nightround.model.outcome import Status
from nightround.model.result import ResultKey, ResultRow
from nightround.model.rule import Severity
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.withheld import is_withheld
from nightround.report.tables.conduct_page import deaths_sentence, follow_up_sentence
from nightround.report.tables.endpoints import INTERVALS, interval_text, primary_endpoint, printed
from nightround.report.tables.planned_tables import SIGNIFICANT, calls_difference, step_count
from nightround.report.tables.safety_page import safety_sentence, safety_shown, text_of
from nightround.study.plan import PlannedTable, Variable
from nightround.texts.catalogue import Wording

MOST_NAMES = 3
"""Variables named in a sentence; the tables show them all."""


@dataclass(frozen=True)
class Card:
    """A number of the summary: what it is, its unit, and a line under it."""

    number: str
    unit: str
    label: str
    under: str


def cards(inputs: ReportInputs, say: Wording) -> tuple[Card, ...]:
    """Who entered, who is analysed, the primary endpoint, safety, and what is open."""
    shown = (*patient_cards(inputs, say), *endpoint_cards(inputs, say), *safety_cards(inputs, say))
    return (*shown, open_card(inputs, say))


def patient_cards(inputs: ReportInputs, say: Wording) -> Iterator[Card]:
    """The first step of the flow, and the population of the tables where it is another step."""
    first = inputs.plan.flow[0]
    population = next(step for step in inputs.plan.flow if step.id == inputs.plan.population)
    entered, target = (inputs.results.get(ResultKey("accrual", "enrolled", name)) for name in ("n", "target"))
    if entered and target:
        yield Card(entered.text, say("patients_unit"), say("enrolled"), say("of_target", n=target.text))
    else:
        yield Card(str(step_count(inputs.results, first.id)), say("patients_unit"), first.label.in_(say.language), "")
    if population.id != first.id:
        number = str(step_count(inputs.results, population.id))
        yield Card(number, say("patients_unit"), population.label.in_(say.language), say("population_card"))


def endpoint_cards(inputs: ReportInputs, say: Wording) -> Iterator[Card]:
    """The primary endpoint with its interval."""
    endpoint = primary_endpoint(inputs.plan)
    if endpoint is not None and is_withheld(inputs, endpoint):
        label, n = endpoint.label.in_(say.language), printed(inputs.results, endpoint, "n")
        yield Card(n, say("patients_unit"), label, say("withheld_card"))
    elif endpoint is not None:
        interval = interval_text(inputs, endpoint, INTERVALS[0], say, "interval")
        under = say("card_interval", interval=interval) if interval else ""
        yield Card(printed(inputs.results, endpoint, "percent"), "%", endpoint.label.in_(say.language), under)


def safety_cards(inputs: ReportInputs, say: Wording) -> Iterator[Card]:
    """Patients with a serious adverse event, and how many had any."""
    if safety_shown(inputs):
        under = say("any_event", n=text_of(inputs, "any", "count"))
        yield Card(text_of(inputs, "serious", "count"), say("patients_unit"), say("ae_serious"), under)


def open_card(inputs: ReportInputs, say: Wording) -> Card:
    """The findings that are open, the critical ones named."""
    findings = inputs.delta.in_doubt
    critical = sum(finding.severity is Severity.CRITICAL for finding in findings)
    return Card(str(len(findings)), say("findings_unit"), say("open_findings"), say("of_them_critical", n=critical))


def headlines(inputs: ReportInputs, say: Wording) -> tuple[str, ...]:
    """The findings of the report in sentences, each made from result rows."""
    return tuple(
        sentence
        for sentence in (
            flow_sentence(inputs, say),
            follow_up_sentence(inputs, say),
            safety_sentence(inputs, say),
            deaths_sentence(inputs, say),
            *(one for table in inputs.plan.tables for one in table_sentences(table, inputs, say)),
            data_sentence(inputs, say),
        )
        if sentence
    )


def flow_sentence(inputs: ReportInputs, say: Wording) -> str:
    """Every step with its count."""
    aside = {step.id for step in inputs.plan.flow if step.side}
    steps = (
        say("counted", label=step.label.in_(say.language), n=step_count(inputs.results, step.id))
        for step in inputs.plan.flow
        if step.of not in aside and (step.id not in aside or step_count(inputs.results, step.id))
    )
    return say("headline_flow", steps=say("semicolon").join(steps))


def table_sentences(table: PlannedTable, inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """What a table comes to, and what it does not call a difference for want of patients."""
    yield table_sentence(table, inputs, say)
    if table.kind == "by_group":
        yield from not_called(table, inputs, say)


def table_sentence(table: PlannedTable, inputs: ReportInputs, say: Wording) -> str:
    """Which variables of a table differ at the customary level, of how many; between groups or within each."""
    if table.kind == "by_group":
        names, tested = differing(table, "", inputs, say)
        if not tested:
            return ""
        return say("headline_by_group", table=table.title.in_(say.language), **counts(names, tested, say))
    parts = []
    for group in inputs.plan.groups:
        names, tested = differing(table, group.id, inputs, say)
        parts.append(say("headline_group", group=group.label.in_(say.language), **counts(names, tested, say)))
    title = table.title.in_(say.language)
    return say("headline_before_after", table=title, groups=say("semicolon").join(parts))


def counts(names: list[str], tested: int, say: Wording) -> dict[str, object]:
    """How many differ, of how many, and their names."""
    shown = say("enumeration").join(names[:MOST_NAMES])
    text = "named" if len(names) <= MOST_NAMES else "named_among_others"
    listed = say(text, names=shown) if names else ""
    return {"n": len(names), "tested": tested, "names": listed}


def differing(table: PlannedTable, group: str, inputs: ReportInputs, say: Wording) -> tuple[list[str], int]:
    """The labels of variables with P under the customary level, and how many were tested."""
    found = [(variable, p_row(table, variable, group, inputs)) for variable in table.variables]
    tested = [(variable, row) for variable, row in found if row is not None and row.value is not None]
    return [variable.label.in_(say.language) for variable, row in tested if calls_difference(row)], len(tested)


def not_called(table: PlannedTable, inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """Which variables have a small P of a test that may not call a difference, because its counts are too small."""
    rows = [(variable, p_row(table, variable, "", inputs)) for variable in table.variables]
    small = [(variable, row) for variable, row in rows if row and row.value is not None and row.value < SIGNIFICANT]
    names = [variable.label.in_(say.language) for variable, row in small if not calls_difference(row)]
    if names:
        yield say("headline_not_called", names=say("enumeration").join(names[:MOST_NAMES]))


def p_row(table: PlannedTable, variable: Variable, group: str, inputs: ReportInputs) -> ResultRow | None:
    """The P value of a variable's test, between groups or within one."""
    return inputs.results.get(ResultKey(table.id, variable.id, "p", group))


def look_sentence(inputs: ReportInputs, say: Wording) -> str:
    """Which look at the outcome by group this is; the open version is none."""
    if inputs.version == "open":
        return say("look_open")
    days = say("enumeration").join(f"{day:%Y-%m-%d}" for day in inputs.look.earlier[-MOST_NAMES:])
    earlier = say("look_earlier", days=days) if days else ""
    return say("look", n=inputs.look.number, earlier=earlier)


def data_sentence(inputs: ReportInputs, say: Wording) -> str:
    """The state of the data in one line."""
    coverage, delta = inputs.coverage, inputs.delta
    severities = [finding.severity for finding in delta.in_doubt]
    return say(
        "headline_data",
        known=len(coverage.known),
        passed=coverage.counts.get(Status.PASSED, 0),
        failed=coverage.counts.get(Status.FAILED, 0),
        open=len(severities),
        critical=severities.count(Severity.CRITICAL),
        major=severities.count(Severity.MAJOR),
        minor=severities.count(Severity.MINOR),
    )
