"""All open findings of one reader as a table: attached to a mail that shows some of them, or kept next to it.

It has no value of a patient, and names records only where `shown` may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nightround.model.finding import Finding
from nightround.texts.csv_text import csv_text

if TYPE_CHECKING:
    from nightround.digests.pages import Shown

COLUMNS = ("finding", "severity", "problem", "where", "look_at", "advice", "waits", "link")


def whole_list(findings: Iterable[Finding], shown: Shown) -> str:
    """Write findings as CSV, worst first, then the longest waiting; the headings are in the reader's language."""
    headings = {name: shown.heading(name) for name in COLUMNS}
    rows = (_cells(one, shown) for one in sorted(findings, key=shown.worst_first))
    return csv_text(tuple(headings.values()), ({headings[name]: row[name] for name in COLUMNS} for row in rows))


def _cells(finding: Finding, shown: Shown) -> Mapping[str, object]:
    return {
        "finding": finding.id,
        "severity": shown.severity(finding.severity),
        "problem": shown.title(finding),
        "where": shown.where(finding),
        "look_at": shown.look_at(finding),
        "advice": shown.advice(finding),
        "waits": shown.waits(finding),
        "link": shown.link(finding).link,
    }
