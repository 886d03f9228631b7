"""Plain loops, written from the reference, cannot contradict the judge on rules A to I and custom rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.model.outcome import Status
from nightround.rule_desk.try_project import try_project
from redcap_sync.dictionary import Dictionary, Field, dictionary_from_api
from redcap_sync.logic import holds, interpret, parse, references
from redcap_sync.odm.project_file import ProjectFile
from redcap_sync.project.custom_rules import CustomRule
from tests.rules_by_hand import Cell, cells_of, codes_of, is_shown, seen_from, value_of

NOW = datetime(2025, 7, 5, 8, 0)  # noqa: DTZ001 - REDCap's clock has no zone
CODES = ("NI", "-99")
LOGICS = (
    "",
    "[sex] = '1'",
    "[signs(2)] = '1'",
    "[age] > 50",
    "[one_arm_1][sex] <> '1'",
    "[dose] = ''",
    "not ([age]<1)",
)
RANGES = (("", ""), ("10", ""), ("", "60.5"), ("10", "60"), ("[other]", ""))
CUSTOM = (
    CustomRule("age", "[age] <> '40'"),
    CustomRule("both", "[age] > 50 and [dose] <> ''"),
    CustomRule("dose", "[dose] = '' or [dose] = '5'"),
    CustomRule("first", "[one_arm_1][sex] = '1' and [seen] <> ''"),
    CustomRule("named", "[one_arm_1][sex] = '1'"),
    CustomRule("record", "[record_id] > 1"),
)
EVENTS = {"one_arm_1": ("visit", "log"), "two_arm_1": ("visit", "doses"), "three_arm_1": ("visit", "log")}
VALUES = {
    "sex": ["", "1", "2", "01", "7", "NI"],
    "age": ["", "5", "10", "40", "60", "61", "abc", "-99", "5.", "1e2", "60,2", "\uff15"],
    "other": ["", "20", "41", "x"],
    "seen": ["", "2025-07-05", "2025-07-06", "2025-02-30", "NI"],
    "signs___1": ["0", "1"],
    "signs___2": ["0", "1"],
    "signs___ni": ["0", "1"],
    "signs____99": ["0", "1"],
    "score": ["", "80", "8", "NI"],
    "doubled": ["", "80", "10", "80.0", "81", "NI"],
    "stamp": ["", "1/NI", "1/", "2/5"],
    "note": ["", "free text", "NI", "-99"],
    "dose": ["", "5", "6", "-99"],
    "unit": ["", "1", "3"],
}


@dataclass(frozen=True)
class Drawn:
    """A random project."""

    project: ProjectFile
    longitudinal: bool


def field_row(name: str, form: str, kind: str, **more: str) -> dict[str, str]:
    """One row of the data dictionary."""
    return {"field_name": name, "form_name": form, "field_type": kind, "field_label": name, **more}


@st.composite
def dictionaries(draw: st.DrawFn, *, longitudinal: bool) -> Dictionary:
    """The same fields every time, with random branching logic, ranges, marks and action tags."""
    validation, choices = "text_validation_type_or_show_slider_number", "select_choices_or_calculations"
    low, high = draw(st.sampled_from(RANGES))
    numeric = draw(st.sampled_from(["integer", "number", "number_comma_decimal"]))
    rows = [
        field_row("record_id", "visit", "text"),
        field_row("sex", "visit", draw(st.sampled_from(["radio", "dropdown"])), **{choices: "1, A | 2, B"}),
        field_row("age", "visit", "text", **{validation: numeric}, text_validation_min=low, text_validation_max=high),
        field_row("other", "visit", "text", **{validation: "number"}),
        field_row("seen", "visit", "text", **{validation: "date_dmy"}, text_validation_max="today"),
        field_row("hint", "visit", "descriptive"),
        field_row("signs", "visit", "checkbox", **{choices: "1, Red | 2, Warm"}),
        field_row("score", "visit", "slider"),
        field_row("doubled", "visit", "calc", **{choices: "[age] * 2"}),
        field_row("stamp", "visit", "text", field_annotation="@CALCTEXT(concat([sex], '/', [dose]))"),
        field_row("note", "log", "notes", field_annotation=draw(st.sampled_from(["", "@NOMISSING"]))),
        field_row("dose", "doses", "text", **{validation: "integer"}),
        field_row("unit", "doses", "radio", **{choices: "1, mg | 2, g"}),
    ]
    for row in rows[1:]:
        logic = draw(st.sampled_from(LOGICS))
        row["branching_logic"] = "" if "[one_arm_1]" in logic and not longitudinal else logic
        row["required_field"] = draw(st.sampled_from(["", "y"]))
    forms = ("visit", "log", "doses")
    repeated = [("two_arm_1", "doses"), ("three_arm_1", "")] if longitudinal else [("", "doses")]
    return dictionary_from_api(
        project={
            "project_title": "SYNTHETIC",
            "is_longitudinal": int(longitudinal),
            "missing_data_codes": draw(st.sampled_from(["", "NI, No information | -99, Asked"])),
        },
        metadata=rows,
        instruments=[{"instrument_name": name, "instrument_label": name} for name in forms],
        events=[{"unique_event_name": name, "event_name": name, "arm_num": 1} for name in EVENTS if longitudinal],
        mapping=[{"unique_event_name": name, "form": form} for name in EVENTS for form in EVENTS[name] if longitudinal],
        repeating=[{"event_name": event, "form_name": form} for event, form in repeated],
    )


@st.composite
def projects(draw: st.DrawFn) -> Drawn:
    """Up to four records with random events, instances and cells."""
    longitudinal = draw(st.booleans())
    dictionary = draw(dictionaries(longitudinal=longitudinal))
    records = []
    for number in range(draw(st.integers(0, 4))):
        for event in draw(st.lists(st.sampled_from(list(EVENTS)), unique=True)) if longitudinal else [""]:
            for form, instance in draw(placed(dictionary, event)):
                records.append({**row_key(number, event, form, instance), **draw(cells(dictionary, event, form))})
    return Drawn(ProjectFile(dictionary, tuple(records), (), "13.8.1"), longitudinal)


def placed(dictionary: Dictionary, event: str) -> st.SearchStrategy[list[tuple[str, int]]]:
    """The rows of a record in an event: its base row and instances, or the instances of the event."""
    instances = st.lists(st.integers(1, 4), unique=True, max_size=3)
    if dictionary.event_repeats(event):
        return instances.map(lambda found: [("", instance) for instance in found])
    repeating = [form for form in dictionary.instruments_at(event) if dictionary.repeats(event, form)]
    more = instances if repeating else st.just([])
    return more.map(lambda found: [("", 0), *((form, instance) for form in repeating for instance in found)])


def row_key(number: int, event: str, form: str, instance: int) -> dict[str, str]:
    """The key columns of an export row."""
    return {
        "record_id": str(number),
        "redcap_event_name": event,
        "redcap_repeat_instrument": form,
        "redcap_repeat_instance": str(instance or ""),
    }


def cells(dictionary: Dictionary, event: str, form: str) -> st.SearchStrategy[dict[str, str]]:
    """Values for the columns that the row can hold."""
    held = [form] if form else [f for f in dictionary.instruments_at(event) if not dictionary.repeats(event, f)]
    columns = [column for name in held for column in dictionary.columns_of(name)]
    return st.fixed_dictionaries({name: st.sampled_from(VALUES[name]) for name in columns if name in VALUES})


def fits(field: Field, value: str) -> bool:
    """Rule C by hand, for the few types drawn here."""
    patterns = {
        "integer": r"[-+]?[0-9]+",
        "number": r"[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?",
        "number_comma_decimal": r"[-+]?[0-9]*,?[0-9]+([eE][-+]?[0-9]+)?",
        "date_dmy": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    }
    matches = re.fullmatch(patterns[field.validation], value) is not None
    return matches and (field.validation != "date_dmy" or value != "2025-02-30")


def amount(value: str) -> Fraction | None:
    """A number, its comma read as a point; or a day as a number, for dates of the calendar."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return None if value == "2025-02-30" else Fraction(value.replace("-", ""))
    plain = value.replace(",", ".")
    return Fraction(plain) if re.fullmatch(r"-?[0-9]+\.?[0-9]*(e[0-9])?", plain, re.ASCII) else None


