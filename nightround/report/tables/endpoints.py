"""Endpoints: proportions with their intervals, as a figure, a table and a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.report.figures.axes import PERCENT_TICKS
from nightround.report.figures.drawing import Drawing, Pen
from nightround.report.figures.intervals import Interval, IntervalTexts, interval_drawing
from nightround.report.numbers.facts import Line
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.withheld import is_withheld
from nightround.report.tables.trust_marks import trust_mark, trust_notes
from nightround.report.tables.views import Cell, Figure, Note, Row, TableColumn, TableView
from nightround.study.plan import Endpoint, Literature, Plan
from nightround.texts.catalogue import Wording

ENDPOINTS = "endpoints"
WITHHELD_LETTER = "a"
INTERVALS = ("wilson", "clopper_pearson")
"""The interval that is drawn and given, then the exact one next to it."""


def primary_endpoint(plan: Plan) -> Endpoint | None:
    """The endpoint the study was planned for, or the first where none is marked."""
    marked = [endpoint for endpoint in plan.endpoints if endpoint.primary]
    return next(iter((*marked, *plan.endpoints)), None)


def endpoint_row(results: ResultSet, endpoint: Endpoint, statistic: str) -> ResultRow | None:
    """One number of an endpoint."""
    return results.get(ResultKey(ENDPOINTS, endpoint.id, statistic))


def printed(results: ResultSet, endpoint: Endpoint, statistic: str) -> str:
    """One number of an endpoint as it is printed, '' where there is none."""
    row = endpoint_row(results, endpoint, statistic)
    return row.text if row else ""


def interval_text(inputs: ReportInputs, endpoint: Endpoint, method: str, say: Wording, name: str) -> str:
    """An interval in the words of `name`: interval, or percent_interval. '' where it cannot be estimated."""
    low, high = (printed(inputs.results, endpoint, f"{method}_{end}") for end in ("low", "high"))
    return say(name, low=low, high=high) if low and high else ""


def endpoint_table(inputs: ReportInputs, say: Wording) -> TableView:
    """One line an endpoint: patients, percentage, and both intervals."""
    results = inputs.results
    rows = []
    for endpoint in inputs.plan.endpoints:
        count, known = (printed(results, endpoint, statistic) for statistic in ("count", "n"))
        intervals = (Cell(interval_text(inputs, endpoint, method, say, "interval")) for method in INTERVALS)
        cells = (Cell(f"{count}/{known}"), Cell(printed(results, endpoint, "percent")), *intervals)
        if is_withheld(inputs, endpoint):
            none = Cell(say("withheld"))
            cells = (Cell(say("withheld_of", n=known), notes=WITHHELD_LETTER), none, none, none)
        mark = trust_mark(inputs.trust, Line(ENDPOINTS, endpoint.id))
        rows.append(Row(endpoint.label.in_(say.language), cells, depth=0, mark=mark))
    return TableView(
        id=ENDPOINTS,
        number="",
        title=say("endpoints_title"),
        label_head=say("endpoint"),
        columns=(
            TableColumn(say("patients_of_known"), kind="text"),
            TableColumn("%"),
            *(TableColumn(say("ci_95"), say(f"interval_{method}")) for method in INTERVALS),
        ),
        rows=tuple(rows),
        notes=(
            Note(missing_note(inputs, say)),
            *(Note(text) for text in bounds_notes(inputs, say)),
            *trust_notes(rows, say),
            *([Note(say("withheld_note"), WITHHELD_LETTER)] if withheld_from(inputs) else []),
        ),
    )


def withheld_from(inputs: ReportInputs) -> bool:
    """Whether an endpoint of the plan is not reported in this version."""
    return any(is_withheld(inputs, endpoint) for endpoint in inputs.plan.endpoints)


def shown_endpoints(inputs: ReportInputs) -> tuple[Endpoint, ...]:
    """The endpoints whose results this version tells."""
    return tuple(endpoint for endpoint in inputs.plan.endpoints if not is_withheld(inputs, endpoint))


def bounds_notes(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """How far those who were not looked at could move an endpoint, of all who began."""
    found = (bounds_note(inputs, endpoint, say) for endpoint in shown_endpoints(inputs))
    return (text for text in found if text)


def bounds_note(inputs: ReportInputs, endpoint: Endpoint, say: Wording) -> str:
    """The lowest and highest rate of one endpoint with everybody assessed; '' where everybody is."""
    found = (inputs.results.get(ResultKey("bounds", endpoint.id, name)) for name in ("lowest", "highest", "n"))
    low, high, n = (row.text if row else "" for row in found)
    return say("bounds_note", label=endpoint.label.in_(say.language), n=n, low=low, high=high) if low != high else ""


def literature_figure(inputs: ReportInputs, say: Wording, pen: Pen) -> Iterator[Figure]:
    """Each endpoint over the rates that others published, with their sources."""
    if not inputs.plan.literature:
        return
    rows: list[Interval] = []
    for endpoint in shown_endpoints(inputs):
        published = [one for one in inputs.plan.literature if one.endpoint == endpoint.id]
        if published:
            rows.append(endpoint_interval(inputs, endpoint, True, say))
            rows += [published_interval(inputs, one, say) for one in published]
    texts = IntervalTexts(say("literature_title"), say("endpoint"), say("percent_ci"), say("percent_axis"))
    note = say("literature_note", sources=say("semicolon").join(sources(inputs.plan, say)))
    yield Figure(say("literature_title"), interval_drawing(rows, PERCENT_TICKS, texts, pen), note)


def sources(plan: Plan, say: Wording) -> Iterator[str]:
    """Each source once, after the labels of what is quoted from it."""
    for source in dict.fromkeys(one.source for one in plan.literature):
        labels = dict.fromkeys(one.label.in_(say.language) for one in plan.literature if one.source == source)
        shortest = min(labels, key=len)
        yield say(
            "cited", label=shortest if all(shortest in one for one in labels) else next(iter(labels)), source=source
        )


def published_interval(inputs: ReportInputs, published: Literature, say: Wording) -> Interval:
    """A published rate as a line of the figure."""
    found = [
        inputs.results.get(ResultKey("literature", published.id, name))
        for name in ("percent", "wilson_low", "wilson_high")
    ]
    value, low, high = (row.value if row else None for row in found)
    printed_texts = [row.text if row else "" for row in found]
    interval = say("interval", low=printed_texts[1], high=printed_texts[2])
    text = say("percent_with_interval", percent=printed_texts[0], interval=interval)
    label = say("published_label", label=published.label.in_(say.language), n=published.n)
    return Interval(label, text, value, low, high, published=True)


def missing_note(inputs: ReportInputs, say: Wording) -> str:
    """How many patients have no value of an endpoint; they are in no denominator."""
    missing = {
        endpoint.label.in_(say.language): printed(inputs.results, endpoint, "missing")
        for endpoint in inputs.plan.endpoints
    }
    named = [say("counted", label=label, n=n) for label, n in missing.items() if n not in {"", "0"}]
    return say("endpoints_missing", list=say("semicolon").join(named)) if named else say("endpoints_none_missing")


def endpoint_drawing(inputs: ReportInputs, say: Wording, pen: Pen) -> Drawing:
    """The endpoints on an axis from 0 to 100 percent."""
    primary = primary_endpoint(inputs.plan)
    rows = [endpoint_interval(inputs, endpoint, endpoint is primary, say) for endpoint in shown_endpoints(inputs)]
    texts = IntervalTexts(say("endpoints_title"), say("endpoint"), say("percent_ci"), say("percent_axis"))
    return interval_drawing(rows, PERCENT_TICKS, texts, pen)


def endpoint_interval(inputs: ReportInputs, endpoint: Endpoint, strong: bool, say: Wording) -> Interval:  # noqa: FBT001
    """An endpoint as a line of the figure."""
    found = [
        endpoint_row(inputs.results, endpoint, statistic) for statistic in ("percent", "wilson_low", "wilson_high")
    ]
    value, low, high = (row.value if row else None for row in found)
    interval = interval_text(inputs, endpoint, INTERVALS[0], say, "interval")
    text = say("percent_with_interval", percent=printed(inputs.results, endpoint, "percent"), interval=interval)
    return Interval(endpoint.label.in_(say.language), text, value, low, high, strong)
