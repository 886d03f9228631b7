"""`nightround rules`: list and prove the rules of a study, lint them, try one on past nights."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nightround.cli.options import (
    data_option,
    folder_of,
    json_option,
    language_option,
    study_argument,
    wait_option,
)
from nightround.cli.printing import print_json, say, text
from nightround.cli.study_job import now
from nightround.model.language import Language

if TYPE_CHECKING:
    from nightround.rule_desk.suggest.suggesting import Tried
    from nightround.study.folder import Study

EXIT_WRONG_EXAMPLES = 3
CHOICES = ("future", "reopen", "carry")


class _Rules(click.Group):
    """`rules lint`, `rules backtest` and `rules change`, and `rules STUDY` for every other word."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return None, list_rules, args


class _OfStudy(click.Command):
    """A command that is called by the name of its group alone."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        group = parent or click.Context(self)
        return super().make_context(info_name or group.info_name, args, parent=group.parent, **extra)


@click.group(
    cls=_Rules,
    # An option in front of the study is the study's.
    context_settings={"ignore_unknown_options": True},
    subcommand_metavar="STUDY [--suite|--test|--catalogue|--yield] [--json] | lint|backtest|change|suggest|accept ...",
    options_metavar="",
)
def rules() -> None:
    """List, prove and try the rules of a study.

    `rules STUDY` lists them, `rules STUDY -h` names its options.
    """


@click.command(cls=_OfStudy)
@study_argument
@click.option("--suite", "shown", flag_value="suite", help="Print the Great Expectations suites as JSON.")
@click.option("--test", "shown", flag_value="test", help="Run every rule's own examples.")
@click.option("--catalogue", "shown", flag_value="catalogue", help="Print the catalogue, a page a rule, as Markdown.")
@click.option("--yield", "shown", flag_value="yield", help="Show what came of the questions that each rule asked.")
@data_option
@json_option
def list_rules(study: str, data: Path, *, shown: str | None, as_json: bool) -> None:
    """List the rules of STUDY, or show and prove them."""
    if as_json and shown in ("test", "catalogue"):
        raise click.UsageError(text("terminal.usage.no_json", option=shown))
    from nightround.cli.rules_layout import print_examples, print_rules
    from nightround.night.run_job import snapshot_vault
    from nightround.rule_desk.examples import run_examples
    from nightround.rule_desk.rule_catalogue import catalogue
    from nightround.rule_desk.rule_documents import rules_document, suites_document
    from nightround.rule_desk.study_rules import missing_codes
    from nightround.snapshots.snapshot_store import SnapshotStore
    from nightround.study.folder import load_study

    loaded = load_study(folder_of(study))
    snapshots = SnapshotStore(data / loaded.id / "snapshots", snapshot_vault(loaded, os.environ))
    match shown:
        case "test":
            run = run_examples(loaded.rules, missing_codes(loaded))
            print_examples(run)
            sys.exit(0 if run.right else EXIT_WRONG_EXAMPLES)
        case "suite":
            print_json(suites_document(loaded, snapshots))
        case "catalogue":
            say(catalogue(loaded, snapshots), nl=False)
        case "yield":
            _show_yields(study, data, as_json=as_json)
        case _ if as_json:
            print_json(rules_document(loaded, snapshots))
        case _:
            print_rules(loaded, snapshots)


def _show_yields(study: str, data: Path, *, as_json: bool) -> None:
    """What came of the questions of each rule, the least useful first."""
    from nightround.cli.finding_documents import opened
    from nightround.cli.rules_layout import print_yields
    from nightround.findings.rule_yield import rule_yields

    with opened(study, data) as (shown, store):
        yields = rule_yields(store.findings(shown.study), store.whole_history(shown.study), now())
    if as_json:
        print_json({"study": shown.study, "rules": [one.document() for one in yields]})
        return
    print_yields(yields)


@rules.command()
@click.argument("study", required=False)
@data_option
@language_option
@json_option
def lint(study: str | None, data: Path, language: Language, *, as_json: bool) -> None:
    """Name what is wrong or doubtful about the rules of STUDY; it may be left out where there is only one.

    They are compared with the last snapshot, else with the project folder or dictionary.csv of the study.
    """
    from nightround.cli.rules_layout import print_remarks
    from nightround.night.run_job import snapshots_at
    from nightround.rule_desk.lint import lint_study
    from nightround.rule_desk.remarks import document, exit_code

    folder = folder_of(study)
    remarks = lint_study(folder, snapshots_at(folder, data, os.environ))
    if as_json:
        print_json(document(remarks))
    else:
        print_remarks(remarks, language)
    sys.exit(exit_code(remarks))


@rules.command()
@click.argument("study")
@click.argument("rule_id", metavar="RULE")
@click.option("--answers", "choice", type=click.Choice(CHOICES), help="What becomes of answers to the old logic.")
@click.option("--by", default="", metavar="WHO", help="Who decides it; needed with --answers.")
@wait_option
@data_option
@json_option
def change(
    study: str, rule_id: str, data: Path, *, choice: str | None, by: str, wait: float | None, as_json: bool
) -> None:
    """Decide what becomes of the answers to RULE of STUDY after its logic was edited.

    Without --answers it counts them and changes nothing. `reopen` asks again, as the next night does by itself;
    `carry` makes them answers to the new logic; `future` leaves them for the old one, until the next edit.
    """
    from nightround.cli.rules_layout import print_answers

    counts = _answers_of(study, rule_id, data)
    if not as_json:
        print_answers(counts)
    if choice is not None:
        if not by.strip():
            raise click.UsageError(text("terminal.usage.answers_by"))
        _settle(study, rule_id, data, choice=choice, by=by, wait=wait)
    if as_json:
        print_json({**counts, "answers": choice})
    elif choice is not None:
        say(text("terminal.rules.settled", count=counts["affected"], choice=choice))


def _answers_of(study: str, rule_id: str, data: Path) -> dict[str, Any]:
    """How many findings of a rule are in each state, and how many answers are to a logic that it no longer has."""
    from nightround.cli.finding_documents import opened
    from nightround.findings.finding_answers import RuleAnswers
    from nightround.model.errors import UsageWrong

    with opened(study, data) as (shown, store):
        if rule_id not in shown.rules:
            raise UsageWrong("answers.no_rule", rule=rule_id)
        found = RuleAnswers.of(store.findings(shown.study), shown.rules[rule_id])
    counts = {state.value: count for state, count in found.counts.items()}
    return {"study": shown.study, "rule_id": rule_id, **counts, "affected": len(found.affected)}


def _settle(study: str, rule_id: str, data: Path, *, choice: str, by: str, wait: float | None) -> None:
    from nightround.cli.study_job import run_alone
    from nightround.model.finding_answer import Why
    from nightround.night.answer_step import settle_answers

    whys = {"future": Why.FUTURE, "reopen": Why.RULE_CHANGED, "carry": Why.CARRY}
    run_alone(study, data, "rules-change", lambda night: settle_answers(night, rule_id, whys[choice], by=by), wait=wait)


@rules.command()
@click.argument("words", nargs=-1, required=True, metavar="[STUDY] RULE|FILE.toml")
@click.option("--study", "named", help="Another way to name the STUDY.")
@data_option
@json_option
def backtest(words: tuple[str, ...], named: str | None, data: Path, *, as_json: bool) -> None:
    """Judge a rule, or the drafts in a TOML file, on every snapshot that is kept.

    STUDY may be left out where there is only one.
    """
    *before, rule = words
    if len(before) + (named is not None) > 1:
        raise click.UsageError(text("terminal.usage.one_rule"))
    from nightround.cli.rules_layout import print_backtest
    from nightround.night.run_job import snapshot_vault
    from nightround.rule_desk import backtest as desk
    from nightround.rule_desk.study_rules import all_rules
    from nightround.snapshots.snapshot_store import SnapshotStore
    from nightround.study.folder import load_study

    study = load_study(folder_of(named or next(iter(before), None)))
    store = SnapshotStore(data / study.id / "snapshots", snapshot_vault(study, os.environ))
    known, _ = all_rules(study, store)
    tried = desk.rules_to_try(rule, known)
    found = desk.backtest(tried, store, study.id, time_zone=study.settings.study.time_zone)
    if as_json:
        print_json({"study": study.id, "rules": [one.document() for one in found]})
        return
    for one in found:
        print_backtest(one)


@rules.command()
@study_argument
@data_option
@json_option
def suggest(study: str, data: Path, *, as_json: bool) -> None:
    """Suggest rules for STUDY from its dictionary and its last snapshot; none is judged before it is accepted.

    Before the first snapshot the dictionary alone is read.
    """
    loaded, found = _suggested(study, data)
    if as_json:
        print_json({"study": loaded.id, "suggestions": [one.document() for one in found]})
        return
    for one in found:
        facts = {"reason": one.suggestion.reason, "evidence": one.suggestion.evidence}
        say(text("suggest.line.one", id=one.suggestion.id, checked=one.checked, found=one.found, **facts))
    say(text("suggest.line.next", count=len(found), study=study) if found else text("suggest.line.none"))


@rules.command()
@study_argument
@click.argument("names", nargs=-1, required=True, metavar="SUGGESTION...")
@data_option
@json_option
def accept(study: str, names: tuple[str, ...], data: Path, *, as_json: bool) -> None:
    """Write suggestions into the rules of STUDY, which are judged from the next round on."""
    from nightround.rule_desk.suggest import suggesting

    loaded, found = _suggested(study, data)
    path = suggesting.accept(loaded, names, [one.suggestion for one in found])
    if as_json:
        print_json({"study": loaded.id, "accepted": list(names), "file": str(path)})
        return
    say(text("suggest.line.accepted", file=str(path)))


def _suggested(study: str, data: Path) -> tuple[Study, tuple[Tried, ...]]:
    """A study with what is suggested for it, from its last snapshot, or before the first one from its dictionary."""
    from nightround.night.run_job import snapshots_at
    from nightround.rule_desk.study_rules import project_dictionary
    from nightround.rule_desk.suggest.suggesting import suggestions, without_rows
    from nightround.study.folder import load_study

    folder, moment = folder_of(study), now()
    loaded = load_study(folder)
    snapshot = snapshots_at(folder, data, os.environ).latest(loaded.id)
    if snapshot is None:
        snapshot = without_rows(project_dictionary(folder), loaded.id, moment)
    zone = ZoneInfo(loaded.settings.study.time_zone)
    return loaded, suggestions(loaded, snapshot, moment.astimezone(zone).replace(tzinfo=None))
