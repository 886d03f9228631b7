"""The report in ready text: every number has its words, every figure its lines. A template only places them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from string import ascii_uppercase

from nightround.model.language import Language
from nightround.report.figures.accrual_curve import accrual_drawing, accrual_note, enrolment_of
from nightround.report.figures.drawing import Drawing, Pen
from nightround.report.figures.flow_diagram import FlowStep, FlowTexts, flow_drawing
from nightround.report.figures.trends import TrendTexts, panel, trend_drawing
from nightround.report.numbers.facts import Version
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.withheld import is_withheld
from nightround.report.printing.metrics import FontMetrics, read_metrics
from nightround.report.printing.typesetting import FONT_FOLDER
from nightround.report.tables.answer_page import SummaryAnswer, answers
from nightround.report.tables.answered_tables import answered_tables
from nightround.report.tables.checklist_page import Checklist, checklist_of, read_guideline
from nightround.report.tables.column_widths import in_columns
from nightround.report.tables.conduct_page import conduct_tables, deaths_table
from nightround.report.tables.effect_tables import curve_parts, effect_parts, factor_parts
from nightround.report.tables.endpoints import (
    endpoint_drawing,
    endpoint_table,
    literature_figure,
    primary_endpoint,
    shown_endpoints,
)
from nightround.report.tables.methods_page import Paragraph, methods_of
from nightround.report.tables.news_page import news_table
from nightround.report.tables.planned_tables import measured_label, step_count, table_view, visit_labels
from nightround.report.tables.quality_page import QualityView, age_figure, quality_tables, quality_view
from nightround.report.tables.safety_page import safety_shown, safety_table
from nightround.report.tables.summary_page import Card, cards, headlines, look_sentence
from nightround.report.tables.trust_page import evidence_tables, trust_sentence, trust_tables
from nightround.report.tables.views import Figure, Part, TableView
from nightround.study.plan import PlannedTable
from nightround.texts.catalogue import Wording, read_wording

HASH_SHOWN = 16
"""Hexadecimal digits of a snapshot's name in a running foot; the whole name is on the cover."""


