"""The commands about tables alone: no study, no server, nothing is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nightround.model.language import Language
    from nightround.study.plan import PolicyName

POLICIES = ("recommended", "spss", "cn-textbook", "as-published")
"""As the plan knows them; listed here so that `--help` loads nothing."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else.")


@click.command("audit-table")
@click.argument("printed", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="TABLES.json")
@click.option("--whole", multiple=True, metavar="LABEL", help="A row of whole numbers, by the start of its label.")
@json_option
def audit_table(printed: Path, whole: tuple[str, ...], *, as_json: bool) -> None:
    """Recompute a published table from what it prints; name each cell that cannot be right.

    TABLES.json holds each table as JSON, its columns and its rows of [label, kind, cells...], as docs/tables.md shows;
    a CSV is not read. Tables of your own data are made by `nightround table`.
    """
    from rich.console import Console

    from nightround.cli.audit_listing import audited, print_audit, print_json

    found = audited(printed, whole)
    if as_json:
        print_json(found)
    else:
        print_audit(found, Console())


@click.command()
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="DATA.csv")
@click.option(
    "--plan",
    "plan_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The statistical analysis plan: which test for which variable, fixed in advance.",
)
@click.option("--policy", type=click.Choice(POLICIES), help="Another policy than the plan's own.")
@click.option("--compare", type=click.Choice(POLICIES), help="List every number that this policy prints differently.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="Of the tables.")
@click.option("--encoding", help="Of the file, where it is not UTF-8, such as gb18030.")
@click.option("--delimiter", help="Between the cells, where it cannot be told from the header.")
@click.option("--id", "record_id", metavar="COLUMN", help="The column that names the patient: each stands there once.")
@click.option("--missing", multiple=True, metavar="CODE", help="A code that stands for a missing value.")
@json_option
def table(
    data: Path,
    *,
    plan_file: Path,
    policy: PolicyName | None,
    compare: PolicyName | None,
    language: Language,
    encoding: str | None,
    delimiter: str | None,
    record_id: str | None,
    missing: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compute the tables of a plan from any CSV: one row a patient, or REDCap's export with a row an event."""
    from rich.console import Console

    from nightround.cli.table_listing import Listing, document, print_differences, print_json
    from nightround.statistics.cohort import csv_frame
    from nightround.statistics.compare_policies import compare as compare_policies
    from nightround.statistics.data_file import read_patients
    from nightround.statistics.tables import tables
    from nightround.study.plan import read_plan

    plan = read_plan(plan_file)
    rows = read_patients(
        data, plan.references(), encoding=encoding, delimiter=delimiter, record_id=record_id, missing=missing
    )
    patients = csv_frame(plan, rows)
    used = policy or plan.policy
    found = tables(plan, patients, used)
    differences = compare_policies(plan, patients, used, compare) if compare else None
    if as_json:
        print_json(document(plan, found, used, differences))
        return
    console = Console()
    Listing(plan, found, language, console).print()
    if compare and differences is not None:
        print_differences(differences, used, compare, console)
