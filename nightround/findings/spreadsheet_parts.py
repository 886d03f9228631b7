"""The parts of a spreadsheet that somebody sent, looked at before one is read: what would run, hide, or fill a memory.

A reader of XML makes an object of some hundred bytes of each tag, and gives a row, or a text, back once it has read its
end: 24 million cells in one row are 100 kB as a file, and took 7 GB.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable

from nightround.model.errors import UsageWrong

LARGEST_FILE, LARGEST_PARTS, MOST_PARTS = 20_000_000, 100_000_000, 100
"""Bytes of a file, bytes and number of its parts: far above any worklist, far below what fills a memory."""
FORBIDDEN = ("vbaproject", "externallinks", "embeddings", "activex", "connections.xml")
SHEETS, TEXTS = "xl/worksheets/", "xl/sharedstrings.xml"
MOST_TAGS, MOST_TAGS_OF_ONE, MOST_TAGS_BESIDE = 12_000_000, 20_000, 300_000
"""Tags, or attributes, of all rows and texts, of one of them, and of what is beside them, such as links. The longest
list that is read, 100,000 lines, has ten million, and a link for each line."""
XML = (".xml", ".rels")
LONG_TAG = re.compile(rb"<[^>]{100000}")
"""A tag with so many attributes that comparing each with each takes minutes."""
ENCODING = re.compile(rb"""<\?xml[^>]{0,100}encoding=["']([A-Za-z0-9._-]+)""")
ROW, TEXT = (re.compile(rb"<(/?)(?:\w+:)?%s(?:\s[^>]*?)?(/?)>" % name) for name in (b"row", b"si"))
"""The begin, the end, or the whole of a row and of a text."""


def require_harmless(content: bytes) -> None:
    """Raise UsageWrong for what is no plain spreadsheet, before a byte of it is read as one."""
    if len(content) > LARGEST_FILE:
        raise UsageWrong("worklist.too_large")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            infos = parts.infolist()
            if len(infos) > MOST_PARTS or sum(one.file_size for one in infos) > LARGEST_PARTS:
                raise UsageWrong("worklist.too_large")
            if any(word in one.filename.lower() for one in infos for word in FORBIDDEN):
                raise UsageWrong("worklist.active")
            _require_plain((one.filename.lower(), parts.read(one)) for one in infos)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise UsageWrong("worklist.damaged") from error


def _require_plain(parts: Iterable[tuple[str, bytes]]) -> None:
    for name, part in parts:
        if name.endswith(XML) and _hides(part):
            raise UsageWrong("worklist.active")
        if not _is_small(name, part):  # whatever its name: a part may be called otherwise and be read as a sheet
            raise UsageWrong("worklist.too_large")


def _hides(part: bytes) -> bool:
    """Whether a part has definitions or comments, or an encoding that a spreadsheet has no need of."""
    named = ENCODING.match(part.removeprefix(b"\xef\xbb\xbf"))
    encoded = named is not None and named[1].lower() not in (b"utf-8", b"us-ascii")
    return encoded or b"\0" in part or b"<!" in part


def _is_small(name: str, part: bytes) -> bool:
    """Whether reading a part takes no more memory than the longest list."""
    if LONG_TAG.search(part):
        return False
    if name == TEXTS:
        return _has_small_ones(part, TEXT)
    if name.startswith(SHEETS) and name.endswith(".xml"):
        return _has_small_ones(part, ROW)
    return _tags(part, 0, len(part)) <= MOST_TAGS_BESIDE


def _has_small_ones(part: bytes, element: re.Pattern[bytes]) -> bool:
    """Whether each row, or text, is small, none is in another, and little is beside them."""
    if _tags(part, 0, len(part)) > MOST_TAGS:
        return False
    beside, begun, ended = 0, -1, 0
    for found in element.finditer(part):
        is_end, is_whole = bool(found[1]), bool(found[2])
        if is_end is (begun < 0):
            return False  # one in another, or an end without a begin
        if is_end and _tags(part, begun, found.end()) > MOST_TAGS_OF_ONE:
            return False
        if not is_end:
            beside += _tags(part, ended, found.start())
        begun = -1 if is_end or is_whole else found.start()
        ended = found.end()
    return begun < 0 and beside + _tags(part, ended, len(part)) <= MOST_TAGS_BESIDE


def _tags(part: bytes, begin: int, end: int) -> int:
    """Tags, or attributes where there are more of them."""
    return max(part.count(b"<", begin, end), part.count(b"=", begin, end))
