"""The score library: published examples, ranges, and what is unknown when."""

from __future__ import annotations

import pytest

from nightround.model.errors import UsageWrong
from nightround.scores.computing_scores import grade_of, rounded_half_up, scored
from nightround.scores.library import Score, all_scores, score, score_sheets
from nightround.scores.score_data import ScoreExample

SCORES = all_scores()
SUMS = [one for one in SCORES if one.sheet.form == "sum"]
NAMES = [f"{one.sheet.name}-{one.variant.key}" for one in SCORES]
EXAMPLES = [(one, example) for one in SCORES for example in one.variant.example]
VILLALTA = score("villalta", "isth_2009")
NO_SIGNS: dict[str, float | str | None] = {item.key: 0 for item in VILLALTA.items}


def lowest(one: Score) -> dict[str, float | str | None]:
    """Every item at its lowest answer."""
    return {item.key: item.low for item in one.items}


def highest(one: Score) -> dict[str, float | str | None]:
    """Every item at its highest answer."""
    return {item.key: item.high for item in one.items}


@pytest.mark.parametrize(
    ("one", "example"), EXAMPLES, ids=[f"{one.sheet.name}-{one.variant.key}-{e.source[:30]}" for one, e in EXAMPLES]
)
def test_a_published_example_comes_out_as_printed(one: Score, example: ScoreExample) -> None:
    """Total and grade are those of the source."""
    found = scored(one, example.values)
    assert (found.total, found.grade or "") == (example.total, example.grade)
    assert (found.missing, found.outside) == ((), ())


@pytest.mark.parametrize("one", SCORES, ids=NAMES)
def test_every_value_has_a_source_and_both_languages(one: Score) -> None:
    """Of items, of the variant, and of each example; and no label is blank."""
    assert one.sheet.item_source
    assert one.variant.source
    assert all(example.source for example in one.variant.example)
    labels = [one.sheet.label, one.variant.label, *(item.label for item in one.items)]
    labels += [grade.label for grade in one.variant.grade]
    assert all(label.zh.strip() and label.en.strip() for label in labels)


@pytest.mark.parametrize("one", [one for one in SCORES if one.items], ids=lambda one: one.sheet.name)
def test_every_score_with_items_has_an_example(one: Score) -> None:
    """A score without one could be wrong unseen."""
    assert one.variant.example


@pytest.mark.parametrize("one", SUMS, ids=lambda one: f"{one.sheet.name}-{one.variant.key}")
def test_lowest_and_highest_answers_give_the_printed_ends(one: Score) -> None:
    """The sum of the maxima is the published maximum, that of the minima the published minimum."""
    assert scored(one, lowest(one)).total == one.variant.minimum
    assert scored(one, highest(one)).total == one.variant.maximum


@pytest.mark.parametrize("one", SCORES, ids=NAMES)
def test_keys_are_unique_and_refer_to_one_another(one: Score) -> None:
    """Items, grades and variants are named once; what they point at is there."""
    items, grades = [item.key for item in one.sheet.item], [grade.key for grade in one.variant.grade]
    assert len(set(items)) == len(items)
    assert len(set(grades)) == len(grades)
    assert set(one.variant.items) <= set(items)
    assert set(one.variant.weights) <= set(items)
    assert {item.unless for item in one.items} - {""} <= {item.key for item in one.items}
    if one.variant.override:
        assert one.variant.override.item in items
        assert one.variant.override.grade in grades
    lows = [grade.low for grade in one.variant.grade]
    assert one.sheet.form == "class" or lows == sorted(set(lows))
    assert all(len(item.levels) in (0, item.high - item.low + 1) for item in one.items)


def test_each_score_and_variant_is_named_once() -> None:
    """A name leads to one file, a variant to one part of it."""
    assert len({sheet.name for sheet in score_sheets()}) == len(score_sheets())
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("blank", [None, "", "  ", "UNK"])
@pytest.mark.parametrize("key", [item.key for item in VILLALTA.scored])
def test_one_unknown_item_makes_the_total_unknown(key: str, blank: str | None) -> None:
    """Blank and missing data code are the same: the total is never the sum of the others."""
    found = scored(VILLALTA, {**NO_SIGNS, key: blank}, missing_codes=["UNK"])
    assert (found.total, found.grade, found.missing) == (None, None, (key,))


def test_an_item_that_is_left_out_is_unknown() -> None:
    """A half-filled form has no total, and names what it lacks."""
    found = scored(VILLALTA, {"pain": 3, "cramps": "2"})
    assert found.total is None
    assert set(found.missing) == {item.key for item in VILLALTA.items} - {"pain", "cramps"}


