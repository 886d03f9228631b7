"""The steps of a night, one method each, in the words a job file uses.

A step takes values and returns values; what a later step needs is passed on to it by the job file. The recorder
times each step and remembers how it ended; no step reads from it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightround.digests.digest_writer import DATA_MANAGER
from nightround.digests.notice import SWITCHED_OFF, unjudged_of
from nightround.findings.lineage import final_names
from nightround.model.attached_file import AttachedFile
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import Finding, LedgerDelta
from nightround.model.language import Language
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.night.accepted_structure import settle_structure
from nightround.night.alert_step import require_some_delivered, send_digests
from nightround.night.attempt import Attempt
from nightround.night.disk_errors import disk_errors_explained
from nightround.night.flood_step import flood_watch
from nightround.night.forget_step import Forgotten, forget
from nightround.night.lists_step import write_lists
from nightround.night.missing_rows import note_back, note_gone
from nightround.night.night_doubts import doubts_of
from nightround.night.night_ledger import NightLedger, is_complete, sees_all
from nightround.night.outbox_step import send_messages
from nightround.night.overview_step import write_overview
from nightround.night.private_details import details_kept, files_with_values
from nightround.night.pull_step import pull_summary, take_pull
from nightround.night.recorder import Recorder, StepFailure
from nightround.night.renamed_records import renamed_since_last
from nightround.night.report_delivery import Released, write_report_messages
from nightround.night.report_step import edition_of, plan_of, press_of
from nightround.night.retention_step import remove_old
from nightround.night.round import NIGHTLY, Round
from nightround.night.structure_drift import touched_by_rights
from nightround.night.study_locks import FINDINGS, PULL
from nightround.night.token_refusal import token_refusal_explained
from nightround.rule_desk.silent_rules import silent_rules
from nightround.snapshots.asked_snapshot import manifest_asked_for
from nightround.store.database import Store
from nightround.validation.early_import import import_judge_early
from nightround.validation.run import Validation, validate
from redcap_sync.messages import Message
from redcap_sync.rows.tables import Gone

if TYPE_CHECKING:
    from nightround.night.flags_writing import FlagsDone
    from nightround.report.numbers.facts import Version

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Night:
    """What a job file works with: the facts of the run, and one method for each step."""

    facts: Round
    store: Store
    recorder: Recorder
    attempt: Attempt

    @property
    def is_report_day(self) -> bool:
        """Whether the interim report is made today."""
        return self.facts.is_report_day

    @contextmanager
    def without_stopping(self) -> Iterator[None]:
        """Let a step fail and go on: the mails say that it was not done, and the run ends with its exit code."""
        try:
            with disk_errors_explained(), details_kept(self.facts.run_folder):
                yield
        except Exception as error:  # noqa: BLE001 - it is raised again as the run ends
            reason = self.attempt.explain(error)
            self.recorder.failures.append(StepFailure(self.recorder.stopped_at, error, reason))
            log.error("the run goes on without this step: %s", reason.what)  # noqa: TRY400 - shown as the run ends

    def pull(self) -> Snapshot:
        """Pull the project; what does not prove complete is an error, and the last good snapshot stays."""
        facts, settings = self.facts, self.facts.study.settings
        refusal = token_refusal_explained(facts.study.id, facts.token_place)
        with self.recorder.step("pull") as note, facts.only_one(PULL), refusal:
            facts.vault.seal_plain(files_with_values(facts.folder))
            import_judge_early(facts.judged_file.load(), facts.wall_clock)
            pulled = take_pull(
                facts.connect(),
                facts.snapshots,
                settings.redcap,
                facts.started_at,
                study=facts.study.id,
                doubted={cell.record for cell in self.store.suspect_cells(facts.study.id)},
                progress=self.recorder.progress.advance,
            )
            note_gone(facts, self.store, pulled)
            snapshot = facts.snapshots.save(facts.study.id, pulled, facts.started_at)
            note_back(facts, self.store, pulled)
            self.recorder.snapshot_id = snapshot.id
            remove_old(facts, self.store, pulled.checkpoint.server_time)
            note(Message.of("step.pull", snapshot=snapshot.id[:12], parts=pull_summary(pulled)))
        return snapshot

    def last_snapshot(self) -> Snapshot:
        """Read the last good snapshot; raises StudyFilesWrong before the first one."""
        with self.recorder.step("read") as note:
            snapshot = self.facts.snapshots.latest(self.facts.study.id)
            if snapshot is None:
                raise StudyFilesWrong("night.no_snapshot", study=self.facts.study.id)
            note(Message.of("step.read", snapshot=snapshot.id[:12]))
        return snapshot

    def validate(self, snapshot: Snapshot) -> Validation:
        """Judge every rule of the study and of the dictionary on the snapshot."""
        facts = self.facts
        with self.recorder.step("validate") as note:
            structure = settle_structure(facts, self.store, snapshot, facts.rules(snapshot.dictionary))
            unseen = touched_by_rights(snapshot.unseen, structure.rules).rules
            judged = validate(
                snapshot,
                structure.rules,
                now=facts.wall_clock,
                stopped={**structure.stopped, **unseen, **switched_off(facts, structure.rules)},
                known=facts.judged_file.load(),
                silent=silent_rules,
                run=str(facts.run_id),
            )
            facts.judged_file.save(judged)
            before = self.store.outcomes_before(facts.study.id, NIGHTLY, facts.run_id)
            suspects: list[Gone] = [
                *self.store.suspects(facts.study.id),
                *self.store.suspect_cells(facts.study.id),
            ]
            doubts = doubts_of(structure, suspects, judged.outcomes, before, off=facts.switched_off)
            validation = replace(judged, doubts=doubts)
            self.recorder.checked(snapshot.id, validation, complete=is_complete(snapshot, validation))
            for rule_id, reason in unjudged_of(validation.outcomes).items():
                log.warning("the rule %s could not be evaluated: %s", rule_id, reason)
            for outcome in validation.outcomes:
                for seen in outcome.notes:
                    log.info("%s: %s", outcome.rule_id, seen.en)
            counts = validation.coverage.counts
            note(Message.of("step.validate", **{status.value: counts[status] for status in counts}))
        return validation

    def read_inbox(self) -> None:
        """Read the worklists that people put into the study's inbox, where it has one."""
        from nightround.night.inbox_step import read_inbox

        read_inbox(self.facts, self.store, self.recorder)

    def take_answers(self, snapshot: Snapshot) -> None:
        """Take over what people answered to the questions on their records, before the data are judged by it."""
        from nightround.night.taken_answers import take_answers

        take_answers(self.facts, self.store, self.recorder, snapshot)

    def take_query_answers(self, snapshot: Snapshot) -> None:
        """Take over what people responded to queries of the Data Resolution Workflow, where the study asks by them."""
        from nightround.night.taken_answers import take_query_answers

        take_query_answers(self.facts, self.store, self.recorder, snapshot)

    def take_saved_queries(self, snapshot: Snapshot) -> None:
        """Take over the responses of `queries.csv`, where a person has saved it from REDCap."""
        from nightround.night.saved_queries_step import take_saved_queries

        take_saved_queries(self.facts, self.store, self.recorder, snapshot)

    def write_flags(self) -> None:
        """Write the questions to the records, where the study wants that every night."""
        if self.facts.study.settings.flags.nightly:
            self.flags(apply=True)

    def flags(self, *, apply: bool) -> FlagsDone:
        """Write the questions to the records now, or say what would be written."""
        from nightround.night.flags_step import write_flags

        return write_flags(self.facts, self.store, self.recorder, apply=apply)

    def reconcile(self, snapshot: Snapshot, validation: Validation) -> LedgerDelta:
        """Bring the findings up to date with tonight's outcomes, all of it or nothing; returns what changed."""
        facts = self.facts
        with self.recorder.step("reconcile") as note, facts.only_one(FINDINGS):
            renames = renamed_since_last(facts, self.store, snapshot)
            if renames:
                log.info("%d records were renamed in REDCap; their findings go with them", len(final_names(renames)))
            floods = flood_watch(facts, self.store, validation)
            ledger = NightLedger(facts, snapshot, validation, renames, floods)
            changes = self.store.record_ledger(
                facts.study.id, facts.run_id, validation.outcomes, ledger.settling, facts.started_at
            )
            lines = _changed_lines(facts, snapshot, ledger.rules, changes)
            self.recorder.reconciled(changes, lines, quiet=facts.switched_off)
            speaking = changes.speaking
            note(Message.of("step.reconcile", opened=len(speaking.opened), resolved=len(speaking.resolved)))
        return changes

    def weigh(self, snapshot: Snapshot, validation: Validation) -> None:
        """Count what decides the exit code as a night would; no finding is changed."""
        ledger = NightLedger(self.facts, snapshot, validation, renamed_since_last(self.facts, self.store, snapshot))
        delta = ledger.weighed(self.store.findings(self.facts.study.id))
        self.recorder.weighed(delta, quiet=self.facts.switched_off)

    def write_lists(self, snapshot: Snapshot, validation: Validation) -> None:
        """Write the result of the run as files: certificate, GX's results, failing rows and findings."""
        with self.recorder.step("lists"):
            findings = self.store.findings(self.facts.study.id)
            complete = is_complete(snapshot, validation)
            self.recorder.files += write_lists(self.facts, snapshot, validation, findings, complete=complete)

    def write_overview(self, snapshot: Snapshot, validation: Validation) -> Mapping[Language, AttachedFile]:
        """Write the data manager's overview, over that of the round before."""
        with self.recorder.step("overview") as note:
            complete = is_complete(snapshot, validation)
            files = write_overview(self.facts, self.store, snapshot, validation, complete=complete)
            note(Message.of("step.overview", files=len(files)))
        return files

    def alert(
        self, snapshot: Snapshot, validation: Validation, overview: Mapping[Language, AttachedFile] | None = None
    ) -> None:
        """Write and send what changed since each person's last digest; a channel that fails stops no other.

        `overview` goes with the data manager's mail.
        """
        with self.recorder.step("alert") as note:
            complete = sees_all(snapshot, validation)
            sending = send_digests(
                self.facts, self.recorder, snapshot, validation, complete=complete, overview=overview or {}
            )
            note(sending.note())
            require_some_delivered(sending)
        self.recorder.all_notified = DATA_MANAGER in sending.roles

    def report(
        self,
        snapshot: Snapshot,
        validation: Validation,
        versions: Sequence[Version] = ("closed", "open"),
        *,
        changes: LedgerDelta | None = None,
        listings: bool = False,
    ) -> None:
        """Print the interim report in both languages, from one set of numbers, once its own audit lets it pass.

        `changes` are those that `reconcile` returned; a run that changes no finding has none. A study that compares no
        groups has one report, whatever `versions` says. With `listings` the records behind each count are listed in
        private files beside it.
        """
        from nightround.report.listing_files import make_listings
        from nightround.report.making import deliver, make_report

        facts = self.facts
        with self.recorder.step("report") as note, facts.snapshots.reading():
            plan = plan_of(facts, snapshot)
            edition = edition_of(
                facts,
                plan,
                snapshot,
                validation,
                findings=self.store.findings(facts.study.id),
                changes=changes,
                night=self.store.count_runs(facts.study.id, NIGHTLY, up_to=facts.run_id),
                complete=is_complete(snapshot, validation),
            )
            wanted: Sequence[Version] = versions if plan.grouping else ("closed",)
            made = make_report(press_of(facts), edition, snapshot, wanted)
            self.recorder.files += deliver(press_of(facts), made)
            if listings:
                version: Version = "closed" if "closed" in wanted else "open"
                self.recorder.files += make_listings(press_of(facts), made.edition, snapshot, version, made.stem)
            note(Message.of("step.report", rows=len(made.results)))
            self._send_report(snapshot.id, wanted, whole=plan.grouping is None)

    def _send_report(self, snapshot: str, versions: Sequence[Version], *, whole: bool) -> None:
        """Send each reader the version that study.toml names for them."""
        facts = self.facts
        outgoing, now = facts.outgoing, facts.hospital_time
        released = Released(snapshot, versions, whole=whole)
        write_report_messages(outgoing, self.store, facts.run_id, released, now=now)
        send_messages(outgoing, self.store, facts.run_id, due_only=True)

    def profile(self, snapshot: Snapshot, record: str) -> None:
        """Print the profile of one patient; a reading of the study, which changes nothing."""
        from nightround.report.patient_profile import ProfileFacts, make_profile, snapshot_of_last_report

        facts, press = self.facts, press_of(self.facts)
        with self.recorder.step("report") as note, facts.snapshots.reading():
            live = (one for one in self.store.findings(facts.study.id) if one.state.live)
            profile = ProfileFacts(
                record=record,
                title=facts.study.settings.study.title.words(),
                synthetic=facts.study.settings.study.synthetic,
                plan=plan_of(facts, snapshot),
                snapshot=snapshot,
                earlier=snapshot_of_last_report(press, snapshot),
                findings=tuple(one for one in live if any(row.record == record for row in one.rows)),
                rules={rule.id: rule for rule in facts.rules(snapshot.dictionary)},
                languages=facts.study.settings.study.languages,
            )
            files = make_profile(press, profile)
            self.recorder.files += files
            note(Message.of("step.profile", files=len(files)))

    def report_again(self, snapshot_id: str) -> None:
        """Make a past report again from its snapshot, and prove that it is the same, byte for byte."""
        from nightround.report.rebuilding import rebuild

        with self.recorder.step("report") as note:
            files = rebuild(press_of(self.facts), manifest_asked_for(self.facts.snapshots, snapshot_id).id)
            self.recorder.files += files
            note(Message.of("step.rebuild", files=len(files)))

    def forget(self, record: str, *, by: str, though_in_redcap: bool) -> Forgotten:
        """Remove a withdrawn patient's record from everything that is kept, and keep that it was done."""
        with self.recorder.step("forget") as note:
            done = forget(self.facts, self.store, record, by=by, though_in_redcap=though_in_redcap)
            note(Message.of("forget.step", findings=done.counts["findings"], snapshots=done.counts["snapshots"]))
        return done

    def note_receipt(self, role: str, snapshot_id: str | None, version: Version) -> None:
        """Write into the register of reports who was given which version."""
        from nightround.report.register import Received, note_receipt

        snapshot = manifest_asked_for(self.facts.snapshots, snapshot_id).id if snapshot_id else self.last_snapshot().id
        with self.recorder.step("report-given") as note:
            note_receipt(press_of(self.facts).folder, snapshot, Received(role, version, self.facts.started_at))
            note(Message.of("step.handed", version=version, role=role))


