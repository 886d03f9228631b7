"""The report of a run: what its edition is made from, and what stops it."""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version
from typing import TYPE_CHECKING

from nightround import __version__
from nightround.model.errors import ReportStopped, StudyFilesWrong
from nightround.model.finding import Finding, FindingState, LedgerDelta
from nightround.model.snapshot import Snapshot
from nightround.night.accepted_structure import blocked_plan
from nightround.night.round import Round
from nightround.study.plan import Plan
from nightround.validation.run import Validation

if TYPE_CHECKING:
    from nightround.report.edition import Edition
    from nightround.report.making import Press


def plan_of(facts: Round, snapshot: Snapshot) -> Plan:
    """The study's analysis plan.

    Raises StudyFilesWrong where there is none, and ReportStopped where one of its variables was not seen or means
    something else now: it must not be printed as missing data.
    """
    plan = facts.study.plan
    if plan is None:
        raise StudyFilesWrong("night.no_plan")
    stopped = blocked_plan(facts.snapshots, snapshot, plan)
    reasons = [*stopped.variables.values()] or [one for one in (stopped.plan,) if one]
    if reasons:
        raise ReportStopped("night.report_stopped", count=len(reasons), reason=reasons[0])
    return plan


def press_of(facts: Round) -> Press:
    """Where the reports of the study are made."""
    from nightround.report.making import Press

    return Press(facts.content.templates, facts.snapshots, facts.folder / "reports")


def edition_of(
    facts: Round,
    plan: Plan,
    snapshot: Snapshot,
    validation: Validation,
    *,
    findings: tuple[Finding, ...],
    changes: LedgerDelta | None,
    night: int,
    complete: bool,
) -> Edition:
    """All that a report says and its snapshot does not hold; without `changes` the findings as they are now."""
    from nightround.report.edition import Edition, OutcomeKept, hash_of_rules, printed_of, stripped, stripped_delta
    from nightround.report.making import hash_of_templates
    from nightround.report.numbers.inputs import RunFacts

    study = facts.study.settings.study
    return Edition(
        study=facts.study.id,
        title=study.title.words(),
        synthetic=study.synthetic,
        record_ids=study.record_id_in_messages,
        languages=study.languages,
        run=RunFacts(
            run_id=str(facts.run_id),
            snapshot_id=snapshot.id,
            data_cutoff=snapshot.taken_at.astimezone(facts.hospital_time.tzinfo),
            night=night,
            complete=complete,
        ),
        plan=plan,
        rules=printed_of(validation.rules),
        rules_hash=hash_of_rules(validation.rules),
        outcomes=tuple(OutcomeKept.of(one) for one in validation.outcomes),
        coverage=validation.coverage,
        delta=stripped_delta((changes.with_repeated(findings) if changes else _as_they_are(findings)).speaking),
        findings=stripped(findings),
        versions=software_versions(),
        templates=hash_of_templates(facts.content.templates, facts.study.id),
    )


def _as_they_are(findings: tuple[Finding, ...]) -> LedgerDelta:
    """The live findings of a run that changes none."""
    return LedgerDelta(
        persisting=tuple(one for one in findings if one.state is FindingState.OPEN),
        quiet=tuple(one for one in findings if one.state.quiet),
    )


def software_versions() -> dict[str, str]:
    """The versions of what made the numbers and the page."""
    named = ("pandas", "numpy", "scipy", "great-expectations", "pycap", "weasyprint")
    return {"nightround": __version__, "python": python_version(), **{name: version(name) for name in named}}
