"""`nightround findings` and `nightround finding`: what is open, and where it is, for who may read the data folder."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightround.cli.finding_documents import SHOWN_ID, history_document, opened
from nightround.cli.options import data_option, json_option, language_option, study_argument
from nightround.cli.printing import number, print_json, print_table, say, text, words
from nightround.cli.study_job import now

if TYPE_CHECKING:
    from datetime import date

    from nightround.model.finding import Finding
    from nightround.model.language import Language
    from nightround.store.finding_rows import HistoryEntry

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
        "finding",
        "state",
        "severity",
        words("rule"),
        "record",
        words("event"),
        words("instrument"),
        number("#"),
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
    from nightround.findings.finding_answers import only_finding

    with opened(study, data) as (found_in, store):
        one = only_finding(store.findings(found_in.study), finding_id)
        history = store.history(found_in.study, one.id)
    if as_json:
        lines = [history_document(entry) for entry in history]
        print_json({"finding": {**found_in.document(one), "title": found_in.title(one), "history": lines}})
        return
    document = found_in.document(one)
    for name in ("id", "rule_id", "title", "record", "event", "instrument", "instance", "fields"):
        value = found_in.title(one).get(language, "") if name == "title" else document[name]
        say(f"{name:12} {' '.join(value) if isinstance(value, list) else value}")
    for involved in document["involved"]:
        say(f"{'compare':12} {involved['label'] or involved['field']} ({involved['field']})")
    if one.group:
        say(f"{'group':12} {one.group}")
    for other in one.others:
        say(f"{'with':12} {' '.join(str(part) for part in other if part)}")
    for name in ("severity", "owner", "state", "resolution", "proof", "link"):
        say(f"{name:12} {document[name] or ''}".rstrip())
    for line in _corrected(one):
        say(line)
    for name, value in _said(one):
        say(f"{name:12} {value}")
    columns = ("at", number("run"), "change", "was", "by", "why", words("comment"))
    print_table(columns, [_history_line(entry) for entry in history])


def _corrected(one: Finding) -> list[str]:
    """Who corrected it, where one line of REDCap's log says so, or that nothing was changed."""
    if one.closed_without_change:
        return [text("terminal.findings.closed_without_change")]
    if one.proof and one.proof.by:
        return [text("terminal.findings.changed_by", by=one.proof.by, at=one.proof.at)]
    return []


def _said(one: Finding) -> list[tuple[str, str]]:
    """What was said of a finding, and until when it holds."""
    said = one.snooze or one.answer
    if said is None:
        return []
    code = "snoozed" if one.snooze else one.answer.code.value if one.answer else ""
    lines = [("said", f"{code} by {said.by}, {said.at:%Y-%m-%d %H:%M} UTC")]
    if one.answer and one.answer.accepted_at:
        lines.append(("accepted", f"by {one.answer.accepted_by}, {one.answer.accepted_at:%Y-%m-%d %H:%M} UTC"))
    if said.until:
        lines.append(("until", said.until.isoformat()))
    return [*lines, *([("comment", said.comment)] if said.comment else [])]


def _history_line(entry: HistoryEntry) -> tuple[str, ...]:
    was = entry.was.value if entry.was else ""
    why = entry.why or _text(entry.resolution)
    return (
        f"{entry.at:%Y-%m-%d %H:%M} UTC",
        str(entry.run_id),
        entry.change.value,
        was,
        entry.by,
        why,
        entry.comment,
    )


def _fits(wanted: Mapping[str, str | None], **has: set[str]) -> bool:
    return all(wanted[name] in {None, *values} for name, values in has.items())


def _line(one: Finding, off: Mapping[str, date]) -> tuple[str, ...]:
    instance = str(one.row.instance or "")
    state = f"{one.state.value} {_text(one.resolution) or _mark(one, off)}".strip()
    place = (one.row.record, one.row.event, one.row.instrument, instance)
    return (one.id[:SHOWN_ID], state, one.severity.value, one.rule_id, *place)


def _mark(one: Finding, off: Mapping[str, date]) -> str:
    """Why no mail repeats a live finding; '' where mails do."""
    if one.snooze:
        return f"(until {one.snooze.until})"
    if one.answer and one.state.quiet:
        return f"({one.answer.code.value} by {one.answer.by})"
    if one.rule_id in off:
        return text("terminal.findings.rule_off", until=off[one.rule_id].isoformat())
    return text("terminal.findings.under_another", finding=one.under[:SHOWN_ID]) if one.under else ""


def _text(resolution: Any) -> str:
    return resolution.value if resolution else ""
