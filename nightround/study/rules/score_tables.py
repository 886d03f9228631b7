"""`[[scores]]` of a rule file: a score of the library over the fields of a study, which makes rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from nightround.model.errors import UsageWrong
from nightround.model.rule import Severity
from nightround.scores.library import Score, score, score_sheets
from nightround.scores.score_logic import NOISE, ScoreFields
from nightround.study.rules.across import RuleModel
from nightround.study.study_model import Decimal, wrong_value
from nightround.study.text_checks import FilledLine, Id, Line
from nightround.study.two_languages import TwoLanguages
from redcap_sync.errors import LogicError
from redcap_sync.logic import Reference, parse

ScorePart = Literal["total", "grade", "items", "range", "half_filled"]
OF_DICTIONARY: tuple[ScorePart, ...] = ("items", "range")
"""What choices, minimum and maximum of a field say as well."""
_CODE = re.compile(r"[\w.-]+")
PATTERN_MARK = "{item}"


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise wrong_value("score_code")
    return text


StoredCode = Annotated[FilledLine, AfterValidator(_code)]
"""What REDCap stores for a choice."""


class ScoreRuleTable(RuleModel):
    """`[scores.rules]`: what one of the rules has of its own."""

    id: Id | None = None
    """Its id. Without it: the score's `id` and the name of the rule."""
    was: FilledLine | tuple[FilledLine, ...] = ()
    """Ids that the rule had before."""
    severity: Severity | None = None
    """Its severity. Without it: that of the table."""
    fields: tuple[FilledLine, ...] | None = None
    """The fields that are shown. Without it: the total or grade, and what it is made of."""
    analyst: TwoLanguages | None = None
    """What an analyst must know of the findings."""


