"""`[[scores]]` of a rule file: the rules that a score of the library makes for a study."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import LANGUAGES
from nightround.model.rule import Rule
from nightround.rule_desk.examples import run_examples
from nightround.scores.library import Score, all_scores, score
from nightround.study.rules.of_scores import rules_of_score
from nightround.study.rules.rule_files import RuleTable, read_rule_file, read_rules, rule_of
from nightround.texts.catalogue import in_language
from tests.made_scores import table_of

SCORES = all_scores()
NAMES = [f"{one.sheet.name}-{one.variant.key}" for one in SCORES]
CHINESE = re.compile("[\u3400-\u9fff]")
VILLALTA = """
[[scores]]
name = "villalta"
variant = "isth_2009"
id = "VIL"
instrument = "villalta"
items = "vil_{item}"
total = "total"
grade = "grade"
"""
BMI = """
[[scores]]
name = "bmi"
variant = "who_2000"
id = "BMI"
instrument = "body"
items = { height = "height", weight = "weight" }
units = { height = "cm" }
total = "bmi"
"""


def made(one: Score, **more: Any) -> list[Rule]:
    """The rules of a score."""
    table = table_of(one, **{"parts": parts_of(one), **more})
    return [rule_of(RuleTable.model_validate(each), Path("r.toml")) for each in rules_of_score(table)]


def parts_of(one: Score) -> list[str]:
    """Every kind of rule that the score has."""
    form = one.sheet.form
    parts = {
        "total": form in ("sum", "formula"),
        "grade": form != "class" and bool(one.variant.grade),
        "items": form in ("sum", "class"),
        "range": form in ("sum", "total"),
        "half_filled": form == "sum",
    }
    return [part for part, has in parts.items() if has]


def written(folder: Path, text: str) -> tuple[Rule, ...]:
    """The rules of a file with this text."""
    file = folder / "scores.toml"
    file.write_text(text, encoding="utf-8")
    return read_rule_file(file)


@pytest.mark.parametrize("one", SCORES, ids=NAMES)
def test_every_example_of_a_made_rule_is_right_and_each_kind_is_there(one: Score) -> None:
    """A rule has one that passes, one that fails, one that is not checked, and one with a missing data code."""
    rules = made(one)
    ran = run_examples(rules, ["UNK"])
    assert (ran.wrong, ran.bare) == ((), ())
    assert rules
    for rule in rules:
        assert {example.verdict for example in rule.examples} == {"passes", "fails", "skipped"}
        assert any("UNK" in example.values.values() for example in rule.examples), rule.id


@pytest.mark.parametrize("one", SCORES, ids=NAMES)
def test_a_made_rule_says_everything_in_both_languages_with_its_source(one: Score) -> None:
    """Title, problem and advice; no place of a text is left open."""
    for rule in made(one):
        for text in (rule.title, rule.problem, rule.advice):
            assert CHINESE.search(text.zh), rule.id
            assert not CHINESE.search(text.en), rule.id
            assert "{" not in text.zh + text.en
        assert rule.source
        assert rule.title != rule.problem


@pytest.mark.parametrize("one", SCORES, ids=NAMES)
def test_ids_are_unique_and_the_same_each_time(one: Score) -> None:
    """They come from the keys of the library, not from an order."""
    ids = [rule.id for rule in made(one)]
    assert len(set(ids)) == len(ids)
    assert ids == [rule.id for rule in made(one)]
    assert all(rule_id.startswith("S-") for rule_id in ids)


def test_the_rules_of_villalta_are_those_that_the_page_names(tmp_path: Path) -> None:
    """Total, four grades, half-filled forms; range and answers where they are asked for."""
    every = 'parts = ["total", "grade", "items", "range", "half_filled"]\n'
    ids = [rule.id for rule in written(tmp_path, VILLALTA + every)]
    grades = [f"VIL-grade-{name}" for name in ("none", "mild", "moderate", "severe")]
    items = [f"VIL-item-{item.key.replace('_', '-')}" for item in score("villalta", "isth_2009").items]
    assert ids == ["VIL-total", *grades, "VIL-range", *items, "VIL-half-filled"]
    assert [rule.id for rule in written(tmp_path, VILLALTA)] == ["VIL-total", *grades, "VIL-half-filled"]


def test_a_rule_keeps_the_id_it_had_or_names_it(tmp_path: Path) -> None:
    """So that findings live on where a written rule is replaced by a made one."""
    more = '[scores.rules.total]\nid = "VIL-01"\nseverity = "critical"\nfields = ["vil_pain"]\n'
    more += '[scores.rules.grade-mild]\nwas = "PTS-02"\n'
    rules = {rule.id: rule for rule in written(tmp_path, VILLALTA + more)}
    assert (rules["VIL-01"].severity, rules["VIL-01"].fields) == ("critical", ("vil_pain",))
    assert rules["VIL-grade-mild"].was == ("PTS-02",)
    assert "VIL-total" not in rules


def test_made_rules_and_written_ones_stand_in_one_file_and_share_no_id(tmp_path: Path) -> None:
    """A written rule with the id of a made one is an error that names it."""
    rule = (
        '[[rule]]\nid = "VIL-total"\ninstrument = "villalta"\nseverity = "minor"\ntitle = { zh = "一", en = "a" }\n'
        'discrepancy = "[a] = 1"\nadvice = { zh = "一", en = "a" }\nsource = "s"\n'
    )
    (tmp_path / "scores.toml").write_text(VILLALTA + rule, encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match="VIL-total"):
        read_rules(tmp_path)


def test_only_the_parts_that_are_asked_for_are_made(tmp_path: Path) -> None:
    """Where the dictionary checks the answers already."""
    ids = [rule.id for rule in written(tmp_path, VILLALTA + 'parts = ["total", "range"]\n')]
    assert ids == ["VIL-total", "VIL-range"]


def test_a_total_alone_has_its_range(tmp_path: Path) -> None:
    """As of a score whose items are on paper."""
    text = VILLALTA.replace('items = "vil_{item}"\n', "").replace('grade = "grade"\n', "")
    (rule,) = written(tmp_path, text)
    assert rule.id == "VIL-range"


def test_an_item_of_another_event_and_one_of_a_checkbox_are_referred_to_as_they_are(tmp_path: Path) -> None:
    """Sex at screening, a condition as an option; only fields of the row itself are shown."""
    items = "".join(
        f'{item.key} = "comorbidity({place})"\n'
        for place, item in enumerate(score("charlson", "age_adjusted_1994").items)
        if item.key != "age"
    )
    text = (
        '[[scores]]\nname = "charlson"\nvariant = "age_adjusted_1994"\nid = "CCI"\ninstrument = "history"\n'
        f'total = "cci"\n[scores.items]\n{items}age = "[screening_arm_1][age]"\n'
    )
    rules = {rule.id: rule for rule in written(tmp_path, text)}
    assert set(rules) == {"CCI-total", "CCI-half-filled"}
    assert "6 * [comorbidity(" in rules["CCI-total"].discrepancy
    assert {"comorbidity___0", "[screening_arm_1][age]", "cci"} <= set(rules["CCI-total"].needs)
    assert rules["CCI-total"].fields == ("cci", "comorbidity")
    assert run_examples(rules.values()).wrong == ()


def test_what_is_allowed_for_rounding_can_be_set(tmp_path: Path) -> None:
    """Half a unit of the last decimal, or what the study says."""
    assert written(tmp_path, BMI)[0].discrepancy.endswith("> 0.050001")
    assert written(tmp_path, BMI + "tolerance = 0.1\n")[0].discrepancy.endswith("> 0.1")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (VILLALTA.replace('"villalta"\nvariant', '"vilalta"\nvariant'), "villalta"),
        (VILLALTA.replace("isth_2009", "isth"), "prandoni_1996"),
        (VILLALTA.replace("vil_{item}", "vil_item"), "{item}"),
        (VILLALTA.replace('"vil_{item}"', '{ pain = "p" }'), "items.cramps"),
        (VILLALTA.replace('"vil_{item}"', '{ pane = "p" }'), "calf_pain"),
        (VILLALTA.replace('total = "total"\n', ""), "total"),
        (VILLALTA.replace('"total"\n', '"the total"\n'), "[the total]"),
        (VILLALTA.replace('"total"\n', '"[a] or [b]"\n'), "[a] or [b]"),
        (VILLALTA.replace('"total"\n', '"[record-name]"\n'), "[record-name]"),
        (VILLALTA.replace('"total"\n', "\"a] = '1' or [b\"\n"), "a] = '1' or [b"),
        (VILLALTA + 'grades = { mild = "1" }\n', "moderate"),
        (VILLALTA + 'parts = ["sum"]\n', "'half_filled'"),
        (VILLALTA + '[scores.rules.grade_mild]\nid = "X"\n', "grade-mild"),
        (VILLALTA + '[scores.rules.total]\nid = "X Y"\n', "scores.0.rules.total.id"),
        (VILLALTA + "colour = 1\n", "colour"),
        (BMI.replace('units = { height = "cm" }\n', ""), "m, cm"),
        (BMI.replace('"cm"', '"inch"'), "m, cm"),
        (BMI.replace('height = "height", ', ""), "items.height"),
        (BMI + 'grade = "g"\nparts = ["half_filled"]\n', "half_filled"),
        (BMI + "tolerance = -1\n", "tolerance"),
        (BMI.replace('total = "bmi"\n', ""), "scores.0"),
        ("", "rule"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_what_would_be_right(tmp_path: Path, wrong: str, named: str) -> None:
    """In both languages, and never with a traceback."""
    with pytest.raises(StudyFilesWrong) as caught:
        written(tmp_path, wrong)
    for language in LANGUAGES:
        said = " ".join(in_language(caught.value.part(part), language) for part in ("what", "why", "remedy"))
        assert named in said


def test_a_grade_without_the_item_that_can_override_it_is_refused(tmp_path: Path) -> None:
    """Else every patient with an ulcer would be a false alarm."""
    items = ", ".join(f'{item.key} = "{item.key}"' for item in score("villalta", "isth_2009").scored)
    with pytest.raises(StudyFilesWrong, match=r"items\.ulcer"):
        written(tmp_path, VILLALTA.replace('"vil_{item}"', f"{{ {items} }}"))
