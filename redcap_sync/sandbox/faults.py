"""Faults a server can have, switched on request by request, so that clients can be tried against them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from threading import Lock

from redcap_sync.sandbox.parameters import Parameters
from redcap_sync.sandbox.rendering import MEDIA_TYPES, Answer, error_answer

HTML = "text/html; charset=utf-8"
OUT_OF_MEMORY = (
    "REDCap ran out of server memory. The request cannot be processed. Please try importing/exporting a smaller "
    "amount of data."
)
PAGE = "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>\n"
LOGIN_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>REDCap</title></head><body><form method='post'>"
    "<h1>Log In</h1><label>Username <input name='username'></label>"
    "<label>Password <input name='password' type='password'></label></form></body></html>\n"
)
REPLACED = {
    "banned": Answer(
        PAGE.format(title="Error", text="Your IP address has been banned from using REDCap.").encode(), HTML
    ),
    "too_many": Answer(
        PAGE.format(title="429 Too Many Requests", text="Please slow down.").encode(), HTML, 429, {"retry-after": "1"}
    ),
    "server_error": Answer(PAGE.format(title="500 Internal Server Error", text="").encode(), HTML, 500),
    "bad_gateway": Answer(PAGE.format(title="502 Bad Gateway", text="").encode(), HTML, 502),
    "login_page": Answer(LOGIN_PAGE.encode(), HTML),
    "empty": Answer(b""),
}
KINDS = frozenset(
    {*REPLACED, "slow", "dropped", "forbidden", "truncated", "out_of_memory", "half", "changed", "wrong_clock"}
)
"""slow and wrong_clock take seconds; changed makes a change after the answer was made, before the next request."""
LONGEST_SECONDS = 10**8
"""Three years, which no calendar is too short for."""


@dataclass(frozen=True)
class Fault:
    """One fault for one request."""

    kind: str
    seconds: float = 0.0
    change: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind}; the faults are {', '.join(sorted(KINDS))}")
        if not -LONGEST_SECONDS <= self.seconds <= LONGEST_SECONDS:
            raise ValueError(f"a fault is at most {LONGEST_SECONDS} seconds long or off")
        if self.kind == "changed" and self.change is None:
            raise ValueError("the fault changed needs a call, the form of the API call that somebody else makes")

    @property
    def clock_error(self) -> timedelta:
        """How far the server's clock is off."""
        return timedelta(seconds=self.seconds) if self.kind == "wrong_clock" else timedelta()


@dataclass
class _Scripted:
    fault: Fault
    content: str
    times: int
    after: int


@dataclass
class Faults:
    """A script of faults. What is scripted first happens first; a request that nothing matches is answered well."""

    requests: list[str] = field(default_factory=list)
    """The content of every request so far."""
    _script: list[_Scripted] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def script(
        self,
        kind: str,
        *,
        content: str = "",
        times: int = 1,
        after: int = 0,
        seconds: float = 0.0,
        change: Callable[[], None] | None = None,
    ) -> None:
        """Let the next `times` requests of a content (any, if '') go wrong, once `after` of them were answered."""
        with self._lock:
            self._script.append(_Scripted(Fault(kind, seconds, change), content, times, after))

    def clear(self) -> None:
        """Forget what is left of the script."""
        with self._lock:
            self._script.clear()

    def take(self, parameters: Parameters, header: str = "") -> Fault | None:
        """Return the fault of a request: that of its header `kind` or `kind;seconds`, else the script's."""
        content = parameters.content
        with self._lock:
            self.requests.append(content)
            if header:
                kind, _, seconds = header.partition(";")
                return Fault(kind.strip(), float(seconds or 0))
            return self._scripted(content)

    def _scripted(self, content: str) -> Fault | None:
        for entry in self._script:
            if entry.content not in ("", content):
                continue
            if entry.after > 0:
                entry.after -= 1
                continue
            entry.times -= 1
            if entry.times <= 0:
                self._script.remove(entry)
            return entry.fault
        return None


def replacement(fault: Fault, parameters: Parameters) -> Answer | None:
    """Return what is answered in place of the truth; None where the truth is asked first."""
    if fault.kind == "forbidden":
        return error_answer("You do not have permissions to use the API", 403, parameters.return_format)
    if fault.kind == "out_of_memory":
        return error_answer(OUT_OF_MEMORY, 500, parameters.return_format)
    return REPLACED.get(fault.kind)


def spoiled(fault: Fault, answered: Answer) -> Answer:
    """Spoil a true answer: cut its end off, or leave half of its rows out."""
    if fault.kind == "truncated":
        return Answer(answered.body[: len(answered.body) * 2 // 3], answered.media_type, 200, answered.headers)
    if fault.kind == "half":
        return Answer(_half(answered), answered.media_type, answered.status, answered.headers)
    return answered


def _half(answered: Answer) -> bytes:
    """Leave half of the rows out; what has no rows, an error or a file say, stays whole."""
    halved = HALVED.get(answered.media_type)
    whole = answered.status != HTTPStatus.OK or not answered.body
    return answered.body if halved is None or whole else halved(answered.body.decode()).encode()


def _half_of_json(text: str) -> str:
    rows = json.loads(text)
    return json.dumps(rows[: len(rows) // 2], separators=(",", ":")) if isinstance(rows, list) else text


def _half_of_csv(text: str) -> str:
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    kept = io.StringIO(newline="")
    csv.writer(kept, lineterminator="\n").writerows([header, *rows[: len(rows) // 2]])
    return kept.getvalue()


def _half_of_xml(text: str) -> str:
    """Half of the items, or of ODM's records."""
    name = "item" if "<item>" in text else "SubjectData"
    head, *rows = re.split(f"(?=<{name}[ >])", text)
    end = rows[-1].rpartition(f"</{name}>")[2] if rows else ""
    return "".join([head, *rows[: len(rows) // 2]]) + end


HALVED = {
    MEDIA_TYPES["json"]: _half_of_json,
    MEDIA_TYPES["csv"]: _half_of_csv,
    MEDIA_TYPES["xml"]: _half_of_xml,
}
