"""The result rows and the outcomes as files that travel inside the PDF. No patient is in them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from nightround.model import Outcome
from nightround.reports.inputs import ReportInputs
from nightround.reports.typesetting import Attachment
from nightround.results import ResultRow

SPREADSHEET_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is run as a formula when a CSV file is opened in a spreadsheet."""
OUTCOME_FIELDS = ("rule_id", "status", "in_scope", "checked", "failed", "reason")


def attachments(inputs: ReportInputs) -> tuple[Attachment, ...]:
    """Result rows as CSV and JSON, outcomes of the rules as CSV."""
    rows = [asdict(row) for row in inputs.results]
    outcomes = [outcome_row(outcome) for outcome in inputs.outcomes]
    return (
        Attachment("results.csv", "result rows, one statistic a line", csv_text(result_fields(), rows)),
        Attachment("results.json", "result rows", json_text(rows, inputs)),
        Attachment("outcomes.csv", "outcome of each rule", csv_text(OUTCOME_FIELDS, outcomes)),
    )


def result_fields() -> tuple[str, ...]:
    """The columns of the result rows, in their order."""
    return tuple(ResultRow.__dataclass_fields__)


def outcome_row(outcome: Outcome) -> dict[str, object]:
    """An outcome without its violations, which hold patient values."""
    return {name: str(getattr(outcome, name)) for name in OUTCOME_FIELDS}


def csv_text(fields: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A CSV table that a spreadsheet opens as text and numbers, and never as formulas."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fields)
    writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in row.items()} for row in rows)
    return "\ufeff" + out.getvalue()


def harmless(value: object) -> object:
    """The value, with a quote before a text that a spreadsheet would run."""
    return f"'{value}" if isinstance(value, str) and value.startswith(SPREADSHEET_FORMULA) else value


def json_text(rows: Sequence[Mapping[str, object]], inputs: ReportInputs) -> str:
    """The result rows with what they were computed from."""
    document = {
        "study": inputs.study,
        "synthetic": inputs.synthetic,
        "run": inputs.run.run_id,
        "snapshot": inputs.run.snapshot_id,
        "data_cutoff": inputs.run.data_cutoff.isoformat(),
        "results": rows,
    }
    return json.dumps(document, ensure_ascii=False, indent=1)
