"""What a field's label and note say to a reader: a plain label, a unit, and whether an answer means unknown."""

from __future__ import annotations

import re

from nightround.model.language import Language, Words
from nightround.texts.labels import words_of_label
from redcap_sync.clean_text import clean
from redcap_sync.dictionary import Choice, Dictionary, Field

LONGEST_LABEL = 120
"""Characters of a label in a table; longer ones are cut."""
_TAG = re.compile(r"<[^<>]*>")
_PIPED = re.compile(r"\[[^\[\]]*\]")
_UNIT = re.compile(
    r"kg/m(?:2|²|\^2)|(?:m|µ|μ|u|n|p|k)?(?:g|mol|U|IU)/(?:d|m)?L|10\^?9/L|10\^?12/L|IU/L|U/L"
    r"|mL/min(?:/1\.73 ?m(?:2|²))?"
    r"|mmHg|mm Hg|bpm|kPa|cm|mm|km|kg|mg|µg|μg|mL|ml|°C|℃|%|cells/(?:µ|u)L"
    r"|years?|months?|weeks?|days?|hours?|minutes?|min|次/分|公斤|千克|厘米|毫米|毫升|小时|分钟|个月|岁|年|月|周|天|g|m|s|h|L"
)
"""Units as notes of dictionaries write them; a note in other words is no unit."""
_WHOLE_NOTE = re.compile(rf"\(?\s*(?:in |unit(?:s)?:? ?|单位[:：]?)?(?P<unit>{_UNIT.pattern})\s*\)?\.?", re.IGNORECASE)
_IN_LABEL = re.compile(rf"[(（]\s*(?:in )?(?P<unit>{_UNIT.pattern})\s*[)）]\s*[:：]?\s*$")
_UNKNOWN = re.compile(
    r"(?:unknown|not known|unk|not (?:done|available|assessed|reported|recorded|tested)|n/?a|missing|refused"
    r"|declined(?: to answer)?|prefer not to (?:say|answer)|don'?t know"
    r"|未知|不详|不清楚|不知道|未查|未测|未做|未提供|缺失|拒绝回答)"
    r"(?: ?/ ?(?:unknown|not (?:known|reported|available)|refused|不详))?[.。]?",
    re.IGNORECASE,
)
"""An answer that is no answer. `Other` and `None` are answers."""


def plain(text: str) -> str:
    """A text without markup and piped fields, on one line."""
    return " ".join(_PIPED.sub("", _TAG.sub(" ", clean(text))).split())


def label_words(text: str, name: str, languages: tuple[Language, ...]) -> Words:
    """A label in the languages of the study; the name where there is none."""
    found = words_of_label(plain(text) or name)
    zh, en = (one[:LONGEST_LABEL].rstrip(" :：") or name for one in found)
    return one_language(Words(zh, en), languages)


def one_language(text: Words, languages: tuple[Language, ...]) -> Words:
    """A text in the study's languages: where there is one, in that one for every reader."""
    return text if len(languages) > 1 else Words(*[text.in_(languages[0])] * 2)


def unit_of(field: Field) -> str:
    """The unit that the note of a number names, else its label in brackets; '' where neither does."""
    note = _WHOLE_NOTE.fullmatch(plain(field.note))
    found = note or _IN_LABEL.search(plain(field.label))
    return found["unit"] if found else ""


def without_unit(label: str) -> str:
    """A label without the unit in brackets at its end."""
    return _IN_LABEL.sub("", plain(label)).rstrip() or label


def is_unknown(choice: Choice, dictionary: Dictionary) -> bool:
    """Whether an answer says that there is none: by its text, or because its code is a missing data code."""
    missing = {one.code for one in dictionary.missing_data_codes}
    return choice.code in missing or bool(_UNKNOWN.fullmatch(plain(choice.label)))
