"""The catalogue that is committed is the one that rules and dictionary give."""

import re
from functools import cache
from pathlib import Path

import pytest

from nightround.model.rule import Rule
from nightround.rule_desk.rule_catalogue import catalogue
from nightround.rule_desk.study_rules import all_rules
from nightround.study.folder import Study, load_study

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
STUDIES = sorted(path.parent for path in EXPECTATIONS.glob("*/study.toml"))


@cache
def study_in(folder: Path) -> Study:
    """A study that is shipped."""
    return load_study(folder)


@cache
def page_of(folder: Path, rule_id: str) -> str:
    """The page of one rule."""
    return catalogue(study_in(folder)).split(f"\n## {rule_id}\n")[1].split("\n## ")[0]


RULES = [(folder, rule) for folder in STUDIES for rule in study_in(folder).rules]


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_the_committed_catalogue_is_current(folder: Path) -> None:
    """After a change of rules or dictionary: nightround rules <study> --catalogue > expectations/<study>/README.md."""
    committed = (folder / "README.md").read_text(encoding="utf-8")
    assert committed == catalogue(study_in(folder)), (
        f"run: nightround rules {folder.name} --catalogue > {folder.name}/README.md"
    )


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_every_rule_is_in_the_index_and_the_index_leads_to_its_page(folder: Path) -> None:
    """The links of the index are the headings below, and every rule of the dictionary is named."""
    text = catalogue(study_in(folder))
    links = re.findall(r"\[([^\]]+)\]\(#([^)]+)\)", text)
    headings = re.findall(r"^## (\S+)$", text, flags=re.MULTILINE)
    assert [name for name, _ in links] == headings == [rule.id for rule in study_in(folder).rules]
    assert [anchor for _, anchor in links] == [heading.lower() for heading in headings]
    rules, _ = all_rules(study_in(folder))
    of_dictionary = text.split("## 数据字典规则")[1]
    missing = [
        rule.id for rule in rules if rule.origin == "dictionary" and f"`{rule.id.split(':')[1]}`" not in of_dictionary
    ]
    assert missing == []


@pytest.mark.parametrize(("folder", "rule"), RULES, ids=[rule.id for _, rule in RULES])
def test_a_page_says_all_there_is_to_know_of_a_rule(folder: Path, rule: Rule) -> None:
    """Title, severity, source, logic, advice and what an analyst must know, in both languages, and every example."""
    page = page_of(folder, rule.id)
    for text in (
        *rule.title,
        *rule.advice,
        *rule.analyst,
        rule.discrepancy.strip(),
        rule.applies,
        f" {rule.severity} ",
    ):
        assert text in page
    assert rule.source.replace("|", "\\|").replace("<", "&lt;") in page
    rows = [line for line in page.splitlines() if re.match(r"\| (通过|质疑|不核查) ", line)]
    assert len(rows) == len(rule.examples)


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_an_analyst_is_told_where_there_is_something_to_know(folder: Path) -> None:
    """A note for the analyst is in both languages, and a rule without one has no heading for it."""
    noted = [rule for rule in study_in(folder).rules if any(rule.analyst)]
    assert noted
    assert all(all(rule.analyst) for rule in noted)
    pages = catalogue(study_in(folder))
    assert pages.count("分析者须知") == len(noted)
