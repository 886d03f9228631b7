"""The finished page compared with the result rows: tables and sentences are read back from the HTML that is printed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple

from nightround.model.language import Language
from nightround.model.outcome import Status
from nightround.model.rule import Severity
from nightround.report.figures.drawing import Label
from nightround.report.numbers.facts import News
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.cleaning import clean, spaced
from nightround.report.printing.context import ReportContext
from nightround.report.self_audit.audit_rows import Contradiction
from nightround.report.tables.answer_page import numbers_of_answers
from nightround.report.tables.planned_tables import SIGNIFICANT, calls_difference, typeset
from nightround.report.tables.views import Cell, TableView
from redcap_sync.messages import Message

NUMBER = r"[-\u2212]?\d+(?:\.\d+)?"
INTERVAL = re.compile(
    rf"(?<![\d.])(?P<value>{NUMBER})%?\s*[(（]\s*(?P<low>{NUMBER})%?\s*(?:to|,|，|~|～|至)\s*(?P<high>{NUMBER})%?\s*[)）]"
)
"""An estimate with its interval, as it is printed in either language."""
FIGURE_OF = re.compile(r"\d+(?:\.\d+)?")


class PageCell(NamedTuple):
    """A cell as it is on the page: the kind of its column, and its text without the letters of notes."""

    kind: str
    text: str


class PageReader(HTMLParser):
    """Reads cells and marks of every numbered table, sentences of the summary, and the words of each figure."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: dict[str, list[PageCell]] = {}
        self.marks: dict[str, list[str]] = {}
        self.sentences: list[str] = []
        self.figures: list[list[str]] = []
        self._table = self._kind = ""
        self._open: list[str] | None = None
        self._inside: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notice where a table, a cell or a sentence begins."""
        about = {name: value or "" for name, value in attrs}
        if tag == "div" and about.get("id", "").startswith("table-"):
            self._table = about["id"].removeprefix("table-")
        self._inside[tag] += 1
        if tag == "span" and about.get("class") == "mark":
            self._open = []
        if tag == "td" and self._inside["tbody"]:
            self._open, self._kind = [], about.get("class", "")
        if tag == "svg" and about.get("class") == "figure":
            self.figures.append([])
            self._inside["figure"] = 1
        if tag == "text" and self._inside["figure"]:
            self._open = []
        if tag == "ul":
            self._inside["findings"] = int(about.get("class") == "findings")
        if tag == "li" and self._inside["findings"]:
            self._open = []

    def handle_endtag(self, tag: str) -> None:
        """Keep what was read."""
        self._inside[tag] = max(self._inside[tag] - 1, 0)
        if tag == "svg":
            self._inside["figure"] = 0
        if tag not in {"td", "li", "text", "span"} or self._open is None or (tag == "span" and self._inside["td"]):
            return
        text, self._open = "".join(self._open).strip(), None
        if tag == "li":
            self.sentences.append(text)
        elif tag == "text":
            self.figures[-1].append(text)
        elif tag == "span":
            self.marks.setdefault(self._table, []).append(text)
        else:
            self.cells.setdefault(self._table, []).append(PageCell(self._kind, text))

    def handle_data(self, data: str) -> None:
        """Take the text of what is open, without the letters of notes."""
        if self._open is not None and not self._inside["sup"]:
            self._open.append(data)


def read_page(page: str) -> PageReader:
    """Read a report's page."""
    reader = PageReader()
    reader.feed(page)
    return reader


def contradictions_of_page(page: str, context: ReportContext, inputs: ReportInputs) -> Iterator[Contradiction]:
    """What the page prints and the result rows do not say."""
    read = read_page(page)
    for table in context.tables:
        yield from cells_against_view(table, read.cells.get(table.id, []))
        if read.marks.get(table.id, []) != [row.mark for row in table.rows if row.mark]:
            yield Contradiction(f"table {table.number}", Message.of("contradiction.no_cells"))
    for planned in inputs.plan.tables:
        yield from cells_against_rows(planned.id, read.cells.get(planned.id, []), inputs, context.language)
    yield from sentences_on_page(read, context)
    yield from sentences_against_rows(context, inputs)
    yield from notes_against_rows(context, inputs)
    yield from figures_on_page(read, context)


def cells_against_view(table: TableView, cells: list[PageCell]) -> Iterator[Contradiction]:
    """Every cell of a table is on the page, in its order, and nothing else is."""
    expected = [
        squeezed(f"{cell.symbol} = {cell.text}" if cell.symbol else clean(cell.text))
        for row in table.rows
        for cell in (*row.cells, *(Cell() for _ in table.columns[len(row.cells) :]))
    ]
    if [squeezed(cell.text) for cell in cells] != expected:
        yield Contradiction(f"table {table.number}", Message.of("contradiction.no_cells"))


def cells_against_rows(
    table: str, cells: list[PageCell], inputs: ReportInputs, language: Language
) -> Iterator[Contradiction]:
    """Every number of a planned table is the text of a result row of that table."""
    printed = {squeezed(typeset(row.text, language)) for row in inputs.results if row.table == table}
    for cell in cells:
        text = squeezed(cell.text.rpartition(" = ")[2])
        if FIGURE_OF.search(text) and text not in printed:
            yield Contradiction(f"table {table}", Message.of("contradiction.no_row", text=cell.text))


