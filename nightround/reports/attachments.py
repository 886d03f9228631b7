"""The result rows and the outcomes as files that travel inside the PDF. No patient is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from nightround.csv_text import csv_text
from nightround.model import Outcome
from nightround.reports.inputs import ReportInputs
from nightround.reports.typesetting import Attachment
from nightround.results import ResultRow

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
