"""The profile of one patient on a page: visits, measurements with their limits, findings, and what is new.

It contains values of a patient, so it goes to a private file whose name is a hash, and to nobody by mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import isnan
from pathlib import Path
from string import ascii_uppercase

from nightround.model.errors import UsageWrong
from nightround.model.finding import Finding
from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.report.making import Press
from nightround.report.numbers.computing import patients_of
from nightround.report.printing.context import moment
from nightround.report.printing.metrics import read_metrics
from nightround.report.printing.render import environment, template_folders
from nightround.report.printing.typesetting import FONT_FOLDER, pdf_bytes
from nightround.report.profile_files import PROFILES, name_of_profile
from nightround.report.register import Register
from nightround.report.self_audit.gate import require_printed
from nightround.report.tables.column_widths import in_columns
from nightround.report.tables.planned_tables import measured_label, visit_labels
from nightround.report.tables.views import Cell, Note, Row, TableColumn, TableView
from nightround.study.plan import FieldRef, Limits, Plan, PlannedTable, Variable
from nightround.texts.catalogue import Wording, read_wording
from nightround.texts.labels import words_of_label
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Field
from redcap_sync.errors import ExplainedError
from redcap_sync.private_files import write_private

PROFILE = "profile/patient.html.j2"
MOST_CHANGES = 24
"""Lines; a page contains no more next to the rest."""


@dataclass(frozen=True)
class ProfileFacts:
    """What a profile is made from. `earlier` is the snapshot of the last report, None where there was none."""

    record: str
    title: Words
    synthetic: bool
    plan: Plan
    snapshot: Snapshot
    earlier: Snapshot | None
    findings: tuple[Finding, ...]
    rules: Mapping[str, Rule]
    languages: tuple[Language, ...] = LANGUAGES


@dataclass(frozen=True)
class ProfilePage:
    """What the template prints, in one language."""

    language: Language
    title: str
    record: str
    synthetic: bool
    made_at: datetime
    cutoff: str
    snapshot: str
    tables: tuple[TableView, ...]


def make_profile(press: Press, facts: ProfileFacts) -> list[Path]:
    """Write the profile of a record in the study's languages; raises UsageWrong for one that the snapshot has not."""
    if not any((table.keys["record"] == facts.record).any() for table in facts.snapshot.tables.values()):
        raise UsageWrong("report.no_record", snapshot=facts.snapshot.id[:12])
    pages = {language: profile_html(facts, language, press.templates) for language in facts.languages}
    pdf = partial(pdf_bytes, made_at=facts.snapshot.taken_at, templates=press.templates)
    printed = {language: pdf(page) for language, page in pages.items()}
    require_printed(printed, pages)
    stem = name_of_profile(facts.record)
    folder = press.folder / PROFILES
    return [write_private(folder / f"{stem}_{language}.pdf", content) for language, content in printed.items()]


def snapshot_of_last_report(press: Press, snapshot: Snapshot) -> Snapshot | None:
    """The snapshot of the last report before this one; None where there was no report, or it is gone."""
    entry = Register.read(press.folder).last_before(snapshot.id, snapshot.taken_at)
    try:
        return press.snapshots.load(entry.snapshot, snapshot.study) if entry else None
    except ExplainedError:
        return None


def profile_html(facts: ProfileFacts, language: Language, templates: Path) -> str:
    """The page of a profile."""
    folders = template_folders(templates, facts.snapshot.study)
    say = read_wording(folders, language)
    metrics = read_metrics(templates / FONT_FOLDER)
    made = zip(profile_tables(facts, say), ascii_uppercase, strict=False)
    page = ProfilePage(
        language=language,
        title=facts.title.in_(language),
        record=facts.record,
        synthetic=facts.synthetic,
        made_at=facts.snapshot.taken_at,
        cutoff=moment(facts.snapshot.taken_at),
        snapshot=facts.snapshot.id,
        tables=tuple(in_columns(replace(table, number=letter), metrics) for table, letter in made),
    )
    study = folders[1] if len(folders) > 1 else None
    return environment(templates, study).get_template(PROFILE).render(page=page, say=say)


