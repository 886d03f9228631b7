"""`nightround store`: whether what Nightround remembers of a study is what it wrote."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import data_option, folder_of, json_option, study_argument
from nightround.cli.printing import print_json, say
from nightround.texts.catalogue import in_language
from redcap_sync.errors import ExportIncomplete

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightround.snapshots.snapshot_store import SnapshotStore

EXIT_DAMAGED = 15


@click.group()
def store() -> None:
    """Check what is kept of a study."""


@store.command()
@study_argument
@data_option
@json_option
def check(study: str, data: Path, *, as_json: bool) -> None:
    """Check that nobody changed the history of STUDY or a snapshot."""
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
    with open_store(database, vault.key) as opened:
        lines = opened.count_lines(loaded.id)
        broken = [(one.position, in_language(one.message, "en")) for one in opened.broken_lines(loaded.id)]
    damaged = list(_damaged(snapshots, loaded.id))
    kept = len(snapshots.readable_manifests()[0])
    code = EXIT_DAMAGED if broken or damaged else 0
    if as_json:
        history = {"lines": lines, "broken": [{"position": position, "what": what} for position, what in broken]}
        checked = {"checked": kept, "damaged": damaged}
        print_json({"study": loaded.id, "history": history, "snapshots": checked, "exit_code": code})
    else:
        for what in (*(what for _, what in broken), *damaged):
            say(what)
        say(f"{lines} history lines, {len(broken)} wrong; {kept} snapshots, {len(damaged)} wrong")
    sys.exit(code)


def _damaged(snapshots: SnapshotStore, study: str) -> Iterator[str]:
    """What is wrong with snapshots: each is read whole and proven by its hashes."""
    readable, damaged = snapshots.readable_manifests()
    yield from (error.what for error in damaged)
    for manifest in readable:
        try:
            snapshots.load_night(manifest, study)
            snapshots.edits(manifest)
        except ExportIncomplete as error:
            yield error.what
