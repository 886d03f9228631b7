"""What a run did, for whoever started it: counts and file names, no patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nightround.model.doubts import Unjudged
from nightround.model.language import Language
from nightround.model.outcome import Status
from nightround.model.rule import Severity
from nightround.night.recorder import Recorder
from nightround.night.round import Round
from nightround.store.run_rows import Ended
from nightround.texts.catalogue import wording
from redcap_sync.errors import ExplainedError

SHOWN_CHANGES = 20
SHOWN_ID = 12
EXIT_FINDINGS = 3
EXIT_UNJUDGED = 4


@dataclass(frozen=True)
class Summary:
    """The result of a run: counts and file names, no patient."""

    study: str
    job: str
    run_id: int
    snapshot_id: str | None
    complete: bool
    outcomes: Mapping[str, int]
    findings: Mapping[str, int]
    changes: tuple[str, ...]
    """A line for each finding that changed: what, how bad, which rule, where to look."""
    files: tuple[Path, ...]
    severe: int
    """Open findings at or above `limit`, or violations where the run changed no finding."""
    limit: Severity
    """The severity the study agreed on, from which a run ends with exit code 3."""
    failure: ExplainedError | None = None
    """What stopped the run, or a step that it went on without."""
    steps: Mapping[str, str] = field(default_factory=dict)
    """How each step ended, by its name."""

    unjudged: Unjudged = field(default_factory=Unjudged)
    suspects: int = 0
    """Rows that are gone, or lost answers, and that nothing explains."""

    @property
    def exit_code(self) -> int:
        """How the command ends: a failure first; that too little was judged weighs more than what was found."""
        if self.failure:
            return self.failure.exit_code
        if self.unjudged.too_many:
            return EXIT_UNJUDGED
        return EXIT_FINDINGS if self.severe else 0

    @classmethod
    def of(cls, facts: Round, recorder: Recorder, failure: ExplainedError | None = None) -> Summary:
        """Sum up a run from what was recorded of it, also one that failed."""
        counts = recorder.coverage.counts if recorder.coverage else {}
        return cls(
            study=facts.study.id,
            job=facts.job,
            run_id=facts.run_id,
            snapshot_id=recorder.snapshot_id,
            complete=recorder.complete,
            outcomes={status.value: counts.get(status, 0) for status in Status} if counts else {},
            findings=recorder.findings,
            changes=tuple(recorder.changes),
            files=tuple(recorder.files),
            severe=recorder.severe,
            limit=recorder.exit_severity,
            failure=failure,
            steps={one.name: one.ended.value for one in recorder.steps},
            unjudged=recorder.unjudged,
            suspects=recorder.suspects,
        )

    def document(self) -> dict[str, Any]:
        """The summary as one JSON document; of a run that failed with its error."""
        failure = self.failure
        error = {name: getattr(failure, name, "") for name in ("code", "what", "why", "remedy")}
        return {
            "study": self.study,
            "job": self.job,
            "run": self.run_id,
            "snapshot": self.snapshot_id,
            "complete": self.complete,
            "outcomes": dict(self.outcomes),
            "findings": dict(self.findings),
            "files": [str(path) for path in self.files],
            "severe": {"count": self.severe, "severity": self.limit.value},
            "steps": dict(self.steps),
            **({"error": error} if failure else {}),
            "unjudged": {**asdict(self.unjudged), "too_many": self.unjudged.too_many},
            "suspects": self.suspects,
            "exit_code": self.exit_code,
        }

    def lines(self, language: Language = "en") -> Iterator[str]:
        """The summary in words, one fact a line."""
        say = wording(language)
        snapshot = (self.snapshot_id or say("terminal.summary.no_snapshot"))[:SHOWN_ID]
        yield say("terminal.summary.head", job=self.job, study=self.study, run=self.run_id, snapshot=snapshot)
        if self.outcomes:
            counts = say.listed(say(f"terminal.outcomes.{name}", count=count) for name, count in self.outcomes.items())
            code = "terminal.summary.rules" if self.complete else "terminal.summary.rules_incomplete"
            yield say(code, counts=counts)
        if self.suspects:
            yield say("terminal.summary.suspects", count=self.suspects)
        if self.unjudged.too_many:
            facts = {**asdict(self.unjudged), "before": self.unjudged.judged_before}
            yield say("terminal.summary.too_few", **facts)
        if self.findings:
            counts = say.listed(say(f"terminal.findings.{name}", count=count) for name, count in self.findings.items())
            yield say("terminal.summary.findings", counts=counts)
        if failed := [name for name, ended in self.steps.items() if ended == Ended.FAILED]:
            yield say("terminal.summary.not_done", names=say.listed(failed))
        yield from self.changes[:SHOWN_CHANGES]
        if len(self.changes) > SHOWN_CHANGES:
            yield say("terminal.summary.more", count=len(self.changes) - SHOWN_CHANGES)
        yield from (str(path) for path in self.files)
