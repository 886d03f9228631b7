"""How a study is doing: its last complete round, its last attempt and why that ended, and what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nightround.model.finding import STANDING, FindingState
from nightround.model.rule import Severity
from nightround.night.outbox_step import message_document, undelivered
from nightround.night.round import NIGHTLY
from nightround.night.study_place import StudyPlace, known_settings, place_of
from nightround.store.database import open_store
from nightround.store.message_rows import StoredMessage
from nightround.store.run_rows import Ended, Run
from nightround.study.folder import Content

ENDS = {
    Ended.RUNNING: "is running",
    Ended.DONE: "done",
    Ended.RED: "came to its end, but could not see or judge everything",
    Ended.FAILED: "failed",
    Ended.LOST: "never said how it ended: it was killed, or the machine stopped",
}

SHOWN_MESSAGES = 10


@dataclass(frozen=True)
class StudyStatus:
    """How a study is doing, in times of its own clock."""

    study: str
    zone: ZoneInfo
    last_complete: Run | None
    last_attempt: Run | None
    open_findings: dict[Severity, int]
    undelivered: list[StoredMessage]
    """Messages that did not arrive, and whose news no later one brought."""
    quiet_findings: dict[FindingState, int]
    """Those that nobody is asked about: answered, waived or snoozed."""

    def document(self) -> dict[str, Any]:
        """The status as JSON."""
        last = self.last_attempt
        return {
            "study": self.study,
            "last_complete": self._hour(self.last_complete.started_at) if self.last_complete else None,
            "last_attempt": last
            and {
                "run": last.id,
                "job": last.job,
                "started_at": self._hour(last.started_at),
                "ended_at": self._hour(last.ended_at) if last.ended_at else None,
                "ended": last.ended.value,
                "exit_code": last.exit_code,
                "why": _why(last),
                "steps": {step.name: step.ended.value for step in last.steps},
            },
            "open_findings": {one.value: count for one, count in self.open_findings.items()},
            "undelivered_messages": [message_document(one, self.zone) for one in self.undelivered],
            **{f"{one.value}_findings": count for one, count in self.quiet_findings.items()},
        }

    def lines(self) -> Iterator[str]:
        """The status in words, one fact a line."""
        yield self.study
        complete, last = self.last_complete, self.last_attempt
        yield f"  last complete round: {self._hour(complete.started_at) if complete else 'none yet'}"
        if last is None:
            yield "  last attempt: none yet"
        else:
            yield f"  last attempt: {last.job}, run {last.id}, {self._hour(last.started_at)}: {_why(last)}"
        counts = ", ".join(f"{count} {one.value}" for one, count in self.open_findings.items() if count)
        yield f"  open findings: {counts or 'none'}"
        yield f"  undelivered messages: {len(self.undelivered) or 'none'}"
        for one in self.undelivered[-SHOWN_MESSAGES:]:
            yield f"    {self._hour(one.written_at)} {one.role} by {one.channel}: {one.state}, {one.said}"
        if said := ", ".join(f"{count} {one.value}" for one, count in self.quiet_findings.items() if count):
            yield f"  findings that nobody is asked about: {said}"

    def _hour(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).isoformat(timespec="seconds")


def _why(run: Run) -> str:
    """How a run ended and why, in English as everything on a terminal."""
    code = "" if not run.exit_code else f" (exit code {run.exit_code})"
    return f"{ENDS[run.ended]}{code}" + (f": {run.trouble}" if run.trouble else "")


def status_of(name: str, data: Path, content: Content) -> StudyStatus:
    """The status of a study; its files need not be readable. Nothing is made where it never ran."""
    place = place_of(name, data, content)
    settings = known_settings(place)
    zone = ZoneInfo(settings.study.time_zone if settings else "UTC")
    if not (place.database).is_file():
        return StudyStatus(place.id, zone, None, None, dict.fromkeys(Severity, 0), [], dict.fromkeys(STANDING, 0))
    return _read(place, zone)


def _read(place: StudyPlace, zone: ZoneInfo) -> StudyStatus:
    with open_store(place.database) as store:
        newest = store.last_attempt(place.id, NIGHTLY)
        found = store.findings(place.id)
        open_now = Counter(one.severity for one in found if one.state is FindingState.OPEN)
        quiet = Counter(one.state for one in found)
        return StudyStatus(
            study=place.id,
            zone=zone,
            last_complete=store.last_complete(place.id, NIGHTLY),
            last_attempt=newest,
            open_findings={one: open_now[one] for one in Severity},
            undelivered=undelivered(store.messages(place.id)),
            quiet_findings={one: quiet[one] for one in STANDING},
        )
