"""Adverse events as a table, a card and a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model.result import ResultKey
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.views import Cell, Note, Row, TableColumn, TableView
from nightround.texts.catalogue import Wording

SAFETY = "safety"


def text_of(inputs: ReportInputs, variable: str, statistic: str, level: str = "") -> str:
    """One number on safety as it is printed, '' where there is none."""
    row = inputs.results.get(ResultKey(SAFETY, variable, statistic, level=level))
    return row.text if row else ""


def safety_shown(inputs: ReportInputs) -> bool:
    """Whether adverse events were counted."""
    return bool(text_of(inputs, "any", "n"))


def interval_of(inputs: ReportInputs, variable: str, say: Wording) -> str:
    """The exact interval of a proportion."""
    low, high = (text_of(inputs, variable, f"percent_{end}") for end in ("low", "high"))
    return say("percent_interval", low=low, high=high) if low else ""


def safety_sentence(inputs: ReportInputs, say: Wording) -> str:
    """Patients with any and with a serious adverse event."""
    if not safety_shown(inputs):
        return ""
    parts = {
        f"{name}_{part}": text_of(inputs, name, part) for name in ("any", "serious") for part in ("count", "events")
    }
    intervals = {f"{name}_interval": interval_of(inputs, name, say) for name in ("any", "serious")}
    return say("headline_safety", n=text_of(inputs, "any", "n"), **parts, **intervals)


def safety_table(inputs: ReportInputs, say: Wording) -> TableView:
    """Any and serious ones, then each term, then each patient's worst grade."""
    safety = inputs.plan.safety
    rows = [
        safety_row(say("ae_any"), inputs, "any", "", say),
        safety_row(say("ae_serious"), inputs, "serious", "", say),
    ]
    for variable, head in (("term", "ae_by_term"), ("grade", "ae_by_grade")):
        levels = list(levels_of(inputs, variable))
        if levels and safety:
            rows.append(Row(say(head), heading=True, depth=0))
            labels = inputs.choices.get(getattr(safety, variable), {})
            for level in levels:
                label = labels[level].in_(say.language) if level in labels else level
                rows.append(safety_row(label, inputs, variable, level, say))
    return TableView(
        id=SAFETY,
        number="",
        title=say("safety_title", n=text_of(inputs, "any", "n")),
        label_head=say("adverse_event"),
        columns=(
            TableColumn(say("patients_percent")),
            TableColumn(say("ci_95"), say("interval_clopper_pearson")),
            TableColumn(say("events")),
        ),
        rows=tuple(rows),
        notes=(Note(say("safety_note")), *(Note(text) for text in doubt_note(inputs, say))),
    )


def doubt_note(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """How many of the entries are under an open finding; which lines they belong to a correction may change."""
    if inputs.plan.safety and inputs.trust.lines:
        instrument = inputs.plan.safety.instrument
        rules = {rule.id for rule in inputs.rules if rule.instrument == instrument}
        standing = (one for one in inputs.delta.in_doubt if one.rule_id in rules or one.row.instrument == instrument)
        yield say("safety_doubt", n=len({one.row for one in standing}))


def levels_of(inputs: ReportInputs, variable: str) -> Iterator[str]:
    """The codes that occurred."""
    for row in inputs.results:
        if (row.table, row.variable, row.statistic) == (SAFETY, variable, "count"):
            yield row.level


def safety_row(label: str, inputs: ReportInputs, variable: str, level: str, say: Wording) -> Row:
    """One line: patients, interval where there is one, events."""
    events = text_of(inputs, variable, "events", level) if variable != "grade" else ""
    interval = interval_of(inputs, variable, say) if not level else ""
    cells = (Cell(text_of(inputs, variable, "summary", level)), Cell(interval), Cell(events))
    return Row(label, cells, depth=1 if level else 0)
