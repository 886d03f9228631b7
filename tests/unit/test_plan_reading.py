"""The analysis plan: what it accepts, and how it says no."""

from pathlib import Path

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import Words
from nightround.study.plan import FieldRef, Plan, read_plan

STUDY_PLAN = Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "plan.toml"
SMALL = """
policy = "recommended"
grouping = "arm"
population = "all"

[[groups]]
id = "a"
label = { zh = "甲组", en = "Group A" }
codes = ["1"]

[[groups]]
id = "b"
label = { zh = "乙组", en = "Group B" }
codes = ["2"]

[[flow]]
id = "all"
label = { zh = "全部", en = "All" }

[[tables]]
id = "t"
title = { zh = "表", en = "Table" }
kind = "by_group"

[[tables.sections]]
[[tables.sections.variables]]
id = "age"
label = { zh = "年龄", en = "Age" }
type = "continuous"
summary = "mean_sd"
field = "[screening_arm_1][age]"
"""


def written(folder: Path, text: str) -> Path:
    """Write a plan.toml."""
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_study_plan_has_every_line_of_the_three_tables() -> None:
    """The study's plan has the 17 variables of Table 1, the 15 of Table 2 and the 7 of Table 3."""
    plan = read_plan(STUDY_PLAN)
    assert [len(table.variables) for table in plan.tables] == [17, 15, 7]


def test_a_reference_names_event_and_field(tmp_path: Path) -> None:
    """[event][field] becomes an event, a field and the column name of the frame."""
    variable = read_plan(written(tmp_path, SMALL)).tables[0].variables[0]
    assert variable.field == FieldRef("screening_arm_1", "age")
    assert variable.field.column == "[screening_arm_1][age]"


def test_a_checkbox_reference_names_the_export_column(tmp_path: Path) -> None:
    """[event][field(code)] becomes REDCap's export column of that option."""
    plan = read_plan(written(tmp_path, SMALL.replace('"arm"', '"[e_arm_1][risk(A-1)]"')))
    assert plan.grouping == FieldRef("e_arm_1", "risk___a_1")


def test_one_string_stands_for_both_languages(tmp_path: Path) -> None:
    """A label written once is the same in Chinese and English."""
    plan = read_plan(written(tmp_path, SMALL.replace('{ zh = "甲组", en = "Group A" }', '"Denali"')))
    assert plan.groups[0].label == Words("Denali", "Denali")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('summary = "mean_sd"', 'sumary = "mean_sd"', "summary"),
        ('population = "all"', 'population = "some"', "no step of the flow"),
        ('codes = ["2"]', 'codes = ["1"]', "twice"),
        ('type = "continuous"', 'type = "categorical"', "continuous variable is summarised"),
        ('policy = "recommended"', 'policy = "as-published"', "names its test"),
        ('field = "[screening', 'test = "pearson"\nfield = "[screening', "does not fit"),
        ('field = "[screening_arm_1][age]"', 'before = "[a][age]"', "both `before` and `after`"),
        ('field = "[screening_arm_1][age]"', 'field = "[a[age]"', "no field reference"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Each mistake is an error that names what is wrong, not a traceback."""
    assert old in SMALL
    with pytest.raises(StudyFilesWrong, match=r"plan\.toml") as refused:
        read_plan(written(tmp_path, SMALL.replace(old, new)))
    assert says in str(refused.value)


def test_references_are_listed_once(tmp_path: Path) -> None:
    """The fields a plan needs are listed once each, the grouping field first."""
    plan: Plan = read_plan(written(tmp_path, SMALL))
    assert plan.references() == (FieldRef("", "arm"), FieldRef("screening_arm_1", "age"))
