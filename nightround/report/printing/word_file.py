"""The tables of a report as a Word file for the manuscript: real tables with three lines. The one importer of docx."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from nightround.report.printing.cleaning import clean, spaced
from nightround.report.printing.context import ReportContext
from nightround.report.tables.manuscript import MANUSCRIPT
from nightround.report.tables.methods_page import Paragraph as MethodsParagraph
from nightround.report.tables.views import Cell, Note, TableView
from nightround.texts.catalogue import Wording

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table, _Cell
    from docx.text.paragraph import Paragraph

THICK, THIN, FINE = 12, 6, 4
"""Eighths of a point: the outer lines, the one under the head, and those under a head over several columns."""
BODY_SIZE, NOTE_SIZE = 8, 7.5
"""Points; journals set tables a size below their text."""
CELL_ROOM = 40
"""Twentieths of a point left and right of a cell's text; Word's own would break intervals."""
LATIN, CHINESE = "Times New Roman", "SimSun"
"""The faces Chinese journals ask for; Word takes another where they are missing."""
MARGIN_CM, LONG_CM, SHORT_CM = 2.0, 29.7, 21.0
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date a ZIP file can hold; the time of writing would make every file another one."""


def word_bytes(context: ReportContext, say: Wording) -> bytes:
    """Every planned table of a report, one a page, then the methods. The same report gives the same bytes."""
    planned = [table for table in context.tables if table.number.isdigit()]
    document = document_of(planned, say, made_at=context.made_at.replace(tzinfo=None))
    document.core_properties.title, document.core_properties.comments = clean(context.title), context.snapshot
    for paragraph in (one for one in context.methods if one.id == MANUSCRIPT):
        add_methods(document, paragraph)
    return same_bytes(document)


def document_of(tables: Sequence[TableView], say: Wording, *, made_at: datetime) -> Document:
    """A document with some tables, each on a page of its own."""
    from docx import Document

    document = Document()
    document.core_properties.author = "Nightround"
    document.core_properties.created = document.core_properties.modified = made_at
    set_faces(document)
    for number, table in enumerate(tables):
        lay_page(document, table, first=number == 0)
        add_table(document, table, say)
    return document


def add_methods(document: Document, methods: MethodsParagraph) -> None:
    """The statistical methods as text."""
    document.add_paragraph()
    document.add_paragraph().add_run(clean(methods.title)).bold = True
    for text in methods.texts:
        document.add_paragraph(clean(spaced(text)))


def set_faces(document: Document) -> None:
    """Latin and Chinese face of the whole document."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    style: Any = document.styles["Normal"]
    style.font.name, style.font.size = LATIN, Pt(BODY_SIZE)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), CHINESE)
    style.paragraph_format.space_after = Pt(0)


def lay_page(document: Document, table: TableView, *, first: bool) -> None:
    """A page of its own for each table, wide for a wide one."""
    from docx.enum.section import WD_ORIENT, WD_SECTION
    from docx.shared import Cm

    section = document.sections[0] if first else document.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = WD_ORIENT.LANDSCAPE if table.landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (
        (Cm(LONG_CM), Cm(SHORT_CM)) if table.landscape else (Cm(SHORT_CM), Cm(LONG_CM))
    )
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Cm(MARGIN_CM))


def add_table(document: Document, table: TableView, say: Wording) -> None:
    """Caption, table and notes."""
    caption = document.add_paragraph()
    caption.add_run(f"{say('table_number', n=table.number)}  ").bold = True
    caption.add_run(clean(table.title)).bold = True
    heads = 2 if table.spanners else 1
    made = document.add_table(rows=heads + len(table.rows), cols=len(table.columns) + 1)
    set_widths(made, table, [column.width for column in table.columns])
    if table.spanners:
        fill_spanners(made, table)
    fill_head(made, heads - 1, table)
    for row, made_row in zip(table.rows, list(made.rows)[heads:], strict=True):
        label, *cells = made_row.cells  # of a row: `made.cell` reads the whole table for each
        fill(label, Cell(row.label, strong=row.heading), indent=row.depth)
        contents = chain(row.cells, repeat(Cell()))
        for cell, content in zip(cells, contents, strict=False):
            fill(cell, content, centred=True)
    draw_lines(made, heads)
    if table.spanners:
        draw_spanners(made, table)
    add_notes(document, [note for note in table.notes if note.text not in trust_notes(say)], say)


def trust_notes(say: Wording) -> set[str]:
    """The notes on marks of the margin, which a manuscript does not have."""
    return {say("trust_marks_note"), say("trust_mark_note")}


def set_widths(made: Table, table: TableView, widths: Sequence[float]) -> None:
    """Columns as wide as in the report, over the whole measure; rows are not broken over pages."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm

    measure = (LONG_CM if table.landscape else SHORT_CM) - 2 * MARGIN_CM
    shares = [table.label_width, *widths]
    made.autofit = False
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), str(CELL_ROOM))
        edge.set(qn("w:type"), "dxa")
        margins.append(edge)
    made._tbl.tblPr.append(margins)  # noqa: SLF001 - no public way
    lengths = [Cm(measure * share / sum(shares)) for share in shares]
    for column, length in zip(made.columns, lengths, strict=True):
        column.width = length
    for row in made.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - no public way
        for cell, length in zip(row.cells, lengths, strict=True):
            cell.width = length


