"""The gate reads the finished PDF back: a number that typesetting lost or changed stops the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from nightround.model.errors import SelfAuditFailed
from nightround.model.language import LANGUAGES, Language
from nightround.report.numbers.facts import Cause, CauseKind, ChangedNumber, News
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.context import build_report
from nightround.report.printing.render import html
from nightround.report.printing.typesetting import pdf_bytes
from nightround.report.self_audit.audit_pdf import contradictions_of_pdf, numbers_of
from nightround.report.self_audit.gate import require_printed
from tests.report_samples import CUTOFF, TEMPLATES, night

PAGES = {language: html(build_report(night(), language, TEMPLATES), TEMPLATES) for language in LANGUAGES}
HIDDEN = "<style>tbody tr:nth-child(3) { display: none }</style></head>"
BLANKED = "<style>td.value { font-size: 0 }</style></head>"
NO_FIGURE = "<style>svg.figure { display: none !important }</style></head>"


def typeset(page: str) -> bytes:
    """The PDF of a page."""
    return pdf_bytes(page, made_at=CUTOFF, templates=TEMPLATES, attachments=[])


def test_a_pdf_prints_every_number_of_its_page() -> None:
    """In both languages nothing of the page is missing in the file."""
    printed = {language: typeset(page) for language, page in PAGES.items()}
    require_printed(printed, PAGES)
    assert [list(contradictions_of_pdf(printed[one], PAGES[one])) for one in PAGES] == [[], []]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("records", [9, 40, 90])
def test_a_row_of_several_lines_stands_on_one_page(language: Language, records: int) -> None:
    """What changed fills more than a page with rows of several lines, and each is printed in one piece."""
    page = html(build_report(with_news(records), language, TEMPLATES), TEMPLATES)
    require_printed({language: typeset(page)}, {language: page})


def with_news(records: int) -> ReportInputs:
    """A night whose report tells thirty changed numbers, each with the records behind it at some length."""
    ids = tuple(str(10**9 + number) for number in range(records))
    causes = (Cause(CauseKind.NEW, ids), Cause(CauseKind.EDITED, ids[:7]), Cause(CauseKind.DELETED, ids[:5]))
    changed = [
        ChangedNumber("table1", "age", "mean", "open", "", "", f"{number}.1", f"{number}.2", causes)
        for number in range(30)
    ]
    news = News(CUTOFF - timedelta(days=7), "a" * 64, 300, tuple(changed), findings_before=3, rules_before=5)
    return replace(night(), news=news, record_ids=True)


@pytest.mark.parametrize("style", [HIDDEN, NO_FIGURE, BLANKED], ids=["hidden row", "no figure", "no letters"])
def test_what_typesetting_swallows_is_found(style: str) -> None:
    """Rows, figures or cells that a style sheet hides are named, and the report is not released."""
    swallowed = typeset(PAGES["en"].replace("</head>", style, 1))
    with pytest.raises(SelfAuditFailed, match="is not printed"):
        require_printed({"en": swallowed}, {"en": PAGES["en"]})


def test_another_number_in_the_file_is_found() -> None:
    """A file that prints a row with one digit changed does not pass for its page."""
    page = PAGES["zh"]
    row = next(piece for piece in page.split("<tr") if "±" in piece)
    changed = row.replace("±", "7±", 1)
    found = list(contradictions_of_pdf(typeset(page.replace(row, changed, 1)), page))
    assert len(found) == 1
    assert "±" in found[0].why


def test_numbers_are_compared_by_their_signs() -> None:
    """Room, words, hyphens, and the kind of minus or bracket do not matter; decimals and signs do."""
    assert numbers_of("12.3 \u00b1 4.5 （n\u2009=\u20097）") == numbers_of("12.3±4.5(n=7)") == "12.3±4.5(=7)"
    assert numbers_of("\u22120.5") == numbers_of("-0.5") != numbers_of("0.5")
    assert numbers_of("near-renal 3-6") == numbers_of("near-re-\nnal 3-6") == "3-6"
    assert numbers_of("5(2–6)a -2.5 (-4.0, -1.5)") == numbers_of("5(2–6)a-2.5 (-4.0, -1.5)") == "5(26)-2.5(-4.0-1.5)"
    assert numbers_of("no figure (a)") == ""
