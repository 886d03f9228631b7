"""The report in ready text: every number has its words, every figure its lines. A template only places them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from string import ascii_uppercase

from nightround.model import Language
from nightround.reports.columns import laid_out
from nightround.reports.drawing import Drawing, Pen
from nightround.reports.endpoints import endpoint_drawing, endpoint_table
from nightround.reports.flow import FlowStep, FlowTexts, flow_drawing
from nightround.reports.inputs import ReportInputs
from nightround.reports.methods import Paragraph, methods_of
from nightround.reports.metrics import FontMetrics, read_metrics
from nightround.reports.quality import QualityView, quality_view
from nightround.reports.summary import Card, cards, headlines
from nightround.reports.tables import step_count, table_view
from nightround.reports.trends import TrendTexts, panel, trend_drawing
from nightround.reports.typesetting import FONT_FOLDER
from nightround.reports.views import TableView
from nightround.reports.wording import Wording, read_wording
from nightround.study.plan import PlannedTable, Variable

HASH_SHOWN = 16
"""Hexadecimal digits of a snapshot's name in a running foot; the whole name stands on the cover."""


@dataclass(frozen=True)
class Figure:
    """A figure with its number and title."""

    number: int
    title: str
    drawing: Drawing


@dataclass(frozen=True)
class Chapter:
    """One part of the report: `kind` names its template, pages/<kind>.html.j2, and `id` its place in the page."""

    number: int
    kind: str
    id: str
    title: str
    landscape: bool = False
    table: TableView | None = None
    figure: Figure | None = None


