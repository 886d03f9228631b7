"""Methods and limitations, from what actually ran: the result rows name their own tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nightround.model.result import ResultRow
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.absent_parts import absent_parts
from nightround.report.tables.manuscript import MANUSCRIPT, manuscript
from nightround.report.tables.planned_tables import step_count, visit_label
from nightround.report.tables.trust_page import label_of_line
from nightround.study.methods import words_of
from nightround.study.plan import PlannedTable
from nightround.texts.catalogue import Wording


@dataclass(frozen=True)
class Paragraph:
    """A heading with its sentences; `listed` are lines of a list under them."""

    id: str
    title: str
    texts: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()


def methods_of(inputs: ReportInputs, say: Wording) -> tuple[Paragraph, ...]:
    """Every paragraph of the chapter, in its order."""
    absent = tuple(absent_parts(inputs, say))
    return (
        Paragraph("population", say("methods_population"), tuple(population(inputs, say))),
        Paragraph(MANUSCRIPT, say("methods_manuscript"), (manuscript(inputs, say),)),
        Paragraph(
            "tests", say("methods_tests"), (say(f"policy_{inputs.plan.policy}"),), tuple(tests_of_tables(inputs, say))
        ),
        Paragraph("missing", say("methods_missing"), (say("missing_rule"),), tuple(missing_values(inputs, say))),
        Paragraph("trust", say("methods_trust"), tuple(trust_methods(inputs, say)), tuple(drifts(inputs, say))),
        Paragraph("limitations", say("methods_limitations"), (), tuple(limitations(inputs, say))),
        *([Paragraph("absent", say("methods_absent"), (), absent)] if absent else []),
        Paragraph("provenance", say("methods_provenance"), tuple(provenance(inputs, say))),
    )


def population(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """Who is in the tables, and in which group."""
    step = next(step for step in inputs.plan.flow if step.id == inputs.plan.population)
    groups = say("enumeration").join(group.label.in_(say.language) for group in inputs.plan.groups)
    label = step.label.in_(say.language)
    if inputs.version == "open":
        yield say("population_text_open", label=label, n=step_count(inputs.results, step.id))
        return
    yield say("population_text", label=label, n=step_count(inputs.results, step.id), groups=groups)


def tests_of_tables(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """The methods that ran in each table, and in the endpoints."""
    for number, table in enumerate(inputs.plan.tables, start=1):
        names = method_names((row for row in inputs.results if row.table == table.id), say)
        yield say("table_tests", number=number, methods=say("semicolon").join(names), family=family(table, say))
    endpoints = method_names((row for row in inputs.results if row.table == "endpoints"), say)
    if endpoints:
        yield say("endpoint_methods", methods=say("semicolon").join(endpoints))
    for curve in inputs.plan.survival:
        names = method_names(
            (row for row in inputs.results if (row.table, row.variable) == ("survival", curve.id)), say
        )
        label = curve.label.in_(say.language)
        yield say("curve_methods", label=label, methods=say("semicolon").join(names), interval=curve.interval)
    for regression in inputs.plan.regressions:
        names = method_names((row for row in inputs.results if row.table == regression.id), say)
        label = regression.label.in_(say.language)
        yield say("regression_methods", label=label, methods=say("semicolon").join(names))


def method_names(rows: Iterator[ResultRow], say: Wording) -> list[str]:
    """Each method once, in the order it first ran."""
    return [words_of(name).in_(say.language) for name in dict.fromkeys(row.method for row in rows) if name]


def family(table: PlannedTable, say: Wording) -> str:
    """Whether the P values of a table were corrected for their number."""
    return say(f"family_{table.family}")


def missing_values(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """Each planned variable with missing values in the population, and how many."""
    labels = {(table.id, v.id): v.label.in_(say.language) for table in inputs.plan.tables for v in table.variables}
    tables = {table.id: table for table in inputs.plan.tables}
    rows = [row for row in inputs.results if row.statistic == "missing" and not row.group and row.value]
    found = [
        missing_at(tables[row.table], row, labels[row.table, row.variable], say)
        for row in rows
        if (row.table, row.variable) in labels
    ]
    yield say("missing_listed", list=say("semicolon").join(found)) if found else say("missing_none")


def missing_at(table: PlannedTable, row: ResultRow, label: str, say: Wording) -> str:
    """How many have no value of a variable, and at which visit."""
    if not row.visit:
        return say("missing_at_once", label=label, n=row.text)
    return say("missing_at_visit", label=label, visit=visit_label(table, row.visit, say), n=row.text)


def trust_methods(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """How values in doubt were tried, and what the report was compared with before it was released."""
    if inputs.trust.lines:
        yield say("trust_method")
    yield say("audit_method", rows=len(inputs.results))


def drifts(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """Where tonight's data would have chosen another test: reported, and never acted on."""
    for assumption in dict.fromkeys(inputs.drifting.values()):
        lines = [line for line, found in inputs.drifting.items() if found == assumption]
        named = say("enumeration").join(label_of_line(line, inputs, say) for line in lines)
        yield say(f"drift_{assumption}", lines=named)


def limitations(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """What the reader has to keep in mind of this very report."""
    yield say("limit_interim")
    tested = sum(row.statistic == "p" and row.value is not None for row in inputs.results)
    if all(table.family == "none" for table in inputs.plan.tables):
        yield say("limit_multiplicity", n=tested)
    refused = sum(bool(row.error) and row.statistic in {"p", "summary"} for row in inputs.results)
    if refused:
        yield say("limit_not_estimable", n=refused)
    if inputs.delta.in_doubt:
        yield say("limit_open_findings", n=len(inputs.delta.in_doubt))
    if not inputs.complete:
        yield say("limit_incomplete")
    if inputs.synthetic:
        yield say("limit_synthetic")


def provenance(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """What data and what software: enough to make the report again."""
    yield say("provenance_data", snapshot=inputs.run.snapshot_id, run=inputs.run.run_id, night=inputs.run.night)
    versions = (say("version", name=name, version=version) for name, version in inputs.versions.items())
    if inputs.versions:
        yield say("provenance_software", versions=say("enumeration").join(versions))
    yield say("provenance_attached")
