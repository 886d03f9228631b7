"""The published list of judged suggestions is that of the shipped study, and most of them are kept."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import get_args

from nightround.model.snapshot import Snapshot
from nightround.rule_desk.suggest.suggesting import suggestions
from nightround.rule_desk.suggest.suggestion import Kind
from redcap_sync.rows.tables import tables_from_records
from tests.unit.test_study_rules import NOW, clean, dictionary, study

PAGE = (Path(__file__).parents[2] / "docs" / "suggestions.md").read_text(encoding="utf-8")
LINE = re.compile(r"^\| `(?P<id>[A-Z0-9-]+)` \| (?P<kind>\w+) \|.*\| (?P<kept>yes|no) \|", flags=re.MULTILINE)


@cache
def snapshot() -> Snapshot:
    """The clean cohort of the shipped study."""
    return Snapshot("5" * 64, "made_up", NOW, "14.5.0", dictionary(), tables_from_records(dictionary(), list(clean())))


def test_the_list_is_that_of_the_shipped_study() -> None:
    """Every suggestion for the study without its rules has a judged line of its kind, and no line has another one."""
    bare = replace(study(), rules=(), project_rules=())
    found = suggestions(bare, snapshot(), NOW.replace(tzinfo=None))
    judged = {line["id"]: line["kind"] for line in LINE.finditer(PAGE)}
    assert {one.suggestion.id: one.suggestion.kind for one in found} == judged
    assert [one.suggestion.id for one in found if one.found] == []


def test_nine_of_ten_suggestions_are_kept() -> None:
    """The share of the page is that of its lines, and at least nine in ten."""
    kept = [line["kept"] == "yes" for line in LINE.finditer(PAGE)]
    assert f"{len(kept)} suggestions, {sum(kept)} kept" in PAGE
    assert sum(kept) >= 0.9 * len(kept)


def test_every_kind_is_explained() -> None:
    """The page has a line for each kind of suggestion."""
    assert [kind for kind in get_args(Kind) if f"\n| `{kind}` |" not in PAGE] == []


def test_the_study_s_own_rules_are_not_suggested_again() -> None:
    """What a rule of the study reads as well is left out."""
    found = suggestions(study(), snapshot(), NOW.replace(tzinfo=None))
    assert {one.suggestion.kind for one in found} <= {"date_order", "change"}
