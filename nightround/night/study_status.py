"""How a study is doing: its last complete round, its last attempt and why that ended, and what is open."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nightround.model.finding import QUIET_STATES, FindingState
from nightround.model.language import Language
from nightround.model.rule import Severity
from nightround.night.machine_checks import FULL, GIB, nearest_folder
from nightround.night.outbox_step import message_document, undelivered
from nightround.night.round import NIGHTLY
from nightround.night.study_database import existing_store
from nightround.night.study_hours import next_round
from nightround.night.study_place import known_settings, place_of
from nightround.store.database import Store
from nightround.store.message_rows import StoredMessage
from nightround.store.run_rows import Ended, Run
from nightround.study.folder import Content
from nightround.texts.catalogue import Wording, wording
from redcap_sync.messages import Message

SHOWN_MESSAGES = 10


EXIT_BUG, EXIT_DISK, EXIT_UNDELIVERED, EXIT_LATE = 1, 10, 12, 13
"""The exit codes of docs/exit-codes.md, which `status --check` ends with."""
HOURS_WITHOUT = 26
"""A night later than this after the last complete one was missed."""


@dataclass(frozen=True)
class StudyTrouble:
    """Something about a study that somebody has to see to, with the exit code of its kind."""

    exit_code: int
    said: Message


@dataclass(frozen=True)
class StudyStatus:
    """How a study is doing, in times of its own clock."""

    study: str
    zone: ZoneInfo
    now: datetime
    """When it was looked at."""
    last_complete: Run | None
    last_attempt: Run | None
    open_findings: dict[Severity, int]
    undelivered: list[StoredMessage]
    """Messages that did not arrive, and whose news no later one brought."""
    quiet_findings: dict[FindingState, int]
    """Those that nobody is asked about: answered, waived or snoozed."""
    next_round: datetime | None = None
    """When `serve` makes the next nightly round, if it runs."""
    free_bytes: int = 0
    """Of the disk of the data folder."""

    def troubles(self) -> tuple[StudyTrouble, ...]:
        """What somebody has to see to, the worst first. Findings are none: they are the work of the day."""
        last, complete = self.last_attempt, self.last_complete
        found = []
        if last and last.exit_code and last.ended in (Ended.FAILED, Ended.LOST):
            found.append(StudyTrouble(last.exit_code, Message.of("terminal.trouble.failed", code=last.exit_code)))
        elif last and last.ended is Ended.LOST:
            found.append(StudyTrouble(EXIT_BUG, Message.of("terminal.trouble.lost")))
        if complete is None:
            found.append(StudyTrouble(EXIT_LATE, Message.of("terminal.trouble.never")))
        elif (hours := round((self.now - complete.started_at).total_seconds() / 3600)) > HOURS_WITHOUT:
            found.append(StudyTrouble(EXIT_LATE, Message.of("terminal.trouble.late", hours=hours)))
        if self.free_bytes < FULL:
            found.append(
                StudyTrouble(EXIT_DISK, Message.of("terminal.trouble.disk", free=f"{self.free_bytes / GIB:.1f}"))
            )
        if self.undelivered:
            said = Message.of("terminal.trouble.messages", count=len(self.undelivered))
            found.append(StudyTrouble(EXIT_UNDELIVERED, said))
        return tuple(found)

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
                "why": _why(last, wording("en")),
                "steps": {step.name: step.ended.value for step in last.steps},
            },
            "next_round": self._hour(self.next_round) if self.next_round else None,
            "disk_free_bytes": self.free_bytes,
            "healthy": not self.troubles(),
            "troubles": [str(one.said) for one in self.troubles()],
            "open_findings": {one.value: count for one, count in self.open_findings.items()},
            "undelivered_messages": [message_document(one, self.zone) for one in self.undelivered],
            **{f"{one.value}_findings": count for one, count in self.quiet_findings.items()},
        }

    def lines(self, language: Language) -> Iterator[str]:
        """The status in words, one fact a line."""
        say = wording(language)
        complete, last, none = self.last_complete, self.last_attempt, say("terminal.status.none")
        yield self.study
        if complete is None:
            yield say("terminal.status.never_complete")
        else:
            yield say("terminal.status.last_complete", hour=self._hour(complete.started_at))
        if last is None:
            yield say("terminal.status.never_tried")
        else:
            facts = {"job": last.job, "run": last.id, "hour": self._hour(last.started_at)}
            yield say("terminal.status.last_attempt", **facts, why=_why(last, say))
        if self.next_round:
            yield say("terminal.status.next_round", hour=self._hour(self.next_round))
        yield say("terminal.status.disk", free=f"{self.free_bytes / GIB:.1f}")
        counts = say.listed(
            say("terminal.status.count", count=count, word=say(f"severity.{one.value}"))
            for one, count in self.open_findings.items()
            if count
        )
        yield say("terminal.status.open", counts=counts or none)
        yield say("terminal.status.undelivered", count=len(self.undelivered) or none)
        for one in self.undelivered[-SHOWN_MESSAGES:]:
            facts = {
                "role": one.role,
                "channel": one.channel,
                "state": say(f"printed.delivery.{one.state.value}"),
                "said": _stored(one.said, say),
            }
            yield say("terminal.status.message", hour=self._hour(one.written_at), **facts)
        if said := say.listed(
            say("terminal.status.count", count=count, word=say(f"answers.state.{one.value}"))
            for one, count in self.quiet_findings.items()
            if count
        ):
            yield say("terminal.status.quiet", counts=said)
        for trouble in self.troubles():
            yield say("terminal.status.trouble", said=say.say(trouble.said))

    def _hour(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).isoformat(timespec="seconds")


def _why(run: Run, say: Wording) -> str:
    """How a run ended and why."""
    ended = say(f"terminal.ended.{run.ended.value}")
    if run.exit_code:
        ended = say("terminal.status.exit_code", ended=ended, code=run.exit_code)
    return f"{ended}: {_stored(run.trouble, say)}" if run.trouble else ended


def _stored(message: Message, say: Wording) -> str:
    """A message that an earlier version may have written, and whose text may be gone."""
    return say.say(message) if message.code in say.texts else str(message)


def status_of(name: str, data: Path, content: Content, environ: Mapping[str, str], now: datetime) -> StudyStatus:
    """The status of a study; its files need not be readable. Nothing is made where it never ran."""
    place = place_of(name, data, content)
    settings = known_settings(place)
    zone = ZoneInfo(settings.study.time_zone if settings else "UTC")
    none = StudyStatus(place.id, zone, now, None, None, dict.fromkeys(Severity, 0), [], dict.fromkeys(QUIET_STATES, 0))
    with existing_store(place, settings, environ) as store:
        found = _read(store, place.id, zone, now) if store is not None else none
    ahead = next_round(name, data=data, content=content, now=now)
    return replace(found, next_round=ahead, free_bytes=shutil.disk_usage(nearest_folder(place.data)).free)


def _read(store: Store, study: str, zone: ZoneInfo, now: datetime) -> StudyStatus:
    newest = store.last_attempt(study, NIGHTLY)
    found = store.findings(study)
    open_now = Counter(one.severity for one in found if one.state is FindingState.OPEN)
    quiet = Counter(one.state for one in found)
    return StudyStatus(
        study=study,
        zone=zone,
        now=now,
        last_complete=store.last_complete(study, NIGHTLY),
        last_attempt=newest,
        open_findings={one: open_now[one] for one in Severity},
        undelivered=undelivered(store.messages(study)),
        quiet_findings={one: quiet[one] for one in QUIET_STATES},
    )