def outside(field: Field, value: str, seen: Mapping[str, str]) -> bool:
    """Rule D by hand."""
    found = amount(value)
    bounds = [bound.replace("today", "2025-07-05") for bound in (field.minimum, field.maximum)]
    low, high = (amount(seen.get(bound[1:-1], "") if bound.startswith("[") else bound) for bound in bounds)
    return found is not None and ((low is not None and found < low) or (high is not None and found > high))


def is_outlier(field: Field, value: str, drawn: Drawn) -> bool:
    """Rule E by hand, in exact fractions: (x - mean)^2 > 4 * variance of the sample."""
    if not (field.type in ("calc", "slider") or field.validation in ("integer", "number")):
        return False
    codes = codes_of(field, drawn.project.dictionary)
    held = (row.get(field.name, "") for row, _, one in cells_of(drawn.project) if one is field)
    known = [number for text in held if text not in codes and (number := amount(text)) is not None]
    found = amount(value)
    if found is None or value in codes or len(known) < 2:
        return False
    mean = sum(known) / Fraction(len(known))
    return (found - mean) ** 2 > 4 * sum((one - mean) ** 2 for one in known) / (len(known) - 1)


def recomputed(field: Field, seen: Mapping[str, str], codes: set[str]) -> str:
    """Rule H by hand: the two formulas that are drawn here."""
    if field.name == "doubled":
        given = interpret(parse("[age] * 2"), seen, now=NOW, missing_codes=codes)
        return "" if given == "" else f"{given:g}"
    return f"{seen.get('sex', '')}/{seen.get('dose', '')}"


