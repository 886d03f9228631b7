"""Tries every outside thing of a study, one line each, and says what leaves the machine and when its next rounds are.

It sends no message, changes nothing in REDCap, and makes no folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from nightround.digests.digest_writer import DATA_MANAGER
from nightround.model.language import Language
from nightround.model.recipient import OUTBOX
from nightround.night.check_lines import CheckLine, Health, failed, fine, not_tried, notice, tried, wrong
from nightround.night.firings import next_firing
from nightround.night.machine_checks import INBOX, inbox_line, key_line, machine_lines, zone_line
from nightround.night.outbox_step import OutboxFacts
from nightround.night.round import NIGHTLY, Clock
from nightround.night.run_job import connect, snapshot_vault
from nightround.night.scheduler import cron_of
from nightround.night.server_checks import OWN_MACHINE, SERVER, FieldReaders, server_lines
from nightround.night.study_database import database_of, existing_store
from nightround.night.study_hours import schedule_of, schedules
from nightround.night.study_place import StudyPlace, place_of
from nightround.night.study_status import HOURS_WITHOUT
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.address import is_encrypted
from nightround.store.engine import stored_version
from nightround.store.versions import newest_version
from nightround.study.folder import Content, Study, load_study
from nightround.study.settings import StudySettings, read_settings, redcap_address
from nightround.texts.catalogue import Wording, wording
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

SETTINGS, RULES, PEOPLE, DATABASE, NEXT, CHANNEL = "settings", "rules", "people", "database", "next_round", "channel"


@dataclass(frozen=True)
class Leaving:
    """Where something of the study goes."""

    to: str
    """A host, or a folder."""
    what: Message
    encrypted: bool

    def document(self) -> dict[str, Any]:
        """The place as JSON."""
        return {"to": self.to, "what": str(self.what), "encrypted": self.encrypted}


@dataclass(frozen=True)
class Examination:
    """Every line of a study, and what leaves the machine."""

    study: str
    checks: tuple[CheckLine, ...]
    leaving: tuple[Leaving, ...] = ()

    @property
    def exit_code(self) -> int:
        """That of the first line that is wrong; 0 where none is."""
        return next((one.exit_code for one in self.checks if one.exit_code), 0)

    def document(self) -> dict[str, Any]:
        """The examination as JSON."""
        return {
            "study": self.study,
            "healthy": not self.exit_code,
            "checks": [one.document() for one in self.checks],
            "leaves_this_machine": [one.document() for one in self.leaving],
            "exit_code": self.exit_code,
        }

    def lines(self, language: Language) -> Iterator[str]:
        """The examination in words."""
        say = wording(language)
        yield self.study
        for one in self.checks:
            yield from _said(one, say)
        yield say("doctor.leaving.heading")
        for place in self.leaving:
            code = "own" if place.to in OWN_MACHINE else "encrypted" if place.encrypted else "open"
            yield say(f"doctor.leaving.{code}", to=place.to, what=place.what)
        yield say("doctor.leaving.nothing_else")
        wrong_lines = sum(one.health is Health.WRONG for one in self.checks)
        yield say("doctor.end_wrong", count=wrong_lines) if wrong_lines else say("doctor.end")


def _said(line: CheckLine, say: Wording) -> Iterator[str]:
    check, state = say(f"doctor.check.{line.check}"), say(f"doctor.state.{line.health.value}")
    yield say("doctor.line", state=state, check=check, said=line.said)
    if line.remedy:
        yield say("doctor.remedy", remedy=line.remedy)


def examine(name: str, *, data: Path, content: Content, environ: Mapping[str, str], clock: Clock) -> Examination:
    """Try everything of a study; raises StudyFilesWrong where nothing at all is known of it."""
    place = place_of(name, data, content)
    checks: list[CheckLine] = []
    machine = machine_lines(place.data, content.templates)
    try:
        settings = read_settings(place.folder)
    except ExplainedError as error:
        checks = [failed(SETTINGS, error), not_tried(SERVER, SETTINGS)]
        return Examination(place.id, (*checks, *machine))
    checks.append(fine(SETTINGS, "settings"))
    checks.append(tried(RULES, lambda: _rules(load_study(place.folder))))
    checks.append(_people(settings))
    checks += _of_server(place, environ, clock)
    outgoing = OutboxFacts.of(place, settings, environ, clock, _no_wait)
    checks += [_channel(outgoing, one) for one in _used(settings)]
    checks += machine
    if inbox := settings.inbox.place(place.data):
        checks.append(tried(INBOX, lambda: inbox_line(inbox, place.data)))
    checks.append(zone_line(settings, clock()))
    checks.append(tried(DATABASE, lambda: _database(place, settings, environ, clock())))
    checks += [tried(NEXT, lambda: _next_round(settings, place, data, content, clock()))]
    return Examination(place.id, tuple(checks), tuple(_leaving(place, settings, environ)))


def _no_wait(_seconds: float) -> None:
    """Try again at once: somebody waits for the answer."""


def _rules(study: Study) -> CheckLine:
    count = len(study.rules) + len(study.project_rules)
    return fine(RULES, "rules" if study.plan else "rules_no_plan", count=count)


def _people(settings: StudySettings) -> CheckLine:
    roles = [one.role for one in settings.people]
    if not roles:
        return wrong(PEOPLE, "nobody", exit_code=10)
    if DATA_MANAGER not in roles:
        return notice(PEOPLE, "no_data_manager", roles=", ".join(roles))
    return fine(PEOPLE, "people", roles=", ".join(roles))


def _of_server(place: StudyPlace, environ: Mapping[str, str], clock: Clock) -> list[CheckLine]:
    try:
        study = load_study(place.folder, strict=False)
    except ExplainedError:
        return [not_tried(SERVER, RULES)]
    try:
        vault = snapshot_vault(study, environ)
        snapshots = SnapshotStore(place.data / "snapshots", vault)
        client = connect(study, environ, _no_wait)
    except ExplainedError as error:
        return [failed(SERVER, error)]
    reading = FieldReaders((*study.rules, *study.project_rules), study.plan)
    flags = study.settings.flags
    module = flags.module_prefix if flags.road == "workflow" else ""
    lines = server_lines(client, reading, snapshots, study=study.id, now=clock(), module_prefix=module)
    return [*lines, key_line(vault)]


def _used(settings: StudySettings) -> tuple[str, ...]:
    """The channels that are described, or else the outbox folder."""
    return tuple(one.id for one in settings.channels) or (OUTBOX,)


def _channel(outgoing: OutboxFacts, name: str) -> CheckLine:
    probe = outgoing.channels[name].probe()
    if probe.works:
        return fine(CHANNEL, "channel", channel=name, said=probe.said)
    return wrong(CHANNEL, "channel", exit_code=10, channel=name, said=probe.said)


def _database(place: StudyPlace, settings: StudySettings, environ: Mapping[str, str], now: datetime) -> CheckLine:
    """Whether the database is one of this version, and how long ago the last complete round was.

    One of an earlier version is not opened, because that would bring it to this one. Raises DatabaseVersionWrong or
    StoreUnusable.
    """
    version, newest = stored_version(database_of(place, settings, environ)), newest_version()
    if version not in (None, newest):
        return notice(DATABASE, "earlier_version", version=version, newest=newest)
    with existing_store(place, settings, environ) as store:
        last = store.last_complete(place.id, NIGHTLY) if store else None
    if last is None:
        return notice(DATABASE, "never_complete")
    hours = round((now - last.started_at).total_seconds() / 3600)
    return notice(DATABASE, "late", hours=hours) if hours > HOURS_WITHOUT else fine(DATABASE, "database", hours=hours)


def _next_round(settings: StudySettings, place: StudyPlace, data: Path, content: Content, now: datetime) -> CheckLine:
    """When `serve` makes the next round of each job, on the study's clock."""
    zone = ZoneInfo(settings.study.time_zone)
    own = [schedule_of(one.job, str(place.folder), data=data, content=content) for one in schedules(content)]
    found = [(one.job, next_firing(cron_of(one), zone, now)) for one in own]
    said = [
        Message.of("doctor.at", job=job, hour=f"{moment.astimezone(zone):%Y-%m-%d %H:%M}")
        for job, moment in found
        if moment
    ]
    return fine(NEXT, "next_round", rounds=tuple(said), zone=settings.study.time_zone)


