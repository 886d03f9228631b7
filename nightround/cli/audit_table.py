"""`nightround audit-table`: a published table recomputed from what it prints."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import existing_file, json_option
from nightround.cli.printing import print_json

if TYPE_CHECKING:
    from nightround.published_tables.audit_remarks import Audit


@click.command("audit-table")
@click.argument("printed", type=existing_file, metavar="TABLES.json")
@click.option("--whole", multiple=True, metavar="LABEL", help="A row of whole numbers, by the start of its label.")
@json_option
def audit_table(printed: Path, whole: tuple[str, ...], *, as_json: bool) -> None:
    """Recompute a published table from what it prints.

    It names each cell that cannot be right.

    TABLES.json holds each table as JSON, its columns and its rows of [label, kind, cells...], as docs/tables.md shows;
    a CSV is not read. Tables of your own data are made by `nightround table`.
    """
    from nightround.published_tables.audit_document import audit
    from nightround.published_tables.document_form import read_document, with_whole_numbers

    found = audit(with_whole_numbers(read_document(printed), whole))
    if as_json:
        print_json(found.document())
    else:
        _print_audit(found)


def _print_audit(found: Audit) -> None:
    """Print every cell that cannot be right, then how many were checked and why the others could not be."""
    for one in found.inconsistent:
        must = f", must be {one.recomputed}" if one.recomputed else ""
        click.echo(f"{one.cell.table} | {one.cell.row} | {one.cell.column}: printed {one.cell.text}{must}")
        click.echo(f"    {one.why}")
    wrong, unchecked = len(found.inconsistent), Counter(one.why for one in found.unverifiable)
    click.echo(f"{found.checked} cells checked, {wrong} cannot be right; {unchecked.total()} cannot be checked")
    for why, count in unchecked.most_common():
        click.echo(f"    {count}: {why}")
