"""The result rows and the outcomes as files that travel inside the PDF. No patient is in them."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, replace

from nightround.model.outcome import Outcome
from nightround.model.result import ResultRow
from nightround.report.numbers.facts import LineTrust, News
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.cleaning import clean
from nightround.report.printing.typesetting import Attachment
from nightround.report.tables.news_page import causes_shown
from nightround.statistics.analysis_results import reporting_event
from nightround.texts.csv_text import csv_text

STEADY_DIGITS = 10
"""Significant digits of a number in a file; what is printed has far fewer."""
TRUST_FIELDS = ("table", "variable", "values", "open", "verdict", "reported", "excluded", "lowest", "highest")
CHANGE_FIELDS = ("table", "variable", "statistic", "group", "visit", "level", "before", "now", "causes")
COUNTED_ROWS = ("in_scope", "checked")
OUTCOME_FIELDS = ("rule_id", "status", "in_scope", "checked", "failed", "reason")


def attachments(inputs: ReportInputs) -> tuple[Attachment, ...]:
    """Result rows as CSV and JSON, outcomes of the rules as CSV."""
    rows = [asdict(row) | {"value": steady(row.value), "df": steady(row.df)} for row in inputs.results]
    outcomes = [outcome_row(outcome, inputs.uncounted) for outcome in inputs.outcomes]
    return (
        Attachment("results.csv", "result rows, one statistic a line", csv_text(result_fields(), rows)),
        Attachment("results.json", "result rows", json_text(rows, inputs)),
        Attachment("results_ars.json", "result rows as CDISC ARS", ars_text(inputs)),
        Attachment("outcomes.csv", "outcome of each rule", csv_text(OUTCOME_FIELDS, outcomes)),
        Attachment("trust.csv", "values in doubt by line", csv_text(TRUST_FIELDS, map(trust_row, inputs.trust.lines))),
        *([changes_file(inputs, inputs.news)] if inputs.news else []),
    )


def steady(value: float | None) -> float | None:
    """A number as far as every processor agrees on it.

    Linear algebra differs in the last bits between kinds of processor (measured: ANCOVA, relative 1e-15), and a past
    report must come out the same, byte for byte, on another machine.
    """
    return None if value is None else float(f"{value:.{STEADY_DIGITS}g}")


def trust_row(line: LineTrust) -> dict[str, object]:
    """A line's values in doubt, and what they could make of it."""
    low, high = line.extremes
    stated = (line.known, line.open_values, str(line.verdict or ""), line.reported, line.excluded, low, high)
    return dict(zip(TRUST_FIELDS, (*line.line, *stated), strict=True))


def changes_file(inputs: ReportInputs, news: News) -> Attachment:
    """Each changed number with its causes; records only where the study lets them be named."""
    rows = (
        {name: getattr(one, name) for name in CHANGE_FIELDS[:-1]}
        | {"causes": causes_shown(one, record_ids=inputs.record_ids)}
        for one in news.changed
    )
    return Attachment("changes.csv", "numbers that changed since the last report", csv_text(CHANGE_FIELDS, rows))


def result_fields() -> tuple[str, ...]:
    """The columns of the result rows, in their order."""
    return tuple(ResultRow.__dataclass_fields__)


def outcome_row(outcome: Outcome, uncounted: Container[str] = ()) -> dict[str, object]:
    """An outcome without its violations, which hold patient values; blank where its rows are not counted."""
    facts = {name: getattr(outcome, name) for name in OUTCOME_FIELDS} | {"reason": outcome.reason or ""}
    stated: dict[str, object] = {name: clean(str(fact)) for name, fact in facts.items()}
    return stated | dict.fromkeys(COUNTED_ROWS, "") if outcome.rule_id in uncounted else stated


def ars_text(inputs: ReportInputs) -> str:
    """The result rows as a reporting event of CDISC's Analysis Results Standard."""
    rows = (replace(row, value=steady(row.value), df=steady(row.df)) for row in inputs.results)
    event = reporting_event(inputs.plan, rows, name=f"{inputs.study}-{inputs.run.snapshot_id[:12]}-{inputs.version}")
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def json_text(rows: Sequence[Mapping[str, object]], inputs: ReportInputs) -> str:
    """The result rows with what they were computed from."""
    document = {
        "study": inputs.study,
        "synthetic": inputs.synthetic,
        "run": inputs.run.run_id,
        "snapshot": inputs.run.snapshot_id,
        "data_cutoff": inputs.run.data_cutoff.isoformat(),
        # By column, as data frames are read, in two thirds of the room that rows with their names take.
        "results": {name: [row[name] for row in rows] for name in result_fields()},
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