def letters_of(drawn: Drawn, cell: Cell) -> Iterator[str]:  # noqa: C901 - nine rules, one after another
    """Section 2: the letters of the rules that a cell breaks."""
    dictionary = drawn.project.dictionary
    row, _, field = cell
    seen = seen_from(drawn.project, row)
    every = {choice.code for choice in dictionary.missing_data_codes}
    shown = is_shown(drawn.project, row, field, now=NOW)
    value, codes = value_of(row, field, dictionary), codes_of(field, dictionary)
    coded = value in codes
    if field.type == "checkbox":
        ticked = [f"signs___{code}" for code in ("ni", "_99")]
        coded = bool(codes) and any(row.get(column) == "1" for column in ticked)
    plain = value != "" and value not in codes
    if value == "" and shown:
        yield "A"
        if field.required:
            yield "B"
    if plain and field.type == "text" and field.validation and not fits(field, value):
        yield "C"
    if plain and field.type == "text" and field.validation and outside(field, value, seen):
        yield "D"
    if plain and is_outlier(field, value, drawn):
        yield "E"
    if value != "" and not shown:
        yield "F"
    if plain and field.type in ("radio", "dropdown") and not field.has_choice(value):
        yield "G"
    if field.name in ("doubled", "stamp") and not same(value, recomputed(field, seen, every)):
        yield "H"
    if coded:
        yield "I"


def same(stored: str, computed: str) -> bool:
    """Equal as text or as numbers."""
    first, second = amount(stored), amount(computed)
    return stored == computed or (first is not None and first == second)


def broken_cells(drawn: Drawn) -> set[tuple[str, str, str, str, int, str]]:
    """(letter, record, event, instrument, instance, field) of every discrepancy of A to I."""
    return {
        (
            letter,
            row["record_id"],
            row["redcap_event_name"],
            instrument,
            int(row["redcap_repeat_instance"] or 0),
            field.name,
        )
        for row, instrument, field in cells_of(drawn.project)
        for letter in letters_of(drawn, (row, instrument, field))
    }


