"""A made-up study of three patients and some rules whose nights a real ledger brings up to date. No patient exists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from nightround.findings.lineage import Rename
from nightround.findings.reconcile import reconcile
from nightround.findings.settled_rules import SettlingNight, facts_of
from nightround.model.doubts import Doubts
from nightround.model.finding import Finding, LedgerDelta
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule
from nightround.store.database import Store
from nightround.store.settled_rows import NOTHING, NotRead
from nightround.study.rules.of_project import OF_PROJECT, is_project_rule
from nightround.validation.rule_inputs import Inputs
from redcap_sync.rows.tables import RowKey
from tests.made_findings import NIGHT, STUDY, made_outcome, made_row, made_rule, made_violation

PATIENTS = 3


def made_limit(rule_id: str, limit: str = "2", field: str = "x") -> Rule:
    """A rule that a value above a limit breaks: one of the project where its id has the form of one."""
    origin = OF_PROJECT if is_project_rule(rule_id) else "study"
    return made_rule(rule_id, fields=(field,), discrepancy=limit, origin=origin)


@dataclass(frozen=True)
class World:
    """A study on one night: its rules, its data, and what the night could see."""

    rules: tuple[Rule, ...] = (made_limit("A"), made_limit("B"), made_limit("C", field="y"))
    values: tuple[int, ...] = (3,) * PATIENTS
    records: tuple[str, ...] = ("1", "2", "3")
    unjudged: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    complete: bool = True
    suspects: frozenset[str] = frozenset()
    renames: tuple[Rename, ...] = ()
    stale: bool = False
    """Whether the data were taken a day before they are judged."""

    def row(self, patient: int) -> RowKey:
        """Where a patient's value is."""
        return made_row(self.records[patient])

    @property
    def data(self) -> list[tuple[str, int]]:
        """All rows: whose each is, and its value."""
        return sorted(zip(self.records, self.values, strict=True))

    def outcome(self, rule: Rule) -> Outcome:
        """The result of a rule."""
        if rule.id in self.unjudged | self.off:
            return made_outcome(rule.id, status=Status.NOT_EVALUATED)
        broken = tuple(
            made_violation(rule.id, self.row(patient), fields=rule.fields, observed={"x": str(value)})
            for patient, value in enumerate(self.values)
            if value > int(rule.discrepancy)
        )
        return replace(made_outcome(rule.id), status=Status.FAILED if broken else Status.PASSED, violations=broken)

    def inputs(self, rule: Rule) -> Inputs | None:
        """What the outcome follows from."""
        known = rule.id not in self.unjudged | self.off
        return Inputs(rule.discrepancy, "", {"villalta": str(self.data)}) if known else None


@dataclass(frozen=True)
class MadeLedger:
    """One night of a world, put together as a night of a real study is."""

    world: World
    number: float = 1
    study: str = STUDY

    @property
    def settling(self) -> SettlingNight:
        """The ledger of the night."""
        world, now = self.world, NIGHT + timedelta(days=self.number)
        return SettlingNight(
            {one.id: one for one in world.rules},
            {one.id: world.outcome(one) for one in world.rules},
            facts_of(world.rules, {one.id: world.inputs(one) for one in world.rules}),
            frozenset(earlier for one in world.rules for earlier in one.was),
            now=now,
            today=now.date(),
            sure=world.complete and not world.suspects,
            renamed=bool(world.renames),
            decide=self.decide,
        )

    def decide(self, known: tuple[Finding, ...], not_read: NotRead = NOTHING) -> LedgerDelta:
        """What changes."""
        world, night = self.world, self.settling
        suspects = frozenset(made_row(one) for one in world.suspects)
        return reconcile(
            self.study,
            known,
            night.outcomes.values(),
            night.rules,
            rows={world.row(patient) for patient in range(PATIENTS)} - suspects,
            complete=world.complete,
            now=night.now,
            renames=world.renames,
            doubts=Doubts(suspects),
            quiet=world.off,
            taken_at=night.now - timedelta(days=int(world.stale)),
            not_read=not_read,
        )


def made_night(store: Store, world: World, number: float) -> LedgerDelta:
    """Make one night."""
    ledger = MadeLedger(world, number).settling
    return store.record_ledger(STUDY, store.start_run(STUDY, "nightly", ledger.now), (), ledger, ledger.now)
