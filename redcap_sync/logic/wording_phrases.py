"""The phrases in which logic is put into words, in Chinese and English. They are in `phrases.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from redcap_sync.messages import flat

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
NEGATIVE_FUNCTIONS = frozenset({"not_contain", "isblankormissingcode", "isblanknotmissingcode", "ismissingcode"})
"""Functions whose truth sounds like something missing."""


@cache
def phrases() -> Mapping[str, Mapping[Language, str]]:
    """Each phrase by its code, the path of its entry."""
    document = tomllib.loads(files("redcap_sync.logic").joinpath("phrases.toml").read_text(encoding="utf-8"))
    return dict(flat(document, _is_phrase))


def _is_phrase(entry: Mapping[str, Any]) -> bool:
    return set(entry) == set(LANGUAGES)


def is_statement(function: str) -> bool:
    """Whether a function says something true or false of its first argument."""
    return f"statement.{function}.holds" in phrases()


def phrase_of(code: str, language: Language, /, *parts: str, **named: str) -> str:
    """A phrase with its parts filled in."""
    return phrases()[code][language].format(*parts, **named)