def fill_spanners(made: Table, table: TableView) -> None:
    """The heads over several columns."""
    place = 1
    for spanner in table.spanners:
        end = min(place + spanner.columns - 1, len(made.columns) - 1)
        merged = made.cell(0, place).merge(made.cell(0, end))
        fill(merged, Cell(spanner.head, strong=True), centred=True)
        place = end + 1


def fill_head(made: Table, row: int, table: TableView) -> None:
    """The heads of the columns, and the marks that every page repeats them."""
    from docx.oxml import OxmlElement

    label, *cells = made.rows[row].cells
    fill(label, Cell(table.label_head, strong=True))
    for cell, column in zip(cells, table.columns, strict=True):
        head = Cell("", symbol=column.head) if column.kind == "p" else Cell(column.head, strong=True)
        fill(cell, head, centred=True)
        if column.under:
            cell.paragraphs[0].add_run(f"\n{spaced(clean(column.under))}")
    for number in range(row + 1):
        made.rows[number]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 - no public way


def fill(cell: _Cell, content: Cell, *, centred: bool = False, indent: int = 0) -> None:
    """One cell: its symbol in italics, its text, and the letters of its notes raised."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph: Paragraph = cell.paragraphs[0]
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    if indent and not content.strong:
        paragraph.paragraph_format.left_indent = Pt(BODY_SIZE * indent)
    if content.symbol:
        paragraph.add_run(content.symbol).italic = True
    if content.text:
        text = f"\u00a0=\u00a0{content.text}" if content.symbol else content.text
        stated = spaced(clean(text))
        paragraph.add_run(stated.replace(" ", "\u00a0") if centred else stated).bold = content.strong
    if content.notes:
        paragraph.add_run(content.notes).font.superscript = True


def draw_lines(made: Table, heads: int) -> None:
    """The three lines: above, under the head, below."""
    last = len(made.rows) - 1
    for number, edge, width in ((0, "top", THICK), (heads - 1, "bottom", THIN), (last, "bottom", THICK)):
        for cell in made.rows[number].cells:
            draw_edge(cell, edge, width)


def draw_spanners(made: Table, table: TableView) -> None:
    """A fine line under each head over several columns."""
    place = 1
    for spanner in table.spanners:
        draw_edge(made.cell(0, place), "bottom", FINE)
        place += spanner.columns


def draw_edge(cell: _Cell, edge: str, width: int) -> None:
    """One edge of a cell."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = cell._tc.get_or_add_tcPr()  # noqa: SLF001 - borders have no public way
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    line = OxmlElement(f"w:{edge}")
    for name, value in (("val", "single"), ("sz", str(width)), ("space", "0"), ("color", "000000")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)


def add_notes(document: Document, notes: Sequence[Note], say: Wording) -> None:
    """The notes under a table: those on all of it in one paragraph, the lettered ones in another."""
    from docx.shared import Pt

    general = " ".join(note.text for note in notes if not note.letter)
    lettered = [note for note in notes if note.letter]
    if general:
        document.add_paragraph().add_run(spaced(clean(general))).font.size = Pt(NOTE_SIZE)
    if lettered:
        paragraph = document.add_paragraph()
        for number, note in enumerate(lettered, start=1):
            letter = paragraph.add_run(note.letter)
            letter.font.superscript, letter.font.size = True, Pt(NOTE_SIZE)
            end = say("full_stop") if number == len(lettered) else say("semicolon")
            paragraph.add_run(f"\u00a0{spaced(clean(note.text))}{end}").font.size = Pt(NOTE_SIZE)


def same_bytes(document: Document) -> bytes:
    """The file, each of its parts with one and the same date."""
    saved, out = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fixed:
        for name in parts.namelist():
            fixed.writestr(zipfile.ZipInfo(name, EPOCH), parts.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
