"""A run from its first moment: what is known of it so far, which is enough to write down and to mail how it failed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from nightround.digests.failed_round import FailedRound, StepDone
from nightround.model.errors import RoundAlreadyRunning
from nightround.night.failure_notice import explained, send_failure_notice, without_hiding_the_error
from nightround.night.night_doubts import suspects_said
from nightround.night.outbox_step import OutboxFacts, keep, send_messages, sent_note
from nightround.night.recorder import Recorder
from nightround.night.report_delivery import tell_report_is_late
from nightround.night.round import NIGHTLY, Clock, Sleep, is_report_day
from nightround.night.study_database import store_to_write
from nightround.night.study_locks import Waiting
from nightround.night.study_place import StudyPlace
from nightround.store.message_rows import MessageKind
from nightround.store.run_rows import Ended
from nightround.study.folder import Study
from nightround.study.settings import StudySettings
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

INBOX, REPORT = "inbox", "report"
STEPS = (INBOX, "pull", "validate", "reconcile", "lists", "alert", REPORT)
"""The steps of a nightly round, in their order; the report on report days alone, the inbox where there is one."""


@dataclass
class Attempt:
    """One run of a job for a study. Each part is filled in as soon as it is known."""

    place: StudyPlace
    job: str
    clock: Clock
    sleep: Sleep
    started_at: datetime
    waiting: Waiting
    environ: Mapping[str, str] = field(repr=False)
    is_round: bool
    """Whether it is the run of a job file, whose failure is mailed."""
    settings: StudySettings | None
    """The last good settings of the study, until its files are read."""
    has_plan: bool = True
    recorder: Recorder | None = None
    closing: ExitStack = field(default_factory=ExitStack)

    def known(self, study: Study) -> None:
        """Note a study whose files could be read, and keep its settings for a night on which they cannot."""
        self.settings, self.has_plan = study.settings, study.plan is not None
        if self.recorder:
            self.recorder.exit_severity = study.settings.alerts.exit_severity
        self.place.keep_settings(study)

    def begin(self, firing: str | None) -> Recorder:
        """Open the store and write down that the run began."""
        store = self.closing.enter_context(store_to_write(self.place, self.settings, self.environ))
        run_id = store.start_run(self.place.id, self.job, self.started_at, firing=firing)
        self.recorder = Recorder(store, run_id, self.clock)
        return self.recorder

    def outgoing(self, settings: StudySettings) -> OutboxFacts:
        """What sending messages of this study needs."""
        return OutboxFacts.of(self.place, settings, self.environ, self.clock, self.sleep)

    @property
    def own_folder(self) -> Path:
        """Where the files of the run are; the data folder itself before it has a number."""
        return self.place.data / "runs" / f"{self.recorder.run_id:05d}" if self.recorder else self.place.data

    def explain(self, error: BaseException) -> ExplainedError:
        """The error as it is written down and mailed."""
        step = self.recorder.stopped_at if self.recorder else ""
        return explained(error, self.own_folder / f"traceback_{step or 'between_steps'}.txt", self.place.id)

    def failed(self, error: BaseException) -> None:
        """Mail that the run failed, where that is wanted and nobody was notified yet, and write down how it ended."""
        recorder = self.recorder
        known = {id(one.error): one.reason for one in recorder.failures} if recorder else {}
        reason = known.get(id(error)) or self.explain(error)
        notified = recorder is not None and recorder.all_notified and id(error) in known
        if self._is_mailed(error) and not notified:
            without_hiding_the_error(lambda: self._notify(reason, error))
        if recorder:
            ending = recorder
            without_hiding_the_error(lambda: ending.finish(Ended.FAILED, reason.exit_code, trouble=reason.part("what")))

    def skipped(self, error: ExplainedError) -> None:
        """Write down that another run made the round of this hour."""
        if self.recorder:
            self.recorder.finish(Ended.SKIPPED, error.exit_code, trouble=error.part("what"))

    def _is_mailed(self, error: BaseException) -> bool:
        return self.is_round and (self.waiting.mailed or not isinstance(error, RoundAlreadyRunning))

    def _notify(self, reason: ExplainedError, error: BaseException) -> None:
        recorder, settings = self.recorder, self.settings
        if settings is None:
            raise reason
        failed, outgoing = self._failed_round(reason, error, settings), self.outgoing(settings)
        if recorder is None:
            send_failure_notice(outgoing, failed, self.started_at)
            return
        with recorder.step("alert") as note:
            deliveries = send_failure_notice(outgoing, failed, self.started_at)
            note(sent_note([one.answer.state for one in deliveries]))
        for one in deliveries:
            message = one.message(
                study=self.place.id, run_id=recorder.run_id, kind=MessageKind.FAILURE, now=self.started_at
            )
            keep(recorder.store, message)
        if REPORT in failed.undone:
            for late in tell_report_is_late(outgoing, self.started_at):
                keep(recorder.store, replace(late, run_id=recorder.run_id))
        send_messages(outgoing, recorder.store, recorder.run_id, due_only=True)

    def _failed_round(self, reason: ExplainedError, error: BaseException, settings: StudySettings) -> FailedRound:
        """What was done and what was not. Facts of the store are left out where it cannot be read."""
        recorder = self.recorder
        if recorder is None:
            return FailedRound([reason], "", undone=self._planned(settings), store_read=False)
        done = [StepDone(one.name, one.note) for one in recorder.steps if one.ended is Ended.DONE]
        names = {one.name for one in done}
        earlier = [one for one in recorder.failures if one.error is not error]
        last, known = self._last_complete(recorder)
        return FailedRound(
            errors=[reason, *(one.reason for one in earlier)],
            stopped_at=recorder.stopped_at,
            done=done,
            undone=[name for name in self._planned(settings) if name not in names],
            last_complete=last,
            suspects=self._suspects(recorder),
            store_read=known,
        )

    def _planned(self, settings: StudySettings) -> list[str]:
        if self.job != NIGHTLY:
            return []
        left_out = set() if settings.inbox.folder else {INBOX}
        left_out |= set() if self.has_plan and is_report_day(settings, self.started_at) else {REPORT}
        return [name for name in STEPS if name not in left_out]

    def _last_complete(self, recorder: Recorder) -> tuple[datetime | None, bool]:
        try:
            run = recorder.store.last_complete(self.place.id, NIGHTLY)
        except Exception:  # noqa: BLE001 - whatever the database has, the mail goes out
            return None, False
        return run.started_at if run else None, True

    def _suspects(self, recorder: Recorder) -> tuple[Message, ...]:
        store, study = recorder.store, self.place.id
        try:
            return tuple(suspects_said(store.suspects(study), store.suspect_cells(study)))
        except Exception:  # noqa: BLE001 - whatever the database has, the mail goes out
            return ()
