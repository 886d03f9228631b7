"""Text typed into REDCap, at its worst, through the whole report: the layout, the links and all other cells stay."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightround.model.language import Words
from nightround.report.making import Pages, files_of, pages_of
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.word_file import word_bytes
from nightround.report.self_audit.gate import contradictions
from nightround.texts.catalogue import read_wording
from nightround.texts.csv_text import csv_text
from redcap_sync.messages import Message
from tests.interim_samples import AGE_RULE, edition_of, open_finding, patients, snapshot_of
from tests.report_samples import TEMPLATES

SNAPSHOT = snapshot_of(patients())
MARKER = "ZZZ"
MARKUP = (
    '<img src="http://example.org/x.png">', "<script>alert(1)</script>", "</table></div></body>", "' onload='x",
    "<style>*{display:none}</style>", "<a href='javascript:alert(1)'>x</a>", "<base href='file:///etc/'>", "]]>",
    "&lt;b&gt;&amp;", "&#x202e;", "{{ 7*7 }}{% raw %}",
)  # fmt: skip
FORMULAS = ('=HYPERLINK("http://example.org")', "@SUM(A1:A9)", "+cmd|' /C calc'!A0", "-1+1", "\t=1")
UNPRINTABLE = ("\u202eevil\u202c", "\u200f\u200e\u061c", "\x00\x0b\x1b[31m", "\ud800", "\u0300" * 300, "\ufffe")
PICTURES = ("\U0001f600", "\U0001f469\u200d\U0001f466", "\U0001f1e8\U0001f1f3")
ENDLESS = ("a" * 10_000, "\u4e2d" * 10_000)
KINDS = {"markup": MARKUP, "formulas": FORMULAS, "unprintable": UNPRINTABLE, "emoji": PICTURES, "endless": ENDLESS}
NASTY = tuple(text for kind in KINDS.values() for text in kind)


def clean_inputs() -> ReportInputs:
    """The sample night."""
    return inputs_of(edition_of(SNAPSHOT, [open_finding(AGE_RULE, "2")]), SNAPSHOT)


INPUTS = clean_inputs()


def typed(texts: Sequence[str]) -> ReportInputs:
    """The same night with what somebody typed as rule titles, instrument, event and answer labels, and reasons."""
    text = " ".join(texts)
    words = Words(f"{MARKER}{text}", f"{MARKER}{text}")
    rules = tuple(replace(rule, title=words) for rule in INPUTS.rules)
    outcomes = tuple(replace(outcome, reason=Message.read(words.zh)) for outcome in INPUTS.outcomes)
    return replace(
        INPUTS,
        rules=rules,
        outcomes=outcomes,
        instruments=dict.fromkeys(INPUTS.instruments, words),
        events=dict.fromkeys(("", *INPUTS.events), words),
        choices={field: dict.fromkeys(codes, words) for field, codes in INPUTS.choices.items()},
        versions={words.zh: words.en},
    )


class Skeleton(HTMLParser):
    """The elements of a page, with every attribute that could lead somewhere, without its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, str]] = []
        self.cells: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element with its place, class and target."""
        about = dict(attrs)
        self.elements.append((tag, " ".join(str(about.get(name)) for name in ("id", "class", "href", "src", "onload"))))
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        """Keep the text of the last cell."""
        if self.cells:
            self.cells[-1] += data


CLEAN = {language: Skeleton(page) for language, page in pages_of(typed(["plain"]), TEMPLATES).html.items()}


def unmoved(pages: Pages) -> None:
    """The page has the elements of a harmless one, and every cell that nobody typed into is as it was."""
    for language, page in pages.html.items():
        found, clean = Skeleton(page), CLEAN[language]
        assert found.elements == clean.elements
        pairs = zip(found.cells, clean.cells, strict=True)
        assert all(MARKER in one or one == other for one, other in pairs)
    assert list(contradictions(pages.inputs, INPUTS.results, pages.html, pages.contexts)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_moves_the_page(kind: str) -> None:
    """Markup, formulas, direction marks, emoji and 10,000 characters are printed as text or left out."""
    pages = pages_of(typed(KINDS[kind]), TEMPLATES)
    unmoved(pages)
    for page in pages.html.values():
        assert not re.search(r"<(img|script|base|iframe)|[\u202a-\u202e\u2066-\u2069\x00]", page)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=80)), min_size=1, max_size=4))
def test_no_mixture_of_texts_moves_the_page(texts: list[str]) -> None:
    """Any mixture of the worst, and any text at all, leaves elements, links and all other cells as they were."""
    unmoved(pages_of(typed(texts), TEMPLATES))


@given(st.lists(st.sampled_from(NASTY), min_size=1, max_size=5))
def test_no_attached_cell_is_run_by_a_spreadsheet(texts: list[str]) -> None:
    """Every field of an attached CSV that begins like a formula begins with a quote instead."""
    rows = csv_text(("a",), [{"a": text} for text in texts]).removeprefix("\ufeff").splitlines()[1:]
    assert not any(row.startswith(("=", "+", "-", "@")) for row in rows)


def test_the_pdf_and_the_word_file_survive_everything_at_once() -> None:
    """All of it together still typesets, keeps its links inside the file, and prints every number it printed before."""
    pages = pages_of(typed([text for text in NASTY if len(text) < 5000]), TEMPLATES)
    files = files_of(pages, TEMPLATES, "hostile")
    document = pypdfium2.PdfDocument(files["hostile_en.pdf"])
    text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    for row in INPUTS.results:
        if (row.table, row.statistic) == ("table1", "summary") and row.group and "±" in row.text:
            assert row.text.replace("±", " ± ") in text
    assert b"example.org" not in b"".join(re.findall(rb"/URI \((.*?)\)", files["hostile_en.pdf"]))
    assert word_bytes(pages.contexts["zh"], read_wording([TEMPLATES], "zh")) == files["hostile_zh.docx"]


def test_a_study_overrides_one_block_and_keeps_the_rest(tmp_path: Path) -> None:
    """A study's own page of one chapter goes before ours; everything else, and the gate, stay as they are."""
    templates = tmp_path / "templates"
    templates.mkdir()
    for path in TEMPLATES.iterdir():
        (templates / path.name).symlink_to(path)
    own = templates / "sample" / "pages"
    own.mkdir(parents=True)
    (own / "quality.html.j2").write_text('{% include "original/pages/quality.html.j2" %}<p>Read by our committee.</p>')
    pages = pages_of(INPUTS, templates)
    assert all("Read by our committee." in page for page in pages.html.values())
    assert list(contradictions(pages.inputs, INPUTS.results, pages.html, pages.contexts)) == []
