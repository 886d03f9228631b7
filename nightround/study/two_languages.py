"""Texts of a study's files in Chinese, English or both."""

from __future__ import annotations

from typing import Any, Self

from pydantic import model_validator

from nightround.model.language import Words
from nightround.study.study_model import StudyModel, wrong_value
from nightround.study.text_checks import FilledLine, ShortLine


class TwoLanguages(StudyModel):
    """A text in Chinese and English, or in one of them; a plain string is a text for readers of both."""

    zh: str = ""
    """The Chinese text."""
    en: str = ""
    """The English text."""

    @model_validator(mode="before")
    @classmethod
    def _one_string_for_both(cls, written: Any) -> Any:
        return {"zh": written, "en": written} if isinstance(written, str) else written

    def words(self) -> Words:
        """The text as the model's own type; who reads a language that is left out gets the other one."""
        return Words(self.zh or self.en, self.en or self.zh)

    def as_written(self) -> Words:
        """The text with a language that is left out blank."""
        return Words(self.zh, self.en)


class _InOneAtLeast(TwoLanguages):
    """A text that one language at least must have."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.zh or self.en):
            raise wrong_value("no_language")
        return self


class TitleInTwoLanguages(_InOneAtLeast):
    """A text of one line in Chinese, English or both, which may be the subject of a mail."""

    zh: FilledLine = ""
    """The Chinese text."""
    en: FilledLine = ""
    """The English text."""


class ShortName(_InOneAtLeast):
    """A short name in Chinese, English or both, of at most 24 characters each."""

    zh: ShortLine = ""
    """The Chinese name."""
    en: ShortLine = ""
    """The English name."""
