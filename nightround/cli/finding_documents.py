"""A study's findings opened for a command, and a finding as JSON. No value of a patient is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nightround.cli.options import folder_of
from nightround.cli.printing import text
from nightround.cli.study_job import now

if TYPE_CHECKING:
    from datetime import date

    from nightround.model.finding import Finding
    from nightround.model.finding_answer import FindingAnswer, Snooze
    from nightround.model.links import Places
    from nightround.model.rule import Rule
    from nightround.store.database import Store
    from nightround.store.finding_rows import HistoryEntry

SHOWN_ID = 8


@dataclass(frozen=True)
class ShownWith:
    """What a finding is shown with: the study's rules, and the places of its project with record ids."""

    study: str
    rules: Mapping[str, Rule]
    places: Places | None
    off: Mapping[str, date]
    """The rules that are switched off today, with the day on which each is judged again."""

    def title(self, one: Finding) -> dict[str, str]:
        """What a finding is shown as, in both languages."""
        return one.shown_as(self.rules.get(one.rule_id))._asdict()

    def involved(self, one: Finding) -> list[dict[str, Any]]:
        """Every field that may be the wrong one, with its label; none before the first snapshot.

        `events` are the events at which its rule reads it, with what each is called, where that is not only the
        finding's own.
        """
        if self.places is None:
            return []
        called = self.places.events
        return [
            {
                "field": field.name,
                "label": field.label,
                "events": [{"event": event, "label": called.get(event, event)} for event in field.events],
            }
            for field in self.places.to_compare(one, self.rules.get(one.rule_id))
        ]

    def document(self, one: Finding) -> dict[str, Any]:
        """A finding as JSON, without a value and without a comment."""
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
            "kind": "deviation" if one.deviation else "query",
            "state": one.state.value,
            "resolution": one.resolution.value if one.resolution else None,
            "proof": one.proof.grade.value if one.proof else None,
            "closed_without_change": one.closed_without_change if one.proof else None,
            "changed_by": one.proof.by or None if one.proof else None,
            "changed_at": one.proof.at or None if one.proof else None,
            "answer": _answer_document(one.answer),
            "snooze": _snooze_document(one.snooze),
            "opened_at": one.opened_at.isoformat(),
            "last_seen_at": one.last_seen_at.isoformat(),
            "resolved_at": one.resolved_at.isoformat() if one.resolved_at else None,
            "times_reopened": one.times_reopened,
            "under": one.under or None,
            "switched_off_until": self.off[one.rule_id].isoformat() if one.rule_id in self.off else None,
            "link": self.places.link(one, self.rules.get(one.rule_id)) if self.places else None,
        }


def _answer_document(said: FindingAnswer | None) -> dict[str, Any] | None:
    from nightround.findings.question_answers import is_unknown

    if said is None:
        return None
    return {
        "code": said.code.value,
        "by": said.by,
        "by_known": not is_unknown(said.by),
        "at": said.at.isoformat(),
        "accepted_by": said.accepted_by or None,
        "accepted_at": said.accepted_at.isoformat() if said.accepted_at else None,
        "until": said.until.isoformat() if said.until else None,
        "grade": said.grade.value if said.grade else None,
    }


def _snooze_document(said: Snooze | None) -> dict[str, Any] | None:
    return {"by": said.by, "at": said.at.isoformat(), "until": said.until.isoformat()} if said else None


def history_document(entry: HistoryEntry) -> dict[str, Any]:
    """A line of a finding's history as JSON, with what was said."""
    return {
        "at": entry.at.isoformat(),
        "run": entry.run_id,
        "change": entry.change.value,
        "was": entry.was.value if entry.was else None,
        "by": entry.by or None,
        "why": entry.why or None,
        "comment": entry.comment or None,
        "resolution": entry.resolution.value if entry.resolution else None,
    }


@contextmanager
def opened(study: str, data: Path) -> Iterator[tuple[ShownWith, Store]]:
    """Open the findings of a study to read them; a usage error where it never ran."""
    from nightround.night.finding_places import rules_and_places
    from nightround.night.run_job import snapshot_vault
    from nightround.night.study_database import database_of, store_at
    from nightround.night.study_place import StudyPlace
    from nightround.snapshots.snapshot_store import SnapshotStore
    from nightround.study.folder import load_study
    from nightround.study.settings import redcap_address

    of_study = folder_of(study)
    loaded = load_study(of_study)
    folder = data / loaded.id
    vault = snapshot_vault(loaded, os.environ)
    snapshots = SnapshotStore(folder / "snapshots", vault)
    rules, places = rules_and_places(loaded, snapshots, redcap_address(loaded.settings.redcap, os.environ))
    today = now().astimezone(ZoneInfo(loaded.settings.study.time_zone)).date()
    off = {rule_id: one.until for rule_id, one in loaded.settings.rules.off_on(today).items()}
    address = database_of(StudyPlace(loaded.id, of_study, folder), loaded.settings, os.environ)
    with store_at(address, vault.key) as store:
        if store is None:
            raise click.UsageError(text("terminal.usage.no_database", study=loaded.id, folder=address.where))
        yield ShownWith(loaded.id, rules, places, off), store
