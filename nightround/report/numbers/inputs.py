"""What a report is made from. Steps fill it in; nothing here was computed by the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nightround.model.finding import LedgerDelta
from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.outcome import Coverage, Outcome
from nightround.model.result import ResultSet
from nightround.model.rule import Rule
from nightround.report.numbers.facts import EMPTY_TRUST, Line, Look, News, PatientPair, Trust, Version
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

    `study` is the study's id and the name of its template folder. `instruments` contains the title of each
    instrument, `events` of each event and `choices` of each code of a field the plan names; `versions` the version
    of each software that ran, by name. `record_ids` says whether a record may be named. No patient's value is in it
    but the unnamed measurements of `pairs`.
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
    events: Mapping[str, Words] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, Words]] = field(default_factory=dict)
    version: Version = "closed"
    look: Look = Look()
    trust: Trust = EMPTY_TRUST
    news: News | None = None
    pairs: Mapping[Line, tuple[PatientPair, ...]] = field(default_factory=dict)
    drifting: Mapping[Line, str] = field(default_factory=dict)
    """Lines whose planned test tonight's data put in doubt, with the assumption; reported and never acted on."""
    record_ids: bool = False
    sites: Mapping[str, Words] = field(default_factory=dict)
    """The label of each data access group."""
    site_of: Mapping[str, str] = field(default_factory=dict)
    """The data access group of each record that is in one."""
    languages: tuple[Language, ...] = LANGUAGES
    """The languages in which it is printed."""
    withheld: frozenset[str] = frozenset()
    """Parts on how the study runs that this version leaves out, because they count the groups."""
    uncounted: frozenset[str] = frozenset()
    """Rules whose rows are not counted in this version, because the count could tell of a group."""

    @property
    def complete(self) -> bool:
        """Whether the run saw everything and every known rule is accounted for."""
        return self.run.complete and self.coverage.complete
