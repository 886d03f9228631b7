"""The PDF made by the real WeasyPrint: an archive file, the same every time, which reads nothing from outside."""

import hashlib
import http.server
import re
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from pypdfium2 import raw

from nightround.model.language import LANGUAGES, Language, Words
from nightround.report.printing.attachments import attachments
from nightround.report.printing.cleaning import missing_characters
from nightround.report.printing.context import build_report
from nightround.report.printing.render import html
from nightround.report.printing.typesetting import pdf_bytes
from tests.report_samples import CUTOFF, OUTCOMES, RULES, SNAPSHOT, TEMPLATES, night


def made(language: Language = "zh", **changes: Any) -> bytes:
    """The PDF of a night."""
    inputs = night(**changes)
    page = html(build_report(inputs, language, TEMPLATES), TEMPLATES)
    return pdf_bytes(page, made_at=CUTOFF, templates=TEMPLATES, attachments=attachments(inputs))


@pytest.fixture(scope="module")
def chinese() -> bytes:
    """The Chinese PDF of the made-up night."""
    return made("zh")


def page_texts(content: bytes) -> list[str]:
    """The text of each page."""
    document = pypdfium2.PdfDocument(content)
    return [page.get_textpage().get_text_bounded() for page in document]


def objects(content: bytes) -> str:
    """Every object of a PDF as text, also those in compressed object streams."""
    streams = re.findall(rb"/ObjStm.*?stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    return b"\n".join((content, *map(zlib.decompress, streams))).decode("latin-1")


def test_the_same_night_gives_the_same_bytes(chinese: bytes) -> None:
    """A second process with another hash seed makes the identical file."""
    assert hashlib.sha256(made("zh")).digest() == hashlib.sha256(chinese).digest()


def test_the_file_is_tagged_pdf_a_3a_dated_at_the_cutoff(chinese: bytes) -> None:
    """The metadata claim PDF/A-3a, the structure is marked, and no date is the present one."""
    document = pypdfium2.PdfDocument(chinese)
    assert raw.FPDFCatalog_IsTagged(document)
    assert document.get_metadata_value("CreationDate").startswith("D:20261122020000")
    metadata = re.search(rb"/Metadata.*?stream\r?\n(.*?)\r?\nendstream", chinese, re.DOTALL)
    assert metadata is not None
    claims = zlib.decompress(metadata[1]).decode()
    assert re.findall(r"pdfaid:(part|conformance)[=>\"]+(\w)", claims) == [("part", "3"), ("conformance", "A")]


def test_every_figure_has_words_for_those_who_cannot_see_it(chinese: bytes) -> None:
    """Each figure carries its title as alternative text, and the document its language."""
    found = objects(chinese)
    assert len(re.findall(r"/S /Figure", found)) == len(re.findall(r"/Alt", found)) == 6
    assert "/Lang (zh-CN)" in found


def test_result_rows_are_attached_once_each(chinese: bytes) -> None:
    """Three files travel in the PDF with the text they were given, and the catalogue names each once."""
    document = pypdfium2.PdfDocument(chinese)
    files = {
        attached.get_name(): attached.get_data()
        for attached in map(document.get_attachment, range(document.count_attachments()))
    }
    expected = {attachment.name: attachment.text.encode() for attachment in attachments(night())}
    assert {name: bytes(data) for name, data in files.items()} == expected
    associated = re.search(r"/AF \[([^\]]*)\]", objects(chinese))
    assert associated is not None
    references = re.findall(r"\d+ 0 R", associated[1])
    assert len(references) == len(set(references)) == len(expected)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_carries_the_snapshot_the_mark_and_its_number(language: Language) -> None:
    """The foot names the data, says that they are synthetic, and counts the pages."""
    pages = page_texts(made(language))
    for number, text in enumerate(pages, start=1):
        counted = f"第 {number} 页，共 {len(pages)} 页" if language == "zh" else f"Page {number} of {len(pages)}"
        assert counted in text
        assert SNAPSHOT[:16] in text
        assert "SYNTHETIC DATA" in text
        assert "合成数据" in text


def test_an_incomplete_report_says_so_on_every_page() -> None:
    """No page of an incomplete report can be shown without the warning."""
    pages = page_texts(made("en", run=replace(night().run, complete=False)))
    assert all("INCOMPLETE" in text for text in pages)


def test_only_the_bundled_fonts_are_embedded(chinese: bytes) -> None:
    """No font of the machine is in the file."""
    fonts = set(re.findall(r"/BaseFont /[A-Z]{6}\+([\w-]+)", objects(chinese)))
    assert fonts
    assert all(font.startswith(("Report-Sans", "ReportSans")) for font in fonts)


def test_chinese_text_is_real_glyphs(chinese: bytes) -> None:
    """The title of the study can be copied out, and the page has ink where it is."""
    document = pypdfium2.PdfDocument(chinese)
    assert "慢性腔髂静脉闭塞" in page_texts(chinese)[0]
    picture = document[0].render(scale=1).to_pil().convert("L").crop((50, 130, 500, 190))
    assert len(set(picture.tobytes())) > 20


def test_bookmarks_lead_to_every_chapter(chinese: bytes) -> None:
    """The outline of the PDF contains the chapters with their numbers."""
    titles = [bookmark.get_title() for bookmark in pypdfium2.PdfDocument(chinese).get_toc() if bookmark.level == 0]
    assert titles[-1] == "9 方法与局限"
    assert len(titles) == 10


def test_the_page_uses_no_character_the_fonts_lack() -> None:
    """Our own texts print without an empty box in both languages."""
    pages = [html(build_report(night(), language, TEMPLATES), TEMPLATES) for language in LANGUAGES]
    assert missing_characters(pages, TEMPLATES / "fonts") == ()


@pytest.fixture
def listener() -> Iterator[list[str]]:
    """Counts the requests to a server on this machine."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    seen.append(f"http://127.0.0.1:{server.server_port}")
    yield seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_file_and_no_address_is_read(listener: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Even a template that names files and addresses gets nothing: not by image, style, link or attachment."""
    address, secret = listener.pop(), tmp_path / "secret.txt"
    secret.write_text("unique-secret-text")
    page = (
        f'<base href="{address}/"><link rel=stylesheet href="{address}/a.css">'
        f'<link rel=attachment href="{secret.as_uri()}">'
        f'<style>@import "{address}/b.css"; p {{ background: url({address}/c.png) }}</style>'
        f'<p>x<img src="{secret.as_uri()}"><img src="{address}/d.png"><img src="asset:../words.toml"></p>'
    )
    content = pdf_bytes(page, made_at=CUTOFF, templates=TEMPLATES)
    assert listener == []
    assert pypdfium2.PdfDocument(content).count_attachments() == 0
    assert b"unique-secret-text" not in content
    assert "only the report's own assets" in caplog.text


HOSTILE = (
    "<script>alert(1)</script></td></tr></table>",
    "\u202egnirts desrever\u2066",
    "长" * 10_000,
    "unbroken" * 200,
    "half \ud800 and \x00 control",
    "=HYPERLINK('x')",
    "😀 emoji",
)


def test_hostile_text_breaks_neither_layout_nor_other_cells() -> None:
    """Whatever is in titles of rules, the file is made and every other number is where it was."""
    rules = tuple(replace(RULES[0], id=f"H{number}", title=Words(typed, typed)) for number, typed in enumerate(HOSTILE))
    outcomes = tuple(replace(OUTCOMES[0], rule_id=rule.id) for rule in rules)
    pages = page_texts(made("en", rules=rules, outcomes=outcomes))
    text = "".join(pages)
    assert "29 (67.4)" in text
    assert "</td></tr></table>" in text
    assert "Limitations" in text
    assert all(f"Page {number} of {len(pages)}" in page for number, page in enumerate(pages, start=1))
