"""The page on data quality: what was checked, and what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nightround.model.finding import Finding
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule, Severity
from nightround.report.figures.bars import Bar, BarTexts, bar_drawing
from nightround.report.figures.drawing import Pen
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.answered_tables import waiting_notes
from nightround.report.tables.views import Cell, Figure, Note, Row, TableColumn, TableView
from nightround.texts.catalogue import Wording, in_language

MOST_RULES_LISTED = 12
"""Lines; the attached list of outcomes contains all of them."""
AGE_LIMITS = (7, 30)
"""Days: an open finding is fresh up to the first, late beyond the last. The customary ageing of data queries."""
AGES = range(len(AGE_LIMITS) + 1)
UNJUDGED = (Status.NOT_EVALUATED, Status.NOT_APPLICABLE)


@dataclass(frozen=True)
class Count:
    """A number with what it counts."""

    label: str
    number: int


@dataclass(frozen=True)
class QualityView:
    """The page on data quality. `equation` shows that every known rule is accounted for."""

    coverage: tuple[Count, ...]
    equation: str
    accounted: str
    nothing_open: str
    ageing: str


def quality_view(inputs: ReportInputs, say: Wording) -> QualityView:
    """Put coverage and the age of findings into words."""
    return QualityView(
        coverage=coverage_counts(inputs, say),
        equation=equation(inputs),
        accounted=accounted(inputs, say),
        nothing_open="" if inputs.delta.in_doubt else say("nothing_open"),
        ageing=ageing_text(inputs, say),
    )


def ageing_text(inputs: ReportInputs, say: Wording) -> str:
    """How long the open findings stand, and how long the closed ones took."""
    ageing = inputs.trust.ageing
    if ageing is None:
        return ""
    standing = len(inputs.delta.in_doubt)
    still = say("ageing_open", n=standing, median=f"{ageing.open_median or 0:g}", oldest=ageing.open_oldest or 0)
    closed = say("ageing_closed", n=ageing.closed, median=f"{ageing.closed_median or 0:g}")
    return (still if standing else "") + (closed if ageing.closed else say("ageing_none_closed"))


def quality_tables(inputs: ReportInputs, say: Wording) -> tuple[TableView, ...]:
    """Open findings, rules that failed and rules that were not judged, where there are any."""
    statuses = {outcome.status for outcome in inputs.outcomes}
    wanted = {
        open_findings_table: bool(inputs.delta.in_doubt),
        failed_rules_table: Status.FAILED in statuses,
        unjudged_rules_table: bool(statuses.intersection(UNJUDGED)),
    }
    return tuple(make(inputs, say) for make, is_wanted in wanted.items() if is_wanted)


def coverage_counts(inputs: ReportInputs, say: Wording) -> tuple[Count, ...]:
    """The four counts of the coverage certificate, after all that is known."""
    known = Count(say("rules_known"), len(inputs.coverage.known))
    return (known, *(Count(say(f"status_{status.value}"), inputs.coverage.counts.get(status, 0)) for status in Status))


def equation(inputs: ReportInputs) -> str:
    """`30 = 25 + 3 + 1 + 1`."""
    parts = " + ".join(str(inputs.coverage.counts.get(status, 0)) for status in Status)
    sign = "=" if inputs.coverage.complete else "≠"
    return f"{len(inputs.coverage.known)} {sign} {parts}"


def accounted(inputs: ReportInputs, say: Wording) -> str:
    """Whether every known rule is accounted for, and if not, which are not."""
    if inputs.coverage.complete:
        return say("all_accounted")
    return say("not_accounted", rules=say("comma").join(inputs.coverage.unaccounted[:MOST_RULES_LISTED]))


def counts_row(label: str, counts: Iterable[int], *, total: bool = False) -> Row:
    """A line of whole numbers; a zero is printed as such."""
    return Row(label, tuple(Cell(str(count)) for count in counts), depth=0, total=total)


def age_class(finding: Finding, inputs: ReportInputs) -> int:
    """0 for fresh, 1 for waiting, 2 for late, at the data cut-off."""
    days = (inputs.run.data_cutoff - finding.opened_at).days
    return sum(days > limit for limit in AGE_LIMITS)


def open_counts(findings: Sequence[Finding], inputs: ReportInputs) -> tuple[int, ...]:
    """All, then by severity, then by age."""
    severities = Counter(finding.severity for finding in findings)
    ages = Counter(age_class(finding, inputs) for finding in findings)
    return (
        len(findings),
        *(severities[severity] for severity in Severity),
        *(ages[age] for age in AGES),
    )


def age_figure(inputs: ReportInputs, say: Wording, pen: Pen) -> Iterator[Figure]:
    """How long findings have been open, a bar each severity; none where nothing is open."""
    findings = inputs.delta.in_doubt
    bars = [
        Bar(say(f"severity_{severity}"), open_counts(mine, inputs)[-len(AGES) :])
        for severity in Severity
        if (mine := [finding for finding in findings if finding.severity is severity])
    ]
    if bars:
        texts = BarTexts(say("ages_title"), age_heads(say), say("ages_axis"))
        yield Figure(say("ages_title"), bar_drawing(bars, texts, pen, counted=True))


def age_heads(say: Wording) -> tuple[str, ...]:
    """What the classes of age are called."""
    fresh, late = AGE_LIMITS
    return say("age_fresh", days=fresh), say("age_waiting", first=fresh + 1, last=late), say("age_late", days=late)


def open_findings_table(inputs: ReportInputs, say: Wording) -> TableView:
    """Open findings by instrument, severity and age."""
    findings = inputs.delta.in_doubt
    instruments = dict.fromkeys(finding.row.instrument for finding in findings)
    rows = [
        counts_row(
            instrument_title(name, inputs, say), open_counts([f for f in findings if f.row.instrument == name], inputs)
        )
        for name in instruments
    ]
    return TableView(
        id="open_findings",
        number="",
        title=say("open_findings_title"),
        label_head=say("instrument"),
        columns=tuple(
            TableColumn(head)
            for head in (say("all"), *(say(f"severity_{severity}") for severity in Severity), *age_heads(say))
        ),
        rows=(*rows, counts_row(say("all"), open_counts(findings, inputs), total=True)),
        notes=(Note(say("age_note")), *waiting_notes(inputs, say)),
    )


def instrument_title(name: str, inputs: ReportInputs, say: Wording) -> str:
    """The title of an instrument, or its name where the study gives none."""
    return inputs.instruments[name].in_(say.language) if name in inputs.instruments else name


def worst_first(outcomes: Iterable[Outcome], rules: Mapping[str, Rule]) -> list[Outcome]:
    """Failed outcomes by severity, then by how many rows failed."""
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    return sorted(failed, key=lambda outcome: (rules[outcome.rule_id].severity.rank, -outcome.failed, outcome.rule_id))


def failed_rules_table(inputs: ReportInputs, say: Wording) -> TableView:
    """The rules that failed, with how many rows were checked and how many failed."""
    rules = {rule.id: rule for rule in inputs.rules}
    failed = worst_first(inputs.outcomes, rules)
    return TableView(
        id="failed_rules",
        number="",
        title=say("failed_rules_title"),
        label_head=say("rule"),
        columns=(
            TableColumn(say("severity"), kind="text"),
            TableColumn(say("rows_checked")),
            TableColumn(say("rows_failed")),
        ),
        rows=tuple(
            failed_row(outcome, rules[outcome.rule_id], say, counted=outcome.rule_id not in inputs.uncounted)
            for outcome in failed[:MOST_RULES_LISTED]
        ),
        notes=tuple(capped(failed, say)),
    )


def failed_row(outcome: Outcome, rule: Rule, say: Wording, *, counted: bool) -> Row:
    """One failed rule, with the rows it looked at where they are counted."""
    checked = Cell(str(outcome.checked) if counted else say("withheld"))
    cells = (Cell(say(f"severity_{rule.severity}")), checked, Cell(str(outcome.failed)))
    return Row(rule.finding_title.in_(say.language), cells, depth=0)


def capped(listed: Sequence[Outcome], say: Wording) -> Iterator[Note]:
    """Say so when the list was cut."""
    if len(listed) > MOST_RULES_LISTED:
        yield Note(say("list_capped", shown=MOST_RULES_LISTED, all=len(listed)))


def unjudged_rules_table(inputs: ReportInputs, say: Wording) -> TableView:
    """The rules that were not applicable or could not be evaluated, and why."""
    titles = {rule.id: rule.title.in_(say.language) for rule in inputs.rules}
    unjudged = [outcome for status in UNJUDGED for outcome in inputs.outcomes if outcome.status is status]
    rows = tuple(
        Row(
            titles.get(outcome.rule_id, outcome.rule_id),
            (
                Cell(say(f"status_{outcome.status}")),
                Cell(in_language(outcome.reason, say.language) if outcome.reason else ""),
            ),
            depth=0,
        )
        for outcome in unjudged[:MOST_RULES_LISTED]
    )
    return TableView(
        id="unjudged_rules",
        number="",
        title=say("unjudged_rules_title"),
        label_head=say("rule"),
        columns=(TableColumn(say("status"), kind="text"), TableColumn(say("reason"), kind="text")),
        rows=rows,
        notes=tuple(capped(unjudged, say)),
    )
