"""The lint names what is wrong with a rule before there is any data, and says nothing of a sound one."""

from pathlib import Path
from typing import Any

import pytest

from nightround.model.language import Words
from nightround.model.rule import Example, Rule
from nightround.rule_desk.lint import lint_rules, lint_study
from nightround.rule_desk.remarks import Remark, RemarkLevel
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.logic import parse, references
from tests.made_up import metadata, rule

EXPECTATIONS = Path(__file__).parents[2] / "expectations"


def made_up_project(missing: str = "") -> Dictionary:
    """A project with one field of every kind; `log` repeats at the visit."""
    rows = metadata(
        "record_id person text - -",
        "age person text integer -",
        "weight person text number -",
        "sex person radio - 1, Male | 2, Female",
        "risks person checkbox - 1, Smoking | 2, Alcohol",
        "born person text date_ymd -",
        "seen person text datetime_ymd -",
        "remark person text - -",
        "patient person text - -",
        "hint person descriptive - -",
        "grade visit radio - 0, None | 1, Mild | 2, Severe",
        "visit_date visit text date_ymd -",
        "dose log text number -",
    )
    limits = {"age": ("0", "120"), "weight": ("30", "200")}
    for row in rows:
        low, high = limits.get(row["field_name"], ("", ""))
        row |= {"text_validation_min": low, "text_validation_max": high}
        row["identifier"] = "y" if row["field_name"] == "patient" else ""
    return dictionary_from_api(
        project={"project_title": "SYNTHETIC", "is_longitudinal": 1, "missing_data_codes": missing},
        metadata=rows,
        instruments=[{"instrument_name": one, "instrument_label": one} for one in ("person", "visit", "log")],
        events=[
            {"unique_event_name": f"{one}_arm_1", "event_name": one, "arm_num": 1, "event_id": number}
            for number, one in enumerate(("start", "end"), start=1)
        ],
        mapping=[
            {"unique_event_name": event, "form": form}
            for event, form in (
                ("start_arm_1", "person"),
                ("start_arm_1", "visit"),
                ("end_arm_1", "visit"),
                ("end_arm_1", "log"),
            )
        ],
        repeating=[{"event_name": "end_arm_1", "form_name": "log"}],
    )


def written(discrepancy: str, instrument: str = "person", **more: Any) -> Rule:
    """A rule with everything a rule should have but examples."""
    first = tuple(reference.field for reference in references(parse(discrepancy)))[:1]
    given = {"advice": Words("请核对", "Check it"), "source": "made up", "fields": first, **more}
    return rule("R-1", instrument, discrepancy, **given)


def remarks_on(*rules: Rule, missing: str = "", owners: tuple[str, ...] = ("coordinator",)) -> list[Remark]:
    """What the lint says, apart from the want of examples."""
    found = lint_rules(rules, made_up_project(missing), owners=owners)
    return [remark for remark in found if "no example" not in remark.what]


def test_a_sound_rule_gets_no_remark() -> None:
    """Logic that can be true and false, on fields that are there, is left alone."""
    for logic in (
        "[age] > 70",
        "[sex] = '1' and [age] < 18",
        "[risks(1)] = '1' and [risks(2)] = '1'",
        "[born] > '2020-01-01'",
        "[born] > 'today'",
        "datediff([born], [seen], 'd', true) < 0",
        "abs([age] - [weight]) > 10",
        "[remark] = 'none'",
    ):
        assert remarks_on(written(logic)) == [], logic
    assert remarks_on(written("[start_arm_1][visit_date] > [end_arm_1][visit_date]", instrument="visit")) == []
    assert remarks_on(written("[dose] > 5", instrument="log")) == []


