"""Which scores of the library a data dictionary has, by the labels and choices of its fields.

It proposes and decides nothing. It is conservative: a score is proposed where one instrument has a field for each of
its items, of which label and codes fit; with fewer than `FEW` items, or with a few items missing, the instrument must
name the score as well. A calculated score needs its own field by name, each part, and a unit where there are several.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, NamedTuple

from nightround.scores.library import Score, score_sheets
from nightround.scores.score_data import ScoreItem, ScoreSheet, ScoreVariant
from nightround.texts.labels import words_of_label
from redcap_sync.dictionary import Dictionary, Field

FEW = 5
MOST_OF_THEM = 0.8
_TAG = re.compile(r"<[^<>]*>")
_TOTAL = re.compile(r"total|score|sum|总分|评分|得分|合计")
_CLASS = re.compile(r"\bc[0-6][abcr]?\b")
_CHINESE = re.compile("[\u3400-\u9fff]")
NAMES = {"female": re.compile(r"\bfemale\b|\bwoman\b|女"), "male": re.compile(r"\bmale\b|\bman\b|男")}
_UNITS = {
    "m": r"\bm\b|\bmet(?:er|re)s?\b|米",
    "cm": r"\bcm\b|\bcentimet(?:er|re)s?\b|厘米",
    "kg": r"\bkg\b|\bkilograms?\b|公斤|千克",
    "mg/dL": r"mg/dl",
    "µmol/L": r"[μu]mol/l|micromol/l",
}
"""How a label or a note names a unit, folded."""


class LabelFit(NamedTuple):
    """How well a label names an item: whether it is the name, in one language, and how long the words are that fit."""

    exact: bool
    length: int


class Clue(NamedTuple):
    """What speaks for it: of which item, at which field, and the text that was found there."""

    kind: Literal["label", "choices", "unit", "score_name", "total", "grade", "calculation"]
    field: str
    item: str = ""
    text: str = ""


@dataclass(frozen=True)
class RecognisedScore:
    """A score that a dictionary seems to have."""

    name: str
    variants: tuple[str, ...]
    """The variants that the fields allow; a person chooses."""
    instrument: str
    items: Mapping[str, str]
    """The field of each item that was found."""
    missing: tuple[str, ...]
    """Items without a field."""
    total: str = ""
    grade: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    grades: Mapping[str, str] = field(default_factory=dict)
    """The code of each class."""
    clues: tuple[Clue, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether every item was found and the instrument names the score."""
        return not self.missing and any(clue.kind == "score_name" for clue in self.clues)


def recognised_scores(dictionary: Dictionary) -> tuple[RecognisedScore, ...]:
    """Every score that a dictionary seems to have, in the order of its instruments."""
    found = (
        _recognised(sheet, instrument.name, dictionary)
        for instrument in dictionary.instruments
        for sheet in score_sheets()
    )
    return tuple(one for one in found if one is not None)


def _recognised(sheet: ScoreSheet, instrument: str, dictionary: Dictionary) -> RecognisedScore | None:
    fields = dictionary.fields_of(instrument)
    makers = {"sum": _of_sum, "formula": _of_formula, "class": _of_class}
    maker = makers.get(sheet.form)
    return maker(sheet, instrument, fields, dictionary) if maker else None


# --- scores that are added up


def _of_sum(
    sheet: ScoreSheet, instrument: str, fields: Sequence[Field], dictionary: Dictionary
) -> RecognisedScore | None:
    named = _name_clue(sheet, instrument, fields, dictionary)
    proposals = [_of_variant(Score(sheet, variant), fields, named) for variant in sheet.variant]
    fitting = [one for one in proposals if one is not None]
    if not fitting:
        return None
    best = max(fitting, key=lambda one: (len(one.items), -len(one.missing)))
    alike = tuple(one.variants[0] for one in fitting if one.items.keys() == best.items.keys())
    total = _total_field(sheet, fields, best.items.values())
    grade = _grade_field(sheet, fields, best.items.values())
    variants = [one for one in sheet.variant if one.key in alike]
    variants = [one for one in variants if not grade or len(one.grade) == len(grade.choices)] or variants
    more = [Clue("total", total.name, text=total.label)] if total else []
    more += [Clue("grade", grade.name, text=grade.label)] if grade else []
    return RecognisedScore(
        name=sheet.name,
        variants=tuple(one.key for one in variants),
        instrument=instrument,
        items=best.items,
        missing=best.missing,
        total=total.name if total else "",
        grade=grade.name if grade else "",
        clues=(*best.clues, *([named] if named else []), *more),
    )


