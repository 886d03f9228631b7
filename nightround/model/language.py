"""A text in the languages of a study."""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["zh", "en"]


LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Words(NamedTuple):
    """One text in both languages of the study."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language == "zh" else self.en
