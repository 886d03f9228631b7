"""Texts of a twin: made up, in the language of the project, and marked as such wherever they could name a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from nightround.model.language import Language
from nightround.texts.catalogue import wording
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.logic import action_tags
from redcap_sync.whole_numbers import whole_number

Numbers = npt.NDArray[np.int64]
CHINESE = re.compile("[\u3400-\u9fff]")
NAME = re.compile(r"name|initials|姓名|缩写|签名|医生|医师", re.IGNORECASE)
REASON = re.compile(r"reason|why|原因|理由", re.IGNORECASE)
PHRASES = (
    "twin.phrase.made_up",
    "twin.phrase.planned",
    "twin.phrase.unchanged",
    "twin.phrase.nothing",
    "twin.phrase.checked",
    "twin.phrase.noted",
)
REASONS = ("twin.because.away", "twin.because.declined", "twin.because.moved", "twin.because.equipment")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CANADA = "ABCEGHJKLMNPRSTVXY"


def language_of(dictionary: Dictionary) -> Language:
    """`zh` where a label of the project is written in Chinese, else `en`."""
    return "zh" if any(CHINESE.search(one.label) for one in dictionary.fields) else "en"


def _letters(number: int) -> str:
    """A number in letters, which tell themselves apart as the numbers do."""
    text = ""
    while True:
        number, last = divmod(number, len(LETTERS))
        text = LETTERS[last] + text
        if not number:
            return text


PATTERNED: dict[str, Callable[[int], str]] = {
    # RFC 2606: example.org belongs to nobody.
    "email": lambda n: f"synthetic.{n}@example.org",
    # North American numbers 555-0100 to 555-0199 are kept for fiction (ATIS-0300115).
    "phone": lambda n: f"({200 + n // 100 % 8 * 100 + 2 + n // 800 % 8}) 555-01{n % 100:02d}",
    # Australian numbers (02) 5550 xxxx and 7010 xxxx are kept for drama (ACMA).
    "phone_australia": lambda n: f"02 5550 {n % 10_000:04d}",
    "zipcode": lambda n: f"{n % 100_000:05d}",
    "postalcode_australia": lambda n: f"{n % 10_000:04d}",
    "postalcode_canada": lambda n: f"{CANADA[n // 100 % 18]}{n % 10}X {n // 10 % 10}X0",
    "postalcode_germany": lambda n: f"{10_000 + n % 89_000:05d}",
    "postalcode_french": lambda n: f"{10_000 + n % 85_000:05d}",
    # Numbers from 900 are never given out (US Social Security Administration, 20 CFR 422.103).
    "ssn": lambda n: f"9{n // 1_000_000 % 100:02d}-{n // 10_000 % 100:02d}-{n % 10_000:04d}",
    "mrn_10d": lambda n: f"99{n % 100_000_000:08d}",
    "mrn_generic": lambda n: f"syn-{n:06d}",
    "vmrn": lambda n: f"9{n % 100_000_000:06d}",
    "alpha_only": lambda n: f"synthetic{_letters(n)}",
}
"""A made-up value of each validation type that is neither a number nor a date, from a running number."""


class TextMaker:
    """Makes the texts of one field."""

    def __init__(self, field: Field, language: Language, *, unique: bool) -> None:
        self._field, self._language, self._unique = field, language, unique
        described = f"{field.name} {field.label}"
        self._named = NAME.search(described) is not None
        self._phrases = [wording(language)(code) for code in (REASONS if REASON.search(described) else PHRASES)]
        self._limit = _limit(field)

    def draw(self, rng: np.random.Generator, records: Numbers) -> npt.NDArray[np.object_]:
        """A text for each row; one that could name a person hangs on its record alone."""
        pattern = PATTERNED.get(self._field.validation)
        if pattern is not None:
            own = self._field.identifier or self._unique
            numbers = records + 1 if own else rng.integers(1, 1000, size=len(records))
            return _each(numbers, pattern)
        if self._field.identifier or self._unique:
            return _each(records + 1, self._identifier)
        return self._of(self._phrases)[rng.integers(0, len(self._phrases), size=len(records))]

    def _identifier(self, number: int) -> str:
        if not self._named:
            return self._cut(f"SYN-{number:06d}")
        return self._cut(wording(self._language)("twin.person.name", number=f"{number:04d}"))

    def _of(self, texts: Sequence[str]) -> npt.NDArray[np.object_]:
        return np.array([self._cut(text) for text in texts], dtype=object)

    def _cut(self, text: str) -> str:
        """The end of a text that is too long goes first, but for a number that tells records apart."""
        return text if self._limit is None or len(text) <= self._limit else text[-self._limit :].strip() or "x"


def _each(numbers: Numbers, write: Callable[[int], str]) -> npt.NDArray[np.object_]:
    distinct, back = np.unique(numbers, return_inverse=True)
    return np.array([write(int(number)) for number in distinct], dtype=object)[back]


def _limit(field: Field) -> int | None:
    tags = action_tags(field.annotation) if "@CHARLIMIT" in field.annotation else ()
    return next((whole_number(tag.value) for tag in tags if tag.name == "CHARLIMIT"), None)
