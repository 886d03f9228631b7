"""Judges an answer of the server before PyCap reads it.

PyCap looks at neither the HTTP status nor the kind of the body: a 502 page comes back as data, an
empty body as an empty table, a refused right as "not longitudinal". So every answer passes here
first, in a hook of the transport.
"""

from __future__ import annotations

import json
import re

import requests

from redcap_sync.errors import ExplainedError, ExportIncomplete, RedcapRefused, RedcapUnreachable, WriteRefused
from redcap_sync.whole_numbers import whole_number

BUSY = frozenset({408, 429, 500, 502, 503, 504})
ERROR_STARTS = (b'{"error"', b"ERROR:", b"<hash><error>")
MARK = b"\xef\xbb\xbf"
WHITE_SPACE = (b" ", b"\n", b"\r", b"\t")
PHP_MESSAGE = re.compile(
    rb"(?:\s|<br\s*/?>|<b>|<pre[^>]*>|<font[^>]*>)*(?:PHP )?"
    rb"(?:Notice|Warning|Deprecated|Strict Standards|Fatal error|Parse error|Recoverable fatal error|Uncaught \w+)"
    rb"(?:</b>)?\s*:",
    re.IGNORECASE,
)
"""What PHP writes in front of a page when its messages are shown to visitors."""
LONGEST_SAID = 10_000
"""Characters of a server's own words that are kept."""
OUT_OF_MEMORY = "ran out of server memory"
IMPORT_ERROR_LINE = re.compile(
    r'^"(?P<record>[^"]*)","(?P<field>[^"]*)","(?:[^"]|"")*","(?P<message>.*)"$', re.MULTILINE
)


class ServerBusy(RedcapUnreachable):
    """The server is there but cannot answer just now; the same call may succeed later.

    `wait_seconds` is how long the server asked to be left alone, 0 where it did not say.
    """

    wait_seconds: float = 0.0


class TooSlow(ServerBusy):
    """The answer did not come in time; one for fewer records may."""


class BrokenAnswer(ExportIncomplete):
    """The answer ends before its end; the same call, or one for fewer records, may succeed."""


class AskedTooMuch(ExportIncomplete):
    """The server has not enough memory for so many records at once; a smaller batch may succeed."""


class UnreadableAnswer(ExportIncomplete):
    """The answer is no document of REDCap's, whole or not; to ask for fewer records would not help."""


def check_answer(response: requests.Response, *_: object, **__: object) -> None:
    """Raise what is wrong with an answer; return None for one that PyCap may read."""
    body = without_mark(response.content)
    if response.is_redirect or response.is_permanent_redirect:
        raise RedcapUnreachable("api.redirect")
    if OUT_OF_MEMORY.encode() in body[:2000]:
        raise AskedTooMuch("api.out_of_memory")
    if response.status_code in BUSY:
        raise _busy(response)
    if PHP_MESSAGE.match(body[:2000]):
        raise UnreadableAnswer("api.php_message")
    if _is_html(response):
        raise _html_page(response)
    if response.status_code != requests.codes.ok or body.startswith(ERROR_STARTS):
        raise _refusal(response)
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            place = error.start
        else:
            return
        raise UnreadableAnswer("api.not_utf8", place=place)


def without_mark(body: bytes) -> bytes:
    """A body without the byte order mark and the white space that some servers write in front of it."""
    return body.removeprefix(MARK).lstrip() if body[:1] in (MARK[:1], *WHITE_SPACE) else body


def empty_body() -> BrokenAnswer:
    """The error for a body without a single character where data were due."""
    return BrokenAnswer("api.empty")


def unreadable_body() -> BrokenAnswer:
    """The error for a body that ends in the middle of a document."""
    return BrokenAnswer("api.cut")


def not_json(text: str, place: int, *, goes_on: bool) -> ExportIncomplete:
    """The error for a body that JSON cannot be read from, at a place; `goes_on` behind a whole document."""
    text = text.strip()
    if not text:
        return empty_body()
    begins = text.startswith(("[", "{"))
    if goes_on or not begins or (place < len(text) and text.endswith(("]", "}"))):
        return UnreadableAnswer("api.not_json", place=place)
    return unreadable_body()


def unreachable(error: requests.RequestException, url: str) -> ExplainedError:
    """The error for a call without an answer. The original message is left out: it may contain the request."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return unreadable_body()
    kind = TooSlow if isinstance(error, requests.exceptions.ReadTimeout) else ServerBusy
    return kind("api.silent", url=url, error=type(error).__name__)


def _busy(response: requests.Response) -> ServerBusy:
    busy = ServerBusy("api.busy", status=response.status_code)
    busy.wait_seconds = float(whole_number(response.headers.get("Retry-After", "")) or 0)
    return busy


def _is_html(response: requests.Response) -> bool:
    start = without_mark(response.content[:500]).lower()
    return start.startswith((b"<!doctype html", b"<html")) or (
        "text/html" in response.headers.get("Content-Type", "") and start.startswith(b"<") and b"<?xml" not in start
    )


def _html_page(response: requests.Response) -> ExplainedError:
    status = response.status_code
    # REDCap's page for an address it has banned has status 200 on some servers.
    if status in (401, 403) or b"banned" in response.content[:5000].lower():
        return RedcapRefused("api.banned", status=status)
    return RedcapUnreachable("api.page", status=status)


def _refusal(response: requests.Response) -> ExplainedError:
    """What a refusal means; the server's own words, which may contain values, are the private part of the error."""
    status, said = response.status_code, _error_text(response)
    if status in (401, 403):
        return RedcapRefused("api.refused", status=status).with_private(said)
    if status in (404, 501):
        return RedcapUnreachable("api.absent", status=status)
    places = import_error_places(said)
    if places:
        return WriteRefused("api.import_refused", status=status, places=len(places)).with_private("\n".join(places))
    return RedcapRefused("api.not_accepted", status=status).with_private(said)


def import_error_places(message: str) -> list[str]:
    """Name record, field and REDCap's message of each import error, without the value REDCap repeats."""
    found = IMPORT_ERROR_LINE.finditer(message)
    return [f"record {m['record']}, field {m['field']}: {m['message']}" for m in found]


def _error_text(response: requests.Response) -> str:
    text = response.text
    try:
        return str(json.loads(text)["error"])[:LONGEST_SAID]
    except (ValueError, KeyError, TypeError, RecursionError):
        return re.sub(r"<[^>]+>", " ", text).removeprefix("ERROR:").strip()[:LONGEST_SAID]
