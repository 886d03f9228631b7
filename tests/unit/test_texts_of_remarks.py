"""The codes of remarks are written without their prefix: each has its texts, and no text is left over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from nightround.texts.catalogue import own_texts

ROOT = Path(__file__).parents[2] / "nightround"


class Written(NamedTuple):
    """A function that is given the rest of a code, the place of that argument, and what the whole code is."""

    room: str
    function: str
    place: int
    whole: str
    parts: tuple[str, ...] = ("",)


WRITTEN = (
    Written("rule_desk", "remark", 1, "lint.{}", (".what", ".why", ".fix")),
    Written("rule_desk", "of", 2, "lint.{}", (".what", ".why", ".fix")),
    Written("rule_desk", "fix_by", 0, "lint_fix.{}"),
    Written("rule_desk", "why_of", 0, "lint_why.{}"),
    Written("published_tables", "because", 0, "audit.why.{}"),
    Written("published_tables", "unverifiable", 1, "audit.why.{}"),
    Written("published_tables", "must_be", 0, "audit.must.{}"),
    Written("published_tables", "Reading", 0, "audit.test.{}"),
    Written("cli/audit_table.py", "words", 0, "audit.listing.{}"),
    Written("study", "wrong_value", 0, "study_file.said.{}"),
    Written("study/rules", "wrong_value", 0, "study_file.said.{}"),
    Written("simulation/drill", "wrong_value", 0, "study_file.said.{}"),
    Written("cli", "head", 0, "printed.head.{}"),
    Written("cli", "heads", 0, "printed.head.{}"),
)


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an argument can be: a literal, or one of two."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value


def codes(written: Written) -> Iterator[str]:
    """Every whole code that the calls of a function write."""
    paths = [ROOT / written.room] if written.room.endswith(".py") else sorted((ROOT / written.room).glob("*.py"))
    for call in (node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))):
        if not isinstance(call, ast.Call) or len(call.args) <= written.place:
            continue
        if (call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")) == written.function:
            for rest in constants(call.args[written.place]):
                yield from (written.whole.format(rest) + part for part in written.parts)


@pytest.mark.parametrize("written", WRITTEN, ids=lambda one: f"{one.room} {one.function}")
def test_each_code_that_is_written_without_its_prefix_has_its_texts(written: Written) -> None:
    """A code that is misspelt, or of which a part has no text, is found here and not by a reader."""
    found = set(codes(written))
    assert found
    assert found - own_texts().keys() == set()


def words_of(room: str) -> set[str]:
    """Every literal text in the code of a room."""
    trees = (ast.parse(path.read_text("utf-8")) for path in (ROOT / room).glob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


LEVELS = {"error", "warning", "note", "line", "counted"}
SECTIONS: dict[str, tuple[str, set[str]]] = {
    "lint": ("rule_desk", {"date_order", "datetime_order", "no_date", "no_datetime"} | LEVELS),
    "lint_fix": ("rule_desk", set()),
    "lint_why": ("rule_desk", {"title", "problem", "advice", "analyst", "judges", "asks", "is_content"}),
    "audit.why": ("published_tables", {"not_value", "not_mean", "not_median", "not_count"}),
    "audit.must": ("published_tables", set()),
    "audit.test": ("published_tables", set()),
    "table": ("statistics", set()),
    "catalogue": ("rule_desk", set()),
    "printed.head": ("cli", set()),
}
"""Each section with the room that says its texts, and the codes that are put together from a name at hand."""


@pytest.mark.parametrize("section", SECTIONS)
def test_no_text_of_a_remark_is_left_over(section: str) -> None:
    """A remark that the code no longer makes leaves no text behind."""
    room, named_at_hand = SECTIONS[section]
    written = {word.rpartition(".")[2] for word in words_of(room) | words_of("cli")}
    depth = section.count(".") + 1
    named = {code.split(".")[depth] for code in own_texts() if code.startswith(f"{section}.")}
    assert named - written - named_at_hand == set()
