"""Logic is said in Chinese and English with the labels of the study."""

from __future__ import annotations

import re

import pytest

from redcap_sync.dictionary import Choice, Dictionary, Event, Field, Instrument
from redcap_sync.logic import in_words, parse
from redcap_sync.logic.labels import label_in
from redcap_sync.logic.language import CALCDATE, FUNCTIONS
from redcap_sync.logic.wording_phrases import LANGUAGES, phrases

GRADES = (Choice("0", "无 None"), Choice("3", "重度 Severe"))
DICTIONARY = Dictionary(
    title="Synthetic study",
    longitudinal=True,
    fields=(
        Field("record_id", "scores", "text"),
        Field("total", "scores", "text", label="Villalta总分 Villalta total", validation="integer"),
        Field("grade", "scores", "radio", label="PTS分级 PTS grade", choices=GRADES),
        Field("ulcer", "scores", "yesno", label="溃疡 Ulcer:", choices=(Choice("1", "Yes"), Choice("0", "No"))),
        Field("why", "scores", "checkbox", label="<b>排除</b> Exclusion", choices=(Choice("2", "肿瘤 Tumour"),)),
        Field("day", "scores", "text", label="手术日期 Date of session", validation="date_ymd"),
    ),
    instruments=(Instrument("scores", "评分 Scores"),),
    events=(Event("visit_arm_1", "首次 Visit", 1),),
    designations=frozenset({("visit_arm_1", "scores")}),
    repeating=frozenset(),
)
SAID = {
    "[total] >= 15 and [grade] <> '3'": (
        "PTS grade is not ‘Severe’ although Villalta total is 15 or more",
        "Villalta总分不小于15，但PTS分级不为“重度”",
    ),
    "[total] < 0 or [total] > 33": ("Villalta total is less than 0 or is more than 33", "Villalta总分小于0或大于33"),
    "[ulcer] = '1' and ([total] = '' or [day] = '')": (
        "Ulcer is ‘Yes’ and (Villalta total is blank or Date of session is blank)",
        "溃疡为“是”且（Villalta总分为空或手术日期为空）",
    ),
    "[day] <> '' and [grade] = '0'": (
        "Date of session is filled in and PTS grade is ‘None’",
        "手术日期已填写且PTS分级为“无”",
    ),
    "[why(2)] = '1'": ("Exclusion has ‘Tumour’ ticked", "排除勾选了“肿瘤”"),
    "[why(2)] <> '1'": ("Exclusion does not have ‘Tumour’ ticked", "排除未勾选“肿瘤”"),
    "not [why(2)]": ("Exclusion does not have ‘Tumour’ ticked", "排除未勾选“肿瘤”"),
    "[day] > 'today'": ("Date of session is after today", "手术日期晚于今天"),
    "'2024-01-01' > [day]": ("Date of session is before 2024-01-01", "手术日期早于2024-01-01"),
    "[day] <= [visit_arm_1][day]": (
        "Date of session is on or before Date of session at Visit",
        "手术日期不晚于首次的手术日期",
    ),
    "[total][last-instance] <> [total]": (
        "Villalta total (the last instance) differs from Villalta total",
        "Villalta总分（最后一次）不等于Villalta总分",
    ),
    "[previous-event-name][total] = 3": ("Villalta total at the previous event is 3", "上一事件的Villalta总分为3"),
    "abs([total] - sum([grade], [ulcer])) > 0.5": (
        "Villalta total and the sum of PTS grade and Ulcer differ by more than 0.5",
        "Villalta总分与PTS分级与溃疡之和相差超过0.5",
    ),
    "datediff([day], 'today', 'd', true) > 30": (
        "The number of days from Date of session to today is more than 30",
        "从手术日期到今天的天数大于30",
    ),
    "not ([total] > 5)": (
        "It is not the case that (Villalta total is more than 5)",
        "并非（Villalta总分大于5）",
    ),
    "not contains([grade], 'x')": ("PTS grade does not contain ‘x’", "PTS分级不包含“x”"),
    "[scores_complete] <> '2'": ("Status of Scores is not ‘Complete’", "评分的填写状态不为“已完成”"),
    "[record-name] = 'r1'": ("The record id is ‘r1’", "记录编号为“r1”"),
    "round([total] / 3, 1)": ("Villalta total ÷ 3 rounded to 1 decimals", "Villalta总分 ÷ 3（四舍五入至1位小数）"),
    "if([ulcer] = 1, 3, [total] * 2)": (
        "(3 if Ulcer is ‘Yes’, otherwise Villalta total × 2)",
        "（若溃疡为“是”则为3，否则为Villalta总分 × 2）",
    ),
    "([total] = 1) + 1": ("(1 if Villalta total is 1, otherwise 0) + 1", "（若Villalta总分为1则为1，否则为0） + 1"),
    "[unknown] > -1": ("Unknown is more than \u22121", "unknown大于\u22121"),
}


@pytest.mark.parametrize("logic", SAID)
def test_logic_is_said_in_both_languages(logic: str) -> None:
    """The catalogue and the digests say what a rule asks, without its code."""
    english, chinese = SAID[logic]
    assert in_words(parse(logic), DICTIONARY, "en") == english
    assert in_words(parse(logic), DICTIONARY, "zh") == chinese


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_can_be_said(name: str) -> None:
    """No rule is left without words because of a function nobody thought of."""
    count = FUNCTIONS[name].least
    tree = parse(f"{name}({', '.join(['[total]'] * count)}) = [grade]")
    for language in ("zh", "en"):
        assert in_words(tree, DICTIONARY, language)  # type: ignore[arg-type]


def test_no_phrase_is_for_nothing() -> None:
    """Phrases belong to functions of the language."""
    said = {code.split(".")[1].partition("/")[0] for code in phrases() if code.startswith(("function.", "statement."))}
    assert said <= {*FUNCTIONS, CALCDATE}


@pytest.mark.parametrize("code", sorted(phrases()))
def test_a_phrase_has_the_same_parts_in_both_languages(code: str) -> None:
    """A phrase that is added in one language, or that loses a part in one, is found here."""
    chinese, english = (phrases()[code][language] for language in LANGUAGES)
    assert set(re.findall(r"{\w+}", chinese)) == set(re.findall(r"{\w+}", english))


@pytest.mark.parametrize(
    ("label", "zh", "en"),
    [
        ("性别 Sex", "性别", "Sex"),
        ("Age", "Age", "Age"),
        ("年龄", "年龄", "年龄"),
        ("D-二聚体 D-dimer", "D-二聚体", "D-dimer"),
        ("IVC中段（滤器中点）横径 IVC middle (midpoint)", "IVC中段（滤器中点）横径", "IVC middle (midpoint)"),
        ("<b>肌酐</b>&nbsp;Creatinine:", "肌酐", "Creatinine"),
        ("面积（mm²） 5", "面积（mm²） 5", "面积（mm²） 5"),
    ],
)
def test_a_bilingual_label_is_split(label: str, zh: str, en: str) -> None:
    """A label that reads Chinese, space, English gives each language its part; others stay whole."""
    assert (label_in(label, "zh"), label_in(label, "en")) == (zh, en)