def profile_tables(facts: ProfileFacts, say: Wording) -> Iterator[TableView]:
    """What is new first, then findings, visits and measurements, for one page."""
    changes = tuple(changed_rows(facts, say))
    note = say("profile_nothing_new") if facts.earlier else say("profile_no_report")
    yield TableView(
        "profile_news", "", say("profile_news"), say("profile_field"),
        (text_column("visit", say), text_column("profile_before", say), text_column("profile_now", say)),
        changes[:MOST_CHANGES],
        notes=tuple(news_notes(changes, note, say)),
    )  # fmt: skip
    yield TableView(
        "profile_findings", "", say("profile_findings"), say("rule"),
        (text_column("visit", say), text_column("severity", say), text_column("profile_state", say),
         text_column("profile_since", say)),
        tuple(finding_row(one, facts, say) for one in sorted(facts.findings, key=lambda one: one.order)),
        notes=() if facts.findings else (Note(say("nothing_open")),),
    )  # fmt: skip
    yield TableView(
        "profile_visits", "", say("profile_visits"), say("visit"),
        (text_column("profile_dates", say), text_column("profile_instruments", say)), tuple(visit_rows(facts, say)),
    )  # fmt: skip
    patients = patients_of(facts.plan, facts.snapshot)
    if facts.record in patients.index:
        patient = {str(name): value for name, value in zip(patients.columns, patients.loc[facts.record], strict=True)}
        yield measured_table(facts.plan, patient, say)


def text_column(name: str, say: Wording) -> TableColumn:
    """A column of texts."""
    return TableColumn(say(name), kind="text")


def news_notes(changes: Sequence[Row], nothing: str, say: Wording) -> Iterator[Note]:
    """That nothing is new, or that the list was cut."""
    if not changes:
        yield Note(nothing)
    if len(changes) > MOST_CHANGES:
        yield Note(say("profile_capped", shown=MOST_CHANGES, all=len(changes)))


def event_label(facts: ProfileFacts, event: str, say: Wording) -> str:
    """What an event is called; '' in a project without events."""
    found = next((one for one in facts.snapshot.dictionary.events if one.unique_name == event), None)
    return words_of_label(found.in_both).in_(say.language) if found else event


def finding_row(finding: Finding, facts: ProfileFacts, say: Wording) -> Row:
    """One finding of the patient."""
    title = finding.shown_as(facts.rules.get(finding.rule_id)).in_(say.language) or finding.rule_id
    cells = (
        event_label(facts, finding.row.event, say),
        say(f"severity_{finding.severity}"),
        say(f"profile_state_{finding.state}"),
        f"{finding.opened_at.astimezone(facts.snapshot.taken_at.tzinfo):%Y-%m-%d}",
    )
    return Row(title, tuple(map(Cell, cells)), depth=0)


def rows_of(snapshot: Snapshot, record: str) -> Iterator[tuple[str, str, int, Mapping[str, str]]]:
    """Each row of a record: instrument, event, instance, and its filled cells but those that identify the patient."""
    hidden = {field.name for field in snapshot.dictionary.fields if field.identifier}
    for name, table in snapshot.tables.items():
        for position in table.keys.index[table.keys["record"] == record]:
            key, cells = table.row_key(position), table.text.loc[position]
            filled = {column: str(text) for column, text in cells.items() if isinstance(text, str) and text}
            yield (
                name,
                key.event,
                key.instance,
                {c: t for c, t in filled.items() if ColumnName.parse(c).field not in hidden},
            )


def changed_rows(facts: ProfileFacts, say: Wording) -> Iterator[Row]:
    """Each field that is new, edited or emptied since the snapshot of the last report."""
    if facts.earlier is None:
        return
    before, now = (cells_by_place(one, facts.record) for one in (facts.earlier, facts.snapshot))
    fields = facts.snapshot.dictionary.by_name
    for place in dict.fromkeys((*now, *before)):
        _, event, _, exported = place
        old, new = before.get(place, ""), now.get(place, "")
        column = ColumnName.parse(exported)
        if old != new and column.field in fields:
            field = fields[column.field]
            texts = (old, new) if column.code else (shown(field, text, say) for text in (old, new))
            visit = Cell(event_label(facts, event, say))
            yield Row(
                column_label(field, column.code, say),
                (visit, *(Cell(text or say("withheld")) for text in texts)),
                depth=0,
            )


def cells_by_place(snapshot: Snapshot, record: str) -> dict[tuple[str, str, int, str], str]:
    """The filled cells of a record by instrument, event, instance and column."""
    rows = rows_of(snapshot, record)
    return {(name, event, n, column): text for name, event, n, cells in rows for column, text in cells.items()}


