"""What a report is made from. Steps fill it in; nothing here was computed by the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nightround.model import Coverage, LedgerDelta, Outcome, Rule, Words
from nightround.results import ResultSet
from nightround.study.plan import Plan


@dataclass(frozen=True)
class RunFacts:
    """The run behind the report. `snapshot_id` is the hash that names the data, `night` counts from 1."""

    run_id: str
    snapshot_id: str
    data_cutoff: datetime
    night: int
    complete: bool


@dataclass(frozen=True)
class ReportInputs:
    """Everything one report says, before it is put into words.

    `study` is the study's id and the name of its template folder. `instruments` holds the title of each
    instrument, `versions` the version of each software that ran, by name.
    """

    study: str
    title: Words
    synthetic: bool
    run: RunFacts
    plan: Plan
    results: ResultSet
    rules: tuple[Rule, ...]
    outcomes: tuple[Outcome, ...]
    coverage: Coverage
    delta: LedgerDelta
    instruments: Mapping[str, Words] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the run saw everything and every known rule is accounted for."""
        return self.run.complete and self.coverage.complete
