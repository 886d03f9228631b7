"""Drafts the analysis plan of a study that has none, from its data dictionary alone.

It takes no look at the data: which variables are described is fixed before a value is seen. Nothing is compared
and no endpoint is chosen; both are a decision of the investigator, and the file asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from nightround.model.language import LANGUAGES, Language, Words
from nightround.study.first_folder.field_words import (
    is_unknown,
    label_words,
    one_language,
    plain,
    unit_of,
    without_unit,
)
from nightround.study.first_folder.plan_places import PlanPlaces, reference
from nightround.study.first_folder.toml_text import Value, comment, document, table
from nightround.texts.catalogue import words
from redcap_sync.column_name import checkbox_column
from redcap_sync.dictionary import Choice, Dictionary, Field

MOST_LINES = 40
"""Variables of a drafted table: a longer one is read by nobody."""
MOST_LEVELS = 12
"""Answers of a variable of the table; a field with more is a list of sites, drugs or codes."""
CHOICES = ("radio", "dropdown", "yesno", "truefalse")
YES, NO = "1", "0"
_YES = re.compile("(?:yes|true|是|有)(?: (?:yes|true|是|有))?", re.IGNORECASE)
_NO = re.compile("(?:no|false|否|无)(?: (?:no|false|否|无))?", re.IGNORECASE)


@dataclass(frozen=True)
class _Line:
    """A variable of the plan and the instrument under whose heading it is printed."""

    instrument: str
    keys: dict[str, Value]


def drafted_plan(dictionary: Dictionary, languages: tuple[Language, ...] = LANGUAGES) -> bytes:
    """The text of a `plan.toml`: a baseline table, before and after by event, and the endpoint as a question."""
    draft = _Draft(dictionary, languages)
    return document(draft.lines())


@dataclass(frozen=True)
class _Draft:
    dictionary: Dictionary
    languages: tuple[Language, ...]

    @property
    def places(self) -> PlanPlaces:
        return PlanPlaces(self.dictionary)

    def lines(self) -> Iterator[str]:
        yield from self._asked("plan_head")
        yield from table("", {"policy": "recommended", "population": "all"})
        yield from table("[[flow]]", {"id": "all", "label": self._said("everyone"), **self._of_first_arm()})
        baseline = [line for field in self._at_baseline() for line in self._baseline(field)]
        yield from self._table("baseline", "by_group", baseline)
        yield from self._table(
            "before_after", "before_after", [self._paired(field) for field in self._measured_twice()]
        )
        yield ""
        yield from self._asked("plan_endpoint")
        yield from (f"# {line}".rstrip() for line in self._endpoint_example())
        yield ""
        yield from self._asked("plan_groups")

    def _asked(self, code: str, **facts: object) -> Iterator[str]:
        text = words(f"first_folder.{code}", **facts)
        for language in self.languages:
            yield from comment(text.in_(language))

    def _said(self, code: str, **facts: object) -> Words:
        return one_language(words(f"first_folder.{code}", **facts), self.languages)

    def _label(self, text: str, name: str) -> Words:
        return label_words(text, name, self.languages)

    def _of_first_arm(self) -> dict[str, Value]:
        """Of several arms the patients of the first: whoever has a row of its first instrument."""
        if not self.places.several_arms:
            return {}
        event = self.places.events[0]
        at_event = (one.name for one in self.dictionary.instruments if event in self.places.events_of(one.name))
        first = next(at_event, "")
        return {"where": ({"field": reference(event, self.dictionary.columns_of(first)[-1])},)} if first else {}

    # --- which fields

    def _fields(self) -> tuple[Field, ...]:
        """What a table of baseline data can print of a field: neither who a patient is, nor free text, nor a date."""
        return tuple(
            one
            for one in self.dictionary.fields[1:]
            if not one.identifier
            and "@HIDDEN" not in one.annotation
            and (one.kind == "number" or one.type in (*CHOICES, "checkbox"))
            and self.places.first(one) is not None
        )

    def _at_baseline(self) -> list[Field]:
        """The fields of the first event that has any; what is first asked later describes no baseline."""
        first = {one.name: self.places.first(one) for one in self._fields()}
        event = next((event for event in self.places.events if event in first.values()), None)
        return [one for one in self._fields() if first[one.name] == event]

    def _measured_twice(self) -> list[Field]:
        return [one for one in self._fields() if one.kind == "number" and self.places.pair(one)]

    # --- one variable

    def _baseline(self, field: Field) -> Iterator[_Line]:
        event = self.places.first(field) or ""
        if field.kind == "number":
            yield _Line(field.instrument, {**self._measured(field), "field": reference(event, field.name)})
        elif field.type == "checkbox":
            yield from self._ticked(field, event)
        else:
            yield from self._answered(field, event)

    def _measured(self, field: Field) -> dict[str, Value]:
        unit = unit_of(field)
        label = without_unit(field.label) if unit else field.label
        return {
            "id": field.name,
            "label": self._label(label, field.name),
            **({"unit": unit} if unit else {}),
            "type": "continuous",
            "summary": "median_quartiles",
            "digits": _digits(field),
        }

    def _answered(self, field: Field, event: str) -> Iterator[_Line]:
        answers = [one for one in field.choices if not is_unknown(one, self.dictionary)]
        if not 1 <= len(answers) <= MOST_LEVELS:
            return
        levels = tuple(self._level(one) for one in answers)
        keys: dict[str, Value] = {"id": field.name, "label": self._label(field.label, field.name)}
        # "Sex 12 (40%)" says nothing; only of a yes or no the label alone says what is counted.
        kind = "dichotomous" if _is_yes_or_no(field) else "categorical"
        keys |= {"type": kind, "summary": "n_percent", **({"shown": YES} if kind == "dichotomous" else {})}
        yield _Line(field.instrument, {**keys, "field": reference(event, field.name), "levels": levels})

    def _level(self, choice: Choice) -> dict[str, Value]:
        return {"id": choice.code, "label": self._label(choice.label, choice.code), "codes": (choice.code,)}

    def _ticked(self, field: Field, event: str) -> Iterator[_Line]:
        """A line for each box: several may be ticked, so their shares do not add up to all."""
        boxes = [one for one in field.choices if not is_unknown(one, self.dictionary)]
        if len(boxes) > MOST_LEVELS:
            return
        answers = ((YES, "ticked"), (NO, "not_ticked"))
        levels: tuple[Value, ...] = tuple(
            {"id": code, "label": self._said(name), "codes": (code,)} for code, name in answers
        )
        # Boxes whose codes differ only in what a column's name cannot say share one column.
        columns = {checkbox_column(field.name, box.code): box for box in boxes}
        for column, box in columns.items():
            label = self._said("box", field=self._label(field.label, field.name), box=self._label(box.label, box.code))
            yield _Line(
                field.instrument,
                {
                    "id": column,
                    "label": label,
                    "type": "dichotomous",
                    "summary": "n_percent",
                    "shown": YES,
                    "field": reference(event, column),
                    "levels": levels,
                },
            )

    def _paired(self, field: Field) -> _Line:
        before, after = self.places.pair(field) or ("", "")
        pair: dict[str, Value] = {"before": reference(before, field.name), "after": reference(after, field.name)}
        return _Line(field.instrument, {**self._measured(field), **pair})

    # --- tables

    def _table(self, table_id: str, kind: str, lines: list[_Line]) -> Iterator[str]:
        if not lines:
            return
        left_out = [str(line.keys["id"]) for line in lines[MOST_LINES:]]
        if left_out:
            yield ""
            yield from self._asked("left_out", count=len(left_out))
            yield from comment(", ".join(left_out))
        yield from table("[[tables]]", {"id": table_id, "title": self._said(table_id), "kind": kind})
        yield from self._sections(lines[:MOST_LINES])

    def _sections(self, lines: Iterable[_Line]) -> Iterator[str]:
        titles = {one.name: one.label for one in self.dictionary.instruments}
        for name, own in groupby(lines, key=lambda line: line.instrument):
            yield from table("[[tables.sections]]", {"label": self._label(titles.get(name, ""), name)})
            for line in own:
                yield from table("[[tables.sections.variables]]", line.keys)

    def _endpoint_example(self) -> Iterator[str]:
        """An endpoint of the last answered field of the plan, as it would be written."""
        asked = [one for one in self._fields() if one.type in CHOICES and one.choices]
        if not asked:
            return
        field = asked[-1]
        event = (self.places.events_of(field.instrument) or ("",))[-1]
        keys: dict[str, Value] = {
            "id": "primary",
            "label": self._label(field.label, field.name),
            "among": "all",
            "field": reference(event, field.name),
            "codes": (field.choices[0].code,),
            "primary": True,
        }
        yield from (line for line in table("[[endpoints]]", keys) if line)


def _is_yes_or_no(field: Field) -> bool:
    """Whether a field is answered by yes (1) or no (0) and by nothing else."""
    answers = {one.code: plain(one.label) for one in field.choices}
    return set(answers) == {YES, NO} and bool(_YES.fullmatch(answers[YES]) and _NO.fullmatch(answers[NO]))


def _digits(field: Field) -> int:
    """Decimals of the median: those of a field that fixes them, else one."""
    digits = field.validation.removeprefix("number_")[:1]
    return int(digits) if field.validation.startswith("number_") and digits.isdigit() else 1
