"""Result rows as a reporting event of CDISC's Analysis Results Standard (ARS 1.0, the logical model `ars_ldm`).

Source: the public repository cdisc-org/analysis-results-standard on GitHub, JSON schema of the model, read on
2026-11-29. An analysis is a variable of a table; each of its statistics is an operation of its method; the number of
values and the degrees of freedom of a statistic are operations of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from nightround.model.result import ResultKey, ResultRow
from nightround.statistics.tables import ENDPOINTS
from nightround.study.plan import Plan

GROUP, VISIT, LEVEL = "group", "visit", "level"
BESIDE = ("n", "df")
"""What a result row says of its statistic, as operations of their own."""
DIGITS = 15


class _Operation(NamedTuple):
    """What tells operations of one method apart."""

    statistic: str
    part: str
    description: str


def reporting_event(plan: Plan, rows: Iterable[ResultRow], *, name: str) -> dict[str, Any]:
    """The reporting event of a plan's result rows; every row can be read back from it with `rows_of_event`."""
    by_analysis = {key: list(found) for key, found in groupby(sorted(rows, key=_analysis_of), key=_analysis_of)}
    methods = {key: _operations(found) for key, found in by_analysis.items()}
    return {
        "id": name,
        "name": name,
        "version": 1,
        "mainListOfContents": {"name": "Analyses", "contentsList": {"listItems": list(_contents(by_analysis))}},
        "analysisSets": [
            {"id": step.id, "label": step.label.en, "level": 1, "order": place}
            for place, step in enumerate(plan.flow, start=1)
        ],
        "analysisGroupings": [
            {
                "id": GROUP,
                "dataDriven": False,
                **({"groupingVariable": plan.grouping.column} if plan.grouping else {}),
                "groups": [
                    {"id": group.id, "label": group.label.en, "level": 1, "order": place}
                    for place, group in enumerate(plan.groups, start=1)
                ],
            }
        ],
        "dataGroupings": [{"id": VISIT, "dataDriven": True}, {"id": LEVEL, "dataDriven": True}],
        "methods": [_method(key, operations) for key, operations in methods.items()],
        "analyses": [_analysis(plan, key, found, methods[key]) for key, found in by_analysis.items()],
    }


def _analysis_of(row: ResultRow) -> tuple[str, str]:
    return row.table, row.variable


def _contents(by_analysis: Mapping[tuple[str, str], object]) -> Iterator[dict[str, Any]]:
    """The analyses under their tables, in the order of their names."""
    for place, (table, keys) in enumerate(groupby(by_analysis, key=lambda key: key[0]), start=1):
        items = [
            {"name": key[1], "level": 2, "order": number, "analysisId": _id(key)}
            for number, key in enumerate(keys, start=1)
        ]
        yield {"name": table, "level": 1, "order": place, "sublist": {"listItems": items}}


def _id(key: tuple[str, ...]) -> str:
    return "/".join(key)


def _operations(rows: Iterable[ResultRow]) -> dict[_Operation, str]:
    """Every operation of an analysis with its identifier within the method."""
    found = dict.fromkeys(operation for row in rows for operation, _, _ in _results(row))
    return {operation: f"{operation.statistic}/{operation.part}/{place}" for place, operation in enumerate(found, 1)}


def _results(row: ResultRow) -> Iterator[tuple[_Operation, float | None, str]]:
    """What a row says, each with its operation, number and text."""
    notes = {"method": row.method, "warning": row.warning, "not estimable": row.error}
    description = "; ".join(f"{name}: {text}" for name, text in notes.items() if text)
    yield _Operation(row.statistic, "value", description), row.value, row.text
    for part in BESIDE:
        number = getattr(row, part)
        if number is not None:
            yield _Operation(row.statistic, part, ""), float(number), f"{number:.{DIGITS}g}"


def _method(key: tuple[str, ...], operations: Mapping[_Operation, str]) -> dict[str, Any]:
    return {
        "id": _id(key),
        "name": _id(key),
        "operations": [
            {
                "id": f"{_id(key)}/{identifier}",
                "name": operation.statistic,
                "label": operation.part,
                "order": place,
                **({"description": operation.description} if operation.description else {}),
            }
            for place, (operation, identifier) in enumerate(operations.items(), start=1)
        ],
    }


def _analysis(
    plan: Plan, key: tuple[str, str], rows: Iterable[ResultRow], operations: Mapping[_Operation, str]
) -> dict[str, Any]:
    groups = [
        {"order": place, "groupingId": one, "resultsByGroup": True}
        for place, one in enumerate((GROUP, VISIT, LEVEL), 1)
    ]
    return {
        "id": _id(key),
        "name": _id(key),
        "version": 1,
        "reason": {"controlledTerm": "SPECIFIED IN SAP"},
        "purpose": {"controlledTerm": _purpose(plan, key)},
        "analysisSetId": plan.population,
        "variable": key[1],
        "methodId": _id(key),
        "orderedGroupings": groups,
        "results": [
            {
                "operationId": f"{_id(key)}/{operations[operation]}",
                **({} if number is None else {"rawValue": f"{number:.{DIGITS}g}"}),
                "formattedValue": text,
                "resultGroups": list(_groups(row)),
            }
            for row in rows
            for operation, number, text in _results(row)
        ],
    }


def _purpose(plan: Plan, key: tuple[str, str]) -> str:
    """The plan's primary endpoint is primary, its others secondary; tables explore."""
    if key[0] != ENDPOINTS:
        return "EXPLORATORY OUTCOME MEASURE"
    primary = {endpoint.id for endpoint in plan.endpoints if endpoint.primary}
    return "PRIMARY OUTCOME MEASURE" if key[1] in primary else "SECONDARY OUTCOME MEASURE"


def _groups(row: ResultRow) -> Iterator[dict[str, str]]:
    if row.group:
        yield {"groupingId": GROUP, "groupId": row.group}
    for grouping, value in ((VISIT, row.visit), (LEVEL, row.level)):
        if value:
            yield {"groupingId": grouping, "groupValue": value}


class ReportedNumber(NamedTuple):
    """A number that was read back from a reporting event, with its text."""

    value: float | None
    text: str
    n: int | None
    df: float | None


def rows_of_event(event: Mapping[str, Any]) -> dict[ResultKey, ReportedNumber]:
    """The numbers of a reporting event that `reporting_event` made, by the key of their result row."""
    operations = {one["id"]: one for method in event["methods"] for one in method["operations"]}
    found: dict[ResultKey, ReportedNumber] = {}
    for analysis in event["analyses"]:
        table, _, variable = analysis["id"].partition("/")
        for result in analysis["results"]:
            operation = operations[result["operationId"]]
            groups = {one["groupingId"]: one.get("groupId") or one["groupValue"] for one in result["resultGroups"]}
            places = (groups.get(name, "") for name in (GROUP, VISIT, LEVEL))
            key = ResultKey(table, variable, operation["name"], *places)
            raw = result.get("rawValue")
            known = found.get(key, ReportedNumber(None, "", None, None))
            number = None if raw is None else float(raw)
            if operation["label"] == "value":
                found[key] = known._replace(value=number, text=result["formattedValue"])
            elif number is not None and operation["label"] == "n":
                found[key] = known._replace(n=int(number))
            else:
                found[key] = known._replace(df=number)
    return found