@pytest.mark.parametrize(
    ("logic", "what", "fix"),
    [
        ("[aeg] > 70", "no field aeg", "did you mean age?"),
        ("[strat_arm_1][age] > 70", "no event strat_arm_1", "did you mean start_arm_1?"),
        ("[risks(9)] = '1'", "has no option '9'", "1, 2"),
        ("[risks] = '1'", "without an option", "[risks(1)]"),
        ("[age(1)] = '1'", "is no checkbox", "[age]"),
        ("[hint] = '1'", "descriptive", "Codebook"),
        ("[log_complete] = '2' and [dose] > 1", "always blank", "event"),
        ("[end_arm_1][dose] > 1", "repeats", "[dose][last-instance]"),
        ("[end_arm_1][age] > 1", "always blank", "event"),
        ("[user-name] = 'x'", "could not be evaluated", "change"),
        ("[sex:label] = 'Male'", "could not be evaluated", "change"),
    ],
)
def test_what_the_project_does_not_have_is_an_error(logic: str, what: str, fix: str) -> None:
    """A reference that leads nowhere names the nearest thing that is there."""
    found = [remark for remark in remarks_on(written(logic, fields=("age",))) if remark.level is RemarkLevel.ERROR]
    assert any(what in remark.what and fix in remark.fix for remark in found), found


@pytest.mark.parametrize(
    ("logic", "level", "what", "fix"),
    [
        ("[sex] = '3'", "error", "no code '3'", "1 (Male), 2 (Female)"),
        ("[sex] = 'Male'", "error", "no code 'Male'", "the code of 'Male' is '1'"),
        ("[person_complete] = '3'", "error", "no code '3'", "0, 1, 2"),
        ("[risks(1)] = 'yes'", "error", "no code 'yes'", "0, 1"),
        ("[age] = 'old'", "error", "compared with the text 'old'", "number"),
        ("[age] > 130", "warning", "is never true", "constant"),
        ("[age] >= 0", "warning", "is always true", "constant"),
        ("200 < [weight]", "warning", "is never true", "constant"),
        ("[sex] > 2", "warning", "is never true", "constant"),
        ("[born] > 5", "error", "compared with 5", "'2024-05-31'"),
        ("[born] > '01-02-2020'", "error", "compared with '01-02-2020'", "'2024-05-31'"),
        ("[seen] > '2020-01-01'", "error", "compared with '2020-01-01'", "'2024-05-31 08:30'"),
        ("[born] > [age]", "error", "compares a date with what is no date", "datediff"),
        ("[born] = [seen]", "error", "a date with a date and time", "left"),
        ("[remark] > 5", "warning", "contains any text", "isnumber"),
        ("[remark] > [age]", "warning", "a number with a field that contains any text", "isnumber"),
        ("datediff([age], [born], 'd') > 5", "error", "which is no date", "date"),
        ("[born] + 30 > 5", "error", "calculated with", "datediff"),
    ],
)
def test_a_comparison_that_cannot_be_meant_is_named(logic: str, level: str, what: str, fix: str) -> None:
    """A code that is not there, a number beyond the limits, a date compared with none, text against a number."""
    found = [remark for remark in remarks_on(written(logic)) if what in remark.what]
    assert [(str(remark.level), fix in remark.fix) for remark in found] == [(level, True)]


def test_a_missing_data_code_is_no_unknown_code() -> None:
    """A comparison with one of the project's missing data codes is sound."""
    assert remarks_on(written("[sex] = 'NI'"), missing="NI, No information") == []


