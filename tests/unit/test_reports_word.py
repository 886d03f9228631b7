"""The Word file for the manuscript: real tables, three lines, the same bytes every time."""

import io
import re
import zipfile

from docx import Document

from nightround.model.language import Language
from nightround.report.printing.context import build_report
from nightround.report.printing.word_file import word_bytes
from nightround.texts.catalogue import read_wording
from tests.report_samples import PLAN, TEMPLATES, night


def made(language: Language = "zh") -> bytes:
    """The Word file of the made-up night."""
    return word_bytes(build_report(night(), language, TEMPLATES), read_wording([TEMPLATES], language))


def test_every_planned_table_is_a_real_table() -> None:
    """One Word table for each table of the plan, its cells as they are printed."""
    document = Document(io.BytesIO(made()))
    assert len(document.tables) == len(PLAN.tables)
    cells = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert ["男性[n(%)]", "29\u00a0(67.4)", "9\u00a0(47.4)", "", "χ²\u00a0=\u00a02.238", "0.135a", "0.165"] in cells
    assert document.tables[0].rows[0].cells[0].text == "项目"


def test_a_table_has_three_lines_and_no_other() -> None:
    """Thick above and below, thin under the head, fine under a head of several columns; no grid, no upright line."""
    with zipfile.ZipFile(io.BytesIO(made())) as parts:
        xml = parts.read("word/document.xml").decode()
    assert set(re.findall(r"<w:(top|bottom|left|right|insideH|insideV) w:val=\"single\"", xml)) == {"top", "bottom"}
    assert set(re.findall(r"w:val=\"single\" w:sz=\"(\d+)\"", xml)) == {"12", "6", "4"}
    assert "tblHeader" in xml


def test_a_wide_table_lies_on_a_wide_page() -> None:
    """The before-after table has a landscape section of its own."""
    sections = Document(io.BytesIO(made())).sections
    assert [section.page_width > section.page_height for section in sections] == [False, True, False]


def test_the_same_report_gives_the_same_file() -> None:
    """No date of writing is in it."""
    assert made("en") == made("en")
    assert Document(io.BytesIO(made("en"))).core_properties.author == "Nightround"


def test_symbols_are_italic_and_letters_raised() -> None:
    """The sign of a statistic is set in italics, the letter of a note above the line."""
    table = Document(io.BytesIO(made("en"))).tables[0]
    runs = [run for row in table.rows for cell in row.cells for run in cell.paragraphs[0].runs]
    assert any(run.italic and run.text == "χ²" for run in runs)
    assert any(run.font.superscript for run in runs)


def test_columns_are_as_wide_as_their_cells_need() -> None:
    """Widths follow the report's own columns and fill the page between its margins; no interval is broken."""
    document = Document(io.BytesIO(made("en")))
    widths = [[round(cell.width.cm, 1) for cell in table.rows[-1].cells] for table in document.tables]
    assert [round(sum(row)) for row in widths] == [17, 26, 17]
    assert all(len(set(row)) > 1 for row in widths)
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells[1:]]
    assert any("(" in text for text in cells)
    assert not [text for text in cells if re.search(r"\d \(", text)]


def test_notes_are_two_paragraphs_with_raised_letters_and_nothing_on_marks_of_the_margin() -> None:
    """What is about the whole table, then the letters; the marks of values in doubt stay in the report."""
    document = Document(io.BytesIO(made("en")))
    notes = [one for one in document.paragraphs if one.text.startswith(("Values are", "Bold", "a\u00a0"))]
    assert len(notes) == 2 * len(document.tables)
    assert all(one.runs[0].font.superscript for one in notes if one.text.startswith("a"))
    assert not [one for one in document.paragraphs if "in doubt" in one.text]
