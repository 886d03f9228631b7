"""A label in two languages is shown in the reader's own."""

import pytest

from nightround.model.language import Words
from nightround.texts.labels import words_of_label
from redcap_sync.dictionary import Event


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


@pytest.mark.parametrize(
    ("label", "custom", "zh", "en"),
    [
        ("Month 6", "术后6个月", "术后6个月", "Month 6"),
        ("Session 1", "第1次手术", "第1次手术", "Session 1"),
        ("术后6个月 Month 6", "随访", "术后6个月", "Month 6"),
        ("Month 6", "", "Month 6", "Month 6"),
        ("Month 6", "[visit_date]", "Month 6", "Month 6"),
        ("Month 6", "访视日期 [visit_date]", "Month 6", "Month 6"),
        ("Month 6", "Follow-up", "Month 6", "Month 6"),
    ],
)
def test_an_event_is_called_by_its_chinese_custom_label(label: str, custom: str, zh: str, en: str) -> None:
    """A Chinese custom label translates the event's own; piped fields and another English text do not."""
    event = Event("month_6_arm_1", label, 1, custom_label=custom)
    assert words_of_label(event.in_both) == Words(zh, en)
    assert event.label == label
