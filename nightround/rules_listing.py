"""`nightround rules`: the rules of a study as a list, as Great Expectations suites, and their examples run as tests."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from nightround.errors import StudyFilesWrong
from nightround.model import Example, Rule
from nightround.study.dictionary_rules import rules_from_dictionary
from nightround.study.folder import Study
from nightround.validation.suite import compile_suites
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import holds, parse
from redcap_sync.project_folder import dictionary_from_folder

EXAMPLE_TIME = datetime(2025, 1, 1)  # noqa: DTZ001 - what `today` means in an example
PROJECT_FOLDER = "project"


def all_rules(study: Study) -> tuple[tuple[Rule, ...], Dictionary]:
    """The study's own rules and those of its dictionary, with the dictionary."""
    folder: Path = study.folder / PROJECT_FOLDER
    if not folder.is_dir():
        raise StudyFilesWrong(
            "The study folder holds no data dictionary.",
            why=f"there is no folder {folder}",
            remedy="save the project's metadata there as CSV files with the API's headers",
        )
    dictionary = dictionary_from_folder(folder)
    return (*study.rules, *rules_from_dictionary(dictionary, study.settings.dictionary_rules)), dictionary


def print_rules(study: Study) -> None:
    """List every rule with its severity, where it looks, and its title in both languages."""
    rules, _ = all_rules(study)
    table = Table("rule", "severity", "instrument", "title", show_edge=False)
    for rule in rules:
        table.add_row(rule.id, rule.severity.value, rule.instrument, f"{rule.title.zh}\n{rule.title.en}")
    Console().print(table)


def suites_document(study: Study) -> list[dict[str, Any]]:
    """Every suite in Great Expectations' own JSON; a rule that cannot be compiled is an error."""
    rules, dictionary = all_rules(study)
    suites, refused = compile_suites(rules, dictionary)
    if refused:
        rule_id, reason = next(iter(refused.items()))
        raise StudyFilesWrong(
            f"{len(refused)} rules cannot be written as a suite; the first is {rule_id}: {reason}.",
            why="the rule names an instrument or uses logic that this project does not have",
            remedy="mend the rule, or the dictionary in the study folder",
        )
    return [suite.to_json() for suite in suites]


def print_suites(study: Study) -> None:
    """Print the suites as one JSON document."""
    click.echo(json.dumps(suites_document(study), ensure_ascii=False, indent=1))


def run_examples(study: Study) -> bool:
    """Run every rule's examples; say which go wrong. True when all are right."""
    wrong = [
        f"{rule.id}: {dict(example.values)} {verdict(rule, example)}, not {example.verdict}"
        for rule in study.rules
        for example in rule.examples
        if verdict(rule, example) != example.verdict
    ]
    for line in wrong:
        click.echo(line)
    bare = [rule.id for rule in study.rules if not {"passes", "fails"} <= {e.verdict for e in rule.examples}]
    for rule_id in bare:
        click.echo(f"{rule_id}: lacks an example that passes or one that fails")
    count = sum(len(rule.examples) for rule in study.rules)
    click.echo(f"{count - len(wrong)} examples right, {len(wrong)} wrong, {len(bare)} rules without enough examples")
    return not wrong and not bare


def verdict(rule: Rule, example: Example) -> str:
    """What a rule says of an example's row, by the slow interpreter: passes, fails or skipped."""
    row = example.values
    if rule.applies and not holds(parse(rule.applies), row, now=EXAMPLE_TIME):
        return "skipped"
    if any(not row.get(column) for column in rule.needs):
        return "skipped"
    return "fails" if holds(parse(rule.discrepancy), row, now=EXAMPLE_TIME) else "passes"
