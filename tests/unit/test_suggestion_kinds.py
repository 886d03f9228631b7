"""Each kind of suggested rule: what speaks for it, what speaks against it, and the row that the rule then finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.model.snapshot import Snapshot
from nightround.rule_desk.suggest.fences import fences
from nightround.rule_desk.suggest.suggesting import Tried, suggestions
from nightround.study.folder import Study, load_study
from redcap_sync.dictionary import Choice, Dictionary, Event, Field, Instrument
from redcap_sync.rows.tables import tables_from_records

TAKEN = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, LAST = "base_arm_1", "later_arm_1"
Row = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """A made-up instrument with rows that keep a rule, one that breaks it, and rows without such an order."""

    rule: str
    fields: Sequence[Field]
    keeps: Sequence[Row]
    breaks: Row = field(default_factory=dict)
    disorder: Sequence[Row] = ()
    """Rows of which the rule is not suggested; none where the dictionary alone speaks for it."""


def text(name: str, validation: str = "", label: str = "", **more: object) -> Field:
    """A text field of the one instrument."""
    return Field(name, "visit", "text", label or name, validation=validation, **more)  # type: ignore[arg-type]


def choice(name: str, codes: Mapping[str, str], kind: str = "radio", **more: object) -> Field:
    """A field with options."""
    options = tuple(Choice(code, label) for code, label in codes.items())
    return Field(name, "visit", kind, more.pop("label", name), choices=options, **more)  # type: ignore[arg-type]


POINTS = {str(one): str(one) for one in range(4)}
ITEMS = tuple(choice(f"item_{one}", POINTS) for one in range(4))
RANDOM = Random(1)
ANSWERS = [[RANDOM.randint(0, 3) for _ in ITEMS] for _ in range(40)]
DAY = date(2025, 3, 1)


def added(answers: Sequence[int], total: int | None = None) -> Row:
    """A row with its items and their total, or another one."""
    items = {one.name: str(answer) for one, answer in zip(ITEMS, answers, strict=True)}
    return {**items, "scale_total": str(sum(answers) if total is None else total)}


def born(years: int, days: int, age: int) -> Row:
    """A row with a date of birth, the day of consent, and an age."""
    consent = DAY + timedelta(days=days)
    return {"dob": str(consent.replace(year=consent.year - years)), "consent_date": str(consent), "age": str(age)}


CASES = [
    Case(
        "TOTAL-SCALE-TOTAL",
        (*ITEMS, text("scale_total", "integer", "Total")),
        [added(one) for one in ANSWERS],
        added(ANSWERS[0], 11 if sum(ANSWERS[0]) != 11 else 10),
        [added(one, RANDOM.randint(0, 12)) for one in ANSWERS],
    ),
    Case(
        "GRADE-GRADE",
        (text("score", "integer", "Score"), choice("grade", {"1": "Mild", "2": "Severe"})),
        [{"score": str(one), "grade": "1" if one < 20 else "2"} for one in range(40)],
        {"score": "39", "grade": "1"},
        [{"score": str(one), "grade": RANDOM.choice("12")} for one in range(40)],
    ),
    Case(
        "AGE-AGE",
        (text("dob", "date_ymd"), text("consent_date", "date_ymd"), text("age", "integer")),
        [born(20 + one, one, 20 + one) for one in range(20)],
        born(30, 1, 50),
        [born(20 + one, one, RANDOM.randint(18, 90)) for one in range(20)],
    ),
    Case(
        "PERIOD-AE-START-AE-END",
        (text("ae_start", "date_ymd"), text("ae_end", "date_ymd")),
        [{"ae_start": str(DAY), "ae_end": str(DAY + timedelta(days=one))} for one in range(20)],
        {"ae_start": str(DAY), "ae_end": str(DAY - timedelta(days=1))},
        [{"ae_start": str(DAY), "ae_end": str(DAY + timedelta(days=one - 10))} for one in range(20)],
    ),
    Case(
        "NONE-HISTORY",
        (choice("history", {"0": "None of the above", "1": "Diabetes", "2": "Stroke"}, "checkbox"),),
        [{"history___0": "1", "history___1": "0", "history___2": "0"}] * 12,
        {"history___0": "1", "history___1": "1", "history___2": "0"},
        [{"history___0": "1", "history___1": "1", "history___2": "0"}] * 12,
    ),
    Case(
        "SPECIFY-RACE-OTHER",
        (choice("race", {"1": "Asian", "9": "Other"}), text("race_other", label="Please specify")),
        [{"race": "9", "race_other": "stated"}] * 12,
        {"race": "9", "race_other": ""},
        [{"race": "9", "race_other": ""}] * 12,
    ),
    Case(
        "NEEDED-DOSE",
        (choice("treated", {"1": "Yes", "0": "No"}), text("dose", "number", minimum="0", maximum="9")),
        [{"treated": "1", "dose": "5"}, {"treated": "0", "dose": ""}] * 40,
        {"treated": "1", "dose": ""},
        [{"treated": "1", "dose": RANDOM.choice(["5", ""])} for _ in range(80)],
    ),
    Case(
        "SHOWN-WEEKS",
        (choice("pregnant", {"1": "Yes", "0": "No"}), text("weeks", branching_logic="[pregnant] = '1'")),
        [{"pregnant": "1", "weeks": "12"}] * 40,
        {"pregnant": "1", "weeks": ""},
        [{"pregnant": "1", "weeks": RANDOM.choice(["12", ""])} for _ in range(40)],
    ),
    Case(
        "RANGE-HB",
        (text("hb", "number"), choice("hb_unit", {"1": "g/L", "2": "g/dL"})),
        [{"hb": str(110 + one), "hb_unit": "1"} for one in range(40)] + [{"hb": "12.4", "hb_unit": "2"}] * 5,
        {"hb": "12.4", "hb_unit": "1"},
        [{"hb": str(10**one), "hb_unit": "1"} for one in range(-4, 5)] * 4,
    ),
    Case(
        "SIDES-ARM-LEFT",
        (text("arm_left", "number"), text("arm_right", "number")),
        [{"arm_left": str(20 + one), "arm_right": str(20 + one + one % 9 / 5)} for one in range(40)],
        {"arm_left": "20", "arm_right": "90"},
        [{"arm_left": str(20 + one), "arm_right": str(RANDOM.randint(20, 60))} for one in range(40)],
    ),
    Case(
        "ONCE-HOSPITAL-NO",
        (text("hospital_no", label="Hospital number"),),
        [{"hospital_no": f"H{one}"} for one in range(30)],
        {"hospital_no": "H1"},
        [{"hospital_no": f"H{one % 3}"} for one in range(30)],
    ),
]


def snapshot(fields: Sequence[Field], rows: Sequence[Row]) -> Snapshot:
    """A classic project with one record a row."""
    dictionary = Dictionary(
        "Made up",
        longitudinal=False,
        fields=(Field("record_id", "visit", "text"), *fields),
        instruments=(Instrument("visit", "Visit"),),
        events=(),
        designations=frozenset(),
        repeating=frozenset(),
    )
    named = [{"record_id": str(number), **row, "visit_complete": "2"} for number, row in enumerate(rows, start=1)]
    return Snapshot("a", "s", TAKEN, "14.5.0", dictionary, tables_from_records(dictionary, named))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study in English without a rule of its own."""
    folder: Path = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_text('[study]\nid = "s"\ntitle = "S"\nlanguage = "en"\n', encoding="utf-8")
    return load_study(folder)


