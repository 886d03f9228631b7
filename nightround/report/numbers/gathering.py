"""Gathers what a report says: from its stored edition and its snapshot, and from the last report what changed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nightround.model.language import Words
from nightround.model.result import ResultSet
from nightround.model.snapshot import Snapshot
from nightround.report.edition import Edition
from nightround.report.numbers.changed_numbers import EVENTS, Side, changed_numbers, compared
from nightround.report.numbers.computing import patients_of, results_of
from nightround.report.numbers.facts import News
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.numbers.trust_numbers import drifting_of, pairs_of, trust_of
from nightround.report.register import Register
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.plan import Plan, PlannedTable
from nightround.study.plan_variables import VisitLabels
from nightround.texts.labels import words_of_label
from redcap_sync.errors import ExplainedError


def inputs_of(edition: Edition, snapshot: Snapshot, patients: pd.DataFrame | None = None) -> ReportInputs:
    """Everything the closed version says; `patients` are those of the snapshot by the plan, where they are known."""
    plan = edition.plan
    patients = patients_of(plan, snapshot) if patients is None else patients
    outcomes = tuple(one.outcome() for one in edition.outcomes)
    events = {one.unique_name: words_of_label(one.in_both) for one in snapshot.dictionary.events}
    return ReportInputs(
        study=edition.study,
        title=edition.title,
        synthetic=edition.synthetic,
        run=edition.run,
        plan=with_visit_labels(plan, events),
        results=results_of(plan, snapshot, patients),
        rules=edition.rules,
        outcomes=outcomes,
        coverage=edition.coverage,
        delta=edition.delta,
        instruments={one.name: words_of_label(one.label) for one in snapshot.dictionary.instruments},
        versions=edition.versions,
        events=events,
        choices=choices_of(plan, snapshot),
        look=edition.look,
        trust=trust_of(
            plan,
            snapshot,
            patients,
            findings=edition.findings,
            rules=edition.rules,
            outcomes=outcomes,
            now=edition.run.data_cutoff,
        ),
        news=edition.news,
        pairs=pairs_of(plan, patients),
        drifting=drifting_of(plan, patients),
        record_ids=edition.record_ids,
        sites={one.unique_name: words_of_label(one.label) for one in snapshot.dictionary.groups or ()},
        site_of=snapshot.groups or {},
        languages=edition.languages,
    )


def with_visit_labels(plan: Plan, events: Mapping[str, Words]) -> Plan:
    """The plan with REDCap's labels of the two events of a table, where it names its visits not itself.

    A table whose lines are of several events, and a project without events, have no such label.
    """
    return plan.model_copy(update={"tables": tuple(with_event_labels(table, events) for table in plan.tables)})


def with_event_labels(table: PlannedTable, events: Mapping[str, Words]) -> PlannedTable:
    """One table with the labels of its events."""
    pairs = {(v.before.event, v.after.event) for v in table.variables if v.before and v.after}
    if table.visits or len(pairs) != 1:
        return table
    before, after = (events.get(event) for event in pairs.pop())
    if before is None or after is None or before == after:
        return table
    return table.model_copy(update={"visits": VisitLabels(before=before, after=after)})


def choices_of(plan: Plan, snapshot: Snapshot) -> Mapping[str, Mapping[str, Words]]:
    """The labels of the codes of the fields that are printed by their codes."""
    coded = (plan.follow_up and plan.follow_up.ended, plan.deaths and plan.deaths.cause)
    wanted = [one.dictionary_field for one in coded if one]
    wanted += [plan.safety.term, plan.safety.grade] if plan.safety else []
    fields = (snapshot.dictionary.by_name[name] for name in wanted if name in snapshot.dictionary.by_name)
    return {field.name: {one.code: words_of_label(one.label) for one in field.choices} for field in fields}


def side_of(edition: Edition, snapshot: Snapshot, patients: pd.DataFrame, results: ResultSet) -> Side:
    """What is compared of tonight's report."""
    return Side(edition.plan, results, with_events(edition.plan, snapshot, patients), edition.versions)


def news_since_last(edition: Edition, now: Side, register: Register, snapshots: SnapshotStore) -> News | None:
    """What changed in the results since the last report of an earlier snapshot; None where there was none."""
    entry = register.last_before(edition.run.snapshot_id, edition.run.data_cutoff)
    last = register.edition(entry.snapshot) if entry else None
    rows = register.results(entry.snapshot) if entry else None
    if entry is None or last is None or rows is None:
        return None
    before = Side(last.plan, rows, earlier_patients(edition.plan, last, snapshots), last.versions)
    return News(
        since=entry.cutoff,
        snapshot=entry.snapshot,
        compared=compared(rows, now.results),
        changed=tuple(changed_numbers(before, now)),
        findings_before=len(last.delta.in_doubt),
        rules_before=len(last.coverage.known),
        rules_changed=last.rules_hash != edition.rules_hash,
    )


def earlier_patients(plan: Plan, last: Edition, snapshots: SnapshotStore) -> pd.DataFrame | None:
    """The patients of the last report by today's plan; None where its snapshot is gone or has not all of its fields."""
    try:
        return with_events(plan, snapshots.load(last.run.snapshot_id, last.study))
    except ExplainedError:
        return None


def with_events(plan: Plan, snapshot: Snapshot, patients: pd.DataFrame | None = None) -> pd.DataFrame:
    """The patients with one more column: all that is written of their adverse events."""
    patients = patients_of(plan, snapshot) if patients is None else patients
    table = snapshot.tables.get(plan.safety.instrument) if plan.safety else None
    if table is None or plan.safety is None:
        return patients
    fields = [one for one in (plan.safety.term, plan.safety.grade, plan.safety.serious) if one in table.text]
    stated = table.text[fields].agg("|".join, axis=1).groupby(table.keys["record"]).agg(";".join)
    return patients.assign(**{EVENTS: stated.reindex(patients.index)})