@dataclass(frozen=True)
class Chapter:
    """One part of the report: `kind` names its template, pages/<kind>.html.j2, and `id` its place in the page."""

    kind: str
    id: str
    title: str
    parts: tuple[Part, ...] = ()
    number: int = 0

    @property
    def landscape(self) -> bool:
        """Whether it needs a wide page."""
        return any(isinstance(part, TableView) and part.landscape for part in self.parts)


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
    answers: tuple[SummaryAnswer, ...]
    headlines: tuple[str, ...]
    quality: QualityView
    methods: tuple[Paragraph, ...]
    checklist: Checklist | None
    version: Version
    look: str
    trust: str
    over_time: str
    facts: tuple[tuple[str, str], ...]
    signatures: tuple[str, ...]
    distribution: tuple[str, ...]
    mark: str
    """What every page says of the version."""
    without_records: bool = False
    """Whether the project has no record, so that the report is one page that says so."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every sentence of the summary as it is read: the answers, then what the tables show."""
        return (*(text for one in self.answers for text in one.texts), *self.headlines)

    @property
    def tables(self) -> tuple[TableView, ...]:
        """Every table, those of the plan first, for the list of tables."""
        found = [part for chapter in self.chapters for part in chapter.parts if isinstance(part, TableView)]
        return tuple(sorted(found, key=lambda table: table.number))

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure in order."""
        return tuple(part for chapter in self.chapters for part in chapter.parts if isinstance(part, Figure))


def build_report(inputs: ReportInputs, language: Language, templates: Path) -> ReportContext:
    """Put a night's numbers into the words of one language.

    `templates` is the template folder; texts of templates/<study>/ go before it. The tables of the plan are numbered
    in its order, those of the engine are lettered.
    """
    say = read_wording((templates, templates / inputs.study), language)
    metrics = read_metrics(templates / FONT_FOLDER)
    empty = is_without_records(inputs)
    made = () if empty else numbered(chapters(inputs, say, Pen(metrics)), metrics)
    methods, guideline = methods_of(inputs, say), inputs.plan.report.checklist
    return ReportContext(
        study=inputs.study,
        language=language,
        title=inputs.title.in_(language),
        other_title=other_title(inputs, language),
        synthetic=inputs.synthetic,
        complete=inputs.complete,
        cutoff=moment(inputs.run.data_cutoff),
        made_at=inputs.run.data_cutoff,
        snapshot=inputs.run.snapshot_id,
        snapshot_short=inputs.run.snapshot_id[:HASH_SHOWN],
        run_id=inputs.run.run_id,
        night=inputs.run.night,
        chapters=made,
        cards=cards(inputs, say),
        answers=() if empty else answers(inputs, say),
        headlines=() if empty else headlines(inputs, say),
        quality=quality_view(inputs, say),
        methods=methods,
        checklist=checklist_of(read_guideline(templates, guideline), made, methods, inputs, say) if guideline else None,
        version=inputs.version,
        look=look_sentence(inputs, say),
        trust=trust_sentence(inputs, say),
        over_time=over_time(inputs, say),
        facts=tuple(cover_facts(inputs, say)),
        signatures=tuple(role.in_(language) for role in inputs.plan.report.signatures),
        distribution=tuple(role.in_(language) for role in inputs.plan.report.distribution),
        mark=say(f"version_mark_{version_word(inputs)}"),
        without_records=empty,
    )


def is_without_records(inputs: ReportInputs) -> bool:
    """Whether nobody is in the first step of the flow."""
    return step_count(inputs.results, inputs.plan.flow[0].id) == 0


def other_title(inputs: ReportInputs, language: Language) -> str:
    """The title in the other language of the report; '' where there is none."""
    others = (inputs.title.in_(one) for one in inputs.languages if one != language)
    return next(others, "")


def version_word(inputs: ReportInputs) -> str:
    """What the version is called; where no groups are compared there is nothing to keep closed."""
    return inputs.version if inputs.plan.grouping else "whole"


def cover_facts(inputs: ReportInputs, say: Wording) -> Iterator[tuple[str, str]]:
    """What the cover says of study and report; a fact that the plan does not give has no line."""
    given, run = inputs.plan.report, inputs.run
    yield say("report_number"), say("report_number_text", study=inputs.study, day=f"{run.data_cutoff:%Y%m%d}")
    names = ("protocol", "site", "investigator", "ethics")
    texts = (given.protocol, *(text.in_(say.language) for text in (given.site, given.investigator, given.ethics)))
    yield from ((say(f"fact_{name}"), text) for name, text in zip(names, texts, strict=True) if text)
    yield say("data_cutoff"), moment(run.data_cutoff)
    first = next(iter(cards(inputs, say)))
    entered = say("cover_enrolment", n=first.number, unit=first.unit, aim=first.under) if first.under else first.number
    yield first.label, entered
    yield say("data_source"), say("data_source_text")
    yield say("report_version"), say(f"version_{version_word(inputs)}")
    yield say("run"), f"{run.night} / {run.run_id}"
    yield say("snapshot"), run.snapshot_id
    yield say("report_language"), say("language_name" if len(inputs.languages) > 1 else "language_alone")


def over_time(inputs: ReportInputs, say: Wording) -> str:
    """Why there is no curve over time, where the plan has none."""
    endpoint = primary_endpoint(inputs.plan)
    if endpoint and is_withheld(inputs, endpoint):
        return ""
    return say("no_curve", label=endpoint.label.in_(say.language)) if endpoint and not inputs.plan.survival else ""


def moment(when: datetime) -> str:
    """A moment with its offset: 2026-11-22 02:00 (UTC+08:00). Without an offset it is printed as it is."""
    offset = f"{when:%z}"
    return f"{when:%Y-%m-%d %H:%M}" + (f" (UTC{offset[:3]}:{offset[3:5]})" if offset else "")


def chapters(inputs: ReportInputs, say: Wording, pen: Pen) -> Iterator[Chapter]:
    """The parts of the report in their order; the tables of the plan are between the patients and the data."""
    has_endpoints = bool(shown_endpoints(inputs))
    figure = [Figure(say("endpoints_title"), endpoint_drawing(inputs, say, pen))] if has_endpoints else []
    yield chapter("summary", say, figure)
    yield chapter("patients", say, patient_parts(inputs, say, pen))
    yield from chapter_where("conduct", say, conduct_tables(inputs, say))
    yield from chapter_where("endpoints", say, endpoint_parts(inputs, say, pen))
    effects = (*effect_parts(inputs, say, pen), *factor_parts(inputs, say, pen))
    last_before_after = [table.id for table in inputs.plan.tables if table.kind == "before_after"][-1:]
    for number, planned in enumerate(inputs.plan.tables, start=1):
        view = table_view(inputs.plan, planned, inputs.results, say, str(number), trust=inputs.trust)
        parts: tuple[Part, ...] = (view, *trend_figures(inputs, planned, say, pen))
        yield Chapter("parts", planned.id, say(f"chapter_{planned.kind}"), parts)
        if effects and [planned.id] == last_before_after:
            yield Chapter("parts", "effects", say("chapter_effects"), effects)
    if inputs.news and inputs.news.changed:
        yield chapter("news", say, [news_table(inputs, inputs.news, say)])
    findings: tuple[Part, ...] = (
        *age_figure(inputs, say, pen),
        *quality_tables(inputs, say),
        *answered_tables(inputs, say),
    )
    yield chapter("quality", say, (*trust_tables(inputs, say), *findings, *evidence_tables(inputs, say)))
    yield chapter("methods", say, ())
    if inputs.plan.report.checklist:
        yield chapter("checklist", say, ())


def patient_parts(inputs: ReportInputs, say: Wording, pen: Pen) -> Iterator[Part]:
    """Who came, who stayed, and how fast; next to it the one curve of everybody over time."""
    yield Figure(say("flow_title"), flow_of(inputs, say, pen))
    half = curve_next_to_enrolment(inputs)
    enrolment = accrual_drawing(inputs, say, pen, half=half)
    if enrolment is not None:
        yield Figure(say("accrual_title"), enrolment, accrual_note(inputs, say), half)
    if half:
        yield from curve_parts(inputs, say, pen, half=True)


def curve_next_to_enrolment(inputs: ReportInputs) -> bool:
    """Whether the plan's one curve, of everybody, takes half of the room that enrolment has."""
    return [curve.by_group for curve in inputs.plan.survival] == [False] and enrolment_of(inputs) is not None


