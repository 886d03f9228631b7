"""The finished PDF compared with the page it was made from: every number of the page is in the file.

What typesetting may lose without a word (a cell pushed off the page, a figure that was not drawn, a font whose
letters mean something else) is found by reading the file back. Words are not compared: a font may lack their signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

import pypdfium2

from nightround.report.self_audit.audit_rows import Contradiction
from redcap_sync.messages import Message

NO_NUMBER = re.compile(r"[^0-9.%<>=~±()/-]+")
"""Whatever is no part of a printed number."""
HYPHEN = re.compile(r"(?<=[^\W\d])[-\u2010](?!\d)")
"""The hyphen of a word, which typesetting may add at the end of a line; a minus may follow the letter of a note."""
PIECES = frozenset({"td", "th", "li", "p", "text", "h1", "h2", "h3", "figcaption"})
"""Elements whose text is read."""
WHOLES = frozenset({"tr", "svg"})
"""A row of a table and a figure are drawn at once: their pieces are in the file one after another."""
UNPRINTED = frozenset({"style", "title", "script", "head"})
FROM_RIGHT = frozenset({"R", "AL", "AN"})
"""Bidirectional classes whose text a reader of PDFs gives back in another order."""


class PieceReader(HTMLParser):
    """Reads what a page prints, piece by piece: rows of tables, figures, and the words of sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._open: list[str] = []
        self._row: list[str] | None = None
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - as inherited
        """Notice where a row, a piece or something unprinted begins."""
        self._hidden += tag in UNPRINTED
        if tag in WHOLES:
            self._row = []
        if tag in PIECES:
            self._open = []

    def handle_endtag(self, tag: str) -> None:
        """Keep what was read."""
        self._hidden -= tag in UNPRINTED
        if tag in PIECES:
            self._keep("".join(self._open))
            self._open = []
        if tag in WHOLES and self._row is not None:
            row, self._row = "".join(self._row), None
            self.pieces.append(row)

    def handle_data(self, data: str) -> None:
        """Take the text of what is open and printed."""
        if not self._hidden:
            self._open.append(data)

    def _keep(self, text: str) -> None:
        if self._row is None:
            self.pieces += text.split()  # a sentence may break anywhere, also over a page
        elif any(unicodedata.bidirectional(character) in FROM_RIGHT for character in text):
            self.pieces.append("".join(self._row))
            self._row = []
        else:
            self._row.append(text)


def contradictions_of_pdf(content: bytes, page: str) -> Iterator[Contradiction]:
    """The numbers of the page that the PDF does not print: a row's, or a figure's, must be in it in one piece.

    Places are not compared, because a figure is drawn after the text around it.
    """
    printed = numbers_of(text_of_pdf(content))
    reader = PieceReader()
    reader.feed(page)
    for piece, times in Counter(filter(None, map(numbers_of, reader.pieces))).items():
        if printed.count(piece) < times:
            yield Contradiction("PDF", Message.of("contradiction.not_on_page", text=piece))


def text_of_pdf(content: bytes) -> str:
    """The text of all pages, in the order in which it was drawn."""
    document = pypdfium2.PdfDocument(content)
    try:
        return "".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def numbers_of(text: str) -> str:
    """The numbers of a text with their signs, nothing between them; '' where it has no figure."""
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u2013", "")
    kept = NO_NUMBER.sub("", HYPHEN.sub("", plain))
    return kept if any(character.isdigit() for character in kept) else ""
