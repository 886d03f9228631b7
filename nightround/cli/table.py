"""`nightround table`: the tables of a plan from any CSV; no study, no server, nothing is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import existing_file, json_option, language_option
from nightround.cli.printing import print_json, say, text

if TYPE_CHECKING:
    from nightround.model.language import Language
    from nightround.model.result import ResultSet
    from nightround.study.plan import Plan, PolicyName

POLICIES = ("recommended", "spss", "cn-textbook", "as-published")
"""As the plan knows them; listed here so that `--help` loads nothing."""
FILE_KINDS = (".csv", ".docx")


@click.command()
@click.argument("data", type=existing_file, metavar="DATA.csv")
@click.option(
    "--plan",
    "plan_file",
    required=True,
    type=existing_file,
    help="The statistical analysis plan: which test for which variable, fixed in advance.",
)
@click.option("--policy", type=click.Choice(POLICIES), help="Another policy than the plan's own.")
@click.option("--compare", type=click.Choice(POLICIES), help="List every number that this policy prints differently.")
@language_option
@click.option("--encoding", help="Of the file, where it is not UTF-8, such as gb18030.")
@click.option("--delimiter", help="Between the cells, where the header does not show it.")
@click.option("--id", "record_id", metavar="COLUMN", help="The column that names the patient, each once.")
@click.option("--missing", multiple=True, metavar="CODE", help="A code that means a missing value.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a .csv or .docx.")
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
    out: Path | None,
    as_json: bool,
) -> None:
    """Compute the tables of a plan from any CSV.

    The CSV has one row a patient, or is REDCap's export with a row an event. With --out FILE.docx the tables are
    written as the report prints them, with FILE.csv every statistic in a row.
    """
    if out is not None and out.suffix.lower() not in FILE_KINDS:
        raise click.UsageError(text("table.out_kind", file=out.name))
    from nightround.cli.table_layout import Listing, print_differences
    from nightround.statistics.cohort import csv_frame
    from nightround.statistics.compare_policies import compare as compare_policies
    from nightround.statistics.data_file import read_patients
    from nightround.statistics.results_document import document
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
    if out is not None:
        _write(out, plan, found, language)
    if as_json:
        print_json(document(plan, found, used, differences))
        return
    if out is not None:
        say(text("table.written", file=str(out)))
        return
    Listing(plan, found, language).show()
    if compare and differences is not None:
        print_differences(differences, (used, compare), language)


def _write(out: Path, plan: Plan, found: ResultSet, language: Language) -> None:
    """Write the tables in the form that the name of the file asks for."""
    from nightround.cli.options import found_content
    from nightround.report.table_file import CSV, rows_csv, tables_word
    from redcap_sync.private_files import write_private

    is_csv = out.suffix.lower() == CSV
    write_private(out, rows_csv(found) if is_csv else tables_word(plan, found, found_content().templates, language))
