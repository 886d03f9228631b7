"""A worklist as a spreadsheet, written and read back: the one importer of openpyxl.

The first row, which is hidden, names the columns, so that sorted rows and moved columns are read all the same. A second
sheet, which is hidden too, says which study and which form of the list it is, and for whom it was made.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from nightround.findings.spreadsheet_parts import require_harmless
from nightround.findings.worklist_lines import ReturnedLine, ReturnedList, WorklistLine, labels
from nightround.model.errors import UsageWrong
from nightround.model.language import LANGUAGES, Language
from nightround.model.links import ComparedField, Places
from nightround.model.rule import Severity
from nightround.texts.catalogue import words
from nightround.texts.csv_text import harmless
from nightround.texts.labels import at_visits, words_of_label
from redcap_sync.clean_text import one_line

MARKER, FORM = "nightround worklist", "1"
HIDDEN = "nightround"
COLUMNS = (
    "finding",
    "record",
    "visit",
    "instrument",
    "instance",
    "problem",
    "fields",
    "severity",
    "due",
    "page",
    "answer",
    "comment",
    "version",
)
WIDTHS = {
    "problem": 48,
    "fields": 28,
    "answer": 26,
    "comment": 40,
    "page": 10,
    "finding": 10,
    "version": 4,
    "instance": 8,
}
LINE, LINK = "worklist line", "worklist link"
READ = ("finding", "version", "answer", "comment")
MOST_LINES, MOST_COLUMNS = 100_000, 200
HEADINGS = 2
MOST_WRITTEN = 50_000
"""Lines of a list that is written: Excel takes 65,530 links a sheet, and what is written can be read back."""


def write_sheet(
    study: str, lines: Sequence[WorklistLine], places: Places, language: Language, *, whom: str = ""
) -> bytes:
    """The list as an .xlsx file, with a drop-down for each answer and a link for each page.

    `whom` is the role or the data access group that it was made for; '' where it is of everybody.
    """
    from openpyxl import Workbook
    from openpyxl.worksheet.datavalidation import DataValidation

    index = ("zh", "en").index(language)
    book = Workbook()
    for style in _styles():
        book.add_named_style(style)
    sheet, about = book.active, book.create_sheet(HIDDEN)
    sheet.title = words("worklist.title")[index]
    about.sheet_state = "hidden"
    for cell in (MARKER, FORM, study, whom):
        about.append([cell])
    for row, label in enumerate(labels(index), 1):
        about.cell(row, 2, label)
    sheet.append(list(COLUMNS))
    sheet.append([words(f"worklist.column.{name}")[index] for name in COLUMNS])
    shown = _Shown(places, index)
    for number, line in enumerate(lines, 3):
        _write_line(sheet, number, shown.cells(line), places.link(line.finding, line.rule))
    choices = DataValidation(type="list", formula1=f"{HIDDEN}!$B$1:$B$5", allow_blank=True, showErrorMessage=True)
    choices.error = words("worklist.no_code")[index]
    sheet.add_data_validation(choices)
    if lines:
        column = _letter("answer")
        choices.add(f"{column}3:{column}{len(lines) + 2}")
    _lay_out(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _styles() -> tuple[Any, ...]:
    """The looks of a cell, made once: a cell that is given an alignment of its own costs ten times as much."""
    from openpyxl.styles import Alignment, Font, NamedStyle

    wrapped = Alignment(wrap_text=True, vertical="top")
    link = Font(name="Calibri", size=11, color="0563C1", underline="single")
    return NamedStyle(LINE, alignment=wrapped), NamedStyle(LINK, alignment=wrapped, font=link)


class _Shown:
    """What the lines of a list show, in one language; a word is looked up once."""

    def __init__(self, places: Places, index: int) -> None:
        self._places, self._index = places, index
        self._page = words("worklist.open")[index]
        self._severity = {one: words(f"severity.{one.value}")[index] for one in Severity}
        self._said: Callable[[str], str] = cache(lambda label: words_of_label(label)[index])

    def cells(self, line: WorklistLine) -> dict[str, object]:
        """The cells of a line by their column."""
        places, finding = self._places, line.finding
        row = places.place_of(finding, line.rule)
        shown = [self._field(one) for one in places.to_compare(finding, line.rule)]
        return {
            "finding": finding.id,
            "record": row.record,
            "visit": self._said(places.events.get(row.event, "")) or row.event,
            "instrument": self._said(places.instruments.get(row.instrument, "")) or row.instrument,
            "instance": row.instance or "",
            "problem": finding.shown_as(line.rule)[self._index],
            "fields": "; ".join(shown),
            "severity": self._severity[finding.severity],
            "due": line.due.isoformat(),
            "page": self._page,
            "answer": "",
            "comment": "",
            "version": line.version,
        }

    def _field(self, one: ComparedField) -> str:
        visits = [self._said(self._places.events.get(event, "")) or event for event in one.events]
        return at_visits(self._said(one.label) or one.name, visits, LANGUAGES[self._index])


def _write_line(sheet: Any, number: int, cells: Mapping[str, object], link: str) -> None:
    for column, name in enumerate(COLUMNS, 1):
        value = cells[name]
        cell = sheet.cell(number, column)
        if isinstance(value, str):
            cell.value = harmless(one_line(value))
            cell.data_type = "s"  # whatever it begins with, it is no formula
        else:
            cell.value = value
        if name == "page":
            cell.hyperlink = link
        cell.style = LINK if name == "page" else LINE


def _lay_out(sheet: Any) -> None:
    from openpyxl.styles import Font, PatternFill

    sheet.row_dimensions[1].hidden = True
    sheet.column_dimensions[_letter("version")].hidden = True
    for name in COLUMNS:
        sheet.column_dimensions[_letter(name)].width = WIDTHS.get(name, 16)
    for cell in sheet[2]:
        cell.style = LINE
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDE6EE")
    sheet.freeze_panes = "B3"
    sheet.auto_filter.ref = f"A2:{_letter(COLUMNS[-1])}{max(2, sheet.max_row)}"
    sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = "landscape", 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "2:2"


def _letter(name: str) -> str:
    return chr(ord("A") + COLUMNS.index(name))


def read_sheet(content: bytes, study: str) -> ReturnedList:
    """A list that came back; raises UsageWrong for a file that is none of this study."""
    from openpyxl import load_workbook

    require_harmless(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        whom = _require_own(book[HIDDEN], study)
        return ReturnedList(whom, _lines(next(one for one in book.worksheets if one.title != HIDDEN)))
    except UsageWrong:
        raise
    except Exception as error:
        raise UsageWrong("worklist.damaged") from error


def _require_own(about: Any, study: str) -> str:
    """For whom the list was made; raises UsageWrong unless the hidden sheet names this form and this study."""
    cells = [str(cell or "") for (cell, *_) in about.iter_rows(1, 4, values_only=True)]
    marker, form, owner, whom = (*cells, "")[:4]  # a list of before has no fourth row
    if (marker, form) != (MARKER, FORM):
        raise UsageWrong("worklist.other_form") if marker == MARKER else UsageWrong("worklist.no_worklist")
    if owner != study:
        raise UsageWrong("worklist.other_study")
    return whom


def _lines(sheet: Any) -> list[ReturnedLine]:
    rows = sheet.iter_rows(max_col=MOST_COLUMNS)
    heads = [str(cell.value or "") for cell in next(rows, ())]
    places = {name: heads.index(name) for name in READ if heads.count(name) == 1}
    if len(places) < len(READ):
        raise UsageWrong("worklist.no_columns")
    found = []
    for number, row in enumerate(rows, 2):
        if number > MOST_LINES:
            raise UsageWrong("worklist.too_long")
        line = _line(number, {name: row[place] if place < len(row) else None for name, place in places.items()})
        found += [line] if number > HEADINGS and line else []
    return found


def _line(number: int, cells: Mapping[str, Any]) -> ReturnedLine | None:
    """A row as it was typed; None where nothing of it is filled."""
    there = {name: cell for name, cell in cells.items() if cell is not None and cell.value is not None}
    if not there:
        return None
    said = {name: str(there[name].value) if name in there else "" for name in READ}
    formula = any(cell.data_type == "f" for cell in there.values())
    return ReturnedLine(
        number, said["finding"].strip(), said["version"].strip(), said["answer"], said["comment"], formula=formula
    )
