"""`nightround findings` and `nightround finding`: what is open, and where it is, for who may read the data folder."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.finding_documents import SHOWN_ID, history_document, opened
from nightround.cli.options import data_option, json_option, language_option, study_argument
from nightround.cli.printing import head, heads, number, print_json, print_table, say, text, value, words
from nightround.cli.study_job import now

if TYPE_CHECKING:
    from datetime import date

    from nightround.model.finding import Finding
    from nightround.model.language import Language

STATES = ("open", "answered", "waived", "snoozed", "resolved", "withdrawn")
"""As `FindingState` has them, for `--help`, which imports nothing; a test compares the two."""


@click.command()
@study_argument
@click.option("--open", "only_open", is_flag=True, help="Only those that are open.")
@click.option("--state", type=click.Choice(STATES), help="Only those in a state.")
@click.option("--rule", help="Only those of a rule.")
@click.option("--record", help="Only those of a record.")
@click.option("--owner", help="Only those of whoever has to fix them.")
@data_option
@json_option
def findings(study: str, data: Path, *, as_json: bool, only_open: bool, **wanted: str | None) -> None:
    """List the findings of STUDY, the worst first.

    Record ids are shown: whoever may read the data folder may see them. No value of a patient is.
    """
    from nightround.findings.rule_yield import rule_yields
    from nightround.model.finding import FindingState

    with opened(study, data) as (found_in, store):
        all_of_it = sorted(store.findings(found_in.study), key=attrgetter("order"))
        yields = rule_yields(all_of_it, store.whole_history(found_in.study), now()) if as_json else ()
    found = [
        one
        for one in all_of_it
        if not (only_open and one.state is not FindingState.OPEN)
        and _fits(
            wanted,
            rule={one.rule_id},
            record={row.record for row in one.rows},
            owner={one.owner},
            state={one.state.value},
        )
    ]
    if as_json:
        print_json({"findings": [found_in.document(one) for one in found], "rules": [one.document() for one in yields]})
        return
    columns = (
        *heads("finding", "state", "severity"),
        words(head("rule")),
        head("record"),
        words(head("event")),
        words(head("instrument")),
        number(head("instance")),
    )
    print_table(columns, [_line(one, found_in.off) for one in found])
    say(text("terminal.findings.counted", count=len(found)))


@click.command()
@study_argument
@click.argument("finding_id", metavar="FINDING")
@data_option
@language_option
@json_option
def finding(study: str, finding_id: str, data: Path, language: Language, *, as_json: bool) -> None:
    """Show one finding of STUDY, its history and its page.

    FINDING is its id, or the beginning of one, as mails have it.
    """
    from nightround.cli.finding_layout import print_finding, print_history
    from nightround.findings.finding_answers import only_finding

    with opened(study, data) as (found_in, store):
        one = only_finding(store.findings(found_in.study), finding_id)
        history = store.history(found_in.study, one.id)
    if as_json:
        lines = [history_document(entry) for entry in history]
        print_json({"finding": {**found_in.document(one), "title": found_in.title(one), "history": lines}})
        return
    print_finding(one, found_in.document(one), found_in.title(one).get(language, ""), language)
    print_history(history, language)


def _fits(wanted: Mapping[str, str | None], **has: set[str]) -> bool:
    return all(wanted[name] in {None, *values} for name, values in has.items())


def _line(one: Finding, off: Mapping[str, date]) -> tuple[str, ...]:
    instance = str(one.row.instance or "")
    more = value("resolution", one.resolution or "") or _mark(one, off)
    state = f"{value('state', one.state)} {more}".strip()
    place = (one.row.record, one.row.event, one.row.instrument, instance)
    return (one.id[:SHOWN_ID], state, value("severity", one.severity), one.rule_id, *place)


def _mark(one: Finding, off: Mapping[str, date]) -> str:
    """Why no mail repeats a live finding; '' where mails do."""
    if one.snooze:
        return text("terminal.findings.until", until=one.snooze.until.isoformat())
    if one.answer and one.state.quiet:
        return text("terminal.findings.answer_by", answer=value("answer_code", one.answer.code), by=one.answer.by)
    if one.rule_id in off:
        return text("terminal.findings.rule_off", until=off[one.rule_id].isoformat())
    return text("terminal.findings.under_another", finding=one.under[:SHOWN_ID]) if one.under else ""
