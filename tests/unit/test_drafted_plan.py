"""The plan that is drafted from a data dictionary can be read, and says of each field what it is."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.model.language import LANGUAGES
from nightround.study.first_folder.draft_plan import drafted_plan
from nightround.study.first_folder.field_words import is_unknown, unit_of
from nightround.study.first_folder.first_files import (
    FirstAnswers,
    FirstStructure,
    first_files,
    study_id,
    write_first_folder,
)
from nightround.study.folder import load_study
from nightround.study.plan import FieldRef, Plan, Variable
from redcap_sync.dictionary import Choice, Dictionary, Event, Field, Instrument

BASE, LATER = "base_arm_1", "later_arm_1"
VISITS = (Event(BASE, "Base", 1), Event(LATER, "Later", 1))
SEX = (Choice("1", "Male"), Choice("2", "Female"), Choice("9", "Unknown"))


def dictionary(
    *fields: Field, events: tuple[Event, ...] = (), repeating: frozenset[tuple[str, str]] = frozenset()
) -> Dictionary:
    """A project of one instrument that is filled in at each of the events."""
    return Dictionary(
        title="A made-up project",
        longitudinal=bool(events),
        fields=(Field("record_id", "visit", "text"), *fields),
        instruments=(Instrument("visit", "Visit"),),
        events=events,
        designations=frozenset((one.unique_name, "visit") for one in events),
        repeating=repeating,
    )


def number(name: str, **more: object) -> Field:
    """A field that contains a number."""
    return Field(name, "visit", "text", validation="number", **more)  # type: ignore[arg-type]


def plan_of(project: Dictionary) -> Plan:
    """The drafted plan, read back."""
    return Plan.model_validate(tomllib.loads(drafted_plan(project, ("en",)).decode()))


def variables_of(plan: Plan, table: str = "baseline") -> dict[str, Variable]:
    """The variables of a table by id."""
    return {one.id: one for one in plan.table(table).variables}


def test_numbers_are_measured_with_the_unit_of_their_note() -> None:
    """A number is continuous, its unit is that of the note, and its reference is its field."""
    weight = variables_of(plan_of(dictionary(number("weight", label="Weight", note="kg"))))["weight"]
    assert (weight.type, weight.unit.en, weight.field) == ("continuous", "kg", FieldRef("", "weight"))


@pytest.mark.parametrize(
    ("label", "note", "unit"),
    [
        ("Weight", "kg", "kg"),
        ("Weight (kg)", "", "kg"),
        ("肌酐", "单位：μmol/L", "μmol/L"),
        ("Pressure", "(mmHg)", "mmHg"),
        ("Weight", "please ask the patient", ""),
        ("Visit (first)", "", ""),
        ("年龄（岁）", "", "岁"),
        ("BMI", "kg/m2", "kg/m2"),
    ],
)
def test_a_unit_is_taken_where_it_is_one(label: str, note: str, unit: str) -> None:
    """A note in other words is no unit, and a label names one in brackets at its end."""
    assert unit_of(number("f", label=label, note=note)) == unit


def test_answers_are_categories_and_unknown_is_missing() -> None:
    """Codes of a choice are levels with their labels, but for the one that says that nothing is known."""
    sex = variables_of(plan_of(dictionary(Field("sex", "visit", "radio", label="Sex", choices=SEX))))["sex"]
    assert [(one.id, one.label.en) for one in sex.levels] == [("1", "Male"), ("2", "Female")]


@pytest.mark.parametrize("label", ["Other", "None", "No", "Unknown primary tumour", "其他", "无"])
def test_an_answer_is_not_taken_for_unknown(label: str) -> None:
    """What only resembles a refusal to answer stays a category."""
    assert not is_unknown(Choice("1", label), dictionary())


def test_one_answer_of_two_is_shown_only_of_yes_and_no() -> None:
    """Of a yes or no one line is printed; codes 0 and 1 with other names are categories with their names."""
    yes = (Choice("1", "Yes"), Choice("0", "No"))
    sex = (Choice("1", "Male"), Choice("0", "Female"))
    found = variables_of(
        plan_of(dictionary(Field("a", "visit", "yesno", choices=yes), Field("b", "visit", "radio", choices=sex)))
    )
    assert (found["a"].shown, found["b"].shown) == ("1", "")


def test_identifiers_and_texts_are_left_out() -> None:
    """Neither a field that contains an identifier nor free text is in the table."""
    fields = (number("phone", identifier=True), Field("note", "visit", "notes"), number("age"))
    assert [*variables_of(plan_of(dictionary(*fields)))] == ["age"]


def test_first_and_last_visit_are_a_pair() -> None:
    """A number that is asked at two events is in the baseline table at the first, and a pair of both."""
    plan = plan_of(dictionary(number("score"), events=VISITS))
    assert variables_of(plan)["score"].field == FieldRef(BASE, "score")
    pair = variables_of(plan, "before_after")["score"]
    assert (pair.before, pair.after) == (FieldRef(BASE, "score"), FieldRef(LATER, "score"))


@pytest.mark.parametrize("repeats", ["visit", ""], ids=["instrument", "event"])
def test_what_repeats_is_not_planned(repeats: str) -> None:
    """An instrument with several rows a record has no one value, so it is in no table."""
    repeating = frozenset((event, repeats) for event in (BASE, LATER))
    assert plan_of(dictionary(number("score"), events=VISITS, repeating=repeating)).tables == ()


def test_the_endpoint_is_a_question_that_becomes_an_endpoint() -> None:
    """No endpoint is planned; the commented lines, without their marks, are one that can be read."""
    text = drafted_plan(dictionary(Field("sex", "visit", "radio", choices=SEX)), ("en",)).decode()
    assert Plan.model_validate(tomllib.loads(text)).endpoints == ()
    # Questions are sentences; what is to be used as it is begins with a bracket or a key.
    used = re.sub(r"(?m)^# (?=\[|\w+ = )", "", text)
    assert [one.id for one in Plan.model_validate(tomllib.loads(used)).endpoints] == ["primary"]


texts = st.text(max_size=40)
FIELDS = st.lists(
    st.builds(
        Field,
        name=st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True),
        instrument=st.just("visit"),
        type=st.sampled_from(["text", "radio", "checkbox", "yesno", "calc", "slider", "notes", "descriptive", "sql"]),
        label=texts,
        note=texts,
        validation=st.sampled_from(["", "number", "integer", "number_2dp", "number_comma_decimal", "date_ymd"]),
        choices=st.lists(
            st.builds(Choice, st.from_regex(r"[0-9A-Za-zé .-]{1,4}", fullmatch=True), texts),
            max_size=14,
            unique_by=lambda one: one.code,
        ).map(tuple),
    ),
    max_size=50,
    unique_by=lambda one: one.name,
)


@given(fields=FIELDS, longitudinal=st.booleans(), languages=st.sampled_from([LANGUAGES, ("zh",), ("en",)]))
def test_every_dictionary_gives_a_plan(*, fields: list[Field], longitudinal: bool, languages: tuple[str, ...]) -> None:
    """Whatever labels, notes and choices say, the drafted file is TOML and a valid plan."""
    project = dictionary(*fields, events=VISITS if longitudinal else ())
    Plan.model_validate(tomllib.loads(drafted_plan(project, languages).decode()))  # type: ignore[arg-type]


@given(title=texts)
def test_a_study_of_any_title_is_read_back(title: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The folder of a project with whatever title can be loaded."""
    project = Dictionary(title, False, (number("record_id"),), (Instrument("visit", ""),), (), frozenset(), frozenset())
    folder = tmp_path_factory.mktemp("study")
    write_first_folder(folder, first_files(FirstStructure(project, ()), FirstAnswers(("en",)), folder))
    assert load_study(folder).id == study_id(project)


def test_two_projects_have_two_ids() -> None:
    """Another title, field, number or server is another id; the same project has the same one."""
    one = dictionary(number("age"))
    assert study_id(one) == study_id(dictionary(number("age")))
    others = {study_id(one), study_id(dictionary(number("sex"))), study_id(one, "https://b.example/api/")}
    assert len(others) == 3


def test_no_file_is_replaced(tmp_path: Path) -> None:
    """A folder that has a study keeps it, to the byte."""
    (tmp_path / "study.toml").write_text("kept")
    with pytest.raises(Exception, match="already"):
        write_first_folder(tmp_path, {"study.toml": b"new"})
    assert (tmp_path / "study.toml").read_text() == "kept"
