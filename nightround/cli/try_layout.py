"""What `nightround try` prints for a reader: the parity sheet, or a table with the first discrepancies."""

from __future__ import annotations

from collections.abc import Sequence

from nightround.cli.printing import head, heads, in_words, number, print_table, say, text, value, words
from nightround.model.outcome import Status
from nightround.rule_desk.try_project import TriedRule
from redcap_sync.clean_text import one_line

MOST_ROWS = 5
"""Discrepancies shown of each rule in plain output; --json has them all."""
PARITY_HEADS = ("Rule #", "Rule Name", "Total Discrepancies")
"""As REDCap's Data Quality page has them, so that the two can be compared."""
SHOWN_FIRST = "CDGHFEBIA"
"""Letters from wrong values to absent ones; a project's own rules come before them all."""


def print_parity(tried: Sequence[TriedRule]) -> None:
    """Print the counts in the order and under the names of REDCap's Data Quality page."""
    rows = [(one.id, one.name, _count(one)) for one in tried]
    identity, name, total = PARITY_HEADS
    print_table((identity, words(name), number(total)), rows)


def print_tried(tried: Sequence[TriedRule]) -> None:
    """Print every rule with its denominator, then the first discrepancies of each that has any."""
    counts = map(number, map(head, ("cells", "checked", "discrepancies", "excluded")))
    print_table(
        (head("rule"), words(head("name")), words(head("status")), *counts), [_cells(one) for one in tried], stub=2
    )
    for one in sorted((one for one in tried if one.rows), key=lambda one: SHOWN_FIRST.find(one.id)):
        _print_rows(one)


def _cells(one: TriedRule) -> tuple[str, ...]:
    checked = "-" if one.checked is None else str(one.checked)
    return one.id, one.name, value("outcome", one.status), str(one.cells), checked, _count(one), str(one.excluded)


def _print_rows(one: TriedRule) -> None:
    rows = one.rows or ()
    say("")
    counts = {"shown": min(len(rows), MOST_ROWS), "count": len(rows)}
    title = text("terminal.try.first", rule=one.id, name=one_line(one.name), **counts)
    shown = [
        [str(cell) for cell in row._replace(value=row.value or text("terminal.try.blank"))] for row in rows[:MOST_ROWS]
    ]
    place = ("record", "event", "instrument", "instance", "field")
    columns = (*heads(*place), words(head("value")))
    print_table(columns, shown, title=title, stub=len(columns) - 1)


def _count(one: TriedRule) -> str:
    if one.discrepancies is None:
        return text("terminal.try.not_evaluated")
    # Some fields could not be judged: the count is a lower bound, and must not look like a whole one.
    return f"{one.discrepancies}+" if one.status is Status.NOT_EVALUATED else str(one.discrepancies)


def print_reasons(tried: Sequence[TriedRule]) -> None:
    """Say on stderr what could not be evaluated, and why."""
    for one in tried:
        for reason in one.reasons:
            say(text("terminal.try.unjudged", rule=one.id, reason=one_line(in_words(reason))), err=True)
