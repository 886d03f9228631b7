"""docs/settings.md and docs/plan.md say what the models say, and their samples can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from nightround.study.folder import load_content_module
from nightround.study.plan import Plan, read_plan
from nightround.study.settings import StudySettings, read_settings

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = load_content_module(DOCS / "write_reference.py", "write_reference")
PAGES = {wanted.name: wanted for wanted in REFERENCE.PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_that_of_the_models(name: str) -> None:
    """After a change of a model or a sample: make reference."""
    assert REFERENCE.page(PAGES[name]) == (DOCS / name).read_text(encoding="utf-8"), "run: make reference"


@pytest.mark.parametrize("name", PAGES)
def test_each_key_has_a_meaning_and_each_value_an_example(name: str) -> None:
    """A key without a sentence or without an example teaches nobody; a table is shown by its own keys."""
    rows = [line.split(" | ") for line in (DOCS / name).read_text(encoding="utf-8").splitlines() if "| `" in line[:3]]
    assert len(rows) > 100
    bare = [row[0] for row in rows if not row[3].strip()]
    unseen = [row[0] for row in rows if row[4].strip(" |") == "" and "table" not in row[1]]
    assert (bare, unseen) == ([], [])


def _keys(model: type[BaseModel], seen: set[type]) -> Iterator[str]:
    for key, field in model.model_fields.items():
        yield key
        for below in REFERENCE._models(field.annotation):
            if below not in seen:
                yield from _keys(below, seen | {below})


@pytest.mark.parametrize(("name", "model"), [("settings.md", StudySettings), ("plan.md", Plan)])
def test_each_key_that_a_model_reads_is_on_its_page(name: str, model: type[Any]) -> None:
    """Found by walking the models, not the page."""
    text = (DOCS / name).read_text(encoding="utf-8")
    assert [key for key in set(_keys(model, {model})) if f"| `{key}` |" not in text] == []


def test_the_samples_can_be_read() -> None:
    """What the examples are taken from is a study file that the program accepts."""
    settings = read_settings(DOCS / "samples")
    assert settings.study.id == "walking_study"
    assert len(settings.people) == 2
    assert read_plan(DOCS / "samples" / "plan.toml").report.site.en == "University Hospital"
