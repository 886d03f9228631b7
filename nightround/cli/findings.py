"""`nightround findings` and `nightround finding`: what is open, and where it is, for who may read the data folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nightround.cli.options import data_option, folder_of, json_option, language_option, study_argument
from nightround.cli.printing import number, print_json, print_table, say, words
from nightround.cli.study_job import now

if TYPE_CHECKING:
    from datetime import date

    from nightround.model.finding import Finding
    from nightround.model.language import Language
    from nightround.model.links import Places
    from nightround.model.rule import Rule
    from nightround.store.database import Store
    from nightround.store.finding_rows import HistoryEntry

SHOWN_ID = 8


@click.command()
@study_argument
@click.option("--open", "only_open", is_flag=True, help="Only those that are open.")
@click.option("--rule", help="Only those of a rule.")
@click.option("--record", help="Only those of a record.")
@click.option("--owner", help="Only those of whoever has to fix them.")
@data_option
@json_option
def findings(study: str, data: Path, *, as_json: bool, only_open: bool, **wanted: str | None) -> None:
    """List the findings of STUDY, the worst first.

    Record ids are shown: whoever may read the data folder may see them. No value of a patient is.
    """
    from nightround.model.finding import FindingState

    with _opened(study, data) as (found_in, store):
        all_of_it = sorted(store.findings(found_in.study), key=attrgetter("order"))
    found = [
        one
        for one in all_of_it
        if not (only_open and one.state is not FindingState.OPEN)
        and _fits(wanted, rule={one.rule_id}, record={row.record for row in (one.row, *one.others)}, owner={one.owner})
    ]
    if as_json:
        print_json({"findings": [found_in.document(one) for one in found]})
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
    say(f"{len(found)} findings")


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
    with _opened(study, data) as (found_in, store):
        one = _only(store.findings(found_in.study), finding_id)
        history = store.history(found_in.study, one.id)
    if as_json:
        lines = [_history_document(entry) for entry in history]
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
    print_table(
        ("at", number("run"), "change", "resolution"),
        [(f"{e.at:%Y-%m-%d %H:%M} UTC", str(e.run_id), e.change.value, _text(e.resolution)) for e in history],
    )


@dataclass(frozen=True)
class _Where:
    """What a finding is shown with: the study's rules, and the places of its project with record ids."""

    study: str
    rules: Mapping[str, Rule]
    places: Places | None
    off: Mapping[str, date]
    """The rules that are switched off today, with the day on which each is judged again."""

    def title(self, one: Finding) -> dict[str, str]:
        return one.shown_as(self.rules.get(one.rule_id))._asdict()

    def involved(self, one: Finding) -> list[dict[str, str]]:
        """Every field that may be the wrong one, with its label; none before the first snapshot."""
        pairs = self.places.to_compare(one, self.rules.get(one.rule_id)) if self.places else ()
        return [{"field": name, "label": label} for name, label in pairs]

    def document(self, one: Finding) -> dict[str, Any]:
        """A finding as JSON, without a value."""
        return {
            "id": one.id,
            "rule_id": one.rule_id,
            **one.row._asdict(),
            "fields": list(one.fields),
            "involved": self.involved(one),
            "others": [other._asdict() for other in one.others],
            "group": one.group or None,
            "severity": one.severity.value,
            "owner": one.owner,
            "state": one.state.value,
            "resolution": one.resolution.value if one.resolution else None,
            "proof": one.resolution.proof if one.resolution else None,
            "opened_at": one.opened_at.isoformat(),
            "last_seen_at": one.last_seen_at.isoformat(),
            "resolved_at": one.resolved_at.isoformat() if one.resolved_at else None,
            "times_reopened": one.times_reopened,
            "under": one.under or None,
            "switched_off_until": self.off[one.rule_id].isoformat() if one.rule_id in self.off else None,
            "link": self.places.link(one, self.rules.get(one.rule_id)) if self.places else None,
        }


@contextmanager
def _opened(study: str, data: Path) -> Iterator[tuple[_Where, Store]]:
    from nightround.night.finding_places import rules_and_places
    from nightround.night.run_job import snapshot_vault
    from nightround.snapshots.snapshot_store import SnapshotStore
    from nightround.store.database import open_store
    from nightround.study.folder import load_study

    loaded = load_study(folder_of(study))
    folder = data / loaded.id
    database = folder / "nightround.sqlite3"
    if not database.exists():
        raise click.UsageError(f"There is no database of {loaded.id} in {folder} yet.")
    vault = snapshot_vault(loaded, os.environ)
    snapshots = SnapshotStore(folder / "snapshots", vault)
    rules, places = rules_and_places(loaded, snapshots, os.environ.get(loaded.settings.redcap.url_env, ""))
    today = now().astimezone(ZoneInfo(loaded.settings.study.time_zone)).date()
    off = {rule_id: one.until for rule_id, one in loaded.settings.rules.off_on(today).items()}
    with open_store(database, vault.key) as store:
        yield _Where(loaded.id, rules, places, off), store


def _fits(wanted: Mapping[str, str | None], **has: set[str]) -> bool:
    return all(wanted[name] in {None, *values} for name, values in has.items())


def _only(found: Sequence[Finding], beginning: str) -> Finding:
    fitting = [one for one in found if one.id.startswith(beginning.lower())]
    if len(fitting) != 1 or not beginning:
        many = f"{len(fitting)} findings begin" if fitting else "No finding begins"
        raise click.UsageError(f"{many} with {beginning!r}; `nightround findings` lists them.")
    return fitting[0]


def _line(one: Finding, off: Mapping[str, date]) -> tuple[str, ...]:
    instance = str(one.row.instance or "")
    state = f"{one.state.value} {_text(one.resolution) or _mark(one, off)}".strip()
    place = (one.row.record, one.row.event, one.row.instrument, instance)
    return (one.id[:SHOWN_ID], state, one.severity.value, one.rule_id, *place)


def _mark(one: Finding, off: Mapping[str, date]) -> str:
    """Why no mail repeats an open finding; '' where mails do."""
    if one.rule_id in off:
        return f"(rule off until {off[one.rule_id]})"
    return f"(under {one.under[:SHOWN_ID]})" if one.under else ""


def _history_document(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "run": entry.run_id,
        "change": entry.change.value,
        "resolution": _text(entry.resolution) or None,
    }


def _text(resolution: Any) -> str:
    return resolution.value if resolution else ""
