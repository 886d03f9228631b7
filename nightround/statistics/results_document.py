"""Result rows as one JSON document, with the tables they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from nightround.model.result import ResultRow, ResultSet
from nightround.statistics.compare_policies import Difference
from nightround.study.plan import Plan, PolicyName


def document(
    plan: Plan, found: ResultSet, policy: PolicyName, differences: Sequence[Difference] | None = None
) -> dict[str, Any]:
    """Every result row as JSON, with the tables they belong to; a number that is not finite is null."""
    made: dict[str, Any] = {
        "policy": policy,
        "tables": [
            {"id": table.id, "kind": table.kind, "title": {"zh": table.title.zh, "en": table.title.en}}
            for table in plan.tables
        ],
        "rows": [_plain(row) for row in found],
    }
    if differences is not None:
        made["differences"] = [
            {
                **one.key._asdict(),
                "first": one.first.text if one.first else None,
                "second": one.second.text if one.second else None,
                "why": one.why.en,
            }
            for one in differences
        ]
    return made


def _plain(row: ResultRow) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in asdict(row).items()}
