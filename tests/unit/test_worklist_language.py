"""A worklist is in the language of its reader, where the project's labels have both."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import openpyxl
import pytest

from nightround.findings.worklist_lines import WorklistLine
from nightround.findings.worklist_sheet import write_sheet
from nightround.model.language import Language
from tests.made_findings import made_finding, made_row, made_rule
from tests.unit.test_alerts_digest import PLACES


@pytest.mark.parametrize(
    ("language", "visit", "fields"),
    [("zh", "术后6个月", "总分"), ("en", "Month 6", "Total")],
)
def test_labels_are_shown_in_one_language(language: Language, visit: str, fields: str) -> None:
    """Visit and fields, as in the mails; nobody reads each label twice."""
    finding = made_finding(row=made_row()._replace(event="month_6_arm_1"))
    both = {"month_6_arm_1": "术后6个月 Month 6"}
    places = replace(PLACES, events=both, fields=dict.fromkeys(finding.fields, "总分 Total"), record_id_allowed=True)
    line = WorklistLine(finding, "1", made_rule(), date(2025, 7, 1))
    book = openpyxl.load_workbook(io.BytesIO(write_sheet("study", [line], places, language)))
    sheet = book.worksheets[0]
    shown = dict(zip([cell.value for cell in sheet[1]], [cell.value for cell in sheet[3]], strict=True))
    assert (shown["visit"], shown["fields"]) == (visit, fields)