def figures_on_page(read: PageReader, context: ReportContext) -> Iterator[Contradiction]:
    """Every figure is on the page with its words, and nothing else is; its shapes are proven when it is built."""
    if len(read.figures) != len(context.figures):
        yield Contradiction(
            "figures", Message.of("contradiction.figures", drawn=len(read.figures), made=len(context.figures))
        )
    for figure, words in zip(context.figures, read.figures, strict=False):
        made = [squeezed(clean(shape.text)) for shape in figure.drawing.shapes if isinstance(shape, Label)]
        if [squeezed(word) for word in words] != made:
            yield Contradiction(f"figure {figure.number}", Message.of("contradiction.no_words"))


def sentences_on_page(read: PageReader, context: ReportContext) -> Iterator[Contradiction]:
    """The sentences of the summary are on the page as they were made."""
    if [squeezed(text) for text in read.sentences] != [squeezed(clean(text)) for text in context.sentences]:
        yield Contradiction("summary", Message.of("contradiction.no_sentences"))


def sentences_against_rows(context: ReportContext, inputs: ReportInputs) -> Iterator[Contradiction]:
    """Every number in a sentence of the summary is reported by the tables, or counted from them anew."""
    known = shown_in_tables(inputs) | named_in_labels(inputs, context.language)
    for sentence in context.sentences:
        for number in FIGURE_OF.findall(sentence):
            if number not in known:
                yield Contradiction("summary", Message.of("contradiction.no_table", number=number))


def notes_against_rows(context: ReportContext, inputs: ReportInputs) -> Iterator[Contradiction]:
    """Every estimate with its interval in a note under a table or a figure is told by result rows."""
    known = {number for row in inputs.results for number in FIGURE_OF.findall(row.text)}
    notes = [note.text for table in context.tables for note in table.notes]
    for note in (*notes, *(figure.note for figure in context.figures)):
        for found in INTERVAL.finditer(clean(note)):
            unknown = [number for number in FIGURE_OF.findall(found[0]) if number not in known]
            if unknown:
                yield Contradiction("note", Message.of("contradiction.note", numbers=", ".join(unknown), text=found[0]))


def shown_in_tables(inputs: ReportInputs) -> frozenset[str]:
    """The numbers a sentence may hold: of flow, endpoints and safety, and how many lines of a table differ."""
    wanted = {"flow", "endpoints", "safety", "accrual", "deaths", "follow_up"}
    texts = (row.text for row in inputs.results if row.table in wanted)
    numbers = {number for text in texts for number in FIGURE_OF.findall(text)}
    for table in inputs.plan.tables:
        for group in ("", *(group.id for group in inputs.plan.groups)):
            p_values = [
                row
                for row in inputs.results
                if (row.table, row.statistic, row.group, row.visit) == (table.id, "p", group, "")
                and row.value is not None
            ]
            numbers |= {str(len(p_values)), str(sum(calls_difference(row) for row in p_values))}
    numbers |= {number for text in numbers_of_answers(inputs) for number in FIGURE_OF.findall(text)}
    return frozenset(numbers | counted_of_data(inputs) | {"95", f"{SIGNIFICANT}"})


def counted_of_data(inputs: ReportInputs) -> set[str]:
    """The counts a sentence on the state of the data may hold."""
    findings = inputs.delta.in_doubt
    severities = Counter(finding.severity for finding in findings)
    counts = [len(inputs.coverage.known), len(findings), *(severities[one] for one in Severity)]
    lines = inputs.trust.lines
    doubted = [line for line in lines if line.open_values]
    turning = sum(line.verdict == "conclusion" for line in doubted)
    counts += [len(lines), len(doubted), turning, inputs.trust.membership]
    counts += counted_of_news(inputs.news) if inputs.news else []
    days = [f"{inputs.news.since:%Y-%m-%d}"] if inputs.news else []
    statuses = (inputs.coverage.counts.get(status, 0) for status in Status)
    return {*(str(count) for count in (*counts, *statuses)), *(part for day in days for part in day.split("-"))}


def counted_of_news(news: News) -> list[int]:
    """The counts a sentence on what changed may hold."""
    return [news.compared, len(news.changed), len({r for one in news.changed for c in one.causes for r in c.records})]


def named_in_labels(inputs: ReportInputs, language: Language) -> frozenset[str]:
    """The numbers that belong to a name, such as the 6 of `patency at 6 months`."""
    plan = inputs.plan
    variables = (one for table in plan.tables for one in table.variables)
    labels = (
        *(step.label for step in plan.flow),
        *(endpoint.label for endpoint in plan.endpoints),
        *(group.label for group in plan.groups),
        *(variable.label for variable in variables),
        *(table.title for table in plan.tables),
    )
    return frozenset(number for label in labels for number in FIGURE_OF.findall(label.in_(language)))


def squeezed(text: str) -> str:
    """A text without the room around its signs, which differs between a page and the data."""
    return re.sub(r"[\s\u00a0\u2009\u3000]+", "", spaced(text))
