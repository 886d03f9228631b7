"""What `nightround rules` prints: the list of rules, their suites, their examples, what the lint says of them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nightround.model.errors import StudyFilesWrong
from nightround.model.rule import Rule
from nightround.night.run_job import snapshot_vault
from nightround.rule_desk.backtest import Backtest, backtest, rules_to_try
from nightround.rule_desk.catalogue import catalogue
from nightround.rule_desk.examples import run_examples
from nightround.rule_desk.lint import lint_study
from nightround.rule_desk.remarks import Level, Remark
from nightround.rule_desk.study_rules import all_rules
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import Study, load_study
from nightround.validation.suite import compile_suites
from redcap_sync.dictionary import Dictionary

EXIT_FINDINGS = 3


def print_rules(study: Study, console: Console) -> None:
    """List the study's own rules by instrument, each with its severity and title; below, those of the dictionary."""
    rules, dictionary = all_rules(study)
    for name, label in _instruments(dictionary, rules):
        here = [rule for rule in rules if rule.instrument == name]
        console.print(Text(f"{name}  {label}".strip(), style="bold"))
        console.print(Padding(_own(rule for rule in here if rule.origin != "dictionary"), (0, 0, 0, 2)))
        for line in _of_dictionary(rule for rule in here if rule.origin == "dictionary"):
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2)))
    counted = Counter(rule.origin for rule in rules)
    console.print(Text(f"{len(rules)} rules: {_origins(counted)}"))


def _origins(counted: Counter[Any]) -> str:
    """`59 of the study, 185 of its dictionary`, and those of the project where it has any."""
    names = {"study": "of the study", "redcap": "of its project", "dictionary": "of its dictionary"}
    return ", ".join(f"{counted[origin]} {name}" for origin, name in names.items() if counted[origin])


def _instruments(dictionary: Dictionary, rules: Iterable[Rule]) -> Iterator[tuple[str, str]]:
    """Instruments that have a rule, in their order, and what rules name that the project does not have."""
    labels = {one.name: one.label for one in dictionary.instruments}
    named = {rule.instrument for rule in rules}
    yield from ((name, label) for name, label in labels.items() if name in named)
    yield from ((name, "" if name else "Rules of the project") for name in sorted(named - set(labels)))


def _own(rules: Iterable[Rule]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for rule in rules:
        table.add_row(rule.id, rule.severity.value, Text("\n".join(dict.fromkeys(rule.title))))
    return table


def _of_dictionary(rules: Iterable[Rule]) -> Iterator[str]:
    """One line a kind: `required: age, sex`."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        kinds[rule.kind].append(rule.place.name)
    yield from (f"{kind}: {', '.join(names)}" for kind, names in kinds.items())


def rules_document(study: Study) -> dict[str, Any]:
    """Every rule as JSON, in the order they are judged."""
    rules, _ = all_rules(study)
    return {
        "study": study.id,
        "rules": [
            {
                "id": rule.id,
                "kind": rule.kind.value,
                "origin": rule.origin,
                "severity": rule.severity.value,
                "owner": rule.owner,
                "instrument": rule.instrument,
                "events": list(rule.events),
                "title": rule.title._asdict(),
                "logic": rule.discrepancy,
                "applies": rule.applies,
                "needs": list(rule.needs),
                "source": rule.source,
            }
            for rule in rules
        ],
    }


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


def print_examples(study: Study) -> bool:
    """Run every rule's examples; say which go wrong. True when all are right."""
    run = run_examples(study.rules)
    for line in run.wrong:
        click.echo(line)
    for rule_id in run.bare:
        click.echo(f"{rule_id}: lacks an example that passes or one that fails")
    right = run.count - len(run.wrong)
    click.echo(f"{right} examples right, {len(run.wrong)} wrong, {len(run.bare)} rules without enough examples")
    return not run.wrong and not run.bare


def lint_document(remarks: Sequence[Remark]) -> dict[str, Any]:
    """What the lint says as JSON."""
    counted = Counter(remark.level for remark in remarks)
    return {
        **{f"{level}s": counted[level] for level in Level},
        "remarks": [remark.document() for remark in remarks],
    }


def print_lint(folder: Path, *, as_json: bool) -> int:
    """Lint the rules of a study's folder and print every remark; returns the exit code."""
    remarks = lint_study(folder)
    if as_json:
        _print_json(lint_document(remarks))
    else:
        _print_remarks(remarks)
    return StudyFilesWrong.exit_code if any(one.level is Level.ERROR for one in remarks) else 0


def _print_remarks(remarks: Sequence[Remark]) -> None:
    """One remark after another, and a count of each level."""
    for remark in remarks:
        for line in remark.lines():
            click.echo(line)
    counted = Counter(remark.level for remark in remarks)
    click.echo(", ".join(f"{counted[level]} {level}s" for level in Level))


def print_shown(folder: Path, shown: str, *, as_json: bool) -> int:
    """Print what was asked for about the rules of a study's folder; returns the exit code."""
    study = load_study(folder)
    match shown:
        case "test":
            return 0 if print_examples(study) else EXIT_FINDINGS
        case "suite":
            _print_json(suites_document(study))
        case "catalogue":
            click.echo(catalogue(study), nl=False)
        case _ if as_json:
            _print_json(rules_document(study))
        case _:
            print_rules(study, Console())
    return 0


def print_backtest(folder: Path, named: str, *, data: Path, environ: Mapping[str, str], as_json: bool) -> None:
    """Judge a rule of a study, or drafts in a file, on every kept night, and print what it came to."""
    study = load_study(folder)
    known, _ = all_rules(study)
    store = SnapshotStore(data / study.id / "snapshots", snapshot_vault(study, environ))
    found = backtest(rules_to_try(named, known), store, study.id, time_zone=study.settings.study.time_zone)
    if as_json:
        _print_json({"study": study.id, "rules": [one.document() for one in found]})
        return
    for one in found:
        _print_one_backtest(one, Console())


def _print_one_backtest(one: Backtest, console: Console) -> None:
    table = Table("night", "status", "in scope", "checked", "asked", "new", title=one.rule_id, title_justify="left")
    for night in one.nights:
        counts = (night.in_scope, night.checked, night.asked, night.new)
        status = night.status.value.replace("_", " ")
        table.add_row(night.taken_at[:16], status, *(str(count) for count in counts))
    console.print(table)
    for reason in dict.fromkeys(night.reason for night in one.nights if night.reason):
        console.print(Text(reason))
    console.print(f"nights on which it would have asked: {one.nights_asked} of {len(one.nights)}")
    console.print(f"rows it would have asked about: {one.rows_asked}")
    console.print(f"  a value changed later: {one.later_changed}, no longer asked about: {one.changed_and_silent}")
    console.print(f"  the same values, still asked about: {one.unchanged_and_asked}")
    console.print(f"  no longer there: {one.gone}")


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))