def _of_variant(chosen: Score, fields: Sequence[Field], named: Clue | None) -> RecognisedScore | None:
    items = _assigned(chosen.items, fields)
    missing = tuple(item.key for item in chosen.scored if item.key not in items)
    count = len(chosen.scored)
    whole = not missing and (count >= FEW or named)
    mostly = named and count >= FEW and count - len(missing) >= MOST_OF_THEM * count
    if not (whole or mostly):
        return None
    clues = (Clue("label", one.name, key, one.label) for key, one in items.items())
    chosen_fields = {key: one.name for key, one in items.items()}
    return RecognisedScore(chosen.sheet.name, (chosen.variant.key,), "", chosen_fields, missing, clues=tuple(clues))


def _assigned(items: Sequence[ScoreItem], fields: Sequence[Field]) -> dict[str, Field]:
    """A field for each item, the best fitting labels first, each field once; in the order of the items."""
    pairs = [
        (fit, item, one)
        for item in items
        for one in fields
        if (fit := _label_fit(item, one)) and _answers_fit(item, one)
    ]
    found: dict[str, Field] = {}
    for _, item, one in sorted(pairs, key=lambda pair: pair[0], reverse=True):
        if item.key not in found and one not in found.values():
            found[item.key] = one
    return {item.key: found[item.key] for item in items if item.key in found}


def _label_fit(item: ScoreItem, one: Field) -> LabelFit | None:
    """How well a label names the item; None where it does not."""
    label = folded(one.label)
    phrases = {folded(text) for text in (item.label.zh, item.label.en, *item.also)}
    longest = max((len(phrase) for phrase in phrases if _phrase(phrase).search(label)), default=0)
    parts = {label, *(folded(part) for part in words_of_label(one.label))}
    return LabelFit(bool(parts & phrases), longest) if longest else None


@cache
def _phrase(text: str) -> re.Pattern[str]:
    """Words as they are in a label: whole words of Latin letters, Chinese anywhere."""
    return re.compile(re.escape(text) if _CHINESE.search(text) else rf"(?<![a-z0-9]){re.escape(text)}(?![a-z0-9])")


def folded(text: str) -> str:
    """A label without markup, in lower case, in one width."""
    plain = unicodedata.normalize("NFKC", _TAG.sub(" ", text)).lower()
    return " ".join(plain.split()).strip(" :.?*")


def _answers_fit(item: ScoreItem, one: Field) -> bool:
    if not item.is_points:
        return one.kind == "number"
    codes = {str(number) for number in range(int(item.low), int(item.high) + 1)}
    if one.choices:
        return one.type != "checkbox" and {choice.code for choice in one.choices} == codes
    return one.kind == "number" and (one.minimum, one.maximum) == (min(codes), max(codes))


def _name_clue(sheet: ScoreSheet, instrument: str, fields: Sequence[Field], dictionary: Dictionary) -> Clue | None:
    """Where the instrument names the score: its title, a heading, a label or a name."""
    pattern = _printed(sheet)
    title = next((one.label for one in dictionary.instruments if one.name == instrument), "")
    if pattern.search(_spaced(instrument)) or pattern.search(folded(title)):
        return Clue("score_name", "", text=title or instrument)
    for one in fields:
        for text in (one.section_header, one.label, one.name):
            if pattern.search(_spaced(text)):
                return Clue("score_name", one.name, text=text)
    return None


def _spaced(text: str) -> str:
    return folded(text.replace("_", " "))


def _printed(sheet: ScoreSheet) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{sheet.printed})(?![a-z])" if sheet.printed else r"(?!)")


def _total_field(sheet: ScoreSheet, fields: Iterable[Field], taken: Iterable[str]) -> Field | None:
    """The number that the instrument calls the score's total; the only one, or none."""
    used = set(taken)
    named = [
        one
        for one in fields
        if one.name not in used and one.kind == "number" and _TOTAL.search(f"{_spaced(one.name)} {folded(one.label)}")
    ]
    exact = [one for one in named if _printed(sheet).search(f"{_spaced(one.name)} {folded(one.label)}")]
    return _only(exact) or _only(named)


def _only(found: Sequence[Field]) -> Field | None:
    """The one field, or the one that is typed where REDCap calculates the others to compare it with."""
    typed = [one for one in found if one.type != "calc"]
    return found[0] if len(found) == 1 else typed[0] if len(typed) == 1 else None


