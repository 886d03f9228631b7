"""What people said of findings: values that were confirmed, and protocol deviations, which are counted apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from nightround.model.finding import Finding, FindingState
from nightround.model.rule import Severity
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.views import Cell, Note, Row, TableColumn, TableView
from nightround.texts.catalogue import Wording

MOST_LINES = 12


def answered_tables(inputs: ReportInputs, say: Wording) -> Iterator[TableView]:
    """The tables of confirmed values and of deviations, where there are any."""
    if confirmed_in(inputs):
        yield confirmed_table(inputs, say)
    if deviations_in(inputs):
        yield deviations_table(inputs, say)


def confirmed_in(inputs: ReportInputs) -> list[Finding]:
    """The findings whose values somebody confirmed, and which are no longer in doubt."""
    return [one for one in inputs.delta.quiet if one.state is FindingState.WAIVED and not one.deviation]


def deviations_in(inputs: ReportInputs) -> list[Finding]:
    """The protocol deviations that are known, assessed or not."""
    return [one for one in inputs.delta.live if one.deviation]


def not_graded(inputs: ReportInputs) -> list[Finding]:
    """The deviations that nobody has assessed."""
    return [one for one in deviations_in(inputs) if one.state is not FindingState.WAIVED or not one.answer]


def waiting_notes(inputs: ReportInputs, say: Wording) -> Iterator[Note]:
    """How many of the findings in doubt are put off, and how many answers wait."""
    states = Counter(one.state for one in inputs.delta.in_doubt)
    days = [one.snooze.until for one in inputs.delta.in_doubt if one.snooze]
    if days:
        yield Note(say("doubt_snoozed", n=states[FindingState.SNOOZED], until=f"{max(days):%Y-%m-%d}"))
    if states[FindingState.ANSWERED]:
        yield Note(say("doubt_answered", n=states[FindingState.ANSWERED]))


def confirmed_table(inputs: ReportInputs, say: Wording) -> TableView:
    """By rule: how many findings were confirmed, by whom, and when last."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in confirmed_in(inputs):
        groups.setdefault((one.rule_id, one.answer.accepted_by if one.answer else ""), []).append(one)
    rows = [
        Row(title_of(found[0], inputs, say), (Cell(str(len(found))), Cell(confirmed_by(found, inputs, say))), depth=0)
        for found in groups.values()
    ]
    return TableView(
        id="confirmed",
        number="",
        title=say("confirmed_title"),
        label_head=say("rule"),
        columns=(TableColumn(say("findings_counted")), TableColumn(say("confirmed_how"), kind="text")),
        rows=tuple(rows[:MOST_LINES]),
        notes=(Note(say("confirmed_note")), *cut(rows, say)),
    )


def confirmed_by(found: list[Finding], inputs: ReportInputs, say: Wording) -> str:
    """`confirmed by coordinator, 2025-07-01`; of several the last day, on the study's clock."""
    said = [one.answer for one in found if one.answer]
    last = max(one.accepted_at or one.at for one in said)
    day = last.astimezone(inputs.run.data_cutoff.tzinfo)
    return say("confirmed_by", by=said[0].accepted_by, day=f"{day:%Y-%m-%d}")


def deviations_table(inputs: ReportInputs, say: Wording) -> TableView:
    """By rule: how many deviations were found, in how many patients, and how they were graded."""
    groups: dict[str, list[Finding]] = {}
    for one in deviations_in(inputs):
        groups.setdefault(one.rule_id, []).append(one)
    rows = [Row(title_of(found[0], inputs, say), tuple(deviation_cells(found)), depth=0) for found in groups.values()]
    grades = (TableColumn(say(f"severity_{one.value}")) for one in Severity)
    return TableView(
        id="deviations",
        number="",
        title=say("deviations_title"),
        label_head=say("rule"),
        columns=(
            TableColumn(say("findings_counted")),
            TableColumn(say("patients_of_known")),
            *grades,
            TableColumn(say("not_assessed")),
        ),
        rows=tuple(rows[:MOST_LINES]),
        notes=(Note(say("deviations_note")), *cut(rows, say)),
    )


def deviation_cells(found: list[Finding]) -> Iterator[Cell]:
    """All, patients, each grade, and those that nobody has assessed."""
    waived = [one.answer.grade for one in found if one.state is FindingState.WAIVED and one.answer]
    grades = Counter(waived)
    records = {row.record for one in found for row in one.rows if row.record}
    counts = (len(found), len(records), *(grades[one] for one in Severity), len(found) - len(waived))
    return (Cell(str(count)) for count in counts)


def title_of(finding: Finding, inputs: ReportInputs, say: Wording) -> str:
    """What a finding is shown as."""
    rule = next((one for one in inputs.rules if one.id == finding.rule_id), None)
    return finding.shown_as(rule).in_(say.language) or finding.rule_id


def cut(rows: list[Row], say: Wording) -> Iterator[Note]:
    """Say so when the list was cut."""
    if len(rows) > MOST_LINES:
        yield Note(say("list_capped", shown=MOST_LINES, all=len(rows)))
