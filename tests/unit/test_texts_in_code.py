"""What is said to people is in the catalogue: found by reading the code itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from nightround.texts.catalogue import own_texts
from redcap_sync.messages import english_texts

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for package in ("nightround", "redcap_sync")
    for path in (ROOT / package).rglob("*.py")
    if "sandbox" not in path.parts
)
"""The sandbox says what a REDCap server would say; its own start-up errors are raised with codes, too."""
CODES = frozenset({**own_texts(), **english_texts()})
SECTIONS = frozenset(code.partition(".")[0] for code in CODES)
PARTS = ("what", "why", "remedy")
CODE = re.compile(r"[a-z_]+(?:\.[a-z0-9_]*[a-z0-9])+")
PREFIX = re.compile(r"[a-z_]+(?:\.[a-z0-9_]+)*[._]")
FILES = (
    ".toml",
    ".json",
    ".csv",
    ".css",
    ".html",
    ".j2",
    ".xml",
    ".py",
    ".txt",
    ".parquet",
    ".docx",
    ".pdf",
    ".nrj",
    ".xlsx",
)
CHINESE = re.compile(r"[\u3400-\u9fff]")
SENTENCE = re.compile(r"[A-Za-z][a-z']+,? [a-z']+,? [a-z']{2,}")
"""Three words in a row."""

OTHERS_ALLOWED = {
    "nightround/cli/main.py": "command help, which is English",
    "nightround/texts/text_gate.py": "the words of a traceback, for a programmer",
    "nightround/night/__init__.py": "for a programmer: no such attribute",
    "nightround/night/status_metrics.py": "the help of metrics, which a monitoring system shows in English",
    "nightround/simulation/demo.py": "the mark of a folder that may be replaced",
    "nightround/validation/gx_judge.py": "for a programmer: Great Expectations did not do as documented",
    "nightround/study/rules/of_dictionary/letters.py": "the names of REDCap's own rules, as its page prints them",
    "nightround/study/rules/of_dictionary/field_rules.py": "the source of a rule, a fact",
    "nightround/study/rules/of_dictionary/visits.py": "the source of a rule, a fact",
    "nightround/study/rules/of_project.py": "the source of a rule, a fact",
    "nightround/study/rules/of_dictionary/units.py": "patterns of laboratory names",
    "nightround/model/outcome.py": "the names of what a finding observed, as they are stored",
    "nightround/study/plan.py": "a name inside the plan",
    "nightround/statistics/cohort.py": "the name of a column",
    "nightround/statistics/data_file.py": "names of columns in files",
    "nightround/published_tables/headers.py": "patterns of printed headers",
    "nightround/published_tables/printed_cells.py": "patterns of printed headers",
    "nightround/published_tables/known_scores.py": "patterns of printed names",
    "nightround/scores/recognition.py": "patterns of the labels of a dictionary",
    "nightround/scores/score_data.py": "the unit of a score's points, part of its data",
    "nightround/rule_desk/suggest/date_order.py": "the logic of a rule",
    "nightround/rule_desk/suggest/periods.py": "the logic of a rule",
    "nightround/rule_desk/suggest/answers_together.py": "patterns of the labels of a dictionary",
    "nightround/report/figures/drawing.py": "a range of characters",
    "nightround/report/printing/cleaning.py": "a range of characters",
    "nightround/report/printing/attachments.py": "descriptions inside a PDF file, which nobody is shown",
    "redcap_sync/api/answers.py": "what a server says",
    "redcap_sync/logic/labels.py": "a range of characters",
    "redcap_sync/odm/safe_xml.py": "the parser's own error",
    "redcap_sync/project/structure.py": "headers of REDCap's data dictionary",
    "redcap_sync/project/randomization.py": "what a server says",
    "redcap_sync/write_back/saved_queries.py": "headers and marks of the file that REDCap saves",
    "redcap_sync/pulling/changed_records.py": "how edits are looked for, a fact",
}
"""Where text may be outside of the catalogue, and why."""


@cache
def tree(path: Path) -> ast.Module:
    """The code of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(call: ast.Call) -> str:
    """The last name of what is called."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


@cache
def error_classes() -> frozenset[str]:
    """The names of the classes of errors that a user can meet."""
    classes = [node for path in SOURCES for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    found = {"ExplainedError"}
    while more := {one.name for one in classes for base in one.bases if getattr(base, "id", "") in found} - found:
        found |= more
    return frozenset(found)


def constants(node: ast.AST | None) -> list[str]:
    """The texts that an argument can be: a literal, or one of two."""
    if isinstance(node, ast.IfExp):
        return constants(node.body) + constants(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def literals(path: Path) -> Iterator[ast.Constant]:
    """Every literal text of a file that is no docstring."""
    bodies = (
        node.body for node in ast.walk(tree(path)) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    )
    documents = {id(one.value) for body in bodies for one in body if isinstance(one, ast.Expr)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call of a file."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def named_codes(path: Path) -> set[str]:
    """Every literal that has the form of a code and begins with a section of the catalogue."""
    texts = {node.value for node in literals(path) if isinstance(node.value, str)}
    return {
        text
        for text in texts
        if CODE.fullmatch(text) and text.partition(".")[0] in SECTIONS and not text.endswith(FILES)
    }


def prefixes(path: Path) -> set[str]:
    """The beginnings of codes that are put together from a prefix and a name."""
    joined = (node.values[0] for node in ast.walk(tree(path)) if isinstance(node, ast.JoinedStr) and node.values)
    return {text for first in joined for text in constants(first) if PREFIX.fullmatch(text)}


def texts_of(code: str) -> set[str]:
    """The entries that a code in the code stands for: its own, or the three of an error."""
    return {code, *(f"{code}.{part}" for part in PARTS)} & CODES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_code_has_a_text(path: Path) -> None:
    """A code that is misspelt or has no text is found here; that a text has both languages is proven elsewhere."""
    lost = {
        code
        for code in named_codes(path)
        if not texts_of(code) and not any(one.startswith(f"{code}.") for one in CODES)
    }
    assert lost == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_error_is_raised_with_a_code(path: Path) -> None:
    """An error says what happened, why and what to do in texts of the catalogue, and never in a sentence of its own."""
    for call in calls(path):
        kind = name_of(call)
        if kind not in error_classes() or not call.args:
            continue
        for code in constants(call.args[0]):
            needed = {code} if kind == "LogicError" else {f"{code}.{part}" for part in PARTS}
            assert needed <= CODES, (call.lineno, code)
        assert not isinstance(call.args[0], ast.JoinedStr), call.lineno


def test_every_text_is_used() -> None:
    """A text that nobody says any more goes."""
    used = {text for path in SOURCES for code in named_codes(path) for text in texts_of(code)}
    used |= {
        text
        for path in (ROOT / "redcap_sync" / "sandbox").rglob("*.py")
        for code in named_codes(path)
        for text in texts_of(code)
    }
    begun = tuple({one for path in SOURCES for one in prefixes(path) if one.partition(".")[0] in SECTIONS})
    assert sorted(code for code in CODES - used if not code.startswith(begun)) == []


def exempt(path: Path) -> set[int]:
    """The literals that no user is shown: formats of log lines, regular expressions, help, a programmer's errors."""
    found: set[int] = set()
    for call in calls(path):
        name = name_of(call)
        of_log = (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "log"
        )
        of_programmer = (
            name in {"ValueError", "TypeError"} and "study" not in path.parts
        )  # there it is a user's mistake
        whole = name in {"compile", "fullmatch", "sub", "AssertionError"} or of_programmer
        given = call.args if whole else call.args[:2] if of_log else []
        given = [*given, *(word.value for word in call.keywords if word.arg == "help")]
        found |= {id(node) for one in given for node in ast.walk(one)}
    return found


