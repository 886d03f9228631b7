"""The report, word for word: `NIGHTROUND_WRITE_GOLDEN=1` writes the files anew, and a person reads the change."""

import os
import re
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pypdfium2
import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.report.making import Pages, pages_of
from nightround.report.numbers.changed_numbers import Side, changed_numbers, compared
from nightround.report.numbers.computing import results_of
from nightround.report.numbers.facts import Look, News
from nightround.report.numbers.gathering import inputs_of, with_events
from nightround.report.open_version.opened import open_inputs
from nightround.report.printing.attachments import attachments
from nightround.report.printing.context import build_report
from nightround.report.printing.render import html
from nightround.report.printing.typesetting import pdf_bytes
from tests.interim_samples import AGE_RULE, PLANNED, TAKEN, edition_of, open_finding, patients, snapshot_of
from tests.report_samples import CUTOFF, TEMPLATES, night

HERE = Path(__file__).parent / "report"
UNREAD = {"style", "title", "script"}
"""Elements whose text a reader does not see in the page."""
BREAKS = {"p", "tr", "li", "h1", "h2", "figure", "text", "div", "section"}


class Reader(HTMLParser):
    """Takes the text out of a page, a line for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Break the line before a block."""
        assert attrs is not None
        self.unread += tag in UNREAD
        self.text += "\n" if tag in BREAKS else " | " if tag in {"td", "th"} else ""

    def handle_endtag(self, tag: str) -> None:
        """Read on after what is not seen."""
        self.unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += "" if self.unread else data.replace("\n", " ")


def page_text(page: str) -> str:
    """The text of an HTML page without empty lines."""
    reader = Reader()
    reader.feed(page)
    lines = (re.sub(r"[ \u00a0]+", " ", line).strip() for line in reader.text.splitlines())
    return "\n".join(line for line in lines if line.strip("| ")) + "\n"


def pdf_text(content: bytes) -> str:
    """The text of a PDF, page after page."""
    document = pypdfium2.PdfDocument(content)
    pages = [page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in document]
    return "\f\n".join(re.sub(r"[ \u00a0]+", " ", page) for page in pages) + "\n"


def assert_as_written(name: str, text: str) -> None:
    """Compare with the stored text, or store it."""
    path = HERE / name
    if os.environ.get("NIGHTROUND_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_report_says_what_it_said(language: Language) -> None:
    """Every word and number of the HTML report is as it was when a person last read it."""
    assert_as_written(
        f"report.{language}.html.txt", page_text(html(build_report(night(), language, TEMPLATES), TEMPLATES))
    )


@pytest.mark.parametrize("version", ["closed", "open"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_interim_report_says_what_it_said(language: Language, version: str) -> None:
    """With values in doubt, adverse events, enrolment and what changed: both versions, both languages."""
    assert_as_written(f"interim.{version}.{language}.html.txt", page_text(interim(version).html[language]))


@cache
def interim(version: str) -> Pages:
    """A second report of the made-up study: one patient's age was corrected, and another's is in doubt."""
    rows = [{**row, "age": "18"} if row["record_id"] == "2" else row for row in patients()]
    before, now = snapshot_of(patients()), snapshot_of(rows, "b", TAKEN + timedelta(days=7))
    sides = [Side(PLANNED, results_of(PLANNED, one), with_events(PLANNED, one), {}) for one in (before, now)]
    changed = tuple(changed_numbers(*sides))
    news = News(TAKEN, before.id, compared(sides[0].results, sides[1].results), changed, 0, 2)
    edition = edition_of(now, [open_finding(AGE_RULE, "5")], news=news, look=Look(2, (TAKEN,)))
    inputs = inputs_of(edition, now)
    return pages_of(open_inputs(inputs) if version == "open" else inputs, TEMPLATES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_report_says_what_it_said(language: Language) -> None:
    """Every word and number that can be copied out of the PDF is as it was when a person last read it."""
    page = html(build_report(night(), language, TEMPLATES), TEMPLATES)
    content = pdf_bytes(page, made_at=CUTOFF, templates=TEMPLATES, attachments=attachments(night()))
    assert_as_written(f"report.{language}.pdf.txt", pdf_text(content))
