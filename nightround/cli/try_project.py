"""`nightround try`: REDCap's rules A-I and a project's own on a downloaded project."""

from __future__ import annotations

from pathlib import Path

import click

from nightround.cli.options import existing_file, json_option
from nightround.cli.printing import log_to_stderr, print_json, text
from nightround.cli.study_job import now


@click.command("try")
@click.argument("project", type=existing_file, metavar="PROJECT.xml")
@click.option(
    "--rules",
    "rules_file",
    type=existing_file,
    help="Custom rules as REDCap's Data Quality page downloads them (CSV), in addition to those in the XML.",
)
@click.option(
    "--exclude",
    type=existing_file,
    help="CSV of excluded discrepancies: rule,record,event,instrument,instance,field.",
)
@click.option("--parity", is_flag=True, help="Print only the counts, as REDCap's Data Quality page shows them.")
@json_option
def try_project(project: Path, rules_file: Path | None, exclude: Path | None, *, parity: bool, as_json: bool) -> None:
    """Try rules A-I and custom rules on a downloaded project XML.

    It needs no server and no token, and keeps nothing.
    """
    if parity and as_json:
        raise click.UsageError(text("terminal.usage.parity_or_json"))
    from nightround.cli.try_layout import print_parity, print_reasons, print_tried
    from nightround.rule_desk import try_project as desk
    from redcap_sync.odm.project_file import read_project_file
    from redcap_sync.project.custom_rules import read_custom_rules

    log_to_stderr()
    read = read_project_file(project)
    custom = (*read.rules, *(read_custom_rules(rules_file) if rules_file else ()))
    exclusions = desk.read_exclusions(exclude) if exclude else ()
    # REDCap's clock has no zone: today is today where the user sits.
    tried = desk.try_project(read, custom, now=now().astimezone().replace(tzinfo=None), exclusions=exclusions)
    if as_json:
        print_json(desk.document(tried))
    elif parity:
        print_parity(tried)
    else:
        print_tried(tried)
    print_reasons(tried)
