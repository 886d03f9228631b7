"""The chain of the history: each line names the one before it by its hash, so that no line is changed unseen.

A line's hash is made over what may stay for ever and over a salted digest of the rest, which is the finding and its
values. Forgetting a patient takes the finding, the values and the salt; the digest stays, says nothing without its
salt, and the chain stays whole.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nightround.store.observed_values import UnreadableValues
from redcap_sync.messages import Message

SALT_BYTES = 16
START = ""
"""What the first line of a study names as the line before it."""

Salt = Callable[[], str]
Line = Mapping[str, Any]


@dataclass(frozen=True)
class BrokenLine:
    """A line of the history that is not what was written."""

    position: int
    reason: str
    """What is wrong with it: `order`, `line`, `values`, `left`, `state` or `end`."""

    @property
    def message(self) -> Message:
        """What is wrong with it, in words."""
        return Message.of(f"chain.{self.reason}", position=self.position)


def new_salt() -> str:
    """Sixteen random bytes in hexadecimal."""
    return secrets.token_hex(SALT_BYTES)


def chained(lines: Iterable[Line], previous: str, salt: Salt = new_salt) -> list[dict[str, Any]]:
    """The lines of one study, in their order, with the columns that make them links of its chain."""
    found: list[dict[str, Any]] = []
    for line in lines:
        link = _linked(line, previous, salt())
        previous = link["hash"]
        found.append(link)
    return found


def broken_lines(lines: Iterable[Line]) -> tuple[BrokenLine, ...]:
    """The lines of one study, given in their order, that were changed, and those before which one is missing."""
    found: list[BrokenLine] = []
    previous = START
    for line in lines:
        if reason := _trouble(line, previous):
            found.append(BrokenLine(line["position"], reason))
        previous = line["hash"]
    return tuple(found)


def _linked(line: Line, previous: str, salt: str) -> dict[str, Any]:
    link = {**line, "salt": salt, "digest": salted_digest(salt, _private(line))}
    return {**link, "previous": previous, "hash": _hash(link, previous)}


def _trouble(line: Line, previous: str) -> str:
    """What is wrong with a line; '' where it is as it was written."""
    if line["previous"] != previous:
        return "order"
    if line["hash"] != _hash(line, previous):
        return "line"
    if line["forgotten"] is not None:
        left = (line.get(name) for name in ("salt", "observed", "finding_id", "comment"))
        return "left" if any(left) else ""
    if isinstance(line["observed"], UnreadableValues) or isinstance(line.get("comment"), UnreadableValues):
        return ""
    known = line["salt"] and line["digest"] == salted_digest(line["salt"], _private(line))
    return "" if known else "values"


def _private(line: Line) -> list[Any]:
    """What is forgotten of a line with its patient: the finding, its values, and a comment where there is one."""
    comment = line.get("comment")
    return [line["finding_id"], line["observed"], *([comment] if comment else [])]


def salted_digest(salt: str, content: object) -> str:
    """The SHA-256 over a salt and content that JSON can say."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def _hash(line: Line, previous: str) -> str:
    at: datetime = line["at"]
    facts = [line["study"], line["run_id"], at.astimezone(UTC).isoformat(), line["change"], line["resolution"]]
    # A line of an earlier version has none of these, and its hash was made without them.
    said = [line.get(name) for name in ("was", "by", "why")]
    facts += said if any(one is not None for one in said) else []
    if (proof := line.get("proof")) is not None:
        facts.append(proof)
    text = json.dumps([previous, *facts, line["digest"]], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
