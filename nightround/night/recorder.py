"""The recorder: what the store remembers of a run, and what its summary says. No step reads from it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nightround.model.doubts import Unjudged
from nightround.model.finding import QUIET_STATES, FindingState, LedgerDelta
from nightround.model.outcome import Coverage
from nightround.model.rule import Severity
from nightround.night.failure_notice import without_hiding_the_error
from nightround.night.step_progress import NobodyLooks, StepProgress
from nightround.store.database import Store
from nightround.store.run_rows import Ended
from nightround.validation.run import Validation
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

log = logging.getLogger(__name__)

CHANGES = ("opened", "reopened", "persisting", "resolved", "withdrawn", "untouched", "under")


@dataclass(frozen=True)
class StepEnd:
    """How a step ended, with what it noted."""

    name: str
    ended: Ended
    note: Message | None


@dataclass(frozen=True)
class StepFailure:
    """A step that the run went on without."""

    step: str
    error: Exception
    reason: ExplainedError


@dataclass
class Recorder:
    """Writes down how a run goes: each step with its times and its end, and the facts that the run's row holds."""

    store: Store
    run_id: int
    clock: Callable[[], datetime]
    exit_severity: Severity = Severity.CRITICAL
    snapshot_id: str | None = None
    complete: bool = False
    coverage: Coverage | None = None
    unjudged: Unjudged = field(default_factory=Unjudged)
    suspects: int = 0
    """Rows that are gone, or lost answers, and that nothing explains."""
    severe: int = 0
    """Findings at or above the severity the study agreed on that decide the exit code; violations before they are
    compared with the findings."""
    findings: dict[str, int] = field(default_factory=dict)
    changes: Sequence[str] = ()
    """A line for each finding that changed."""
    progress: StepProgress = field(default_factory=NobodyLooks)
    files: list[Path] = field(default_factory=list)
    steps: list[StepEnd] = field(default_factory=list)
    failures: list[StepFailure] = field(default_factory=list)
    all_notified: bool = False
    """Whether the data manager's mail has said which steps the run went on without."""

    @property
    def stopped_at(self) -> str:
        """The last step, where it failed; else ''."""
        last = next(reversed(self.steps), None)
        return last.name if last and last.ended is Ended.FAILED else ""

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[Message], None]]:
        """Time a step and remember how it ended, with a note that holds counts and names only."""
        began = self.clock()
        notes: list[Message] = []
        self.progress.begin(name)
        try:
            yield notes.append
        except BaseException as error:
            self._fail_step(name, began, error)
            raise
        finally:
            self.progress.end()
        self._end_step(name, began, Ended.DONE, next(iter(notes), None))

    def raise_failure(self) -> None:
        """Raise the error of the first step that the run went on without."""
        for one in self.failures:
            raise one.error

    def checked(self, snapshot_id: str, validation: Validation, *, complete: bool) -> None:
        """Note what the rules found on a snapshot."""
        severity = {rule.id: rule.severity for rule in validation.rules}
        self.snapshot_id = snapshot_id
        self.complete = complete
        self.coverage = validation.coverage
        self.unjudged = Unjudged.of(validation.coverage, validation.doubts)
        self.suspects = validation.doubts.rows_in_doubt
        self.severe = self._severe(severity[one.rule_id] for one in validation.violations)

    def reconciled(self, delta: LedgerDelta, changes: Iterable[str], quiet: Container[str] = ()) -> None:
        """Note what changed in the findings; `changes` has a line for each finding that did.

        Findings that another one speaks for are counted as `under`, and in no other number but the exit code's.

        Findings of `quiet` rules, which are switched off, do not count for the exit code, nor do those that are waived
        or snoozed, and protocol deviations.
        """
        speaking = delta.speaking
        withdrawn = sum(one.state is FindingState.WITHDRAWN for one in speaking.resolved)
        by_state = Counter(one.state for one in speaking.quiet)
        under = len(delta.live) - len(speaking.live)
        for one in delta.repeated:
            by_state[one.state] += 0 if one.spoken_for else one.count
            under += one.count if one.spoken_for else 0
        counts = {
            "persisting": len(speaking.persisting) + by_state.pop(FindingState.OPEN, 0),
            "resolved": len(speaking.resolved) - withdrawn,
            "withdrawn": withdrawn,
            "under": under,
        }
        self.findings = {name: counts[name] if name in counts else len(getattr(speaking, name)) for name in CHANGES}
        self.findings |= {state.value: by_state[state] for state in QUIET_STATES}
        self.changes = tuple(changes)
        self.weighed(delta, quiet)

    def weighed(self, delta: LedgerDelta, quiet: Container[str] = ()) -> None:
        """Note how many findings decide the exit code: none of a `quiet` rule."""
        self.severe = self._severe(one.severity for one in delta.counted if one.rule_id not in quiet)
        repeated = (one for one in delta.repeated if one.counted and one.rule_id not in quiet)
        self.severe += sum(one.count * self._severe([one.severity]) for one in repeated)

    def finish(self, ended: Ended, exit_code: int, *, trouble: Message | None = None) -> None:
        """Remember how the run ended."""
        self.store.finish_run(
            self.run_id,
            ended,
            exit_code=exit_code,
            now=self.clock(),
            snapshot_id=self.snapshot_id,
            complete=self.complete,
            coverage=self.coverage,
            trouble=trouble,
        )

    def _severe(self, severities: Iterable[Severity]) -> int:
        return sum(one.rank <= self.exit_severity.rank for one in severities)

    def _fail_step(self, name: str, began: datetime, error: BaseException) -> None:
        """Write down that a step failed; a store that cannot be written must not hide why."""
        bug = Message.of("night.bug", error=type(error).__name__)
        note = error.part("what") if isinstance(error, ExplainedError) else bug
        without_hiding_the_error(lambda: self._end_step(name, began, Ended.FAILED, note))

    def _end_step(self, name: str, began: datetime, ended: Ended, note: Message | None) -> None:
        self.steps.append(StepEnd(name, ended, note))
        self.store.finish_step(self.run_id, name, started_at=began, now=self.clock(), ended=ended, note=note)
        log.log(logging.INFO if ended is Ended.DONE else logging.ERROR, "%s: %s %s", name, ended.value, note or "")
