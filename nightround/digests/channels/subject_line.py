"""The subject of a mail in lines that every mail program puts together again as it was.

Python's own folding loses a space where a word of plain ASCII and an encoded one meet on two lines. So a subject
is written either as it is, on one line, or as encoded words throughout (RFC 2047), each with its spaces inside.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

LONGEST_LINE = 78
"""Characters of a line of a header (RFC 5322, 2.1.1)."""
PAYLOAD = 39
"""Bytes of text in an encoded word: 52 characters of base64 and 12 of frame. Behind the header's name that is a line
of 73 characters, where RFC 2047 allows 76."""
NAME = "Subject: "


def folded(text: str) -> str:
    """The value of the header, in lines that end with a line feed; each but the first begins with a space."""
    plain = text.isascii() and text.isprintable() and "=?" not in text and text == " ".join(text.split())
    if plain and len(NAME) + len(text) <= LONGEST_LINE:
        return text
    return "\n ".join(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in _pieces(text))


def _pieces(text: str) -> Iterator[bytes]:
    """The bytes of a text in pieces that end between two characters."""
    piece = b""
    for character in text:
        more = character.encode()
        if len(piece) + len(more) > PAYLOAD:
            yield piece
            piece = b""
        piece += more
    yield piece
