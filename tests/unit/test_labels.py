"""A label in two languages is shown in the reader's own."""

import pytest

from nightround.labels import words_of_label


@pytest.mark.parametrize(
    ("label", "zh", "en"),
    [
        ("球囊扩张手术 Balloon session", "球囊扩张手术", "Balloon session"),
        ("6 个月结局 Outcome at month 6", "6 个月结局", "Outcome at month 6"),
        ("D-二聚体 D-dimer", "D-二聚体", "D-dimer"),
        ("其他，请说明 Other, please describe", "其他，请说明", "Other, please describe"),
        ("IVC 中段横径（滤器中点） Mid IVC diameter", "IVC 中段横径（滤器中点）", "Mid IVC diameter"),
        ("Villalta 评分 Villalta score", "Villalta 评分", "Villalta score"),
    ],
)
def test_two_languages_are_taken_apart(label: str, zh: str, en: str) -> None:
    """Chinese first, English after a space: each language has its part."""
    assert words_of_label(label) == (zh, en)


@pytest.mark.parametrize("label", ["Balloon session", "实验室检查", "VCSS 评分", "Score 评分 total 总分", ""])
def test_one_language_stands_for_both(label: str) -> None:
    """A label that is not clearly two languages is left as it is."""
    assert words_of_label(label) == (label, label)
