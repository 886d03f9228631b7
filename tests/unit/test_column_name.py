"""Names of columns: read and written in one module."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from redcap_sync.column_name import ColumnName, checkbox_column, without_codes
from redcap_sync.logic import Reference

ROOT = Path(__file__).parents[2]
NAMES = {
    "weight": ColumnName("weight"),
    "signs___2": ColumnName("signs", "2"),
    "signs____1": ColumnName("signs", "_1"),
    "[month_6_arm_1][weight]": ColumnName("weight", event="month_6_arm_1"),
    "[month_6_arm_1][signs___a]": ColumnName("signs", "a", "month_6_arm_1"),
    "[previous-event-name][weight]": ColumnName("weight", event="previous-event-name"),
    "[weight][last-instance]": ColumnName("weight", instance="last-instance"),
    "[month_6_arm_1][weight][3]": ColumnName("weight", event="month_6_arm_1", instance="3"),
    "[weight:text]": ColumnName("weight", modifier="text"),
    "[month_6_arm_1][signs___2:text]": ColumnName("signs", "2", "month_6_arm_1", modifier="text"),
    "[record-name]": ColumnName("record-name"),
    "[month_6_arm_1][visit-exists]": ColumnName("visit-exists", event="month_6_arm_1"),
}


@pytest.mark.parametrize(("written", "name"), NAMES.items())
def test_a_name_that_is_read_is_written_as_it_was(written: str, name: ColumnName) -> None:
    """Parsing and printing are each other's inverse, and a reference of the logic language has the same name."""
    assert ColumnName.parse(written) == name
    assert str(name) == written
    assert Reference.of_column(written).column == written


@pytest.mark.parametrize("text", ["age at half limit", "a___", "[", "[a]b", "", "[a][b][c]", "Größe (cm)"])
def test_any_other_text_is_the_name_of_a_field(text: str) -> None:
    """A column of somebody's CSV file may be called anything."""
    assert ColumnName.parse(text) == ColumnName(text)


def test_brackets_around_a_field_alone_say_nothing() -> None:
    """Logic writes `[weight]` where a column is called `weight`."""
    assert ColumnName.parse("[weight]") == ColumnName("weight")


@pytest.mark.parametrize(("code", "column"), [("2", "f___2"), ("-1", "f____1"), ("A b", "f___a_b"), ("é", "f____")])
def test_an_option_is_spelled_as_redcap_exports_it(code: str, column: str) -> None:
    """A code in lower case, with `_` for all that a column's name cannot hold."""
    assert checkbox_column("f", code) == column == ColumnName("f", code).exported


def test_typed_values_have_the_name_without_its_modifier() -> None:
    """The stored text of a cell and its typed value differ in the modifier alone."""
    assert str(ColumnName.parse("[weight:text]").typed) == "weight"
    assert str(ColumnName.parse("[e_arm_1][weight:text]").typed) == "[e_arm_1][weight]"


def test_no_other_module_takes_names_of_columns_apart() -> None:
    """What a name is made of is known to one module alone."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in ("nightround", "redcap_sync")
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name != "column_name.py"
        for line in lines_with_surgery(path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        'name.partition("___")',
        'f"{field}___{code}"',
        're.compile("(.*)___(.*)")',
        'column.replace(":text]", "]")',
        'f"[{event}][{field}]"',
        'column.strip("[]")',
        'column.split("][")',
    ],
)
def test_surgery_on_a_name_would_be_seen(source: str) -> None:
    """The reader of the source finds each way in which names were once taken apart or put together."""
    assert list(lines_with_surgery(source)) == [1]


def lines_with_surgery(source: str) -> Iterator[int]:
    """Lines with a text that names are taken apart or put together with; docstrings and hints do not count."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not _is_prose(node.value):
            text = node.value
            if "___" in text or ":text" in text or text in {"][", "[]"}:
                yield node.lineno


def _is_prose(text: str) -> bool:
    return re.search(r"\w \w", text) is not None


def test_a_text_without_codes_names_the_field_of_an_option() -> None:
    """The column of an option is named by its field, wherever it is in a sentence; other words stay."""
    assert without_codes("The columns hiv_status___1, 'a___b_2' and b_c___x are missing.") == (
        "The columns hiv_status, 'a' and b_c are missing."
    )
    assert without_codes("字段 hiv___9 缺失; x_complete, A___B") == "字段 hiv 缺失; x_complete, A___B"
