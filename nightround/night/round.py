"""The round: the facts of one run of a job for one study. They are known when it starts, and stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from nightround.model.links import Places
from nightround.model.rule import Rule
from nightround.night.outbox_step import OutboxFacts
from nightround.night.study_locks import Shared, Waiting, only_one
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.snapshots.vault import Vault
from nightround.study.folder import Content, Study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.study.settings import StudySettings
from nightround.validation.judged_file import JudgedFile
from redcap_sync.api.client import RedcapClient
from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message

NIGHTLY = "nightly"
"""The job that makes the round of a night: its runs are counted as nights, and its failure is mailed."""

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Round:
    """One run of a job for one study: what, for whom, where, and when it began."""

    study: Study
    content: Content
    folder: Path
    """The data folder of the study: database, snapshots, outbox, reports and lists."""
    job: str
    run_id: int
    started_at: datetime
    clock: Clock
    sleep: Sleep
    waiting: Waiting
    """How long a step waits for another run of the study."""
    connect: Callable[[], RedcapClient]
    token_place: Message
    """How another token is put in the place of the study's."""
    outgoing: OutboxFacts
    """The channels of the study, and what sending by them needs."""
    redcap_url: str
    vault: Vault
    """How the snapshots are written: sealed where there is a key."""
    shared_lock: Shared
    """The locks of the study in its database."""
    ping: Callable[[], None]
    """Calls the dead man's switch of the study, where it has one."""

    @property
    def snapshots(self) -> SnapshotStore:
        """The snapshots of the study."""
        return SnapshotStore(self.folder / "snapshots", self.vault)

    @property
    def run_folder(self) -> Path:
        """The private files of this run."""
        return self.folder / "runs" / f"{self.run_id:05d}"

    @property
    def hospital_time(self) -> datetime:
        """When this run began, on the hospital's clock."""
        return self.started_at.astimezone(ZoneInfo(self.study.settings.study.time_zone))

    @property
    def wall_clock(self) -> datetime:
        """The same without its zone, as REDCap's dates are."""
        return self.hospital_time.replace(tzinfo=None)

    @property
    def switched_off(self) -> dict[str, date]:
        """The rules that are not judged today, with the day on which each is judged again."""
        off = self.study.settings.rules.off_on(self.hospital_time.date())
        return {rule_id: one.until for rule_id, one in off.items()}

    @property
    def judged_file(self) -> JudgedFile:
        """What the study's rules came to when they were judged last."""
        return JudgedFile(self.folder, self.study.id, self.vault)

    @property
    def is_report_day(self) -> bool:
        """Whether the interim report is made today; a study without a plan has none."""
        return self.study.plan is not None and is_report_day(self.study.settings, self.started_at)

    def only_one(self, lock: str) -> AbstractContextManager[None]:
        """Have a lock of the study, waiting for it as this run does."""
        return only_one(self.folder, lock, self.waiting, self.sleep, self.shared_lock)

    def rules(self, dictionary: Dictionary) -> tuple[Rule, ...]:
        """Every rule of the study, of the project and of its dictionary."""
        made = rules_from_dictionary(dictionary, self.study.settings.dictionary_rules)
        return (*self.study.rules, *self.study.project_rules, *made)

    def places(self, dictionary: Dictionary, version: str, groups: Mapping[str, str] | None = None) -> Places:
        """How rows are named and linked in messages and lists; `groups` are the data access groups of records."""
        return Places.of(
            dictionary,
            api_url=self.redcap_url,
            version=version,
            record_id_allowed=self.study.settings.study.record_id_in_messages,
            groups=groups,
        )


def is_report_day(settings: StudySettings, moment: datetime) -> bool:
    """Whether the settings name the weekday that it is on the study's clock."""
    return f"{moment.astimezone(ZoneInfo(settings.study.time_zone)):%a}".lower() in settings.report.weekdays
