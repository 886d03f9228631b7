"""What tonight's outcomes change in the findings: the facts of a night, put together for the pure ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightround.findings.known_rows import KnownRows
from nightround.findings.lineage import Rename
from nightround.findings.reconcile import reconcile
from nightround.findings.settled_rules import SettlingNight, facts_of, no_floods
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import Finding, LedgerDelta
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.night.fix_evidence import FixEvidence
from nightround.night.flood_step import FloodWatch
from nightround.night.round import Round
from nightround.store.observed_values import UnreadableValues
from nightround.store.settled_rows import NOTHING, NotRead
from nightround.validation.run import Validation


@dataclass(frozen=True)
class NightLedger:
    """One night, before a finding is read."""

    facts: Round
    snapshot: Snapshot
    validation: Validation
    renames: Sequence[Rename]
    flooding: FloodWatch = no_floods

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules of tonight by id."""
        return {rule.id: rule for rule in self.validation.rules}

    @property
    def settling(self) -> SettlingNight:
        """The ledger of the night, which reads what may change."""
        validation = self.validation
        return SettlingNight(
            self.rules,
            {one.rule_id: one for one in validation.outcomes},
            facts_of(validation.rules, {one.rule_id: one.inputs for one in validation.judged}),
            frozenset({*validation.positions, *(earlier for rule in validation.rules for earlier in rule.was)}),
            now=self.facts.started_at,
            today=self.facts.hospital_time.date(),
            sure=is_complete(self.snapshot, validation),
            renamed=bool(self.renames),
            decide=self.decide,
            floods=self.flooding,
        )

    def decide(self, known: tuple[Finding, ...], not_read: NotRead) -> LedgerDelta:
        """What changes in the findings that are known, each closed one with its proof."""
        evidence = FixEvidence(self.facts.snapshots, self.snapshot, self.rules, self.renames)
        return evidence.proven(known, self.weighed(known, not_read))

    def weighed(self, known: tuple[Finding, ...], not_read: NotRead = NOTHING) -> LedgerDelta:
        """What changes in the findings that are known, without proofs.

        Raises StudyFilesWrong where something was said of values that are sealed and whose key is not given: nobody
        could say whether they are the same.
        """
        facts, snapshot, validation = self.facts, self.snapshot, self.validation
        sealed = sum(one.state.quiet and isinstance(one.observed, UnreadableValues) for one in known)
        if sealed:
            raise StudyFilesWrong("night.sealed_findings", count=sealed)
        return reconcile(
            facts.study.id,
            known,
            validation.outcomes,
            self.rules,
            rows=KnownRows(snapshot.tables),
            complete=sees_all(snapshot, validation),
            now=facts.started_at,
            renames=self.renames,
            names=validation.positions,
            doubts=validation.doubts,
            quiet=facts.switched_off,
            today=facts.hospital_time.date(),
            taken_at=snapshot.taken_at,
            not_read=not_read,
        )


def sees_all(snapshot: Snapshot, validation: Validation) -> bool:
    """Whether a run may export everything and accounts for every rule it knows; else it resolves nothing."""
    return not snapshot.unseen and validation.coverage.complete


def is_complete(snapshot: Snapshot, validation: Validation) -> bool:
    """Whether a run saw everything, also what it could only miss by knowing that it was there before."""
    return sees_all(snapshot, validation) and not validation.doubts
