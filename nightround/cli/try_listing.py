"""What `nightround try` prints: one JSON document, the parity sheet, or a table with the first discrepancies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nightround.model.outcome import Status
from nightround.rule_desk.try_project import Tried

MOST_ROWS = 5
"""Discrepancies shown of each rule in plain output; --json has them all."""
SHOWN_FIRST = "CDGHFEBIA"
"""Letters from wrong values to absent ones; a project's own rules come before them all."""
BLANK = "(blank)"


def document(tried: Sequence[Tried]) -> dict[str, Any]:
    """The whole result as JSON; `checked` and `discrepancies` are null where nothing could be evaluated."""
    return {
        "rules": [
            {
                "id": one.id,
                "name": one.name,
                "status": one.status.value,
                "checked": one.checked,
                "discrepancies": one.discrepancies,
                "rows": [row._asdict() for row in one.rows or ()],
            }
            for one in tried
        ]
    }


def print_json(tried: Sequence[Tried]) -> None:
    """Print one JSON document and nothing else."""
    click.echo(json.dumps(document(tried), ensure_ascii=False, indent=1))


def print_parity(tried: Sequence[Tried], console: Console) -> None:
    """Print the counts in the order and under the names of REDCap's Data Quality page."""
    table = Table("Rule #", "Rule Name", "Total Discrepancies", show_edge=False)
    table.columns[2].justify = "right"
    for one in tried:
        table.add_row(one.id, escape(_printable(one.name)), _count(one))
    console.print(table)


def print_tried(tried: Sequence[Tried], console: Console) -> None:
    """Print every rule with its denominator, then the first discrepancies of each that has any."""
    table = Table("rule", "name", "status", "cells", "checked", "discrepancies", "excluded", show_edge=False)
    for column in table.columns[3:]:
        column.justify = "right"
    for one in tried:
        checked = "-" if one.checked is None else str(one.checked)
        status = one.status.value.replace("_", " ")
        table.add_row(
            one.id, escape(_printable(one.name)), status, str(one.cells), checked, _count(one), str(one.excluded)
        )
    console.print(table)
    for one in sorted((one for one in tried if one.rows), key=lambda one: SHOWN_FIRST.find(one.id)):
        _print_rows(one, console)


def _print_rows(one: Tried, console: Console) -> None:
    rows = one.rows or ()
    title = f"{one.id} {_printable(one.name)}: {min(len(rows), MOST_ROWS)} of {len(rows)}"
    table = Table("record", "event", "instrument", "instance", "field", "value", title=escape(title), show_edge=False)
    for row in rows[:MOST_ROWS]:
        shown = row._replace(value=row.value or BLANK)
        table.add_row(*(escape(_printable(str(cell))) for cell in shown))
    console.print("")
    console.print(table)


def _count(one: Tried) -> str:
    if one.discrepancies is None:
        return "not evaluated"
    # Some fields could not be judged: the count is a lower bound, and must not look like a whole one.
    return f"{one.discrepancies}+" if one.status is Status.NOT_EVALUATED else str(one.discrepancies)


def print_reasons(tried: Sequence[Tried]) -> None:
    """Say on stderr what could not be evaluated, and why."""
    for one in tried:
        for reason in one.reasons:
            click.echo(f"rule {one.id} could not be evaluated: {_printable(reason)}", err=True)


def _printable(text: str) -> str:
    """A value without the control characters that could move a terminal's cursor."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
