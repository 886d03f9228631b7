"""`nightround rules`: list and prove the rules of a study, lint them, try one on past nights."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from nightround.cli.snapshots_command import data_option, json_option


class _Rules(click.Group):
    """`rules lint` and `rules backtest`, and `rules STUDY` for every other word."""

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
    subcommand_metavar="STUDY [--suite|--test|--catalogue] [--json] | lint ... | backtest ...",
    options_metavar="",
)
def rules() -> None:
    """List, prove and try the rules of a study.

    `rules STUDY` lists them, `rules STUDY -h` names its options.
    """


@click.command(cls=_OfStudy)
@click.argument("study")
@click.option("--suite", "shown", flag_value="suite", help="Print the Great Expectations suites as JSON.")
@click.option("--test", "shown", flag_value="test", help="Run every rule's own examples.")
@click.option("--catalogue", "shown", flag_value="catalogue", help="Print the catalogue, a page a rule, as Markdown.")
@json_option
def list_rules(study: str, *, shown: str | None, as_json: bool) -> None:
    """List the rules of STUDY, or show and prove them."""
    if as_json and shown in ("test", "catalogue"):
        raise click.UsageError(f"--{shown} has no JSON.")
    from nightround.cli.rules_listing import print_shown

    sys.exit(print_shown(_folder(study), shown or "list", as_json=as_json))


@rules.command()
@click.argument("study", required=False)
@json_option
def lint(study: str | None, *, as_json: bool) -> None:
    """Name what is wrong or doubtful about the rules of STUDY; it may be left out where there is only one."""
    from nightround.cli.rules_listing import print_lint

    sys.exit(print_lint(_folder(study), as_json=as_json))


@rules.command()
@click.argument("rule", metavar="RULE|FILE.toml")
@click.option("--study", help="Whose rule; may be left out where there is only one study.")
@data_option
@json_option
def backtest(rule: str, study: str | None, data: Path, *, as_json: bool) -> None:
    """Judge a rule, or the drafts in a TOML file, on every snapshot that is kept."""
    from nightround.cli.rules_listing import print_backtest

    print_backtest(_folder(study), rule, data=data, environ=os.environ, as_json=as_json)


def _folder(study: str | None) -> Path:
    """The folder of the study that is named, or of the only one there is."""
    from nightround.study.folder import find_content

    content = find_content(os.environ)
    known = content.studies
    if study is None and len(known) != 1:
        raise click.UsageError(f"Name the study: {', '.join(known) or 'there is none yet'}.")
    return content.study_folder(study or known[0])