def _grade_field(sheet: ScoreSheet, fields: Iterable[Field], taken: Iterable[str]) -> Field | None:
    used, counts = set(taken), {len(variant.grade) for variant in sheet.variant}
    pattern = re.compile(sheet.grades_printed or r"(?!)")
    found = [
        one
        for one in fields
        if one.name not in used
        and one.type in ("radio", "dropdown")
        and len(one.choices) in counts
        and pattern.search(f"{_spaced(one.name)} {folded(one.label)}")
    ]
    return found[0] if len(found) == 1 else None


# --- calculated scores, and classes


def _of_formula(
    sheet: ScoreSheet, instrument: str, fields: Sequence[Field], dictionary: Dictionary
) -> RecognisedScore | None:
    pattern = _printed(sheet)
    totals = [
        one
        for one in fields
        if one.kind == "number" and (pattern.fullmatch(_spaced(one.name)) or pattern.search(folded(one.label)))
    ]
    total = _only(totals)
    if total is None:
        return None
    items, units, values = _parts(sheet, fields, dictionary)
    if len(items) < len(sheet.item) or total in items.values():
        return None
    clues = [Clue("total", total.name, text=total.label), Clue("score_name", total.name, text=total.label)]
    clues += [Clue("label", one.name, key, one.label) for key, one in items.items()]
    clues += [Clue("unit", items[key].name, key, unit) for key, unit in units.items()]
    clues += [Clue("choices", items[key].name, key, ", ".join(codes.values())) for key, codes in values.items()]
    clues += [Clue("calculation", total.name, text=total.calculation)] if total.calculation else []
    return RecognisedScore(
        name=sheet.name,
        variants=tuple(variant.key for variant in sheet.variant),
        instrument=instrument,
        items={key: one.name for key, one in items.items()},
        missing=(),
        total=total.name,
        units=units,
        values=values,
        clues=tuple(clues),
    )


class _Parts(NamedTuple):
    items: dict[str, Field]
    units: dict[str, str]
    values: dict[str, dict[str, str]]


def _parts(sheet: ScoreSheet, fields: Sequence[Field], dictionary: Dictionary) -> _Parts:
    """The part of each item: in the instrument, else the only one in the dictionary; measured ones with their unit."""
    parts = _Parts({}, {}, {})
    for item in sheet.item:
        own = [one for one in fields if _is_part(item, one)]
        found = own or [one for one in dictionary.fields if _is_part(item, one)]
        if len(found) != 1:
            continue
        one = found[0]
        unit = next((name for name in item.units if re.search(_UNITS[name], _unit_text(one))), "")
        if item.units and not unit:
            continue
        parts.items[item.key] = one
        if len(item.units) > 1:
            parts.units[item.key] = unit
        if item.names:
            parts.values[item.key] = _name_codes(item, one)
    return parts


def _unit_text(one: Field) -> str:
    return f"{folded(one.label)} {folded(one.note)} {_spaced(one.name)}"


def _is_part(item: ScoreItem, one: Field) -> bool:
    if not _label_fit(item, one):
        return False
    return bool(_name_codes(item, one)) if item.names else one.kind == "number"


def _name_codes(item: ScoreItem, one: Field) -> dict[str, str]:
    """The code of each name, where the choices are these names and a field has one of each."""
    if one.type == "checkbox":
        return {}
    codes = {
        name: [choice.code for choice in one.choices if NAMES[name].search(folded(choice.label))] for name in item.names
    }
    return {name: found[0] for name, found in codes.items()} if all(len(one) == 1 for one in codes.values()) else {}


def _of_class(
    sheet: ScoreSheet, instrument: str, fields: Sequence[Field], _dictionary: Dictionary
) -> RecognisedScore | None:
    found = ((one, variant, _class_codes(variant, one)) for one in fields for variant in sheet.variant)
    for one, variant, codes in found:
        if codes and _label_fit(sheet.item[0], one):
            return RecognisedScore(
                name=sheet.name,
                variants=(variant.key,),
                instrument=instrument,
                items={sheet.item[0].key: one.name},
                missing=(),
                grades=codes,
                clues=(
                    Clue("score_name", one.name, text=one.label),
                    Clue("choices", one.name, text=", ".join(codes.values())),
                ),
            )
    return None


def _class_codes(variant: ScoreVariant, one: Field) -> dict[str, str]:
    """The code of each class, where the choices are exactly the classes of the variant."""
    known = {grade.key.lower(): grade.key for grade in variant.grade}
    codes: dict[str, str] = {}
    for choice in one.choices if one.type != "checkbox" else ():
        named = _CLASS.search(folded(choice.code)) or _CLASS.search(folded(choice.label))
        if named is None or named[0] not in known:
            return {}
        codes[known[named[0]]] = choice.code
    return codes if len(codes) == len(known) else {}
