"""Whatever the code gives as a reason has its Chinese, found by reading the code itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nightround.night.pull_step import gone_unlogged
from nightround.night.structure_drift import drift_between, touched_by_drift
from nightround.texts.reasons import reason_in
from nightround.validation.run import validate
from redcap_sync.dictionary import Dictionary, Group
from redcap_sync.logic.hints import _CHARACTERS
from redcap_sync.pulling.export_rights import unseen_columns
from tests.made_up import NIGHT, project, rule, snapshot

ROOT = Path(__file__).parents[2]
LOGIC = sorted((ROOT / "redcap_sync" / "logic").glob("*.py"))
VALIDATION = sorted((ROOT / "nightround" / "validation").glob("*.py"))
PULL = [
    ROOT / "redcap_sync" / f"{name}.py"
    for name in (
        *("api/answers", "pulling/record_requests", "api/client", "dictionary", "pulling/export_rights"),
        *("pulling/groups", "pulling/changed_records", "pulling/pull", "api/token", "logic/calculated_fields"),
        *("pulling/pulled_rows", "pulling/raw_structure"),
    )
]
NIGHTLY = [
    ROOT / "nightround" / name
    for name in ("night/run_job.py", "night/full_disk.py", "snapshots/vault.py", "snapshots/snapshot_store.py")
]
HOLE = "demo1"
MESSAGES = {
    *("LogicError", "Trouble", "KeyError", "_not_evaluated", "_not_applicable", "RuleResult"),
    *("_something_else", "_groups_differ"),
}
EXPLAINED = {
    *("RedcapUnreachable", "RedcapRefused", "ExportIncomplete", "BrokenAnswer", "ServerBusy", "AskedTooMuch"),
    *("GroupsDiffer", "ColumnsDiffer"),
}


def as_text(node: ast.expr) -> str | None:
    """A literal text, `demo1` in place of what is filled in; None for what is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(part_as_text, node.values))
    return None


def part_as_text(part: ast.expr) -> str:
    """A literal part; of one that is chosen between two texts the second."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    chosen = part.value.orelse if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.IfExp) else None
    return str(chosen.value) if isinstance(chosen, ast.Constant) else HOLE


def said_in(path: Path) -> Iterator[str]:
    """Every reason that a module gives: what an error says and what is to be done, why a rule has no verdict."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name in MESSAGES | EXPLAINED:
            given = [
                *node.args[: 1 if name == "Trouble" else None],
                *(word.value for word in node.keywords if word.arg in ("error", "remedy")),
            ]
            texts = (as_text(one) for one in given)
            yield from (text for text in texts if text is not None and " " in text and text != "suggested value")


SAID = sorted(
    {text for path in (*LOGIC, *VALIDATION, *PULL, *NIGHTLY) for text in said_in(path)}
    | {message for message, _ in _CHARACTERS.values()}
)


@pytest.mark.parametrize("english", SAID)
def test_every_reason_of_the_code_has_its_chinese(english: str) -> None:
    """A reason that is added to the code needs its Chinese, which leaves no English word but names behind."""
    assert is_chinese(reason_in(english, "zh")), english
    assert reason_in(english, "en") == english


def is_chinese(text: str) -> bool:
    """No two English words stand side by side but in a command; and there is Chinese."""
    text = re.sub(r"nightround [a-z ]+", "", text)
    return re.search(r"[\u4e00-\u9fff]", text) is not None and re.search(r"[a-z]{2,} [a-z]{2,}", text) is None


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
            "字段 'age'：字段类型由 'text' 变为 'radio'，验证类型由 'number' 变为 'none'；该变更尚未确认",
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
def test_a_change_of_the_structure_is_told_in_chinese(after: Dictionary, expected: str) -> None:
    """Each of several changes of a field is put into Chinese, names and codes stay."""
    stopped = touched_by_drift(drift_between(BEFORE, after), [rule("R", "visit", "[age] > 70")])
    assert reason_in(stopped.rules["R"], "zh") == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((), "数据访问组 'north' 已被删除；该变更尚未确认"),
        ((Group("north", "N", 7),), "数据访问组 'north'：名称由 'North' 变为 'N'；该变更尚未确认"),
    ],
)
def test_a_change_of_a_group_is_told_in_chinese(after: tuple[Group, ...], expected: str) -> None:
    """A group that is gone or has another label, with its name as it stands in REDCap."""
    groups = [replace(BEFORE, groups=one) for one in ((Group("north", "North", 7),), after)]
    stopped = touched_by_drift(drift_between(*groups), [rule("R", "visit", "[record-dag-label] = 'North'", needs=())])
    assert reason_in(stopped.rules["R"], "zh") == expected


@pytest.mark.parametrize("level", [0, 2, 3, 7])
def test_a_missing_right_is_told_in_chinese(level: int) -> None:
    """What the token's user may not export is said by its level."""
    present = {"record_id"} if level != 3 else {"visit_complete"}
    (unseen,) = unseen_columns(BEFORE, present, {"visit": level})
    assert is_chinese(reason_in(unseen.reason, "zh"))


def test_logic_that_cannot_be_read_is_told_with_its_place() -> None:
    """The reason of a broken rule is Chinese throughout, with the place in its logic."""
    (outcome,) = validate(
        snapshot(BEFORE, []), [replace(rule("R", "visit", "[age] > 70"), discrepancy="[age] >> 70")], now=NIGHT
    ).outcomes
    assert reason_in(outcome.reason, "zh") == ">> 不是运算符。（其逻辑的第 7 个字符）"


def test_records_that_are_gone_are_told_in_chinese() -> None:
    """Both sentences, with the number."""
    for sentence in gone_unlogged(3).splitlines():
        assert is_chinese(reason_in(sentence, "zh"))
    assert "3" in reason_in(gone_unlogged(3).splitlines()[0], "zh")
    assert gone_unlogged(0) == ""


def test_what_a_server_says_stays_as_it_is() -> None:
    """A message of the server is no text of ours."""
    said = "REDCap refused the call: You do not have permissions to use the API"
    assert reason_in(said, "zh") == "REDCap 拒绝了请求：You do not have permissions to use the API"
    assert reason_in("anything else", "zh") == "anything else"
