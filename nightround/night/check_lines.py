"""One line of a check-up: what was tried, whether it is fine, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nightround.night.disk_errors import disk_errors_explained
from nightround.texts.catalogue import in_language
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message


class Health(StrEnum):
    """What became of a check."""

    FINE = "fine"
    NOTICE = "notice"
    """A night works; what it lacks is said."""
    WRONG = "wrong"
    NOT_TRIED = "not_tried"
    """What it needs was wrong before."""


@dataclass(frozen=True)
class CheckLine:
    """One thing that was tried."""

    check: str
    """Which one, as its JSON names it."""
    health: Health
    said: Message
    remedy: Message | None = None
    exit_code: int = 0
    """That of the error; 0 where nothing is wrong."""

    def document(self) -> dict[str, Any]:
        """The line as JSON."""
        return {
            "check": self.check,
            "state": self.health.value,
            "said": in_language(self.said, "en"),
            "remedy": in_language(self.remedy, "en") if self.remedy else None,
            "exit_code": self.exit_code,
        }


def fine(check: str, code: str, /, **facts: Any) -> CheckLine:
    """A line of something that works."""
    return CheckLine(check, Health.FINE, Message.of(f"doctor.fine.{code}", **facts))


def notice(check: str, code: str, /, **facts: Any) -> CheckLine:
    """A line of something that lacks something, with what to do about it."""
    said, remedy = (Message.of(f"doctor.notice.{code}.{part}", **facts) for part in ("what", "remedy"))
    return CheckLine(check, Health.NOTICE, said, remedy)


def wrong(check: str, code: str, /, *, exit_code: int, **facts: Any) -> CheckLine:
    """A line of something that keeps a night, or a message, from being made."""
    said, remedy = (Message.of(f"doctor.wrong.{code}.{part}", **facts) for part in ("what", "remedy"))
    return CheckLine(check, Health.WRONG, said, remedy, exit_code)


def not_tried(check: str, because: str) -> CheckLine:
    """A line of something that cannot be tried while another check is wrong."""
    return CheckLine(check, Health.NOT_TRIED, Message.of("doctor.not_tried", because=because))


def failed(check: str, error: ExplainedError) -> CheckLine:
    """A line of an error, in its own words."""
    said = Message.of("doctor.failed", what=error.part("what"), why=error.part("why"))
    return CheckLine(check, Health.WRONG, said, error.part("remedy"), error.exit_code)


def tried(check: str, attempt: Callable[[], CheckLine]) -> CheckLine:
    """The line of a check, or that of the error which it ends with."""
    try:
        with disk_errors_explained():
            return attempt()
    except ExplainedError as error:
        return failed(check, error)
