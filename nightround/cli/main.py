"""The command line. Heavy packages are imported inside the call that needs them: `--help` answers at once."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightround import __version__
from nightround.cli.rules_command import rules
from nightround.cli.snapshots_command import data_option, json_option, snapshots
from nightround.cli.table_commands import audit_table, table
from nightround.night.full_disk import full_disk_explained
from redcap_sync.errors import ExplainedError
from redcap_sync.rows.one_heap import share_one_heap

if TYPE_CHECKING:
    from nightround.night import Night

EXIT_FINDINGS = 3

study_argument = click.argument("study")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nightround")
def cli() -> None:
    """Make a ward round of a REDCap study every night."""


@cli.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where everything is written; an earlier demo there is replaced.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other synthetic patients.")
@click.option("--nights", type=click.IntRange(1, 3), default=3, show_default=True, help="How many nights to show.")
def demo(out: Path, seed: int, nights: int) -> None:
    """Show three nights on the sandbox: found, partly fixed, one comes back. Synthetic patients only."""
    from nightround.simulation.demo import run_demo

    run_demo(out, seed=seed, nights=nights, environ=os.environ)


@cli.command()
@study_argument
@data_option
@json_option
def night(study: str, data: Path, *, as_json: bool) -> None:
    """Make the whole round of STUDY now."""
    _run(study, data, "nightly", as_json=as_json)


@cli.command()
@study_argument
@data_option
@json_option
def pull(study: str, data: Path, *, as_json: bool) -> None:
    """Pull STUDY from REDCap and keep it as a snapshot, if it proves complete."""
    _run(study, data, "pull", as_json=as_json, steps=lambda night: night.pull())


@cli.command()
@study_argument
@data_option
@json_option
def check(study: str, data: Path, *, as_json: bool) -> None:
    """Judge the rules on the last snapshot of STUDY; findings are not changed."""
    _run(study, data, "check", as_json=as_json, steps=lambda night: night.validate(night.last_snapshot()))


@cli.command()
@study_argument
@click.option("--snapshot", metavar="ID", help="Make the report of a past snapshot again, byte for byte.")
@click.option("--open", "only_open", is_flag=True, help="Only the open version: nothing by group.")
@data_option
@json_option
def report(study: str, snapshot: str | None, data: Path, *, only_open: bool, as_json: bool) -> None:
    """Print the interim report of STUDY from its last snapshot, the closed and the open version."""

    def make(night: Night) -> None:
        if snapshot:
            night.report_again(snapshot)
            return
        last = night.last_snapshot()
        night.report(last, night.validate(last), ("open",) if only_open else ("closed", "open"))

    _run(study, data, "report", as_json=as_json, steps=make)


@cli.command()
@study_argument
@click.argument("role")
@click.option("--snapshot", metavar="ID", help="Of which snapshot; the last one unless given.")
@click.option("--open", "is_open", is_flag=True, help="The open version was given, not the closed one.")
@data_option
def handed(study: str, role: str, snapshot: str | None, data: Path, *, is_open: bool) -> None:
    """Write into the register that ROLE was given the report of STUDY."""

    def note(night: Night) -> None:
        night.note_receipt(role, snapshot, "open" if is_open else "closed")

    _run(study, data, "handed", as_json=False, steps=note)


@cli.command("try")
@click.argument("project", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="PROJECT.xml")
@click.option(
    "--rules",
    "rules_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Custom rules as REDCap's Data Quality page downloads them (CSV), besides those in the XML.",
)
@click.option(
    "--exclude",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV of excluded discrepancies: rule,record,event,instrument,instance,field.",
)
@click.option("--parity", is_flag=True, help="Print only the counts, as REDCap's Data Quality page shows them.")
@json_option
def try_file(project: Path, rules_file: Path | None, exclude: Path | None, *, parity: bool, as_json: bool) -> None:
    """Try rules A-I and custom rules on a downloaded project XML: no server, no token, nothing is kept."""
    if parity and as_json:
        raise click.UsageError("--parity and --json exclude each other.")
    from rich.console import Console

    from nightround.cli.try_listing import print_json, print_parity, print_reasons, print_tried
    from nightround.rule_desk.try_project import read_exclusions, try_project
    from redcap_sync.odm.project_file import read_project_file
    from redcap_sync.project.custom_rules import read_custom_rules

    _log_to_stderr()
    read = read_project_file(project)
    custom = (*read.rules, *(read_custom_rules(rules_file) if rules_file else ()))
    exclusions = read_exclusions(exclude) if exclude else ()
    # REDCap's clock has no zone: today is today where the user sits.
    now = _now().astimezone().replace(tzinfo=None)
    tried = try_project(read, custom, now=now, exclusions=exclusions)
    if as_json:
        print_json(tried)
    elif parity:
        print_parity(tried, Console())
    else:
        print_tried(tried, Console())
    print_reasons(tried)


@cli.command()
@click.argument("studies", nargs=-1, required=True, metavar="STUDY...")
@data_option
def serve(studies: tuple[str, ...], data: Path) -> None:
    """Make the round of each STUDY at its hour, until interrupted."""
    from nightround.night.run_job import run_scheduled, schedules
    from nightround.night.scheduler import serve as serve_jobs
    from nightround.study.folder import find_content

    _log_to_stderr()
    content = find_content(os.environ)

    def run(job: str) -> None:
        run_scheduled(job, studies, data=data, content=content, environ=os.environ, clock=_now, sleep=time.sleep)

    serve_jobs(schedules(content), run)


def _run(study: str, data: Path, job: str, *, as_json: bool, steps: Callable[[Night], object] | None = None) -> None:
    """Run a job of a study, print what it came to, and end with its exit code."""
    from nightround.night.run_job import open_night, run_job
    from nightround.study.folder import find_content

    _log_to_stderr()
    with open_night(
        study, data=data, job=job, content=find_content(os.environ), environ=os.environ, clock=_now, sleep=time.sleep
    ) as night:
        summary = run_job(night, job, steps)
    if as_json:
        click.echo(json.dumps(summary.document(), ensure_ascii=False, indent=1))
    else:
        for line in summary.lines():
            click.echo(line)
    sys.exit(EXIT_FINDINGS if summary.severe else 0)


def _now() -> datetime:
    """Read the clock: the only place where it is read."""
    return datetime.now(UTC)


def _log_to_stderr() -> None:
    from rich.console import Console
    from rich.logging import RichHandler

    handler = RichHandler(console=Console(stderr=True), show_path=False)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    for noisy in ("great_expectations", "apscheduler", "alembic", "weasyprint", "fontTools", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


cli.add_command(rules)
cli.add_command(snapshots)
cli.add_command(audit_table)
cli.add_command(table)


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; a user's mistake is explained, a bug shows its traceback."""
    share_one_heap(os.environ)
    try:
        with full_disk_explained():
            return cli.main(arguments, prog_name="nightround")
    except ExplainedError as error:
        click.echo(f"nightround: {error}", err=True)
        sys.exit(error.exit_code)