PRINTING = frozenset({"say", "say_in", "print_table", "ListColumn", "number", "words"})
"""What puts a text before who calls a command."""


def printed(node: ast.AST) -> Iterator[str]:
    """The literals of an argument that are printed as they are; what another call makes of one is not."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not isinstance(node, ast.Call | ast.Subscript | ast.Compare | ast.comprehension | ast.FormattedValue):
        for child in ast.iter_child_nodes(node):
            yield from printed(child)


def printing_names(path: Path) -> set[str]:
    """What a file has from the module that prints, and the error that a wrong call is shown as."""
    imports = (node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom))
    names = {one.name for node in imports if node.module == "nightround.cli.printing" for one in node.names}
    return names & PRINTING


def prints(call: ast.Call, names: set[str]) -> bool:
    """Whether a call prints its texts, or raises them as the error of a wrong call."""
    return (isinstance(call.func, ast.Name) and call.func.id in names) or name_of(call) == "UsageError"


@pytest.mark.parametrize("path", sorted((ROOT / "nightround" / "cli").glob("*.py")), ids=lambda path: path.name)
def test_no_head_and_no_word_of_a_command_is_a_literal(path: Path) -> None:
    """The heads of tables and the words in lines are texts of the catalogue, however short they are."""
    found = [
        (call.lineno, text)
        for call in calls(path)
        if prints(call, printing_names(path))
        for one in call.args[name_of(call) == "say_in" :]  # its first is a style
        for text in printed(one)
    ]
    assert [(line, text) for line, text in found if re.search("[A-Za-z]{2}", text)] == []


def allowed(path: Path) -> bool:
    """Whether a file is listed with a reason."""
    relative = path.relative_to(ROOT).as_posix()
    return any(relative == one or relative.startswith(f"{one}/") for one in OTHERS_ALLOWED)


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if not allowed(path)], ids=lambda path: str(path.relative_to(ROOT))
)
def test_nothing_is_said_outside_of_the_catalogue(path: Path) -> None:
    """No Chinese and no English sentence is a literal of the code."""
    unseen = exempt(path)
    said = [node.value for node in literals(path) if id(node) not in unseen and isinstance(node.value, str)]
    assert [text for text in said if CHINESE.search(text) or SENTENCE.search(text)] == []
