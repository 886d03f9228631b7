"""Every mistake that a value of a study file can have is said in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import nightround.simulation.drill.error_kinds
import nightround.study.folder
import nightround.study.plan  # noqa: F401
from nightround.model.errors import StudyFilesWrong
from nightround.model.language import LANGUAGES
from nightround.study.settings import checked
from nightround.study.study_model import StudyModel
from nightround.texts.catalogue import in_language, texts_under

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**9, 10**5000, 1.5, float("inf"), date(2020, 1, 1), datetime(2020, 1, 1, 3), time(3)),  # noqa: DTZ001
    *("", "#", "0", "nan", "a\nb", "\n", "[a[b]", "2020-13-01", "x" * 200_001),
    *([], [1], [[]], [1, "a"], ["a", ""], ["a", "b", "c"], ["a", "a"]),
    *({}, {"x": 1}, {"zh": 1}, {"zh": "a", "en": "b", "fr": "c"}, {"change": "none"}, {"kind": "none"}),
)
"""Values of each kind that TOML has, and a few that a place can refuse for a reason of its own."""


def models(of: type[BaseModel] = StudyModel) -> Iterator[type[BaseModel]]:
    """Every table of a study file."""
    for one in of.__subclasses__():
        yield one
        yield from models(one)


TABLES = sorted(set(models()), key=lambda one: one.__qualname__)


def mistakes(model: type[BaseModel]) -> Iterator[str]:
    """The kind of each mistake that the values make in each key of a table."""
    for name, field in model.model_fields.items():
        for value in VALUES:
            try:
                model.model_validate({field.alias or name: value})
            except ValidationError as wrong:
                yield from (one["type"] for one in wrong.errors(include_url=False, include_input=False))


@pytest.mark.parametrize("model", TABLES, ids=lambda one: one.__qualname__)
def test_each_kind_of_mistake_has_its_text(model: type[BaseModel]) -> None:
    """A user never reads the checker's own English, nor a sentence that does not say what is allowed."""
    assert set(mistakes(model)) - texts_under("study_file.said").keys() <= {"extra_forbidden"}


@pytest.mark.parametrize("model", TABLES, ids=lambda one: one.__qualname__)
def test_the_file_and_the_key_are_named_in_both_languages(model: type[BaseModel], tmp_path: Path) -> None:
    """An unknown key, and a value of another kind for each key."""
    for key, value in (
        ("no_such_key", 1),
        *((field.alias or name, [[]]) for name, field in model.model_fields.items()),
    ):
        try:
            checked(model, {key: value}, file=tmp_path / "some.toml")
        except StudyFilesWrong as wrong:
            shown = [
                in_language(wrong.part(part), language) for language in LANGUAGES for part in ("what", "why", "remedy")
            ]
            assert "some.toml" in shown[0]
            assert "some.toml" in shown[3]
            assert not any(one.isascii() for one in shown[:3])
