"""The data manager's overview as one HTML file: no script, nothing from outside, charts as drawings in the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nightround.digests.overview import NIGHTS, NightCounts, OpenCounts, Overview
from nightround.digests.templates import DigestTemplates
from nightround.model.language import Language, Words
from nightround.model.rule import Rule, Severity
from nightround.texts.catalogue import Wording
from nightround.texts.labels import words_of_label
from redcap_sync.clean_text import clean

MOST_ROWS = 40
"""Rows of a table: the rest is counted. The list of findings has them all."""
CHART_HEIGHT, BAR, GAP = 60.0, 8.0, 2.0
"""Of a small chart, in its own units; a night is a bar."""


@dataclass(frozen=True)
class OverviewFacts:
    """What a page is made of, apart from its numbers."""

    title: Words
    now: datetime
    """On the study's clock."""
    rules: Mapping[str, Rule]
    group_labels: Mapping[str, str]
    complete: bool
    synthetic: bool


def overview_page(found: Overview, facts: OverviewFacts, templates: DigestTemplates, language: Language) -> str:
    """The whole page in one language."""
    say = templates.wording[language]

    def rule(name: str) -> tuple[str, str]:
        known = facts.rules.get(name)
        return (known.finding_title.in_(language) if known else name, name)

    def group(name: str) -> tuple[str, str]:
        return words_of_label(facts.group_labels.get(name, name)).in_(language) or say("overview_no_group"), ""

    page = {
        "language": say("language_code"),
        "title": facts.title.in_(language),
        "heading": say("overview_heading"),
        "as_of": say("as_of", when=f"{facts.now:%Y-%m-%d %H:%M}"),
        "banner": [] if facts.complete else [say("overview_incomplete")],
        "figures": _figures(found, say),
        "quiet": [(say(f"overview_{state.value}"), count) for state, count in found.quiet.items() if count],
        "charts": _charts(found.nights, say),
        "tables": [
            _table(say("overview_by_rule"), found.by_rule, say, rule),
            _table(say("overview_by_owner"), found.by_owner, say, lambda name: (name, "")),
            *([_table(say("overview_by_group"), found.by_group, say, group)] if found.by_group else []),
        ],
        "nothing": say("overview_nothing"),
        "synthetic": say("synthetic") if facts.synthetic else "",
    }
    return clean(templates.environment.get_template("overview.html.j2").render(page=page))


def _figures(found: Overview, say: Wording) -> list[tuple[str, int, str]]:
    """The large numbers: label, number, and the class that colours it."""
    severities = [(say(f"severity_{one.value}"), found.total.by_severity.get(one, 0), one.value) for one in Severity]
    return [
        (say("figure_open"), found.total.open, ""),
        *severities,
        (say("figure_new"), found.total.new, ""),
        (say("figure_fixed"), found.total.closed, ""),
    ]


def _table(
    heading: str, counts: Sequence[OpenCounts], say: Wording, named: Callable[[str], tuple[str, str]]
) -> dict[str, Any]:
    heads = [*(say(f"severity_{one.value}") for one in Severity), say("figure_new"), say("figure_fixed")]
    rows = [
        {
            "name": named(one.name)[0],
            "id": named(one.name)[1],
            "cells": [*(one.by_severity[severity] for severity in Severity), one.new, one.closed],
        }
        for one in counts[:MOST_ROWS]
    ]
    more = len(counts) - MOST_ROWS
    return {
        "heading": heading,
        "heads": heads,
        "rows": rows,
        "more": say("overview_more", n=more) if more > 0 else "",
    }


def _charts(nights: Sequence[NightCounts], say: Wording) -> list[dict[str, Any]]:
    """Three charts of the last nights, tonight at the right end, each with its largest number and its days."""
    parts = {"open": "figure_open", "new": "figure_new", "closed": "figure_fixed"}
    return [
        {
            "heading": say(code),
            "last": getattr(nights[-1], name),
            "said": say("overview_chart", n=len(nights), last=getattr(nights[-1], name), most=most),
            "width": NIGHTS * (BAR + GAP),
            "height": CHART_HEIGHT,
            "bars": _bars([getattr(one, name) for one in nights], most),
            "days": f"{nights[0].day} – {nights[-1].day}",
        }
        for name, code in parts.items()
        if nights
        for most in [max(getattr(one, name) for one in nights)]
    ]


def _bars(values: Sequence[int], most: int) -> list[dict[str, float]]:
    """A bar for each night; one that is not 0 can be seen."""
    heights = [max(1.0, CHART_HEIGHT * value / most) if value else 0.0 for value in values]
    first = NIGHTS - len(values)
    return [
        {
            "x": (first + place) * (BAR + GAP),
            "y": round(CHART_HEIGHT - height, 1),
            "width": BAR,
            "height": round(height, 1),
        }
        for place, height in enumerate(heights)
    ]
