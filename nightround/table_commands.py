"""The commands about tables alone: no study, no server, nothing is kept."""

from __future__ import annotations

from pathlib import Path

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else.")


@click.command("audit-table")
@click.argument("printed", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="TABLES.json")
@click.option("--whole", multiple=True, metavar="LABEL", help="A row of whole numbers, by the start of its label.")
@json_option
def audit_table(printed: Path, whole: tuple[str, ...], *, as_json: bool) -> None:
    """Recompute a published table from what it prints; name each cell that cannot be right."""
    from rich.console import Console

    from nightround.audit_listing import audited, print_audit, print_json

    found = audited(printed, whole)
    if as_json:
        print_json(found)
    else:
        print_audit(found, Console())
