"""How far to trust the numbers: lines in doubt, what to fix first, how complete the data are, what was found right."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model.finding import Finding
from nightround.model.rule import Rule
from nightround.report.numbers.facts import Checked, Filled, FindingWeight, Line, LineTrust, LineVerdict, PartFilled
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.planned_tables import typeset
from nightround.report.tables.views import Cell, Note, Row, TableColumn, TableView
from nightround.texts.catalogue import Wording

ENDPOINTS = "endpoints"
MOST_FINDINGS = 12
"""Lines; the attached trust.csv contains all of them."""
MOST_NAMES = 3
MOST_OF_SOME = 99.9
"""Percent: what is not all is not printed as 100.0."""
SHADES = {"all": 1.0, "nearly": 0.95, "most": 0.8}
"""The least share of each tint of the heat map; 95% is what trials plan for, and 80% where a result is doubted
(Sackett's 5-and-20 rule, BMJ 1997;315:305)."""


def of_version(name: str, inputs: ReportInputs) -> str:
    """The name of a text, which is another one in the open version."""
    return f"{name}_open" if inputs.version == "open" else name


def in_doubt(inputs: ReportInputs) -> tuple[LineTrust, ...]:
    """The lines that contain a value under an open finding."""
    return tuple(line for line in inputs.trust.lines if line.open_values)


def trust_sentence(inputs: ReportInputs, say: Wording) -> str:
    """How many lines are in doubt, and how many conclusions could turn."""
    lines = in_doubt(inputs)
    if not inputs.trust.lines:
        return ""
    if not lines and not inputs.trust.membership:
        return say("trust_clear", all=len(inputs.trust.lines))
    turning = sum(line.verdict is LineVerdict.CONCLUSION for line in lines)
    members = say("trust_membership", n=inputs.trust.membership) if inputs.trust.membership else ""
    name = "trust_some_open" if inputs.version == "open" else "trust_some"
    return say(name, n=len(lines), all=len(inputs.trust.lines), turning=turning) + members


def trust_tables(inputs: ReportInputs, say: Wording) -> Iterator[TableView]:
    """The tables on trust, where there is something to say."""
    if in_doubt(inputs):
        yield doubt_table(inputs, say)
    if inputs.trust.weights:
        yield weights_table(inputs, say)


def evidence_tables(inputs: ReportInputs, say: Wording) -> Iterator[TableView]:
    """How complete the data are, and what was checked and found right."""
    if inputs.trust.completeness:
        yield completeness_table(inputs, say)
    if inputs.trust.checked:
        yield checked_table(inputs, say)


def label_of_line(line: Line, inputs: ReportInputs, say: Wording) -> str:
    """The label of an endpoint or a variable."""
    if line.table == ENDPOINTS:
        return next(one.label.in_(say.language) for one in inputs.plan.endpoints if one.id == line.variable)
    variables = inputs.plan.table(line.table).variables
    return next(one.label.in_(say.language) for one in variables if one.id == line.variable)


def place_of_line(line: Line, inputs: ReportInputs, say: Wording) -> str:
    """`Table 1`, or the endpoints."""
    ids = [table.id for table in inputs.plan.tables]
    return say("table_number", n=ids.index(line.table) + 1) if line.table in ids else say("endpoint")


def doubt_table(inputs: ReportInputs, say: Wording) -> TableView:
    """Each line in doubt: as reported, without those values, and at their extremes."""
    closed = inputs.version == "closed"
    numbers = ["trust_reported", "trust_excluded", "trust_extremes", "trust_verdict"] if closed else []
    notes = [Note(say("trust_note"))] if closed else []
    if any(line.by_observed for line in in_doubt(inputs)):
        notes.append(Note(say("trust_observed_note")))
    return TableView(
        id="trust",
        number="",
        title=say(of_version("trust_title", inputs)),
        label_head=say("trust_line"),
        columns=(
            TableColumn(say("trust_values")),
            *(TableColumn(say(name), kind="text") for name in numbers),
        ),
        rows=tuple(doubt_row(line, inputs, say) for line in in_doubt(inputs)),
        notes=tuple(notes),
    )


def doubt_row(line: LineTrust, inputs: ReportInputs, say: Wording) -> Row:
    """One line in doubt."""
    low, high = (typeset(text, say.language) for text in line.extremes)
    extremes = say("interval", low=low, high=high) if low != high else low
    stated = (line.reported, line.excluded, extremes + ("*" if line.by_observed and extremes else ""))
    numbers = [Cell(typeset(text, say.language)) for text in stated] + verdict_cells(line.verdict, say)
    label = say("line_of", place=place_of_line(line.line, inputs, say), label=label_of_line(line.line, inputs, say))
    if line.measure:
        label = say("trust_measured", line=label, measure=say(f"trust_measure_{line.measure}"))
    known = Cell(f"{line.open_values}/{line.known}")
    return Row(label, (known, *(numbers if inputs.version == "closed" else [])), depth=0)


def verdict_cells(verdict: LineVerdict | None, say: Wording) -> list[Cell]:
    """What a correction could move, a conclusion in bold; no cell where it is not reported."""
    return [Cell(say(f"verdict_{verdict}"), strong=verdict is LineVerdict.CONCLUSION)] if verdict else []


def weights_table(inputs: ReportInputs, say: Wording) -> TableView:
    """The findings that touch a reported number, the one that could move it furthest first."""
    findings = {one.id: one for one in inputs.delta.in_doubt}
    rules = {rule.id: rule for rule in inputs.rules}
    known = [one for one in inputs.trust.weights if one.finding in findings]
    record = [TableColumn(say("record"), kind="text")] if inputs.record_ids else []
    return TableView(
        id="fix_first",
        number="",
        title=say(of_version("fix_first_title", inputs)),
        label_head=say("rule"),
        columns=(
            *record,
            TableColumn(say("visit"), kind="text"),
            TableColumn(say("touches"), kind="text"),
            *(weight_columns(say) if inputs.version == "closed" else []),
        ),
        rows=tuple(
            weight_row(one, findings[one.finding], rules.get(findings[one.finding].rule_id), inputs, say)
            for one in known[:MOST_FINDINGS]
        ),
        notes=(
            Note(
                say(
                    of_version("fix_first_note", inputs),
                    shown=min(len(known), MOST_FINDINGS),
                    touching=len(known),
                    all=len(findings),
                )
            ),
        ),
    )


def weight_columns(say: Wording) -> list[TableColumn]:
    """How far a correction could move a number."""
    return [TableColumn(say("shift"), say("shift_under")), TableColumn(say("trust_verdict"), kind="text")]


def weight_row(weight: FindingWeight, finding: Finding, rule: Rule | None, inputs: ReportInputs, say: Wording) -> Row:
    """One finding."""
    names = [label_of_line(line, inputs, say) for line in weight.lines]
    stated = say("enumeration").join(names[:MOST_NAMES])
    if weight.membership:
        stated = say("touches_membership")
    elif len(names) > MOST_NAMES:
        stated = say("and_more", names=stated, n=len(names) - MOST_NAMES)
    record = [Cell(finding.row.record)] if inputs.record_ids else []
    cells = (
        *record,
        Cell(event_title(finding.row.event, inputs, say)),
        Cell(stated),
        *([] if weight.shift is None else [Cell(f"{weight.shift:.2f}")]),
        *verdict_cells(weight.verdict, say),
    )
    return Row(rule.finding_title.in_(say.language) if rule else finding.rule_id, cells, depth=0)


def event_title(name: str, inputs: ReportInputs, say: Wording) -> str:
    """The title of an event, or its name where REDCap gives none."""
    return inputs.events[name].in_(say.language) if name in inputs.events else name or say("only_event")


def completeness_table(inputs: ReportInputs, say: Wording) -> TableView:
    """Each instrument at each visit: rows begun of those expected, and required cells filled."""
    found = {(one.instrument, one.event): one for one in inputs.trust.completeness}
    events = tuple(dict.fromkeys(event for _, event in found))
    instruments = dict.fromkeys(name for name, _ in found)
    return TableView(
        id="completeness",
        number="",
        title=say("completeness_title"),
        label_head=say("instrument"),
        columns=tuple(TableColumn(event_title(event, inputs, say)) for event in events),
        rows=tuple(
            Row(
                inputs.instruments[name].in_(say.language) if name in inputs.instruments else name,
                tuple(filled_cell(found.get((name, event))) for event in events),
                depth=0,
            )
            for name in instruments
        ),
        notes=(Note(say("completeness_note")),),
    )


def filled_cell(filled: Filled | PartFilled | None) -> Cell:
    """`62/62 (99.8)`: rows begun of those expected, and the percentage of required cells that are filled."""
    if filled is None or not filled.expected:
        return Cell()
    rows = f"{filled.begun}/{filled.expected}"
    share = filled.filled / filled.cells if filled.cells else 1.0
    shade = shade_of(min(share, filled.begun / filled.expected))
    percent = 100 * share if filled.filled == filled.cells else min(100 * share, MOST_OF_SOME)
    return Cell(f"{rows} ({percent:.1f})" if filled.cells else rows, shade=shade)


def shade_of(share: float) -> str:
    """The tint of a share that is filled: all, nearly all, most, or less."""
    return next((name for name, least in SHADES.items() if share >= least), "least")


def checked_table(inputs: ReportInputs, say: Wording) -> TableView:
    """One line a reported variable: what was checked, and that it was found right."""
    rows: list[Row] = []
    place = ""
    for one in inputs.trust.checked:
        if place_of_line(one.line, inputs, say) != place:
            place = place_of_line(one.line, inputs, say)
            rows.append(Row(place, heading=True, depth=0))
        rows.append(checked_row(one, inputs, say))
    return TableView(
        id="checked",
        number="",
        title=say("checked_title"),
        label_head=say("characteristic"),
        columns=(
            TableColumn(say("rules_failed_of")),
            TableColumn(say("trust_values")),
            TableColumn(say("checked_result"), kind="text"),
        ),
        rows=tuple(rows),
        notes=(Note(say("checked_note")),),
        halved=True,
    )


def checked_row(one: Checked, inputs: ReportInputs, say: Wording) -> Row:
    """One variable."""
    result = "checked_unlooked" if not one.rules else "checked_open" if one.open_values else "checked_right"
    cells = (Cell(f"{one.failed}/{one.rules}"), Cell(f"{one.open_values}/{one.known}"), Cell(say(result)))
    return Row(label_of_line(one.line, inputs, say), cells)