def suggested(study: Study, data: Snapshot) -> dict[str, Tried]:
    """What is suggested, by id."""
    return {one.suggestion.id: one for one in suggestions(study, data, TAKEN.replace(tzinfo=None))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_what_nearly_all_rows_keep_is_suggested(case: Case, study: Study) -> None:
    """The rule is suggested, and finds the one row that breaks it."""
    found = suggested(study, snapshot(case.fields, [*case.keeps, case.breaks]))
    assert case.rule in found
    one = found[case.rule]
    assert one.found == 1
    assert all(rule.title.en and rule.advice.en for rule in one.suggestion.rules)


@pytest.mark.parametrize("case", [one for one in CASES if one.disorder], ids=lambda case: case.rule)
def test_what_many_rows_break_is_not_suggested(case: Case, study: Study) -> None:
    """Rows without such an order suggest no such rule."""
    assert case.rule not in suggested(study, snapshot(case.fields, case.disorder))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_before_any_row_the_dictionary_alone_speaks(case: Case, study: Study) -> None:
    """Without data only that is suggested which the dictionary says, and nothing has a count of rows."""
    found = suggested(study, snapshot(case.fields, []))
    of_dictionary = {"age", "period", "none_box", "specify", "one_person"}
    assert {one.suggestion.kind for one in found.values()} <= of_dictionary
    assert all(one.checked == one.found == 0 for one in found.values())


def test_a_name_with_a_date_of_birth_is_one_person(study: Study) -> None:
    """The name of somebody else is no name of the patient."""
    names = (text("first_name", label="First name"), text("kin_name", label="Name of next of kin: first name"))
    found = suggested(study, snapshot((*names, text("dob", "date_ymd", "Date of birth")), []))
    assert list(found) == ["ONCE-FIRST-NAME-DOB"]


def test_a_change_between_two_visits_is_suggested(study: Study) -> None:
    """Where one visit says much of the next, a jump is found; a number that REDCap calculates too is left out."""
    fields = (Field("record_id", "visit", "text"), text("weight", "number"), text("area", "number"))
    fields = (*fields, Field("area_calc", "visit", "calc", "Area", calculation="[weight] * 2"))
    events = (Event(FIRST, "Base", 1), Event(LAST, "Later", 1))
    places = frozenset((one.unique_name, "visit") for one in events)
    instruments = (Instrument("visit", "Visit"),)
    dictionary = Dictionary("Made up", longitudinal=True, fields=fields, instruments=instruments, events=events,
                            designations=places, repeating=frozenset())  # fmt: skip
    rows = []
    for one in range(40):
        later = 50 + one + one % 9 / 2 + (60 if one == 7 else 0)
        for event, value in ((FIRST, 50.0 + one), (LAST, later)):
            rows.append({"record_id": str(one), "redcap_event_name": event, "weight": str(value), "area": str(value)})
    data = Snapshot("a", "s", TAKEN, "14.5.0", dictionary, tables_from_records(dictionary, rows))
    found = suggested(study, data)
    assert found["CHANGE-WEIGHT-LATER-ARM-1"].found == 1
    assert "CHANGE-AREA-LATER-ARM-1" not in found


def test_a_repeating_row_is_entered_once(study: Study) -> None:
    """Two rows of one record with the same event on the same day are found."""
    fields = (Field("record_id", "first", "text"), text("term"), text("onset", "date_ymd"))
    dictionary = Dictionary(
        "Made up",
        longitudinal=False,
        fields=fields,
        instruments=(Instrument("first", "First"), Instrument("visit", "Event")),
        events=(),
        designations=frozenset(),
        repeating=frozenset({("", "visit")}),
    )
    rows = [
        {"record_id": "1", "redcap_repeat_instrument": "visit", "redcap_repeat_instance": str(one), "term": f"T{one}"}
        | {"onset": str(DAY), "visit_complete": "2"}
        for one in range(1, 13)
    ]
    data = Snapshot("a", "s", TAKEN, "14.5.0", dictionary, tables_from_records(dictionary, rows))
    assert suggested(study, data)["TWICE-VISIT"].found == 0


@settings(max_examples=50)
@given(values=st.lists(st.floats(0.01, 1e6), min_size=8, max_size=60, unique=True))
def test_the_middle_half_lies_inside_the_fences(values: list[float]) -> None:
    """Whatever the values, at least those between the quartiles are inside, and no positive value is below a limit."""
    import pandas as pd

    series = pd.Series(values)
    found = fences(series)
    if found is not None:
        assert found.low >= 0
        assert found.low <= series.quantile(0.25)
        assert found.high >= series.quantile(0.75)
