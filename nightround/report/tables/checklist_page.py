"""The items of a reporting guideline, each with where the report has it, or that the author writes it.

The items are data (`report_templates/checklists/`), with their source; the page is filled in when it is typeset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import Field

from nightround.report.figures.accrual_curve import enrolment_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.effect_tables import differences_id
from nightround.report.tables.methods_page import Paragraph
from nightround.report.tables.views import Part, TableView
from nightround.study.references import Text
from nightround.study.settings import checked, read_toml
from nightround.study.study_model import StudyModel
from nightround.texts.catalogue import Wording

CHECKLISTS = "checklists"
"""The folder of templates that contains the guidelines."""


class GuidelineItem(StudyModel):
    """An item: its number and text, the parts of a report that contain it, and whether the author adds to them."""

    number: str
    text: Text
    where: tuple[str, ...] = ()
    completes: bool = False


class GuidelineSection(StudyModel):
    """A section of a guideline."""

    title: Text
    items: tuple[GuidelineItem, ...] = Field(min_length=1)


class Guideline(StudyModel):
    """A reporting guideline: what it is called and for, its items, and its source."""

    name: str
    kind: Text
    source: str
    sections: tuple[GuidelineSection, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Place:
    """A part of the report: its anchor on the page, and what it is called."""

    anchor: str
    label: str


@dataclass(frozen=True)
class ChecklistLine:
    """One item as it is printed; `remark` is what the author has to do."""

    number: str
    text: str
    places: tuple[Place, ...]
    remark: str


@dataclass(frozen=True)
class Checklist:
    """A guideline as it is printed: each section with its lines."""

    intro: str
    source: str
    sections: tuple[tuple[str, tuple[ChecklistLine, ...]], ...]


class NumberedChapter(Protocol):
    """What is needed of a chapter: its anchor, its title, and its parts with their numbers."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as in the class
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def parts(self) -> tuple[Part, ...]: ...  # noqa: D102


def read_guideline(templates: Path, name: str) -> Guideline:
    """A guideline by its name; raises StudyFilesWrong for a file that is none."""
    path = templates / CHECKLISTS / f"{name}.toml"
    return checked(Guideline, read_toml(path), file=path)


def checklist_of(
    guideline: Guideline,
    chapters: Sequence[NumberedChapter],
    methods: Sequence[Paragraph],
    inputs: ReportInputs,
    say: Wording,
) -> Checklist:
    """The items with the places where this very report has them."""
    places = places_of(chapters, methods, inputs, say)
    sections = (
        (section.title.in_(say.language), tuple(line_of(item, places, say) for item in section.items))
        for section in guideline.sections
    )
    intro = say("checklist_intro", name=guideline.name, kind=guideline.kind.in_(say.language))
    return Checklist(intro, say("checklist_source", source=guideline.source), tuple(sections))


def line_of(item: GuidelineItem, places: Mapping[str, Sequence[Place]], say: Wording) -> ChecklistLine:
    """One item; where the report has none of its parts the author writes it."""
    found = tuple(dict.fromkeys(place for name in item.where for place in places.get(name, ())))
    remark = say("author_writes") if not found else say("author_completes") if item.completes else ""
    return ChecklistLine(item.number, item.text.in_(say.language), found, remark)


def places_of(
    chapters: Sequence[NumberedChapter], methods: Sequence[Paragraph], inputs: ReportInputs, say: Wording
) -> dict[str, list[Place]]:
    """The parts of the report that items can be in, by the names that guidelines use."""
    found = {"cover": [Place("cover", say("checklist_cover"))]}
    for name, place in (one for chapter in chapters for one in places_in(chapter, inputs, say)):
        found.setdefault(name, []).append(place)
    for one in methods:
        place = Place(f"methods-{one.id}", say("checklist_methods", title=one.title))
        found.setdefault(METHODS_NAMES.get(one.id, one.id), []).append(place)
    return found


SUMMARY = "summary"
METHODS_NAMES = {"trust": "trust_methods"}
"""Paragraphs of the methods whose name is that of a table."""
TABLE_NAMES = {"trust": "doubt"}
BY_KIND = {"by_group": "baseline", "before_after": "change", "laboratory": "change"}


def places_in(chapter: NumberedChapter, inputs: ReportInputs, say: Wording) -> Iterator[tuple[str, Place]]:
    """A chapter, its tables, and those of its figures that items name."""
    if chapter.id == SUMMARY:
        yield SUMMARY, Place(f"chapter-{SUMMARY}", chapter.title)
    names = {table.id: BY_KIND[table.kind] for table in inputs.plan.tables}
    names |= {differences_id(table): "differences" for table in inputs.plan.tables} | TABLE_NAMES
    for part in chapter.parts:
        if isinstance(part, TableView):
            place = Place(f"table-{part.id}", say("table_number", n=part.number))
            yield names.get(part.id, part.id), place
        else:
            for name in figure_names(part.title, inputs, say):
                yield name, Place(f"figure-{part.number}", say("figure_number", n=part.number))


def figure_names(title: str, inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """What items call a figure of that title."""
    if title == say("flow_title"):
        yield "flow"
    if title == say("accrual_title") and enrolment_of(inputs):
        yield "enrolment"
    if title in {curve.label.in_(say.language) for curve in inputs.plan.survival}:
        yield "curves"
    if title in {one.label.in_(say.language) for one in inputs.plan.regressions}:
        yield "factors"