def switched_off(facts: Round, rules: Iterable[Rule]) -> dict[str, Message]:
    """The rules that the study has switched off for a time, each with the reason; a name that no rule has is logged."""
    off = facts.study.settings.rules.off_on(facts.hospital_time.date())
    known = {rule.id for rule in rules}
    for rule_id in off.keys() - known:
        log.warning("study.toml switches the rule %s off, which the study does not have", rule_id)
    return {
        rule_id: Message.of(SWITCHED_OFF, until=one.until.isoformat(), reason=one.reason)
        for rule_id, one in off.items()
        if rule_id in known
    }


def _said(change: str, finding: Finding) -> str:
    return finding.state.value if change == "resolved" else change


def _changed_lines(facts: Round, snapshot: Snapshot, rules: Mapping[str, Rule], changes: LedgerDelta) -> Iterator[str]:
    """A line for each finding that opened, came back or was resolved: how bad, which rule, where to look."""
    places = facts.places(snapshot.dictionary, snapshot.redcap_version)
    for change in ("opened", "reopened", "resolved"):
        for finding in getattr(changes.speaking, change):
            rule = rules.get(finding.rule_id)
            title, link = finding.shown_as(rule).en, places.link(finding, rule)
            yield f"  {_said(change, finding)} {finding.severity.value} {finding.rule_id}: {title}\n    {link}"
