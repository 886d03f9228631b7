"""The report of the study's own plan, on made-up patients: every planned line, on the pages it was laid out for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pypdfium2
import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.model.result import ResultSet
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.attachments import attachments
from nightround.report.printing.context import build_report
from nightround.report.printing.render import html
from nightround.report.printing.typesetting import pdf_bytes
from nightround.statistics.accrual import accrual_rows
from nightround.statistics.conduct import death_rows, exposure_rows, follow_up_rows
from nightround.statistics.tables import tables
from nightround.study.plan import Plan, read_plan
from tests.page_fill import half_empty_pages
from tests.report_samples import CUTOFF, TEMPLATES, night

PLAN = read_plan(Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "plan.toml")
A4 = (595, 842)


def made_up_patients(plan: Plan, count: int = 72) -> pd.DataFrame:
    """Random patients who passed the flow as the study's did; their numbers mean nothing."""
    random = np.random.default_rng(20261122)
    columns = {
        reference.column: random.normal(60, 12, count)
        if reference in plan.measured()
        else random.choice(["0", "1", "2"], count, p=[0.4, 0.4, 0.2])
        for reference in plan.references()
    }
    frame = pd.DataFrame(columns)
    for month, reference in enumerate(plan.survival[0].dates(), start=1):
        frame[reference.column] = f"2024-{month:02d}-15"
    finished = np.arange(count) < 62
    frame["[session_1_arm_1][three_sessions]"] = np.where(finished, "1", "0")
    frame["[month_6_arm_1][patency]"] = np.where(np.arange(count) < 43, "1", np.where(finished, "0", None))
    return frame


@pytest.fixture(scope="module")
def inputs() -> ReportInputs:
    """A night of the study's plan."""
    patients = made_up_patients(PLAN)
    cutoff = CUTOFF.date()
    assert PLAN.accrual
    assert PLAN.follow_up
    assert PLAN.exposure
    assert PLAN.deaths
    conduct = (
        *follow_up_rows(PLAN, PLAN.follow_up, patients, cutoff),
        *exposure_rows(PLAN, PLAN.exposure, patients, {}),
        *death_rows(PLAN, PLAN.deaths, patients),
    )
    rows = [*tables(PLAN, patients), *accrual_rows(PLAN.accrual, patients, cutoff), *conduct]
    return night(study="venous_occlusion", plan=PLAN, results=ResultSet(rows))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_the_plan_is_in_its_table_with_its_numbers(inputs: ReportInputs, language: Language) -> None:
    """Each variable and level has a line, and no group's cell of a described line is blank."""
    views = {table.id: table for table in build_report(inputs, language, TEMPLATES).tables}
    for table in PLAN.tables:
        labels = [row.label for row in views[table.id].rows]
        for variable in table.variables:
            name = variable.label.in_(language).removesuffix("）")
            assert any(label.startswith(name) for label in labels), name
            if not variable.counted:
                cells = next(row.cells for row in views[table.id].rows if row.label.startswith(name) and row.cells)
                assert all(cell.text for cell in cells[: len(PLAN.groups)])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_come_out_as_they_were_laid_out(inputs: ReportInputs, language: Language) -> None:
    """Fifteen pages; the before-after table alone lies on a wide one, whole; none is less than half full."""
    page = html(build_report(inputs, language, TEMPLATES), TEMPLATES)
    content = pdf_bytes(page, made_at=CUTOFF, templates=TEMPLATES, attachments=attachments(inputs))
    document = pypdfium2.PdfDocument(content)
    texts = [one.get_textpage().get_text_bounded() for one in document]
    sizes = [tuple(round(side) for side in one.get_size()) for one in document]
    assert sizes == [A4] * 7 + [A4[::-1]] + [A4] * 7
    assert half_empty_pages(content) == []
    assert all(count in texts[3] for count in ("n = 72", "n = 62", "n = 43", "n = 19"))
    assert "Kaplan-Meier" in texts[3]
    last = PLAN.table("table2").variables[-1].label.in_(language)
    assert last.replace(" ", "") in texts[7].replace(" ", "")
    assert len(content) < 420_000