@dataclass(frozen=True)
class ReportContext:
    """Everything a template prints, in one language."""

    study: str
    language: Language
    title: str
    other_title: str
    synthetic: bool
    complete: bool
    cutoff: str
    made_at: datetime
    snapshot: str
    snapshot_short: str
    run_id: str
    night: int
    chapters: tuple[Chapter, ...]
    cards: tuple[Card, ...]
    headlines: tuple[str, ...]
    endpoint_figure: Figure | None
    endpoint_table: TableView | None
    flow_figure: Figure
    quality: QualityView
    methods: tuple[Paragraph, ...]

    @property
    def tables(self) -> tuple[TableView, ...]:
        """Every table, those of the plan first, for the list of tables."""
        own = [chapter.table for chapter in self.chapters if chapter.table]
        endpoints = [self.endpoint_table] if self.endpoint_table else []
        return (*own, *endpoints, *self.quality.tables)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure by its number."""
        opening = [self.endpoint_figure] if self.endpoint_figure else []
        return (*opening, self.flow_figure, *(chapter.figure for chapter in self.chapters if chapter.figure))


def build_report(inputs: ReportInputs, language: Language, templates: Path) -> ReportContext:
    """Put a night's numbers into the words of one language.

    `templates` is the template folder; texts of templates/<study>/ go before it. The tables of the plan are numbered
    in its order, those of the engine are lettered.
    """
    say = read_wording((templates, templates / inputs.study), language)
    metrics = read_metrics(templates / FONT_FOLDER)
    pen = Pen(metrics)
    tables = planned_tables(inputs, say, metrics)
    letters = iter(ascii_uppercase)
    endpoints = laid_out(endpoint_table(inputs, say, next(letters)), metrics) if inputs.plan.endpoints else None
    return ReportContext(
        study=inputs.study,
        language=language,
        title=inputs.title.in_(language),
        other_title=inputs.title.in_("en" if language == "zh" else "zh"),
        synthetic=inputs.synthetic,
        complete=inputs.complete,
        cutoff=moment(inputs.run.data_cutoff),
        made_at=inputs.run.data_cutoff,
        snapshot=inputs.run.snapshot_id,
        snapshot_short=inputs.run.snapshot_id[:HASH_SHOWN],
        run_id=inputs.run.run_id,
        night=inputs.run.night,
        chapters=tuple(chapters(inputs, tables, say, pen)),
        cards=cards(inputs, say),
        headlines=headlines(inputs, say),
        endpoint_figure=endpoint_figure(inputs, say, pen) if endpoints else None,
        endpoint_table=endpoints,
        flow_figure=Figure(1 + bool(endpoints), say("flow_title"), flow_of(inputs, say, pen)),
        quality=laid_out_quality(quality_view(inputs, say, letters), metrics),
        methods=methods_of(inputs, say),
    )


def moment(when: datetime) -> str:
    """A moment with its offset: 2026-11-22 02:00 (UTC+08:00). Without an offset it is printed as it is."""
    offset = f"{when:%z}"
    return f"{when:%Y-%m-%d %H:%M}" + (f" (UTC{offset[:3]}:{offset[3:5]})" if offset else "")


def planned_tables(inputs: ReportInputs, say: Wording, metrics: FontMetrics) -> list[TableView]:
    """The tables of the plan in its order, numbered from 1."""
    views = (
        table_view(inputs.plan, table, inputs.results, say, str(number))
        for number, table in enumerate(inputs.plan.tables, start=1)
    )
    return [laid_out(view, metrics) for view in views]


def chapters(inputs: ReportInputs, tables: list[TableView], say: Wording, pen: Pen) -> Iterator[Chapter]:
    """The parts of the report in their order: one for each planned table between the patients and the data."""
    opening = [Chapter(1, "summary", "summary", say("chapter_summary"))]
    opening.append(Chapter(2, "patients", "patients", say("chapter_patients")))
    number = len(opening) + bool(inputs.plan.endpoints)
    planned = []
    for table, view in zip(inputs.plan.tables, tables, strict=True):
        figure = trend_figure(inputs, table, say, pen, number)
        number += figure is not None
        title = say(f"chapter_{table.kind}")
        planned.append(Chapter(0, "table", view.id, title, view.landscape, view, figure))
    closing = [Chapter(0, kind, kind, say(f"chapter_{kind}")) for kind in ("quality", "methods")]
    for place, chapter in enumerate((*opening, *planned, *closing), start=1):
        yield replace(chapter, number=place)


def trend_figure(inputs: ReportInputs, table: PlannedTable, say: Wording, pen: Pen, number: int) -> Figure | None:
    """The measurements of a laboratory table as small panels."""
    if table.kind != "laboratory":
        return None
    found = (
        panel(inputs.results, inputs.plan, table, variable, measured_label(variable, say))
        for variable in table.variables
        if not variable.counted
    )
    panels = [one for one in found if one]
    groups = tuple(group.label.in_(say.language) for group in inputs.plan.groups)
    texts = TrendTexts(say("trend_title"), groups, (say("before"), say("after")))
    return Figure(number, say("trend_title"), trend_drawing(panels, texts, pen)) if panels else None


def measured_label(variable: Variable, say: Wording) -> str:
    """A variable's label with its unit, without the mark of its summary."""
    unit = variable.unit.in_(say.language)
    return say("label_mean_sd" if unit else "label_mean_sd_no_unit", label=variable.label.in_(say.language), unit=unit)


def endpoint_figure(inputs: ReportInputs, say: Wording, pen: Pen) -> Figure | None:
    """The endpoints with their intervals, the primary one marked."""
    return Figure(1, say("endpoints_title"), endpoint_drawing(inputs, say, pen))


def flow_of(inputs: ReportInputs, say: Wording, pen: Pen) -> Drawing:
    """The flow diagram from the counts of the steps."""
    steps = [
        FlowStep(step.id, step.label.in_(say.language), step_count(inputs.results, step.id), step.of)
        for step in inputs.plan.flow
    ]
    texts = FlowTexts(
        title=say("flow_title"),
        count=lambda count: say("n_equals", n=count),
        reason=lambda label, count: say("reason_with_count", label=label, n=count),
        not_continued=say("not_continued"),
    )
    return flow_drawing(steps, texts, pen)


def laid_out_quality(view: QualityView, metrics: FontMetrics) -> QualityView:
    """The same page with the columns of its tables measured."""
    return replace(view, tables=tuple(laid_out(table, metrics) for table in view.tables))