@pytest.mark.parametrize(
    ("discrepancy", "applies", "level", "what"),
    [
        ("[sex] = '1' and [sex] = '2'", "", "error", "never ask"),
        ("[age] < 18", "[age] > 65", "error", "never ask"),
        ("[age] > 70 and [age] < 70.5", "", "error", "never ask"),
        ("[born] < '2020-01-01' and [born] > '2020-05-01'", "", "error", "never ask"),
        ("[weight] < [age] and [age] < [weight]", "", "error", "never ask"),
        ("sum([risks(1)], [risks(2)]) > 2", "", "error", "never ask"),
        ("[age] * 2 + 10 > 400 and [weight] / 2 > 1", "", "warning", "never ask"),
        ("[weight] / 100 > 5 and [age] + [weight] > 0.5", "", "warning", "never ask"),
        ("[sex] <> ''", "", "warning", "never be content"),
        ("[sex] = '1' or [sex] = '2'", "", "warning", "never be content"),
        ("[age] > 1", "[sex] = '1' and [sex] = '2'", "error", "never judge a row"),
    ],
)
def test_a_rule_that_can_come_to_one_thing_only_is_proven_so(
    discrepancy: str, applies: str, level: str, what: str
) -> None:
    """By codes and order it is an error or a warning; by soft limits alone never more than a warning."""
    found = [remark for remark in remarks_on(written(discrepancy, applies=applies)) if what in remark.what]
    assert [str(remark.level) for remark in found] == [level]


def test_what_cannot_be_decided_is_said_to_be_so() -> None:
    """Where too many values are possible and none that was tried shows it, the lint does not guess."""
    found = remarks_on(written("[weight] * [age] = 1234.5678"))
    assert [(remark.level, "It is not known" in remark.what) for remark in found] == [(RemarkLevel.NOTE, True)]


def test_an_example_shows_what_trying_does_not() -> None:
    """The same rule with an example that asks, of values the dictionary allows, is left alone."""
    asks = Example({"weight": "61.72839", "age": "20"}, "fails")
    content = Example({"weight": "61", "age": "20"}, "passes")
    assert remarks_on(written("[weight] * [age] = 1234.5678", examples=(asks, content))) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[age] > 70 and [sex] = '1'", "[sex] = 1 and 70 < [age]"),
        ("([age] > 70) and [sex] = '1' and [sex] = '1'", '[age] > 70 and "1" = [sex]'),
        ("not ([sex] = '1') and [age] > 70", "[age] > 70 and [sex] <> 1"),
    ],
)
def test_the_same_question_in_other_words_is_a_duplicate(one: str, other: str) -> None:
    """Order, brackets, quotes and the direction of a comparison do not make another rule; another event does."""
    first = written(one, instrument="visit", fields=("grade",), needs=("grade",), events=("start_arm_1",))
    second = Rule(**{**vars(written(other, instrument="visit", fields=("grade",), needs=("grade",))), "id": "R-2"})
    here = Rule(**{**vars(second), "events": ("start_arm_1",)})
    said = "It asks the same as R-1."
    assert said in {remark.what for remark in remarks_on(first, here) if remark.rule_id == "R-2"}
    assert said not in {remark.what for remark in remarks_on(first, second)}


@pytest.mark.parametrize(
    ("more", "what", "level"),
    [
        ({"instrument": "persn"}, "no instrument 'persn'", "error"),
        ({"events": ("strat_arm_1",)}, "no event 'strat_arm_1'", "error"),
        ({"events": ("end_arm_1",)}, "not designated to end_arm_1", "error"),
        ({"fields": ("aeg",)}, "shows the field 'aeg'", "error"),
        ({"fields": ("patient",)}, "names a patient", "error"),
        ({"fields": ("grade",)}, "is on visit", "warning"),
        ({"fields": ()}, "shows no field", "warning"),
        ({"fields": ("age", "weight")}, "shows weight, which its logic does not read", "note"),
        ({"needs": ("age", "sex")}, "needs sex, which its logic does not read", "note"),
        ({"owner": "cordinator"}, "Nobody of the study owns 'cordinator'", "warning"),
        ({"advice": Words("", "Check it")}, "advice is not in Chinese", "warning"),
        ({"title": Words("年龄", "")}, "title is not in English", "warning"),
        ({"problem": Words("", "Too old")}, "problem is not in Chinese", "warning"),
        ({"analyst": Words("年龄", "年龄")}, "analyst is not in English", "warning"),
        ({"source": " "}, "names no source", "warning"),
        (
            {"examples": (Example({"age": "80"}, "passes"), Example({"age": "90"}, "fails"))},
            "fails, not passes",
            "error",
        ),
        ({"examples": (Example({"age": "x"}, "fails"), Example({"age": "9"}, "passes"))}, "does not take", "warning"),
        (
            {"examples": (Example({"age": "80", "wight": "1"}, "fails"), Example({"age": "9"}, "passes"))},
            "wight",
            "warning",
        ),
    ],
)
def test_what_stands_around_the_logic_is_looked_at(more: dict[str, Any], what: str, level: str) -> None:
    """Where it looks, what it shows, who is notified, in which language, from where, and with which examples."""
    made = Rule(**{**vars(written("[age] > 70")), **more})
    found = [remark for remark in remarks_on(made) if what in remark.what]
    assert [str(remark.level) for remark in found] == [level]


