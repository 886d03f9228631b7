"""Scores are recognised in a data dictionary by their items, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.rule_desk.examples import run_examples
from nightround.scores.library import Score, all_scores, score, score_sheets
from nightround.scores.recognition import FEW, RecognisedScore, recognised_scores
from nightround.scores.score_data import InBoth, ScoreItem
from nightround.study.rules.of_scores import rules_of_score
from nightround.study.rules.rule_files import RuleTable, rule_of
from nightround.study.rules.score_tables import ScoresTable
from redcap_sync.dictionary import Choice, Dictionary, Field, Instrument
from redcap_sync.odm.project_file import read_project_file
from redcap_sync.project.dictionary_csv import dictionary_from_csv
from redcap_sync.project.project_folder import dictionary_from_folder

PUBLIC = Path(__file__).parents[3] / "shared" / "redcap_projects"
SHIPPED = dictionary_from_folder(Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "project")
SUMS = [one for one in all_scores() if one.sheet.form == "sum"]
LABELS: dict[str, Callable[[InBoth], str]] = {
    "zh": lambda label: label.zh,
    "en": lambda label: f"<b>{label.en}</b>:",
    "both": lambda label: f"{label.zh} {label.en}",
}
SEX = Field("sex", "form", "radio", "Sex", (Choice("1", "Male"), Choice("2", "Female")))
AGE = Field("age", "form", "text", "Age", validation="integer")
CREATININE = Field("cr", "form", "text", "Creatinine", note="μmol/L", validation="number")
EGFR = Field("egfr", "form", "text", "eGFR (CKD-EPI 2021)", validation="number")


def dictionary_of(*fields: Field, title: str = "A form") -> Dictionary:
    """A project of one instrument with these fields."""
    first = Field("record_id", "form", "text")
    return Dictionary("t", False, (first, *fields), (Instrument("form", title),), (), frozenset(), frozenset())


def fields_of(one: Score, language: str) -> list[Field]:
    """A field for each item, named by number alone."""
    return [_field(f"q{place}", item, LABELS[language](item.label)) for place, item in enumerate(one.items)]


def _field(name: str, item: ScoreItem, label: str) -> Field:
    if not item.is_points:
        return Field(name, "form", "text", label, validation="integer")
    codes = [str(code) for code in range(int(item.low), int(item.high) + 1)]
    return Field(name, "form", "radio", label, tuple(Choice(code, f"answer {code}") for code in codes))


def names(found: tuple[RecognisedScore, ...]) -> list[str]:
    """The scores by name."""
    return [one.name for one in found]


def test_the_scores_of_the_first_study_are_recognised_with_every_field() -> None:
    """Villalta with its four grades, VCSS, and BMI with the unit of height; nothing else of its 20 instruments."""
    bmi, vcss, villalta = recognised_scores(SHIPPED)
    assert names((bmi, vcss, villalta)) == ["bmi", "vcss", "villalta"]
    assert all(one.certain for one in (bmi, vcss, villalta))
    assert villalta.variants == ("isth_2009",)
    assert villalta.items == {item.key: f"vil_{item.key}" for item in score("villalta", "isth_2009").items}
    assert (villalta.total, villalta.grade) == ("villalta_total", "pts_grade")
    assert vcss.items == {item.key: f"vcss_{item.key}" for item in score("vcss", "revised_2010").items}
    assert (bmi.total, bmi.items, bmi.units) == (
        "bmi",
        {"height": "height_cm", "weight": "weight_kg"},
        {"height": "cm"},
    )


def test_what_is_recognised_can_be_asked_for_as_it_is() -> None:
    """The fields, units and codes of a proposal make `[[scores]]` of a rule file, and its rules are right."""
    proposals = (*recognised_scores(SHIPPED), *recognised_scores(dictionary_of(SEX, AGE, CREATININE, EGFR)))
    assert names(proposals) == ["bmi", "vcss", "villalta", "egfr"]
    for one in proposals:
        table = ScoresTable(
            name=one.name,
            variant=one.variants[0],
            id="S",
            instrument=one.instrument,
            items=dict(one.items),
            total=one.total,
            grade=one.grade,
            units=dict(one.units),
            values={item: dict(codes) for item, codes in one.values.items()},
        )
        rules = [rule_of(RuleTable.model_validate(each), Path("r.toml")) for each in rules_of_score(table)]
        assert rules
        assert run_examples(rules).wrong == ()


@pytest.mark.parametrize("language", LABELS)
@pytest.mark.parametrize("one", SUMS, ids=[f"{one.sheet.name}-{one.variant.key}" for one in SUMS])
def test_a_form_with_the_items_of_a_score_is_recognised(one: Score, language: str) -> None:
    """By labels in either language and the codes alone, in whatever order; each field is that of its item."""
    fields = fields_of(one, language)
    (found,) = [
        each
        for each in recognised_scores(dictionary_of(*reversed(fields), title=one.sheet.short.en))
        if each.name == one.sheet.name
    ]
    assert one.variant.key in found.variants
    assert found.items == {item.key: field.name for item, field in zip(one.items, fields, strict=True)}
    assert {clue.item for clue in found.clues if clue.kind == "label"} == set(found.items)
    assert found.certain


@pytest.mark.parametrize("one", SUMS, ids=[f"{one.sheet.name}-{one.variant.key}" for one in SUMS])
def test_items_with_other_codes_are_no_score(one: Score) -> None:
    """1 to 4 for 0 to 3 would make every total wrong."""
    shifted = [
        replace(field, choices=tuple(Choice(f"{int(choice.code) + 1}", choice.label) for choice in field.choices))
        for field in fields_of(one, "en")
    ]
    assert one.sheet.name not in names(recognised_scores(dictionary_of(*shifted, title=one.sheet.short.en)))


@pytest.mark.parametrize("one", SUMS, ids=[f"{one.sheet.name}-{one.variant.key}" for one in SUMS])
def test_half_of_the_items_is_no_score(one: Score) -> None:
    """Not even where the form is named after it."""
    half = fields_of(one, "en")[: len(one.scored) // 2]
    assert one.sheet.name not in names(recognised_scores(dictionary_of(*half, title=one.sheet.short.en)))


def test_a_few_common_words_are_a_score_only_under_its_name() -> None:
    """Three items of the Glasgow scale are also items of other forms."""
    gcs = score("gcs", "teasdale_1974")
    assert len(gcs.items) < FEW
    assert recognised_scores(dictionary_of(*fields_of(gcs, "en"))) == ()
    assert names(recognised_scores(dictionary_of(*fields_of(gcs, "en"), title="GCS"))) == ["gcs"]


@given(st.data())
def test_other_symptoms_of_0_to_3_are_no_score(data: st.DataObject) -> None:
    """A form of symptoms that shares some words with Villalta and VCSS, whatever words, is none of them."""
    shared = ["Pain", "Oedema", "Redness", "Pruritus", "疼痛", "Inflammation", "Number of active ulcers"]
    others = ["Nausea", "Fever", "恶心", "Fatigue", "Painful swallowing", "Ulcer of the mouth", "Redness of the eye"]
    labels = data.draw(st.lists(st.sampled_from(shared + others), max_size=20))
    choices = tuple(Choice(str(code), str(code)) for code in range(4))
    fields = [Field(f"q{place}", "form", "radio", label, choices) for place, label in enumerate(labels)]
    assert recognised_scores(dictionary_of(*fields)) == ()


def test_egfr_needs_its_own_field_every_part_and_a_unit() -> None:
    """Sex and its codes, age, creatinine with its unit; leaving out any of them leaves nothing to propose."""
    (found,) = recognised_scores(dictionary_of(SEX, AGE, CREATININE, EGFR))
    assert found.name == "egfr"
    assert found.units == {"creatinine": "µmol/L"}
    assert found.values == {"sex": {"female": "2", "male": "1"}}
    third = replace(SEX, choices=(Choice("1", "Man"), Choice("2", "Male"), Choice("3", "Female")))
    for fields in (
        (AGE, CREATININE, EGFR),
        (SEX, CREATININE, EGFR),
        (SEX, AGE, EGFR),
        (SEX, AGE, CREATININE),
        (SEX, AGE, replace(CREATININE, note=""), EGFR),
        (third, AGE, CREATININE, EGFR),
        (SEX, AGE, CREATININE, replace(CREATININE, name="cr2"), EGFR),
    ):
        assert recognised_scores(dictionary_of(*fields)) == ()


@pytest.mark.parametrize("variant", score_sheets()[1].variant, ids=lambda one: one.key)
@pytest.mark.parametrize("coded", [True, False])
def test_ceap_is_recognised_by_its_classes(variant: object, *, coded: bool) -> None:
    """In the codes or at the beginning of the labels; with one class too few it is no variant of it."""
    one = next(each for each in all_scores() if each.variant == variant)
    keys = [grade.key for grade in one.variant.grade]
    choices = tuple(
        Choice(key if coded else str(place), "x" if coded else f"{key} - text") for place, key in enumerate(keys)
    )
    field = Field("ceap_c", "form", "dropdown", "CEAP clinical class", choices)
    (found,) = recognised_scores(dictionary_of(field))
    assert (found.name, found.variants, found.items) == ("ceap", (one.variant.key,), {"clinical": "ceap_c"})
    assert found.grades == {key: key if coded else str(place) for place, key in enumerate(keys)}
    assert recognised_scores(dictionary_of(replace(field, choices=choices[:-2]))) == ()


CALCULATED = {
    "redcapr-dag": [("demographics", "bmi")],
    "redcapr-longitudinal": [("demographics", "bmi"), ("baseline_data", "bmi2")],
    "redcapr-simple": [("health", "bmi")],
}
"""What public projects do have: a BMI that REDCap calculates from height in cm and weight in kg."""


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public projects are not here")
def test_public_projects_have_the_bmi_that_they_calculate_and_no_other_score() -> None:
    """Each hit was looked at: height in cm, weight in kg, and a calculation of BMI from both."""
    dictionaries = {f"{file.parent.name} csv": dictionary_from_csv(file) for file in PUBLIC.rglob("dictionary.csv")}
    projects = {f"{file.parent.name} {file.stem}": read_project_file(file) for file in PUBLIC.rglob("*.xml")}
    dictionaries |= {name: project.dictionary for name, project in projects.items()}
    assert len(dictionaries) > 10
    for name, dictionary in dictionaries.items():
        found = recognised_scores(dictionary)
        assert [(one.instrument, one.total) for one in found] == CALCULATED.get(name.split()[0], [])
        for one in found:
            (calculation,) = [clue.text for clue in one.clues if clue.kind == "calculation"]
            assert one.name == "bmi"
            assert one.units == {"height": "cm"}
            assert all(f"[{field}]" in calculation for field in one.items.values())
