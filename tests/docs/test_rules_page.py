"""docs/rules.md names every key that a rule file may hold, as the code that reads it describes them."""

import re
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nightround.rule_desk.examples import run_examples
from nightround.study.rules.across import AlikeTable, CohortTable, CountTable
from nightround.study.rules.rule_files import ExampleTable, RuleTable, read_rule_file
from nightround.study.rules.score_tables import ScoreRuleTable, ScoresTable
from tests.docs_blocks import blocks_of

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
MODELS: dict[str, type[BaseModel]] = {
    "rule": RuleTable,
    "alike": AlikeTable,
    "count": CountTable,
    "cohort": CohortTable,
    "examples": ExampleTable,
    "scores": ScoresTable,
    "scores.rules": ScoreRuleTable,
}


def form_of(annotation: Any) -> str:
    """What may be written for a key."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(form_of(one) for one in arguments if one is not type(None)))
    return form_of(arguments[0]) if origin is Annotated else plain_form(annotation)


def plain_form(annotation: Any) -> str:
    """What may be written where there is one kind of value."""
    kind, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if kind is tuple:
        return "list of tables" if form_of(arguments[0]) == "table" else "list of texts"
    if kind is dict or issubclass(kind, BaseModel):
        return "table"
    return {bool: "true or false", int: "whole number", float: "number"}.get(kind, "text")


def is_needed(field: FieldInfo) -> str:
    """Whether a key must be there."""
    return "yes" if field.is_required() else ""


def table_of(model: type[BaseModel]) -> str:
    """The keys of a table of a rule file, as the page shows them."""
    lines = ["| key | form | required | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        meaning = " ".join((field.description or "").split())
        assert meaning, name
        lines.append(f"| `{name}` | {form_of(field.annotation)} | {is_needed(field)} | {meaning} |")
    return "\n".join(lines)


@pytest.mark.parametrize("name", MODELS)
def test_the_page_has_every_key_as_the_model_describes_it(name: str) -> None:
    """The table between the marks of its name is the one that the model gives, to the letter."""
    found = re.search(rf"<!-- keys of {name} -->\n(.*?)\n<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, name
    assert found[1] == table_of(MODELS[name])


def test_every_rule_that_the_page_shows_can_be_read(tmp_path: Path) -> None:
    """Each block of TOML is a rule file, and its examples are right."""
    blocks = blocks_of(PAGE, "toml")
    assert len(blocks) == 7
    for block in blocks:
        file = tmp_path / "rules.toml"
        file.write_text(block, encoding="utf-8")
        rules = read_rule_file(file)
        assert rules
        assert run_examples(rules, ["UNK"]).wrong == ()