@pytest.mark.parametrize("answer", [4, -1, 1.5, "x", "1_0", "nan", "1,5"])
def test_an_answer_that_the_item_cannot_have_makes_the_total_unknown(answer: float | str) -> None:
    """It is neither cut to the range nor left out of the sum."""
    found = scored(VILLALTA, {**NO_SIGNS, "pain": answer})
    assert (found.total, found.outside) == (None, ("pain",))


def test_texts_as_redcap_stores_them_are_numbers() -> None:
    """`2` and `2.0` are two points."""
    assert scored(VILLALTA, {**NO_SIGNS, "pain": "2", "redness": " 3.0 "}).total == 5


def test_a_code_that_is_none_of_the_project_is_no_answer() -> None:
    """A word is not mistaken for a missing data code, and not for a zero."""
    assert scored(VILLALTA, {**NO_SIGNS, "pain": "UNK"}).outside == ("pain",)


def test_an_ulcer_is_severe_whatever_the_total_even_where_that_is_unknown() -> None:
    """No total that is missing could make the grade higher or lower."""
    assert scored(VILLALTA, {**NO_SIGNS, "ulcer": 1}).grade == "severe"
    found = scored(VILLALTA, {**NO_SIGNS, "ulcer": 1, "pain": None})
    assert (found.total, found.grade) == (None, "severe")


def test_without_knowing_of_an_ulcer_the_grade_is_known_only_where_it_is_severe_anyway() -> None:
    """A mild total with an unknown ulcer may be severe."""
    unknown = {**NO_SIGNS, "ulcer": None}
    fifteen = dict.fromkeys(("pain", "cramps", "redness", "oedema", "pruritus"), 3)
    assert scored(VILLALTA, unknown).grade is None
    assert scored(VILLALTA, unknown).total == 0
    assert scored(VILLALTA, {**unknown, **fifteen}).grade == "severe"


@pytest.mark.parametrize(
    ("variant", "bands"),
    [
        ("isth_2009", {"none": range(5), "mild": range(5, 10), "moderate": range(10, 15), "severe": range(15, 34)}),
        ("prandoni_1996", {"none": range(5), "mild_to_moderate": range(5, 15), "severe": range(15, 34)}),
    ],
)
def test_each_total_of_villalta_has_the_grade_of_its_scheme(variant: str, bands: dict[str, range]) -> None:
    """The bands have no gap and no overlap."""
    found = {total: grade_of(score("villalta", variant), total) for total in range(34)}
    assert found == {total: grade for grade, totals in bands.items() for total in totals}


@pytest.mark.parametrize(("value", "printed"), [(24.95, 25.0), (24.949, 24.9), (0.05, 0.1), (18.45, 18.5)])
def test_half_a_unit_is_rounded_up(value: float, printed: float) -> None:
    """As a value is rounded by hand, and not to the even digit; what floats cannot hold is no reason to round down."""
    assert rounded_half_up(value, 1) == printed


def test_a_calculated_value_is_graded_as_it_is_printed() -> None:
    """24.96 is printed 25.0, and that is overweight."""
    found = scored(score("bmi", "who_2000"), {"height": 1.0, "weight": 24.96})
    assert (found.total, found.grade) == (25.0, "overweight")


def test_a_child_and_a_third_sex_have_no_egfr() -> None:
    """The equation was made for adults and has two constants."""
    egfr, adult = score("egfr", "ckd_epi_2021"), {"creatinine": 1.0, "age": 40, "sex": "male"}
    assert scored(egfr, adult).total == 98
    assert scored(egfr, {**adult, "age": 17}).outside == ("age",)
    assert scored(egfr, {**adult, "sex": "other"}).total is None


def test_classes_of_ceap_have_an_order_and_no_total() -> None:
    """A class of another revision is none of this one."""
    new, old = score("ceap", "revised_2020"), score("ceap", "revised_2004")
    assert [grade.key for grade in new.variant.grade] == [
        "C0",
        "C1",
        "C2",
        "C2r",
        "C3",
        "C4a",
        "C4b",
        "C4c",
        "C5",
        "C6",
        "C6r",
    ]
    assert scored(new, {"clinical": "C4c"}).total is None
    assert scored(old, {"clinical": "C4c"}).grade is None


def test_the_paper_that_counts_twelve_items_is_named_at_the_score() -> None:
    """What a reader of the paper would count, and what the library counts, are both there."""
    (remark,) = VILLALTA.sheet.remark
    assert "12" in remark.en
    assert "11" in remark.en
    assert "12项" in remark.zh
    assert len(VILLALTA.scored) == 11


def test_a_score_or_variant_that_is_unknown_names_those_that_are_known() -> None:
    """There is no default variant."""
    with pytest.raises(UsageWrong, match="villalta"):
        score("villalte", "isth_2009")
    with pytest.raises(UsageWrong, match="prandoni_1996"):
        score("villalta", "")
