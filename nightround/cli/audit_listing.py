"""What `nightround audit-table` prints: one JSON document, or each cell that cannot be right with its reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from nightround.published_tables.audit_document import audit
from nightround.published_tables.audit_remarks import Audit
from nightround.published_tables.document_form import read_document, with_whole_numbers


def audited(path: Path, whole: tuple[str, ...] = ()) -> Audit:
    """The audit of a file of printed tables; rows whose label begins with one of `whole` hold whole numbers."""
    return audit(with_whole_numbers(read_document(path), whole))


def print_json(found: Audit) -> None:
    """Print one JSON document and nothing else."""
    click.echo(json.dumps(found.document(), ensure_ascii=False, indent=1))


def print_audit(found: Audit, console: Console) -> None:
    """Print every cell that cannot be right, then how many were checked and why the others could not be."""
    for one in found.inconsistent:
        place = f"{one.cell.table} | {one.cell.row} | {one.cell.column}"
        must = f", must be {one.recomputed}" if one.recomputed else ""
        console.print(f"[bold]{escape(place)}[/bold]: printed {escape(one.cell.text)}{escape(must)}", soft_wrap=True)
        console.print(f"    {escape(one.why)}", soft_wrap=True)
    wrong, checked, unheld = len(found.inconsistent), found.checked, len(found.unverifiable)
    console.print(f"{checked} cells checked, {wrong} cannot be right; {unheld} cannot be checked")
    for why, count in Counter(one.why for one in found.unverifiable).most_common():
        console.print(f"    {count}: {escape(why)}", soft_wrap=True)
