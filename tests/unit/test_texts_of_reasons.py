"""The reasons that a night gives, in the Chinese that a coordinator reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nightround.model.doubts import Doubts
from nightround.model.errors import RoundAlreadyRunning
from nightround.night.night_doubts import doubts_said
from nightround.night.structure_drift import drift_between, touched_by_drift
from nightround.texts.catalogue import in_language
from nightround.validation.run import validate
from redcap_sync.dictionary import Dictionary, Group
from redcap_sync.errors import RedcapRefused
from redcap_sync.messages import Message
from redcap_sync.pulling.export_rights import unseen_columns
from redcap_sync.rows.tables import RowKey
from tests.made_up import NIGHT, project, rule, snapshot

BEFORE = project("record_id visit text - -", "age visit text number -", events={"one_arm_1": ["visit"]})


def changed(**parts: object) -> Dictionary:
    """The project with its field `age` changed."""
    age = replace(BEFORE.by_name["age"], **parts)  # type: ignore[arg-type]
    return replace(BEFORE, fields=(BEFORE.fields[0], age))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (changed(validation="integer"), "字段 'age'：验证类型由 'number' 变为 'integer'；该变更尚未确认"),
        (
            changed(validation="", type="radio"),
            "字段 'age'：字段类型由 'text' 变为 'radio'；验证类型由 'number' 变为 '无'；该变更尚未确认",
        ),
        (replace(BEFORE, fields=BEFORE.fields[:1]), "字段 'age' 已被删除；该变更尚未确认"),
        (
            replace(BEFORE, repeating=frozenset({("one_arm_1", "visit")})),
            "表单 'visit' 在事件 'one_arm_1' 中的重复方式已改变；该变更尚未确认",
        ),
        (
            replace(BEFORE, designations=frozenset()),
            "表单 'visit' 不再属于事件 'one_arm_1'；该变更尚未确认",
        ),
    ],
)
def test_a_change_of_the_structure_is_said_in_chinese(after: Dictionary, expected: str) -> None:
    """Each of several changes of a field is put into Chinese, names and codes stay."""
    stopped = touched_by_drift(drift_between(BEFORE, after), [rule("R", "visit", "[age] > 70")])
    assert in_language(stopped.rules["R"], "zh") == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((), "数据访问组 'north' 已被删除；该变更尚未确认"),
        ((Group("north", "N", 7),), "数据访问组 'north'：名称由 'North' 变为 'N'；该变更尚未确认"),
    ],
)
def test_a_change_of_a_group_is_said_in_chinese(after: tuple[Group, ...], expected: str) -> None:
    """A group that is gone or has another label, with its name as it is in REDCap."""
    groups = [replace(BEFORE, groups=one) for one in ((Group("north", "North", 7),), after)]
    stopped = touched_by_drift(drift_between(*groups), [rule("R", "visit", "[record-dag-label] = 'North'", needs=())])
    assert in_language(stopped.rules["R"], "zh") == expected


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (0, "令牌所属用户对表单 'visit' 没有导出权限"),
        (2, "令牌所属用户对表单 'visit' 仅有去标识导出权限"),
        (3, "令牌所属用户对表单 'visit' 仅可导出不含标识信息的数据"),
        (7, "令牌所属用户对表单 'visit' 的导出权限级别为 7"),
    ],
)
def test_a_missing_right_is_said_in_chinese(level: int, expected: str) -> None:
    """What the token's user may not export is said by its level."""
    present = {"record_id"} if level != 3 else {"visit_complete"}
    (unseen,) = unseen_columns(BEFORE, present, {"visit": level})
    assert in_language(unseen.reason, "zh") == expected


def test_logic_that_cannot_be_read_is_said_with_its_place() -> None:
    """The reason of a broken rule is Chinese throughout, with the place in its logic."""
    (outcome,) = validate(
        snapshot(BEFORE, []), [replace(rule("R", "visit", "[age] > 70"), discrepancy="[age] >> 70")], now=NIGHT
    ).outcomes
    assert outcome.reason is not None
    assert in_language(outcome.reason, "zh") == ">> 不是运算符。（其逻辑的第 7 个字符）"


def test_rows_that_are_gone_are_said_in_chinese() -> None:
    """Both sentences, with the numbers; without doubts nothing is said."""
    suspects = frozenset({RowKey("1", "month_6", "", 0), RowKey("1", "month_12", "", 0), RowKey("2", "month_6", "", 0)})
    assert [in_language(one, "zh") for one in doubts_said(Doubts(suspects), log_read=True)] == [
        "有 2 条记录中的 3 行数据已不在 REDCap 返回的数据中，而日志中没有相应的删除或更名记录；其问题保持未解决。",
        "若确系有意删除，请确认：nightround snapshots accept STUDY --suspects --by 姓名",
    ]
    assert not list(doubts_said(Doubts(), log_read=True))


def test_what_a_server_says_is_not_said_in_any_language() -> None:
    """It may contain values and record ids; our sentence has the status."""
    error = RedcapRefused("api.refused", status=403).with_private("You do not have permissions to use the API")
    assert in_language(error.part("what"), "zh") == "REDCap 拒绝了请求（状态 403）。"


def test_a_sentence_that_an_earlier_version_stored_stays_as_it_is() -> None:
    """It is read as a message, and said in the words it was stored in."""
    assert in_language(Message.read("anything else"), "zh") == "anything else"


def test_an_error_of_the_engine_says_its_english_by_itself() -> None:
    """Whoever prints it or logs it sees a sentence and no code."""
    assert str(RoundAlreadyRunning("night.locked", folder="data")).startswith(
        "Another run of this study is in progress in data.\n  Why: "
    )
