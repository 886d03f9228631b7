"""The steps of a night, one function each, in the words a job file uses.

A step takes what it needs from the `Night` and remembers in the store how it ended.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nightround import __version__
from nightround.digests.channels.channel import Channel
from nightround.digests.notice import Night as NightTold
from nightround.digests.notice import NightState, unjudged_of
from nightround.digests.notify import Teller
from nightround.digests.templates import load_digest_templates
from nightround.findings.findings_list import findings_list
from nightround.findings.reconcile import reconcile
from nightround.model.errors import ReportStopped, StudyFilesWrong
from nightround.model.finding import Finding, FindingState, LedgerDelta
from nightround.model.links import Places
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.night.pull_step import gone_unlogged, take_pull, told_in_words, what_stops
from nightround.night.structure_drift import Touched
from nightround.snapshots.retention import prune
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.snapshots.vault import Vault
from nightround.store.database import Store
from nightround.store.run_rows import Ended
from nightround.study.folder import Content, Study
from nightround.study.plan import Plan
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.validation.coverage import certificate
from nightround.validation.failures import failure_table
from nightround.validation.run import Validation, validate
from redcap_sync.api.client import RedcapClient
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExplainedError
from redcap_sync.private_files import private_folder

if TYPE_CHECKING:
    from nightround.report.edition import Edition
    from nightround.report.making import Press
    from nightround.report.numbers.facts import Version

log = logging.getLogger(__name__)

INCOMPLETE = "INCOMPLETE"
"""Stands in the name of every file of a run that could not account for all it knows."""


@dataclass
class Night:
    """One run of a job for one study: what the steps share, and the files they leave."""

    study: Study
    content: Content
    store: Store
    folder: Path
    """The data folder of the study: database, snapshots, outbox, reports and lists."""
    connect: Callable[[], RedcapClient]
    channels: Sequence[Channel]
    clock: Callable[[], datetime]
    redcap_url: str
    run_id: int
    started_at: datetime
    vault: Vault = field(default_factory=Vault)
    """How the snapshots are written: sealed where there is a key."""
    files: list[Path] = field(default_factory=list)
    snapshot: Snapshot | None = None
    validation: Validation | None = None
    stopped: Touched = field(default_factory=Touched)
    delta: LedgerDelta | None = None

    @property
    def snapshots(self) -> SnapshotStore:
        """The snapshots of the study."""
        return SnapshotStore(self.folder / "snapshots", self.vault)

    @property
    def hospital_time(self) -> datetime:
        """When this run began, on the hospital's clock."""
        return self.started_at.astimezone(ZoneInfo(self.study.settings.study.time_zone))

    @property
    def is_report_day(self) -> bool:
        """Whether the interim report is made today."""
        return f"{self.hospital_time:%a}".lower() in self.study.settings.report.weekdays

    def last_snapshot(self) -> Snapshot:
        """Read the last good snapshot; raises StudyFilesWrong before the first one."""
        snapshot = self.snapshots.latest(self.study.id)
        if snapshot is None:
            raise StudyFilesWrong(
                "There is no snapshot of this study yet.",
                why="nothing was pulled so far, or --data names another folder",
                remedy=f"pull first: nightround pull {self.study.id}",
            )
        return snapshot

    @property
    def complete(self) -> bool:
        """Whether this run saw everything and accounts for everything it knows; else it resolves nothing."""
        seen = self.snapshot is not None and not self.snapshot.unseen and not self.snapshot.unlogged
        return seen and self.validation is not None and self.validation.coverage.complete

    def pull(self) -> Snapshot:
        """Pull the project; what does not prove complete is an error, and the last good snapshot stays."""
        with self._step("pull") as note:
            pulled = take_pull(self.connect(), self.snapshots, self.study.settings.redcap, self.started_at)
            snapshot = self.snapshots.save(self.study.id, pulled, self.started_at)
            self.snapshot = snapshot
            prune(self.snapshots, self.study.settings.snapshots, self.started_at)
            note(f"snapshot {snapshot.id[:12]}, {told_in_words(pulled)}")
        return snapshot

    def validate(self, snapshot: Snapshot) -> Validation:
        """Judge every rule of the study and of the dictionary on the snapshot."""
        self.snapshot = snapshot
        with self._step("validate") as note:
            now = self.hospital_time.replace(tzinfo=None)
            rules = self._rules(snapshot.dictionary)
            self.stopped = what_stops(self.snapshots, snapshot, rules, self.study.plan)
            self.validation = validate(snapshot, rules, now=now, stopped=self.stopped.rules)
            for rule_id, reason in unjudged_of(self.validation.outcomes).items():
                log.warning("the rule %s could not be evaluated: %s", rule_id, reason)
            counts = self.validation.coverage.counts
            note(", ".join(f"{count} {status.value}" for status, count in counts.items()))
        return self.validation

    def reconcile(self, snapshot: Snapshot, validation: Validation) -> LedgerDelta:
        """Bring the findings to tonight's outcomes, all of it or nothing."""
        rules = {rule.id: rule for rule in validation.rules}
        rows = {table.row_key(i) for table in snapshot.tables.values() for i in range(len(table))}
        with self._step("reconcile") as note:
            self.delta = self.store.record_night(
                self.study.id,
                self.run_id,
                validation.outcomes,
                lambda known: reconcile(
                    self.study.id,
                    known,
                    validation.outcomes,
                    rules,
                    rows=rows,
                    complete=self.complete,
                    now=self.started_at,
                ),
                self.started_at,
            )
            note(f"{len(self.delta.opened)} opened, {len(self.delta.resolved)} resolved")
        return self.delta

    def write_lists(self, snapshot: Snapshot, validation: Validation) -> None:
        """Write what the run came to: certificate, GX's results and findings, without a patient's value, and failures.

        The failure table alone holds values; it is for the data manager's own machine, like the snapshot.
        """
        folder = self._folder_of_run()
        with self._step("lists"):
            document = certificate(
                validation.coverage, validation.outcomes, run_id=str(self.run_id), snapshot_id=snapshot.id
            )
            self._write(folder / f"coverage{self._mark}.json", json.dumps(document, ensure_ascii=False, indent=1))
            self._write(
                folder / f"great_expectations{self._mark}.json",
                json.dumps(validation.checkpoint_document(), ensure_ascii=False, indent=1),
            )
            self._write(folder / f"failures{self._mark}.parquet", failure_table(validation.violations).to_parquet())
            listing = findings_list(
                self.store.findings(self.study.id),
                {rule.id: rule for rule in validation.rules},
                self._places(snapshot.dictionary, snapshot.redcap_version),
            )
            self._write(folder / f"findings{self._mark}.csv", listing)

    def alert(self, snapshot: Snapshot, validation: Validation) -> None:
        """Tell everyone what changed since they were last told; a channel that fails stops nobody else."""
        told = NightTold.of(
            validation.outcomes,
            validation.coverage,
            complete=self.complete,
            trouble=gone_unlogged(snapshot.unlogged),
            unjudged_before=self._unjudged_before(),
        )
        with self._step("alert") as note:
            self._tell(validation.rules, self._places(snapshot.dictionary, snapshot.redcap_version), told, note)

    def alert_failure(self, error: ExplainedError) -> None:
        """Tell the data manager that the night did not come to its end; the findings stand as they were."""
        snapshot = self.snapshots.latest(self.study.id)
        told = NightTold(state=NightState.FAILED, trouble=f"{error.what}\n{error.remedy}")
        rules = self._rules(snapshot.dictionary) if snapshot else self.study.rules
        try:
            places = self._places(snapshot.dictionary, snapshot.redcap_version) if snapshot else Places("", "", None)
        except ValueError:  # the address itself is what is wrong, so nothing can be linked
            places = Places("", "", None)
        with self._step("alert") as note:
            self._tell(rules, places, told, note)

    def _tell(self, rules: Sequence[Rule], places: Places, told: NightTold, note: Callable[[str], None]) -> None:
        settings = self.study.settings
        teller = Teller(
            study=self.study.id,
            title=settings.study.title.words(),
            rules={rule.id: rule for rule in rules},
            recipients=[person.recipient() for person in settings.people],
            channels=self.channels,
            places=places,
            templates=load_digest_templates(self.content.templates / "digest"),
            synthetic=settings.study.synthetic,
        )
        deliveries = teller.tell(self.store, self.run_id, told, self.hospital_time)
        for delivery in deliveries:
            if delivery.trouble:
                log.error("the digest for %s: %s", delivery.notice.recipient.role, delivery.trouble)
        note(f"{sum(not one.trouble for one in deliveries)} of {len(deliveries)} digests delivered")

    def _unjudged_before(self) -> frozenset[str]:
        before = self.store.last_run(self.study.id)
        return frozenset(unjudged_of(self.store.outcomes(before.id))) if before else frozenset()

    def report(
        self, snapshot: Snapshot, validation: Validation, versions: Sequence[Version] = ("closed", "open")
    ) -> None:
        """Print the interim report in both languages, from one set of numbers, once its own audit lets it pass."""
        from nightround.report.making import deliver, make_report

        plan = self.study.plan
        if plan is None:
            raise StudyFilesWrong(
                "The study has no analysis plan, so there is no report.",
                why="plan.toml is not in the study folder",
                remedy="write one; expectations/venous_occlusion/plan.toml shows the form",
            )
        with self._step("report") as note:
            self._refuse_stopped_variables()
            made = make_report(self._press(), self._edition(plan, snapshot, validation), snapshot, versions)
            self.files += deliver(self._press(), made)
            note(f"{len(made.results)} result rows")

    def _refuse_stopped_variables(self) -> None:
        """A planned variable that was not seen, or means something else now, must not be printed as missing data."""
        reasons = list(self.stopped.variables.values()) or [self.stopped.plan] * bool(self.stopped.plan)
        if reasons:
            raise ReportStopped(
                f"The report is not made: {len(reasons)} of its variables cannot be reported; the first: {reasons[0]}.",
                why="the token's user may not export them, or the project's structure changed and nobody accepted it",
                remedy="give the right in REDCap, or accept the change: nightround snapshots accept STUDY",
            )

    def report_again(self, snapshot_id: str) -> None:
        """Make a past report again from its snapshot, and prove that it is the same, byte for byte."""
        from nightround.report.rebuilding import rebuild

        with self._step("report") as note:
            self.files += rebuild(self._press(), self.snapshots.manifest_of(snapshot_id).id)
            note(f"{len(self.files)} files, each identical to what was delivered")

    def note_receipt(self, role: str, snapshot_id: str | None, version: Version) -> None:
        """Write into the register of reports who was given which version."""
        from nightround.report.register import Received, note_receipt

        snapshot = self.snapshots.manifest_of(snapshot_id).id if snapshot_id else self.last_snapshot().id
        with self._step("handed") as note:
            note_receipt(self._press().folder, snapshot, Received(role, version, self.started_at))
            note(f"{version} version to {role}")

    def _press(self) -> Press:
        from nightround.report.making import Press

        return Press(self.content.templates, self.snapshots, self.folder / "reports")

    def _edition(self, plan: Plan, snapshot: Snapshot, validation: Validation) -> Edition:
        from nightround.report.edition import Edition, OutcomeKept, hash_of_rules, printed_of, stripped, stripped_delta
        from nightround.report.making import hash_of_templates
        from nightround.report.numbers.inputs import RunFacts

        study = self.study.settings.study
        return Edition(
            study=self.study.id,
            title=study.title.words(),
            synthetic=study.synthetic,
            record_ids=study.record_id_in_messages,
            run=RunFacts(
                run_id=str(self.run_id),
                snapshot_id=snapshot.id,
                data_cutoff=snapshot.taken_at.astimezone(self.hospital_time.tzinfo),
                night=len(self.store.runs(self.study.id, limit=10_000)),
                complete=self.complete,
            ),
            plan=plan,
            rules=printed_of(validation.rules),
            rules_hash=hash_of_rules(validation.rules),
            outcomes=tuple(OutcomeKept.of(one) for one in validation.outcomes),
            coverage=validation.coverage,
            delta=stripped_delta(self.delta or self._standing()),
            findings=stripped(self.store.findings(self.study.id)),
            versions=software_versions(),
            templates=hash_of_templates(self.content.templates, self.study.id),
        )

    def _standing(self) -> LedgerDelta:
        """The open findings as they stand, where this run changes none."""
        known = self.store.findings(self.study.id)
        return LedgerDelta(persisting=tuple(one for one in known if one.state is FindingState.OPEN))

    def _rules(self, dictionary: Dictionary) -> tuple[Rule, ...]:
        made = rules_from_dictionary(dictionary, self.study.settings.dictionary_rules)
        return (*self.study.rules, *self.study.project_rules, *made)

    def changed_findings(self) -> Iterator[tuple[str, Finding, str, str]]:
        """What this run opened, reopened and resolved: the change, the finding, its rule's title and its link."""
        if self.delta is None or self.validation is None or self.snapshot is None:
            return
        rules = {rule.id: rule for rule in self.validation.rules}
        places = self._places(self.snapshot.dictionary, self.snapshot.redcap_version)
        for change in ("opened", "reopened", "resolved"):
            for finding in getattr(self.delta, change):
                rule = rules.get(finding.rule_id)
                yield change, finding, rule.title.en if rule else "", places.link(finding, rule)

    def _places(self, dictionary: Dictionary, version: str) -> Places:
        return Places.of(
            dictionary,
            api_url=self.redcap_url,
            version=version,
            record_id_allowed=self.study.settings.study.record_id_in_messages,
        )

    @property
    def _mark(self) -> str:
        return "" if self.complete else f"_{INCOMPLETE}"

    def _folder_of_run(self) -> Path:
        return private_folder(self.folder / "runs" / f"{self.run_id:05d}")

    def _write(self, path: Path, content: str | bytes) -> None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(0o600)
        self.files.append(path)

    @contextmanager
    def _step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Remember how a step ended, with a note that holds counts and names only."""
        began = self.clock()
        notes: list[str] = []
        try:
            yield notes.append
        except ExplainedError as error:
            self._end_step(name, began, Ended.FAILED, error.what)
            raise
        except BaseException as error:
            self._end_step(name, began, Ended.FAILED, type(error).__name__)
            raise
        self._end_step(name, began, Ended.DONE, "; ".join(notes))

    def _end_step(self, name: str, began: datetime, ended: Ended, note: str) -> None:
        self.store.finish_step(self.run_id, name, started_at=began, now=self.clock(), ended=ended, note=note)
        log.log(logging.INFO if ended is Ended.DONE else logging.ERROR, "%s: %s %s", name, ended.value, note)


def software_versions() -> dict[str, str]:
    """The versions of what made the numbers and the page."""
    named = ("pandas", "numpy", "scipy", "great-expectations", "pycap", "weasyprint")
    return {"nightround": __version__, **{name: version(name) for name in named}}