def endpoint_parts(inputs: ReportInputs, say: Wording, pen: Pen) -> Iterator[Part]:
    """Endpoints over those of others, adverse events, curves over time, and what goes with the outcome."""
    if inputs.plan.endpoints:
        yield endpoint_table(inputs, say)
    yield from literature_figure(inputs, say, pen)
    if safety_shown(inputs):
        yield safety_table(inputs, say)
    if inputs.plan.deaths:
        yield deaths_table(inputs, inputs.plan.deaths, say)
    if not curve_next_to_enrolment(inputs):
        yield from curve_parts(inputs, say, pen)


def chapter_where(kind: str, say: Wording, parts: Iterable[Part]) -> Iterator[Chapter]:
    """A chapter of tables and figures, where there are any."""
    found = tuple(parts)
    if found:
        yield Chapter("parts", kind, say(f"chapter_{kind}"), found)


def chapter(kind: str, say: Wording, parts: Iterable[Part]) -> Chapter:
    """A chapter with a template of its own."""
    return Chapter(kind, kind, say(f"chapter_{kind}"), tuple(parts))


def numbered(found: Iterable[Chapter], metrics: FontMetrics) -> tuple[Chapter, ...]:
    """Chapters and figures numbered, tables without a number lettered, and the columns of all tables measured."""
    letters, figures = iter(ascii_uppercase), count(1)

    def finished(part: Part) -> Part:
        if isinstance(part, Figure):
            return replace(part, number=next(figures))
        return in_columns(replace(part, number=part.number or next(letters)), metrics)

    return tuple(
        replace(one, number=number, parts=tuple(finished(part) for part in one.parts))
        for number, one in enumerate(found, start=1)
    )


def trend_figures(inputs: ReportInputs, table: PlannedTable, say: Wording, pen: Pen) -> Iterator[Figure]:
    """The measurements of a laboratory table as small panels."""
    if table.kind != "laboratory":
        return
    found = (
        panel(inputs.results, inputs.plan, table, variable, measured_label(variable, say))
        for variable in table.variables
        if not variable.counted
    )
    panels = [one for one in found if one]
    groups = tuple(group.label.in_(say.language) for group in inputs.plan.groups)
    texts = TrendTexts(say("trend_title"), groups, visit_labels(table, say))
    if panels:
        yield Figure(say("trend_title"), trend_drawing(panels, texts, pen))


def flow_of(inputs: ReportInputs, say: Wording, pen: Pen) -> Drawing:
    """The flow diagram from the counts of the steps."""
    steps = [
        FlowStep(
            step.id,
            step.label.in_(say.language),
            step_count(inputs.results, step.id),
            step.of,
            step.side,
            strong=step.id == inputs.plan.population,
        )
        for step in inputs.plan.flow
    ]
    texts = FlowTexts(
        title=say("flow_title"),
        count=lambda count: say("n_equals", n=count),
        reason=lambda label, count: say("reason_with_count", label=label, n=count),
        not_continued=say("not_continued"),
    )
    return flow_drawing(steps, texts, pen)
