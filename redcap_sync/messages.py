"""Messages: what is said to people, as a code with facts. It is put into words where somebody reads it.

`redcap_sync` has English words of its own in `messages.toml`, for those who use it alone.
`nightround.texts` adds the other languages and the messages of the engine.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Self

from redcap_sync.clean_text import clean, one_line


@dataclass(frozen=True)
class Message:
    """A code of the catalogue and the facts that its text has room for, by name.

    A fact is a name, a count, a number, another message, or a tuple of messages that are listed.
    """

    code: str
    pairs: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, code: str, /, **facts: Any) -> Self:
        """Make a message from a code and its facts."""
        return cls(code, tuple(sorted(facts.items())))

    @property
    def facts(self) -> dict[str, Any]:
        """The facts by name."""
        return dict(self.pairs)

    def __str__(self) -> str:
        """The message in English; of a code without a text the code and the facts."""
        return english(self)

    def document(self) -> dict[str, Any]:
        """The message as JSON, the form in which it is stored."""
        return {"code": self.code, "facts": {name: _stored(fact) for name, fact in self.pairs}}

    @classmethod
    def read(cls, document: Mapping[str, Any] | str) -> Self:
        """Read what `document` wrote, or the sentence that an earlier version stored; raises KeyError otherwise."""
        if isinstance(document, str):
            return cls.of("kept.text", text=document)
        facts = document["facts"]
        return cls(document["code"], tuple(sorted((name, _read(fact)) for name, fact in facts.items())))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """How a pydantic model keeps a message: as its document."""
        from pydantic_core import core_schema

        del source, handler
        return core_schema.no_info_plain_validator_function(
            lambda given: given if isinstance(given, cls) else cls.read(given),
            serialization=core_schema.plain_serializer_function_ser_schema(cls.document),
        )


def _stored(fact: Any) -> Any:
    if isinstance(fact, str):
        return clean(fact)
    if isinstance(fact, Message):
        return fact.document()
    return [one.document() for one in fact] if isinstance(fact, tuple) else fact


def _read(fact: Any) -> Any:
    if isinstance(fact, dict):
        return Message.read(fact)
    return tuple(Message.read(one) for one in fact) if isinstance(fact, list) else fact


LINES = "lines"


class _Words(str):
    """What a message came to in words, which may be several lines of ours."""

    __slots__ = ()


class _Filler(string.Formatter):
    """Fills the places of a text. `{n:record|records}` gives '1 record' and '3 records'.

    A fact is a single line, so that no title of a project can look like a sentence of ours; `{text:lines}` allows more.
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, _Words):
            return str(value)
        if format_spec == LINES:
            return clean(str(value))
        if "|" in format_spec:
            one, many = format_spec.split("|")
            return f"{value} {one if value == 1 else many}"
        return one_line(super().format_field(value, format_spec))


_FILLER = _Filler()


def fill(text: str, facts: Mapping[str, Any], say: Callable[[Message], str], separator: str) -> str:
    """Put facts into a text; messages among them are said by `say`, several with a separator between them."""
    said = {name: _said(fact, say, separator) for name, fact in facts.items()}
    return clean(_FILLER.vformat(text, (), said))


def _said(fact: Any, say: Callable[[Message], str], separator: str) -> Any:
    if isinstance(fact, Message):
        return _Words(say(fact))
    return _Words(separator.join(map(say, fact))) if isinstance(fact, tuple) else fact


def flat(document: Mapping[str, Any], is_text: Callable[[Any], bool], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Code and text of each entry of a nested TOML document; the code is the path, joined by dots."""
    for name, entry in document.items():
        if is_text(entry):
            yield prefix + name, entry
        else:
            yield from flat(entry, is_text, f"{prefix}{name}.")


@cache
def english_texts() -> Mapping[str, str]:
    """The English text of each code of `redcap_sync`."""
    document = tomllib.loads(files("redcap_sync").joinpath("messages.toml").read_text(encoding="utf-8"))
    return dict(flat(document, lambda entry: isinstance(entry, str)))


_more_english: list[Callable[[], Mapping[str, str]]] = []


def add_english(texts: Callable[[], Mapping[str, str]]) -> None:
    """Let a package that builds on this one add English texts of its own, which are read when one is needed."""
    _more_english.append(texts)


def _english_of(code: str) -> str | None:
    sources: tuple[Callable[[], Mapping[str, str]], ...] = (english_texts, *_more_english)
    return next((texts()[code] for texts in sources if code in texts()), None)


def english(message: Message) -> str:
    """A message in English."""
    text = _english_of(message.code)
    if text is None:
        return " ".join([message.code, *(f"{name}={_said(fact, english, '; ')}" for name, fact in message.pairs)])
    return fill(text, message.facts, english, "; ")
