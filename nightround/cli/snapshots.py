"""`nightround snapshots`: which there are, what one contains, and which cells differ between two."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightround.cli import study_job
from nightround.cli.options import data_option, folder_of, json_option, study_argument
from nightround.cli.printing import head, in_words, number, padded, print_json, print_table, say, text, value, words
from redcap_sync.errors import ExportIncomplete

if TYPE_CHECKING:
    from nightround.snapshots.manifest import Manifest
    from nightround.snapshots.snapshot_store import SnapshotStore
    from nightround.study.folder import Study


NAME_WIDTH = 15
"""Places of the name of a fact."""


@click.group()
def snapshots() -> None:
    """List, show or compare the snapshots of a study."""


@snapshots.command("list")
@study_argument
@data_option
@json_option
def list_snapshots(study: str, data: Path, *, as_json: bool) -> None:
    """List the snapshots of STUDY, oldest first."""
    from nightround.snapshots.descriptions import summary

    loaded, store = _opened(study, data)
    with store.reading():
        readable, damaged = store.readable_manifests()
    if damaged and not readable:
        raise damaged[0]
    if as_json:
        print_json({"study": loaded.id, "latest": _latest_id(store), "snapshots": [summary(one) for one in readable]})
    else:
        columns = (head("taken_at"), head("snapshot"), number(head("records")), head("pull"), number(head("requests")))
        print_table(columns, [_line(one) for one in readable], stub=2)
    for error in damaged:
        say(in_words(error.part("what")), err=True)


@snapshots.command()
@click.argument("snapshot")
@study_argument
@data_option
@json_option
def show(snapshot: str, study: str, data: Path, *, as_json: bool) -> None:
    """Show what is in SNAPSHOT of STUDY: counts, no values.

    A snapshot is named by its id, by the hour it was taken as `list` shows it, or by the beginning of either.
    """
    from nightround.snapshots.asked_snapshot import manifest_asked_for
    from nightround.snapshots.descriptions import contents

    _, store = _opened(study, data)
    with store.reading():
        manifest = manifest_asked_for(store, snapshot)
        document = contents(manifest, store.load(manifest.id, manifest.study))
    if as_json:
        print_json(document)
        return
    for name, fact in _described(manifest, document):
        say(f"{padded(head(name), NAME_WIDTH)} {fact}")
    rows = [
        [str(value)[:12] if name == "hash" else str(value) for name, value in one.items()]
        for one in document["instruments"]
    ]
    print_table((head("instrument"), number(head("rows")), number(head("columns")), head("hash")), rows)
    for one in manifest.unseen:
        say(text("terminal.snapshots.not_seen", reason=one.reason))


@snapshots.command()
@click.argument("snapshot")
@study_argument
@data_option
def summary(snapshot: str, study: str, data: Path) -> None:
    """Print means and shares of the fields in SNAPSHOT of STUDY as JSON, for `nightround twin --summary`.

    It contains no row, identifier, date or text, and no count below ten. SNAPSHOT is named as for `show`.
    """
    from nightround.snapshots.asked_snapshot import manifest_asked_for
    from nightround.snapshots.field_summaries import field_summaries

    _, store = _opened(study, data)
    with store.reading():
        manifest = manifest_asked_for(store, snapshot)
        print_json(field_summaries(store.load(manifest.id, manifest.study)))


@snapshots.command()
@click.argument("old")
@click.argument("new")
@study_argument
@data_option
@json_option
def diff(old: str, new: str, study: str, data: Path, *, as_json: bool) -> None:
    """Show which cells of STUDY differ between snapshots OLD and NEW, who changed them and when.

    OLD and NEW are named as for `show`. This prints patients' values: they go to your terminal and nowhere else.
    """
    from nightround.snapshots.asked_snapshot import manifest_asked_for
    from nightround.snapshots.snapshot_diff import changed_cells, edits_between

    loaded, store = _opened(study, data)
    with store.reading():
        before, after = manifest_asked_for(store, old), manifest_asked_for(store, new)
        edits = edits_between(store, before, after)
        changes = list(changed_cells(store.load(before.id, loaded.id), store.load(after.id, loaded.id), edits))
    if as_json:
        print_json({"old": before.id, "new": after.id, "changes": [change.document() for change in changes]})
        return
    rows = [
        [*(str(part) for part in change.row), change.column, change.old, change.new, change.by, change.at]
        for change in changes
    ]
    place = [head(name) for name in ("record", "event", "instrument", "instance", "field")]
    print_table((*place, words(head("old")), words(head("new")), head("by"), head("at")), rows, stub=len(place))
    say(text("terminal.snapshots.differ", count=len(changes)))


@snapshots.command()
@study_argument
@data_option
@click.option("--structure", is_flag=True, help="Accept the structure of the last snapshot; stopped rules run again.")
@click.option(
    "--suspects",
    is_flag=True,
    help="Accept that rows and answers were removed that are gone without a line in the log.",
)
@click.option("--record", help="With --suspects: of this record alone.")
@click.option("--by", "who", required=True, metavar="WHO", help="Who accepts it; the database keeps the name.")
def accept(study: str, data: Path, *, structure: bool, suspects: bool, record: str | None, who: str) -> None:
    """Accept what changed in the project of STUDY on purpose: its structure, or rows that are gone.

    One call accepts one of the two. Findings of what went with a structure are withdrawn at once; those of rows that
    were removed are closed by the next round.
    """
    if structure == suspects:
        raise click.UsageError(text("terminal.usage.accept_one"))
    if record is not None and not suspects:
        raise click.UsageError(text("terminal.usage.accept_record"))
    if not who.strip():
        raise click.UsageError(text("terminal.usage.accept_who"))
    from nightround.night.acceptance import accept_rows, accept_whole_structure

    if structure:
        _show_drift(study, data)
    accepting = accept_whole_structure if structure else partial(accept_rows, record=record)
    study_job.run(study, data, "accept", as_json=False, steps=partial(accepting, by=who.strip()))


def _show_drift(study: str, data: Path) -> None:
    """Print what differs between the accepted structure and that of the last snapshot."""
    from nightround.night.structure_drift import drift_between

    _, store = _opened(study, data)
    latest, accepted = store.latest_manifest(), store.accepted_dictionary()
    if latest is None:
        raise click.UsageError(text("terminal.usage.no_snapshot", study=study))
    if accepted is not None:
        for line in drift_between(accepted, store.dictionary(latest)).lines():
            say(in_words(line))


def _opened(study: str, data: Path) -> tuple[Study, SnapshotStore]:
    """The study and its snapshots, wherever the study's folder lies."""
    from nightround.night.run_job import snapshot_vault
    from nightround.snapshots.snapshot_store import SnapshotStore
    from nightround.study.folder import load_study

    loaded = load_study(folder_of(study))
    return loaded, SnapshotStore(data / loaded.id / "snapshots", snapshot_vault(loaded, os.environ))


def _latest_id(store: SnapshotStore) -> str | None:
    try:
        return store.latest_id()
    except ExportIncomplete:  # its manifest is one of those that cannot be read, which stderr says
        return None


def _line(one: Manifest) -> list[str]:
    return [one.hour, one.id[:12], str(one.records), value("pull", one.summary.kind), str(one.summary.requests)]


def _described(manifest: Manifest, document: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Name and text of each fact about a snapshot."""
    yield from ((name, document[name]) for name in ("id", "taken_at", "title", "redcap_version", "records"))
    yield "pull", value("pull", manifest.summary.kind)
    yield "requests", manifest.summary.requests
    if manifest.summary.why:
        yield "pull_why", in_words(manifest.summary.why)
    if proof := document["proof"]:
        facts = {"records": proof["differing_records"], "instruments": ", ".join(proof["instruments"])}
        yield "pull_proof", text("terminal.snapshots.proof", **facts)