def can_hold(drawn: Drawn, row: Mapping[str, str], logic: str) -> bool:
    """Whether a row can contain a field that a custom rule refers to."""
    dictionary = drawn.project.dictionary
    held = {field.name for other, _, field in cells_of(drawn.project) if other is row}
    if not row["redcap_repeat_instrument"]:
        held.add(dictionary.record_id_field)
    return any(
        reference.field in held and reference.event in ("", row["redcap_event_name"])
        for reference in references(parse(logic))
    )


@settings(max_examples=60)
@given(projects())
def test_no_letter_contradicts_plain_loops(drawn: Drawn) -> None:
    """Every discrepancy of A to I, and no other, is the one that the loops find."""
    tried = try_project(drawn.project, (), now=NOW)
    assert [reason for one in tried for reason in one.reasons] == []
    found = {(one.id, *row[:-1]) for one in tried for row in one.rows or ()}
    assert found == broken_cells(drawn)
    assert sum(one.discrepancies or 0 for one in tried) == len(found)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["40", "41", "42", "44", "48", "56", "72", "", "NI", "x", "60,2"]), max_size=40))
def test_no_outlier_contradicts_exact_fractions(values: list[str]) -> None:
    """Rule E compares a value with the mean and the sample SD of the whole project, codes and text left out."""
    dictionary = dictionary_from_api(
        project={"project_title": "SYNTHETIC", "missing_data_codes": "NI, No information"},
        metadata=[
            field_row("record_id", "visit", "text"),
            field_row("age", "visit", "text", text_validation_type_or_show_slider_number="number"),
        ],
        instruments=[{"instrument_name": "visit", "instrument_label": "Visit"}],
    )
    records = tuple({**row_key(number, "", "", 0), "age": value} for number, value in enumerate(values))
    drawn = Drawn(ProjectFile(dictionary, records, (), "13.8.1"), longitudinal=False)
    age = dictionary.by_name["age"]
    expected = [row["record_id"] for row in records if is_outlier(age, row["age"], drawn)]
    tried = {one.id: one for one in try_project(drawn.project, (), now=NOW)}
    assert [row.record for row in tried["E"].rows or ()] == expected


@settings(max_examples=30)
@given(projects())
def test_no_denominator_contradicts_plain_loops(drawn: Drawn) -> None:
    """H looks at every cell of a calculated field, A and F between them at every cell with branching logic."""
    tried = {one.id: one for one in try_project(drawn.project, (), now=NOW)}
    every = list(cells_of(drawn.project))
    branched = sum(bool(field.branching_logic) for _, _, field in every)
    assert tried["H"].checked == sum(field.name in ("doubled", "stamp") for _, _, field in every)
    assert (tried["A"].checked or 0) + (tried["F"].checked or 0) == len(every)
    assert (tried["F"].checked or 0) <= branched


@settings(max_examples=40)
@given(projects())
def test_no_custom_rule_contradicts_plain_loops(drawn: Drawn) -> None:
    """A custom rule is evaluated once in every row that can contain one of its fields, blanks compared as ''."""
    rules = [rule for rule in CUSTOM if drawn.longitudinal or "[one_arm_1]" not in rule.logic]
    codes = {choice.code for choice in drawn.project.dictionary.missing_data_codes}
    tried = try_project(drawn.project, rules, now=NOW)[9:]
    assert [one.id for one in tried] == [str(number) for number in range(1, len(rules) + 1)]
    for rule, one in zip(rules, tried, strict=True):
        scope = [row for row in drawn.project.records if can_hold(drawn, row, rule.logic)]
        expected = [
            (row["record_id"], row["redcap_event_name"], int(row["redcap_repeat_instance"] or 0))
            for row in scope
            if holds(parse(rule.logic), seen_from(drawn.project, row), now=NOW, missing_codes=codes)
        ]
        assert one.status is not Status.NOT_EVALUATED, (rule.name, one.reasons)
        found = [(row.record, row.event, row.instance) for row in one.rows or ()]
        assert sorted(found) == sorted(expected), rule.name
        assert one.checked == len(scope)
