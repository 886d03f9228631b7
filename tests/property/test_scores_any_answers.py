"""Scores of any answers, compared with sums and formulas written out by hand, and with the rules made of them."""

from __future__ import annotations

from math import exp, log
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nightround.model.rule import Example, Rule
from nightround.rule_desk.examples import verdict
from nightround.scores.computing_scores import grade_of, scored
from nightround.scores.library import Score, all_scores, score
from nightround.study.rules.of_scores import rules_of_score
from nightround.study.rules.rule_files import RuleTable, rule_of
from tests.made_scores import table_of

SUMS = [one for one in all_scores() if one.sheet.form == "sum"]
EGFR, BMI = score("egfr", "ckd_epi_2021"), score("bmi", "who_2000")
VILLALTA = score("villalta", "isth_2009")


@st.composite
def answered(draw: st.DrawFn) -> tuple[Score, dict[str, float]]:
    """A score that is added up, with an answer to each item."""
    one = draw(st.sampled_from(SUMS))
    return one, {item.key: draw(st.integers(int(item.low), int(item.high))) for item in one.items}


def charlson_by_hand(given: dict[str, float], weights: dict[str, int], *, with_age: bool) -> float:
    """The index as its papers describe it, one condition after the other."""
    has = {key for key, value in given.items() if value and key != "age"}
    for milder, graver in (
        ("mild_liver", "severe_liver"),
        ("diabetes", "diabetes_damage"),
        ("tumour", "metastatic"),
        ("malignancy", "metastatic"),
    ):
        if graver in has:
            has.discard(milder)
    age = min(max((int(given["age"]) - 40) // 10, 0), 4) if with_age else 0
    return sum(weights[key] for key in has) + age


ONE = (
    "infarct",
    "heart_failure",
    "vascular",
    "stroke",
    "dementia",
    "pulmonary",
    "connective",
    "peptic_ulcer",
    "mild_liver",
    "diabetes",
)
TWO = ["hemiplegia", "renal", "diabetes_damage", "tumour", "leukaemia", "lymphoma"]
WEIGHTS_1987 = {**dict.fromkeys(ONE, 1), **dict.fromkeys(TWO, 2), "severe_liver": 3, "metastatic": 6, "aids": 6}
WEIGHTS_2011 = {
    **dict.fromkeys(["pulmonary", "connective", "diabetes_damage", "renal"], 1),
    **dict.fromkeys(["heart_failure", "dementia", "mild_liver", "hemiplegia", "malignancy"], 2),
    "severe_liver": 4,
    "metastatic": 6,
    "aids": 4,
}


@given(answered())
def test_a_total_is_the_sum_that_a_person_would_write_down(case: tuple[Score, dict[str, float]]) -> None:
    """Every score that is added up, by a formula that shares nothing with the library's data of weights."""
    one, answers = case
    if one.sheet.name == "charlson":
        weights = WEIGHTS_2011 if one.variant.key == "updated_2011" else WEIGHTS_1987
        expected = charlson_by_hand(answers, weights, with_age=one.variant.key == "age_adjusted_1994")
    else:
        expected = sum(value for key, value in answers.items() if (one.sheet.name, key) != ("villalta", "ulcer"))
    found = scored(one, answers)
    assert found.total == expected
    assert one.variant.minimum <= expected <= one.variant.maximum


@given(answered(), st.data())
def test_a_higher_answer_never_gives_a_lower_total_or_grade(
    case: tuple[Score, dict[str, float]], data: st.DataObject
) -> None:
    """Monotone in each item, whatever the others are."""
    one, answers = case
    item = data.draw(st.sampled_from(one.items))
    higher = {**answers, item.key: data.draw(st.integers(int(answers[item.key]), int(item.high)))}
    before, after = scored(one, answers), scored(one, higher)
    assert before.total is not None
    assert after.total is not None
    assert before.total <= after.total
    order = [grade.key for grade in one.variant.grade]
    if before.grade and after.grade:
        assert order.index(before.grade) <= order.index(after.grade)


@given(answered(), st.data())
def test_with_an_unknown_item_there_is_no_total(case: tuple[Score, dict[str, float]], data: st.DataObject) -> None:
    """However many items are unknown, and in whatever way: nothing is ever smaller than the truth."""
    one, answers = case
    keys = data.draw(st.lists(st.sampled_from([item.key for item in one.scored]), min_size=1, unique=True))
    unknown = {key: data.draw(st.sampled_from([None, "", "UNK", "."])) for key in keys}
    found = scored(one, {**answers, **unknown}, missing_codes=["UNK", "."])
    assert found.total is None
    assert set(found.missing) == set(keys)


@given(st.floats(0, 33, allow_nan=False))
def test_every_total_has_a_grade(total: float) -> None:
    """Between the bands there is no gap."""
    expected = "none" if total < 5 else "mild" if total < 10 else "moderate" if total < 15 else "severe"
    assert grade_of(VILLALTA, total) == expected


def egfr_by_hand(creatinine: float, age: float, sex: str) -> float:
    """The equation in logarithms, so that it shares no expression with the library."""
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = log(creatinine / kappa)
    return factor * exp(log(142) + alpha * min(ratio, 0) - 1.2 * max(ratio, 0) + age * log(0.9938))


@given(st.floats(0.2, 15), st.integers(18, 110), st.sampled_from(["female", "male"]))
def test_egfr_is_the_equation_and_falls_with_creatinine_and_age(creatinine: float, age: int, sex: str) -> None:
    """To the rounding of a whole number."""
    found = scored(EGFR, {"creatinine": creatinine, "age": age, "sex": sex}).total
    more = scored(EGFR, {"creatinine": creatinine * 1.1, "age": age, "sex": sex}).total
    older = scored(EGFR, {"creatinine": creatinine, "age": age + 5, "sex": sex}).total
    assert found is not None
    assert more is not None
    assert older is not None
    assert abs(found - egfr_by_hand(creatinine, age, sex)) <= 0.5 + 1e-6
    assert more <= found
    assert older <= found


@given(st.integers(120, 220), st.integers(30, 200))
def test_bmi_is_weight_by_the_square_of_height(height: int, weight: int) -> None:
    """To the rounding of one decimal."""
    found = scored(BMI, {"height": height / 100, "weight": weight}).total
    assert found is not None
    assert abs(found - weight * 10_000 / (height * height)) <= 0.05 + 1e-6


def made(one: Score, name: str) -> Rule:
    """A rule that a score makes."""
    documents = {document["id"]: document for document in rules_of_score(table_of(one))}
    return rule_of(RuleTable.model_validate(documents[f"S-{name}"]), Path("rules.toml"))


TOTAL_RULES = {(one.sheet.name, one.variant.key): made(one, "total") for one in SUMS}
HALF_RULES = {(one.sheet.name, one.variant.key): made(one, "half-filled") for one in SUMS}
GRADE_RULES = [made(VILLALTA, f"grade-{grade.key}") for grade in VILLALTA.variant.grade]
BMI_RULE, EGFR_RULE = made(BMI, "total"), made(EGFR, "total")


def said(rule: Rule, row: dict[str, str]) -> str:
    """What a rule says of a row of a project with one missing data code."""
    return verdict(rule, Example(row, "passes"), ["UNK"])


@given(answered(), st.data())
def test_the_rules_say_what_the_library_computes(case: tuple[Score, dict[str, float]], data: st.DataObject) -> None:
    """A wrong total fails, a right one passes, an unknown one is not checked; a half-filled form with a total fails."""
    one, answers = case
    stored = {key: str(value) for key, value in answers.items()}
    for key in data.draw(st.lists(st.sampled_from([item.key for item in one.scored]), max_size=2, unique=True)):
        stored[key] = data.draw(st.sampled_from(["", "UNK"]))
    right = scored(one, dict(stored), missing_codes=["UNK"]).total
    total = data.draw(st.integers(int(one.variant.minimum), int(one.variant.maximum)) | st.just(int(right or 0)))
    row = {**{f"f_{key}": value for key, value in stored.items()}, "total": str(total)}
    expected = "skipped" if right is None else "passes" if total == right else "fails"
    place = (one.sheet.name, one.variant.key)
    assert said(TOTAL_RULES[place], row) == expected
    assert said(HALF_RULES[place], row) == ("fails" if right is None else "passes")


@given(
    st.integers(0, 33) | st.sampled_from(["", "UNK"]),
    st.sampled_from(["0", "1", "", "UNK"]),
    st.sampled_from(["0", "1", "2", "3"]),
)
def test_a_wrong_grade_fails_one_rule_and_a_right_one_none(total: int | str, ulcer: str, grade: str) -> None:
    """And where the grade cannot be known, none says that it is wrong."""
    row = {"total": str(total), "f_ulcer": ulcer, "grade": grade}
    failed = [rule.id for rule in GRADE_RULES if said(rule, row) == "fails"]
    known: int | None = None
    if ulcer == "1" or (isinstance(total, int) and total >= 15):
        known = 3
    elif ulcer == "0" and isinstance(total, int):
        known = min(total // 5, 3)
    assert len(failed) == (known is not None and str(known) != grade)


@given(st.integers(1200, 2200), st.integers(300, 2000), st.integers(-3, 3))
def test_a_calculated_value_may_differ_by_rounding_alone(height: int, weight: int, off: int) -> None:
    """The printed BMI passes; one that is a tenth away, in either direction, fails."""
    right = scored(BMI, {"height": height / 1000, "weight": weight / 10}).total
    assert right is not None
    row = {"f_height": f"{height / 10:.1f}", "f_weight": f"{weight / 10:.1f}", "total": f"{right + off / 5:.1f}"}
    assert said(BMI_RULE, row) == ("passes" if off == 0 else "fails")


@given(st.integers(20, 1200), st.integers(18, 100), st.sampled_from(["female", "male"]), st.integers(-3, 3))
def test_egfr_of_micromoles_may_differ_by_rounding_alone(micromoles: int, age: int, sex: str, off: int) -> None:
    """The unit of the study and its codes of sex are those of its table."""
    right = scored(EGFR, {"creatinine": micromoles / 88.4, "age": age, "sex": sex}).total
    assert right is not None
    code = {"female": "2", "male": "1"}[sex]
    row = {"f_creatinine": str(micromoles), "f_age": str(age), "f_sex": code, "total": str(int(right) + 2 * off)}
    assert said(EGFR_RULE, row) == ("passes" if off == 0 else "fails")
    assert said(EGFR_RULE, {**row, "f_sex": "3"}) == "skipped"
    assert said(EGFR_RULE, {**row, "f_age": "17"}) == "skipped"