def test_a_rule_wants_examples_of_both_kinds() -> None:
    """A rule of which nothing shows that it asks, or that it can be content, is named."""
    bare = lint_rules([written("[age] > 70", examples=(Example({"age": "80"}, "fails"),))], made_up_project())
    assert [remark.what for remark in bare] == ["It has no example that passes."]


def test_two_rules_of_one_id_are_named() -> None:
    """An id that is twice is an error."""
    assert "2 rules have the id 'R-1'." in {one.what for one in remarks_on(written("[age] > 70"), written("[age] < 7"))}


def test_a_remark_says_what_why_and_what_to_do() -> None:
    """Every remark has all of its parts, and is printed in three lines."""
    (remark,) = remarks_on(written("[aeg] > 70", fields=("age",), needs=()))[:1]
    assert [line.split(":")[0].strip() for line in remark.said("en").splitlines()] == ["error", "Why", "Fix"]
    assert set(remark.document()) == {"level", "rule_id", "code", "what", "why", "fix"}


@pytest.mark.parametrize("study", sorted(EXPECTATIONS.glob("*/study.toml")), ids=lambda path: path.parent.name)
def test_the_rules_that_are_shipped_have_no_error_and_no_warning(study: Path) -> None:
    """Notes apart, the lint has nothing to say of a shipped study."""
    assert [remark for remark in lint_study(study.parent) if remark.level is not RemarkLevel.NOTE] == []


def test_a_remark_can_be_read_in_chinese() -> None:
    """Its three parts, the facts in them and the advice that is nested in it are in the reader's language."""
    (remark,) = remarks_on(written("[aeg] > 70", fields=("age",), needs=()))[:1]
    assert (remark.code, str(remark.level)) == ("lint.unreadable", "error")
    assert remark.said("zh") == "错误：R-1：项目中没有字段 aeg。\n  原因：规则无法判定\n  处理：是否想写 age？"


@pytest.mark.parametrize(
    ("discrepancy", "level", "what"),
    [
        ("datediff([born], [seen], 'd') < 0", "error", "never ask"),
        ("datediff([born], [seen], 'd', 'ymd') < 0", "error", "never ask"),
        ("datediff([born], [seen], 'd', 'ymd', false) < -3", "error", "never ask"),
        ("datediff([born], [seen], 'm') > 6", "note", "means minutes"),
        ("[age] > -99", "warning", "orders values by the missing data code"),
        ("[age] = -99", "note", "number of the missing data code"),
        ("[age] <> '-99' and [age] > 3", "note", "number of the missing data code"),
    ],
)
def test_what_a_difference_or_a_code_cannot_be_is_said(discrepancy: str, level: str, what: str) -> None:
    """A difference without a sign is never negative, 'm' is no month, and a code is no number."""
    found = remarks_on(written(discrepancy), missing="-99, Unknown")
    assert any((one.level.value, what in one.what) == (level, True) for one in found), found


@pytest.mark.parametrize("flag", ["true", "[sex]"])
def test_a_difference_that_may_have_a_sign_can_be_negative(flag: str) -> None:
    """Only what is proven is said."""
    found = remarks_on(written(f"datediff([born], [seen], 'd', {flag}) < 0"))
    assert not any("never ask" in one.what for one in found)