class ScoresTable(RuleModel):
    """`[[scores]]`: a score of the library, whose rules are made."""

    name: FilledLine
    """The score: see [scores](scores.md)."""
    variant: FilledLine
    """Its variant. There is none by default: who reads a number must know how it was counted."""
    id: Id
    """The ids of its rules begin with it: `VIL-total`, `VIL-grade-mild`, `VIL-range`, `VIL-item-pain`,
    `VIL-half-filled`."""
    instrument: FilledLine
    """The instrument that has the total, and under which findings are shown."""
    items: FilledLine | dict[FilledLine, FilledLine] = Field(default_factory=dict)
    """The field of each item: a pattern such as `vil_{item}`, or a table from item to field. A field may be an option
    of a checkbox, `comorbidity(3)`, or one of another event, `[screening_arm_1][sex]`."""
    total: Line = ""
    """The field of the total or the calculated value."""
    grade: Line = ""
    """The field of the grade."""
    grades: dict[FilledLine, StoredCode] = Field(default_factory=dict)
    """The code of each grade or class. Without it: 0, 1, 2 ... from the lowest; of a class its name."""
    values: dict[FilledLine, dict[FilledLine, StoredCode]] = Field(default_factory=dict)
    """The codes of answers that are no numbers: `{ sex = { female = "2", male = "1" } }`."""
    units: dict[FilledLine, FilledLine] = Field(default_factory=dict)
    """The unit of each measured item that can have several: `{ height = "cm" }`, `{ creatinine = "µmol/L" }`."""
    tolerance: Decimal | None = Field(default=None, ge=NOISE)
    """By how much a calculated value may differ from its parts. Without it: by half a unit of its last decimal."""
    missing_code: Line = ""
    """A missing data code of the project; the rules then have examples with it."""
    parts: tuple[ScorePart, ...] = ()
    """Which rules are made: `total`, `grade`, `range`, `items`, `half_filled`. Without it: each whose fields are named;
    `range` and `items`, which choices and limits of the dictionary check as well, only where there is no other."""
    severity: Severity = Severity.MAJOR
    """The severity of its rules."""
    owner: Line = "coordinator"
    """Who is notified of the findings: a role that a person of `study.toml` owns."""
    rules: dict[FilledLine, ScoreRuleTable] = Field(default_factory=dict)
    """What single rules have of their own, by the part of the id behind `id`: `total`, `grade-mild`, `item-pain` ..."""

    @cached_property
    def score(self) -> Score:
        """The score in its variant."""
        return score(self.name, self.variant)

    @cached_property
    def item_fields(self) -> Mapping[str, str]:
        """The reference of each item that is named."""
        if isinstance(self.items, str):
            return {item.key: bracketed(self.items.replace(PATTERN_MARK, item.key)) for item in self.score.items}
        return {key: bracketed(field) for key, field in self.items.items()}

    @property
    def grade_codes(self) -> Mapping[str, str]:
        """What is stored for each grade."""
        if self.grades:
            return self.grades
        is_class = self.score.sheet.form == "class"
        return {one.key: one.key if is_class else str(place) for place, one in enumerate(self.score.variant.grade)}

    @property
    def score_fields(self) -> ScoreFields:
        """Where the study keeps the score."""
        return ScoreFields(
            items=self.item_fields,
            total=bracketed(self.total) if self.total else "",
            grade=bracketed(self.grade) if self.grade else "",
            grade_codes=self.grade_codes,
            name_codes=self.values,
            units=self.units,
            tolerance=self.tolerance,
        )

    @property
    def made_parts(self) -> tuple[ScorePart, ...]:
        """The kinds of rules that are made: those that are named, else what can be made and no dictionary checks."""
        possible = tuple(part for part in get_args(ScorePart) if not self._lacking(part))
        return self.parts or tuple(part for part in possible if part not in OF_DICTIONARY) or possible

    @model_validator(mode="after")
    def _fits_the_library(self) -> Self:
        """The score is known, and what the table names is part of it."""
        self._require_score()
        self._require_keys("items", self.items if isinstance(self.items, dict) else (), self._keys(), whole=False)
        self._require_keys("grades", self.grades, [one.key for one in self.score.variant.grade])
        if self.grades and len(set(self.grades.values())) == 1:
            raise wrong_value("score_alike", key="grades")
        self._require_fields()
        self._require_values()
        self._require_keys("rules", self.rules, self._rule_names(), whole=False)
        for part in self.parts or self._begun():
            if lacking := self._lacking(part):
                raise wrong_value("score_lacks", part=part, lacking=", ".join(lacking))
        if not self.made_parts:
            raise wrong_value("score_nothing")
        return self

    def _begun(self) -> tuple[ScorePart, ...]:
        """Parts of which something is given, so that leaving out the rest is a mistake and no wish."""
        has_items = bool(self.item_fields) and self.score.sheet.form != "class"
        begun: dict[ScorePart, bool] = {"total": has_items and bool(self.total), "grade": bool(self.grade)}
        return tuple(part for part, is_begun in begun.items() if is_begun)

    def _rule_names(self) -> list[str]:
        grades = [rule_name("grade", one.key) for one in self.score.variant.grade]
        return ["total", *grades, "range", *(rule_name("item", key) for key in self._keys()), "half-filled"]

    def _keys(self) -> list[str]:
        return [item.key for item in self.score.items]

    def _require_score(self) -> None:
        sheet = next((one for one in score_sheets() if one.name == self.name), None)
        try:
            score(self.name, self.variant)
        except UsageWrong:
            known = [one.key for one in sheet.variant] if sheet else [one.name for one in score_sheets()]
            code = "score_variant" if sheet else "score_name"
            raise wrong_value(code, known=", ".join(known)) from None

    def _require_keys(self, key: str, given: Collection[str], known: Collection[str], *, whole: bool = True) -> None:
        """What a table names is known, and with `whole` everything known is named."""
        strange = [one for one in given if one not in known]
        if strange or (whole and given and len(given) < len(known)):
            raise wrong_value("score_keys", key=key, known=", ".join(known))

    def _require_fields(self) -> None:
        if isinstance(self.items, str) and PATTERN_MARK not in self.items:
            raise wrong_value("score_pattern", mark=PATTERN_MARK)
        named = (*self.item_fields.values(), *(bracketed(one) for one in (self.total, self.grade) if one))
        for reference in named:
            if not is_reference(reference):
                raise wrong_value("score_field", field=reference)
        for own in (self.total, self.grade):
            if own.startswith("["):
                raise wrong_value("score_own_field", field=own)

    def _require_values(self) -> None:
        """Names have codes and units are named where there are several, of the items that are given."""
        for item in self.score.items:
            if item.key not in self.item_fields:
                continue
            if item.names:
                codes = self.values.get(item.key, {})
                if set(codes) != set(item.names):
                    raise wrong_value("score_keys", key=f"values.{item.key}", known=", ".join(item.names))
                if len(set(codes.values())) < len(codes):
                    raise wrong_value("score_alike", key=f"values.{item.key}")
            if len(item.units) > 1 and self.units.get(item.key) not in item.units:
                raise wrong_value("score_unit", item=item.key, known=", ".join(item.units))
        self._require_keys("units", self.units, [one.key for one in self.score.items if one.units], whole=False)
        self._require_keys("values", self.values, [one.key for one in self.score.items if one.names], whole=False)

    def _lacking(self, part: ScorePart) -> list[str]:
        """The keys that must be given for a part, and are not; `-` where the score has no such rule."""
        chosen = self.score
        items = [f"items.{item.key}" for item in chosen.scored if item.key not in self.item_fields]
        total = [] if self.total else ["total"]
        override = chosen.variant.override
        if part == "items":
            has_codes = any(item.is_points for item in chosen.items)
            return [] if self.item_fields and has_codes else ["items"]
        if chosen.sheet.form == "class" or (part != "range" and not chosen.items):
            return ["-"]
        if (part == "half_filled" and chosen.sheet.form != "sum") or (part == "range" and chosen.variant.formula):
            return ["-"]
        if part == "grade":
            if not chosen.variant.grade:
                return ["-"]
            ulcer = [f"items.{override.item}"] if override and override.item not in self.item_fields else []
            return [*total, *([] if self.grade else ["grade"]), *ulcer]
        return total if part == "range" else [*total, *items]


def rule_name(part: str, key: str) -> str:
    """The name of a rule on one grade or item, which ends its id."""
    return f"{part}-{key.replace('_', '-')}"


def bracketed(written: str) -> str:
    """A field as logic refers to it; what begins with a bracket is a reference already."""
    return written if written.startswith("[") else f"[{written}]"


def is_reference(text: str) -> bool:
    """Whether a text is one reference to a field, and nothing else."""
    try:
        found = parse(text)
    except LogicError:
        return False
    return isinstance(found, Reference) and not found.is_smart