def _leaving(place: StudyPlace, settings: StudySettings, environ: Mapping[str, str]) -> Iterator[Leaving]:
    if redcap := redcap_address(settings.redcap, environ):
        yield _leaving_to(
            {settings.redcap.url_env: redcap}, settings.redcap.url_env, Message.of("doctor.leaving.redcap")
        )
    named = Message.of(f"doctor.leaving.{'records' if settings.study.record_id_in_messages else 'no_records'}")
    reports = settings.report.delivery if any(one.reports for one in settings.people) else "folder"
    for one in settings.channels:
        kept = Message.of(f"doctor.leaving.reports_{reports if one.kind == 'smtp' else 'folder'}")
        what = Message.of("doctor.leaving.messages", channel=one.id, named=named, reports=kept)
        if one.kind == "smtp":
            yield Leaving(one.host, what, encrypted=one.security != "none")
        elif one.url_env:
            yield _leaving_to(environ, one.url_env, what)
    if settings.store.url_env:
        with suppress(ExplainedError):  # the line of the database names what is wrong
            address = database_of(place, settings, environ)
            sealed = Message.of(f"doctor.leaving.{'sealed' if environ.get(settings.snapshots.key_env) else 'unsealed'}")
            store = Message.of("doctor.leaving.store", sealed=sealed)
            yield Leaving(address.url.host or "localhost", store, encrypted=is_encrypted(address))
    if settings.alerts.ping_url_env:
        yield _leaving_to(environ, settings.alerts.ping_url_env, Message.of("doctor.leaving.ping"))


def _leaving_to(environ: Mapping[str, str], variable: str, what: Message) -> Leaving:
    """The host of an address, which is no secret where the address is one; the variable where it has none."""
    try:
        parts = urlsplit(environ.get(variable, ""))
        return Leaving(parts.hostname or variable, what, encrypted=parts.scheme != "http")
    except ValueError:
        return Leaving(variable, what, encrypted=False)