def column_label(field: Field, code: str, say: Wording) -> str:
    """The label of a field, and of an option of a checkbox the option's."""
    label = words_of_label(field.label).in_(say.language)
    return say("line_of", place=label, label=shown(field, code, say)) if code else label


def shown(field: Field, text: str, say: Wording) -> str:
    """A value as it is read: the label of its code, or its text."""
    labels = {one.code: one.label for one in field.choices}
    return words_of_label(labels[text]).in_(say.language) if text in labels else text


def visit_rows(facts: ProfileFacts, say: Wording) -> Iterator[Row]:
    """Each event with data: its first and last date, and the instruments that are filled."""
    dictionary = facts.snapshot.dictionary
    titles = {one.name: words_of_label(one.label).in_(say.language) for one in dictionary.instruments}
    dates = {field.name for field in dictionary.fields if field.kind == "date"}
    found: dict[str, tuple[list[str], list[str]]] = {}
    for name, event, _, cells in rows_of(facts.snapshot, facts.record):
        if cells:
            days, instruments = found.setdefault(event, ([], []))
            days += [text for column, text in cells.items() if column in dates]
            instruments.append(titles.get(name, name))
    order = [*dictionary.event_names] or [""]
    for event in sorted(found, key=lambda one: order.index(one) if one in order else len(order)):
        days, instruments = found[event]
        span = say("interval", low=min(days), high=max(days)) if len(set(days)) > 1 else "".join(days[:1])
        names = say("enumeration").join(dict.fromkeys(instruments))
        yield Row(event_label(facts, event, say) or facts.record, (Cell(span), Cell(names)), depth=0)


def measured_table(plan: Plan, patient: Mapping[str, object], say: Wording) -> TableView:
    """The patient's values of the plan, with limits and a mark where one is outside of them."""
    rows = tuple(row for table in plan.tables for row in measured_rows(table, patient, say))
    heads = ("profile_value", "profile_second", "profile_limits")
    return TableView(
        "profile_values", "", say("profile_values"), say("characteristic"),
        tuple(text_column(head, say) for head in heads), rows, notes=(Note(say("profile_outside")),), halved=True,
    )  # fmt: skip


def measured_rows(table: PlannedTable, patient: Mapping[str, object], say: Wording) -> Iterator[Row]:
    """The title of a table with the names of its visits, then a line each variable."""
    visits = visit_labels(table, say) if table.kind != "by_group" else ()
    yield Row(table.title.in_(say.language), tuple(map(Cell, visits)), depth=0, heading=True)
    yield from (measured_row(variable, patient, say) for variable in table.variables)


def measured_row(variable: Variable, patient: Mapping[str, object], say: Wording) -> Row:
    """One variable of the patient at its visits."""
    limits = next((one for one in variable.limits if all(holds(c.field, c.codes, patient) for c in one.where)), None)
    texts = [value_text(variable, reference, patient, say) for _, reference in variable.visits]
    cells = [Cell(f"{text}{outside(text, limits)}", strong=bool(outside(text, limits))) for text in texts]
    stated = say("interval", low=f"{limits.low:g}", high=f"{limits.high:g}") if limits else ""
    blank = [Cell()] * (2 - len(cells))
    return Row(measured_label(variable, say), (*cells, *blank, Cell(stated)))


def holds(field: FieldRef, codes: Iterable[str], patient: Mapping[str, object]) -> bool:
    """Whether the patient has one of some codes."""
    return str(patient.get(field.column, "")) in set(codes)


def value_text(variable: Variable, reference: FieldRef, patient: Mapping[str, object], say: Wording) -> str:
    """A value as it is read: the label of its level, or what was entered."""
    value = patient.get(reference.column)
    text = f"{value:g}" if isinstance(value, float) and not isnan(value) else value if isinstance(value, str) else ""
    levels = (level.label.in_(say.language) for level in variable.levels if text in level.codes and not level.field)
    return next(levels, text) or say("withheld")


def outside(text: str, limits: Limits | None) -> str:
    """` ↑` above the limits, ` ↓` below them, else nothing."""
    try:
        value = float(text)
    except ValueError:
        return ""
    if limits is None or limits.low <= value <= limits.high:
        return ""
    return " ↑" if value > limits.high else " ↓"
