"""`nightround audit-table`: a published table recomputed from what it prints."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import existing_file, json_option, language_option
from nightround.cli.printing import print_json, say
from nightround.model.language import Language
from nightround.texts.catalogue import in_language
from redcap_sync.messages import Message

if TYPE_CHECKING:
    from nightround.published_tables.audit_remarks import Audit


@click.command("audit-table")
@click.argument("printed", type=existing_file, metavar="TABLES.json")
@click.option("--whole", multiple=True, metavar="LABEL", help="A row of whole numbers, by the start of its label.")
@language_option
@json_option
def audit_table(printed: Path, whole: tuple[str, ...], language: Language, *, as_json: bool) -> None:
    """Recompute a published table from what it prints.

    It names each cell that cannot be right.

    TABLES.json contains each table as JSON, its columns and its rows of [label, kind, cells...], as docs/tables.md
    shows; a CSV is not read. Tables of your own data are made by `nightround table`.
    """
    from nightround.published_tables.audit_document import audit
    from nightround.published_tables.document_form import read_document, with_whole_numbers

    found = audit(with_whole_numbers(read_document(printed), whole))
    if as_json:
        print_json(found.document())
    else:
        _print_audit(found, language)


def _print_audit(found: Audit, language: Language) -> None:
    """Print every cell that cannot be right, then how many were checked and why the others could not be."""

    def words(code: str, **facts: object) -> str:
        return in_language(Message.of(f"audit.listing.{code}", **facts), language)

    for one in found.inconsistent:
        cell = {"table": one.cell.table, "row": one.cell.row, "column": one.cell.column, "printed": one.cell.text}
        say(words("cell_must", **cell, must=one.must) if one.must else words("cell", **cell))
        say(f"    {in_language(one.reason, language) if one.reason else ''}")
    for style in found.notes:
        say(words("note", table=style.cell.table, row=style.cell.row, column=style.cell.column, note=style.note))
    unchecked = Counter(one.reason for one in found.unverifiable if one.reason)
    numbers = {"checked": found.checked, "wrong": len(found.inconsistent), "unchecked": unchecked.total()}
    say(words("summary", **numbers))
    for reason, count in unchecked.most_common():
        say(f"    {count}: {in_language(reason, language)}")
