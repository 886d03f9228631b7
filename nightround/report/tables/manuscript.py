"""The statistical methods as a paragraph for a manuscript, from the tests and versions that ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nightround.model.result import ResultRow
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.planned_tables import SIGNIFICANT
from nightround.statistics.tables import ENDPOINTS
from nightround.study.methods import words_of
from nightround.study.plan import PlannedTable
from nightround.texts.catalogue import Wording

ANALYSIS = ("python", "pandas", "numpy", "scipy")
"""Packages that compute; the others read, check or print."""
MANUSCRIPT = "manuscript"
"""The id of the paragraph among the methods."""
PRODUCT = "nightround"
BETWEEN = ("difference_in_change", "ancova")


def manuscript(inputs: ReportInputs, say: Wording) -> str:
    """The paragraph, sentence by sentence; what did not run has none."""
    return say("sentences").join(sentences(inputs, say))


def sentences(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """Description, tests, endpoints, curves, regressions, missing values, multiplicity, level, software."""
    yield from described(inputs, say)
    yield from tested(inputs, say)
    yield from estimated(inputs, say)
    yield say("manuscript_missing")
    yield from multiplicity(inputs, say)
    if any(True for _ in p_rows(inputs, inputs.plan.tables)):
        yield say("manuscript_level", level=f"{SIGNIFICANT:g}")
    yield software(inputs, say)


def described(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """How values are described, as far as the plan has variables of the kind, and by which quartiles."""
    kinds = {variable.summary for table in inputs.plan.tables for variable in table.variables}
    quartiles = names_of((row for row in inputs.results if row.statistic == "median"), say)
    measured = [say("manuscript_mean_sd")] if "mean_sd" in kinds else []
    measured += [say("manuscript_median", quartiles=quartiles)] if "median_quartiles" in kinds and quartiles else []
    if measured:
        yield say("manuscript_measured", list=say("manuscript_or").join(measured))
    if "n_percent" in kinds:
        yield say("manuscript_counted")


def tested(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """The tests between groups, within them, and of the changes."""
    kinds = {
        "between": [table for table in inputs.plan.tables if table.kind == "by_group"],
        "within": [table for table in inputs.plan.tables if table.kind != "by_group"],
    }
    for kind, tables in kinds.items():
        rows = (row for row in p_rows(inputs, tables) if not row.visit)
        if names := names_of(rows, say):
            yield say(f"manuscript_{kind}", methods=names)
    visits = (row for row in p_rows(inputs, kinds["within"]) if row.visit)
    if names := names_of(visits, say):
        yield say("manuscript_at_visits", methods=names)
    if names := names_of((row for row in inputs.results if row.statistic in BETWEEN), say):
        yield say("manuscript_changes", methods=names)


def p_rows(inputs: ReportInputs, tables: Iterable[PlannedTable]) -> Iterator[ResultRow]:
    """The P values of planned tests that were estimated."""
    ids = {table.id for table in tables}
    return (row for row in inputs.results if row.table in ids and row.statistic == "p" and row.value is not None)


def estimated(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """Intervals of the endpoints, curves over time, and regressions."""
    if names := names_of((row for row in inputs.results if row.table == ENDPOINTS), say):
        yield say("manuscript_endpoints", methods=names)
    curves = {curve.id for curve in inputs.plan.survival}
    rows = (row for row in inputs.results if row.table == "survival" and row.variable in curves)
    if names := names_of(rows, say):
        yield say("manuscript_curves", methods=names)
    regressions = {one.id for one in inputs.plan.regressions}
    if names := names_of((row for row in inputs.results if row.table in regressions), say):
        yield say("manuscript_regressions", methods=names)


def multiplicity(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """Of which tables P values were adjusted, by what; those of the others were not."""
    for family in ("holm", "fdr", "none"):
        numbers = [
            str(number)
            for number, table in enumerate(inputs.plan.tables, start=1)
            if table.family == family and any(True for _ in p_rows(inputs, [table]))
        ]
        if numbers:
            tables = say("enumeration").join(say("table_number", n=number) for number in numbers)
            yield say(f"manuscript_{family}", tables=tables)


def software(inputs: ReportInputs, say: Wording) -> str:
    """What computed, with versions."""
    named = [say("version", name=name, version=inputs.versions[name]) for name in ANALYSIS if name in inputs.versions]
    product = inputs.versions.get(PRODUCT, "")
    if not named:
        return say("manuscript_software_alone", version=product)
    return say("manuscript_software", version=product, packages=say("enumeration").join(named))


def names_of(rows: Iterable[ResultRow], say: Wording) -> str:
    """Each method once, in the order it first ran; '' where none did."""
    methods = dict.fromkeys(row.method for row in rows if row.method)
    return say("semicolon").join(words_of(name).in_(say.language) for name in methods)
