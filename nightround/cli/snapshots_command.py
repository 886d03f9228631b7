"""`nightround snapshots`: which there are, what one holds, and which cells differ between two."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redcap_sync.errors import ExportIncomplete

if TYPE_CHECKING:
    from nightround.snapshots.snapshot_store import Manifest, SnapshotStore

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="NIGHTROUND_DATA",
    default=Path("nightround-data"),
    show_default=True,
    help="Folder for database, snapshots, reports and mails (or NIGHTROUND_DATA).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else.")


@click.group()
def snapshots() -> None:
    """List, show or compare the snapshots of a study."""


@snapshots.command("list")
@click.argument("study")
@data_option
@json_option
def list_snapshots(study: str, data: Path, *, as_json: bool) -> None:
    """List the snapshots of STUDY, oldest first."""
    store = _store(study, data)
    readable, damaged = store.readable_manifests()
    if damaged and not readable:
        raise damaged[0]
    documents = [_summary(one) for one in readable]
    if as_json:
        _print_json({"study": study, "latest": _latest_id(store), "snapshots": documents})
    else:
        _print_table(("taken at", "snapshot", "records", "pull", "requests"), [_line(one) for one in readable])
    for error in damaged:
        click.echo(error.what, err=True)


@snapshots.command()
@click.argument("snapshot")
@click.argument("study")
@data_option
@json_option
def show(snapshot: str, study: str, data: Path, *, as_json: bool) -> None:
    """Show what SNAPSHOT of STUDY holds: counts, no values.

    A snapshot is named by its id, by the hour it was taken as `list` shows it, or by the beginning of either.
    """
    store = _store(study, data)
    manifest = store.manifest_of(snapshot)
    loaded = store.load(manifest.id, manifest.study)
    document = {
        **_summary(manifest),
        "title": loaded.dictionary.title,
        "redcap_version": manifest.redcap_version,
        "instruments": [
            {"instrument": name, "rows": len(table), "columns": len(table.text.columns), "hash": manifest.parts[name]}
            for name, table in loaded.tables.items()
        ],
        "unseen": [{"instrument": one.instrument, "reason": one.reason} for one in manifest.unseen],
    }
    if as_json:
        _print_json(document)
        return
    for key in ("id", "taken_at", "title", "redcap_version", "records", "pull", "requests", "why", "proof"):
        click.echo(f"{key:15} {document[key]}")
    rows = [[str(value)[:12] for value in one.values()] for one in document["instruments"]]
    _print_table(("instrument", "rows", "columns", "hash"), rows)
    for one in document["unseen"]:
        click.echo(f"not seen: {one['reason']}")


@snapshots.command()
@click.argument("old")
@click.argument("new")
@click.argument("study")
@data_option
@json_option
def diff(old: str, new: str, study: str, data: Path, *, as_json: bool) -> None:
    """Show which cells of STUDY differ between snapshots OLD and NEW, who changed them and when.

    OLD and NEW are named as for `show`. This prints patients' values: they go to your terminal and nowhere else.
    """
    from nightround.snapshots.snapshot_diff import changed_cells, edits_between

    store = _store(study, data)
    before, after = store.manifest_of(old), store.manifest_of(new)
    edits = edits_between(store, before, after)
    changes = list(changed_cells(store.load(before.id, study), store.load(after.id, study), edits))
    if as_json:
        _print_json({"old": before.id, "new": after.id, "changes": [change.document() for change in changes]})
        return
    rows = [
        [*(str(part) for part in change.row), change.column, change.old, change.new, change.by, change.at]
        for change in changes
    ]
    _print_table(("record", "event", "instrument", "instance", "field", "old", "new", "by", "at"), rows)
    click.echo(f"{len(changes)} cells differ")


@snapshots.command()
@click.argument("study")
@data_option
def accept(study: str, data: Path) -> None:
    """Accept the structure that the last snapshot of STUDY has; rules it had stopped run again."""
    from nightround.night.structure_drift import drift_between

    store = _store(study, data)
    latest, accepted = store.latest_manifest(), store.accepted()
    if latest is None:
        raise click.UsageError(f"There is no snapshot of {study} yet; pull first: nightround pull {study}")
    if accepted is not None:
        for line in drift_between(accepted.dictionary, store.structure(latest).dictionary).lines():
            click.echo(line)
    store.accept(latest.id)
    click.echo(f"accepted: the structure of snapshot {latest.id[:12]}")


def _store(study: str, data: Path) -> SnapshotStore:
    from nightround.night.run_job import snapshot_vault
    from nightround.snapshots.snapshot_store import SnapshotStore
    from nightround.study.folder import find_content, load_study

    loaded = load_study(find_content(os.environ).study_folder(study))
    return SnapshotStore(data / loaded.id / "snapshots", snapshot_vault(loaded, os.environ))


def _latest_id(store: SnapshotStore) -> str | None:
    try:
        return store.latest_id()
    except ExportIncomplete:  # its manifest is one of those that cannot be read, which is told
        return None


def _summary(manifest: Manifest) -> dict[str, Any]:
    told = manifest.told
    return {
        "id": manifest.id,
        "taken_at": manifest.taken_at.isoformat(),
        "records": manifest.records,
        "pull": told.kind,
        "why": told.why,
        "requests": told.requests,
        "stable": told.stable,
        "gone_without_log": told.unlogged,
        "proof": {"differing_records": told.proof.records, "instruments": list(told.proof.instruments)}
        if told.proof
        else None,
    }


def _line(one: Manifest) -> list[str]:
    return [one.hour, one.id[:12], str(one.records), one.told.kind, str(one.told.requests)]


def _print_json(document: Mapping[str, Any]) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, show_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # a cell is never read as markup
    Console().print(table)
