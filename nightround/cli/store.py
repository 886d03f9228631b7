"""`nightround store`: whether what Nightround remembers of a study is what it wrote, and sealed files in plain."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import (
    data_option,
    existing_file,
    folder_of,
    json_option,
    study_argument,
    unread_data_option,
)
from nightround.cli.printing import print_json, say, text
from nightround.model.errors import UsageWrong
from nightround.texts.catalogue import in_language
from redcap_sync.errors import ExportIncomplete

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightround.snapshots.snapshot_store import SnapshotStore

EXIT_DAMAGED = 15


@click.group()
def store() -> None:
    """Check what is kept of a study, or unseal it."""


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
        raise click.UsageError(text("terminal.usage.no_database", study=loaded.id, folder=str(folder)))
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
        counts = {"lines": lines, "broken": len(broken), "snapshots": kept, "damaged": len(damaged)}
        say(text("terminal.store.checked", **counts))
    sys.exit(code)


@store.command()
@study_argument
@click.argument("sealed", metavar="FILE", type=existing_file)
@unread_data_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new file, for you alone.")
def unseal(study: str, sealed: Path, out: Path) -> None:
    """Write a sealed FILE of STUDY in plain: failing rows, a copy of the database.

    The file keeps its name in the data folder: a file that was renamed cannot be opened.
    """
    from nightround.night.run_job import snapshot_vault
    from nightround.study.folder import load_study
    from redcap_sync.private_files import write_private

    if out.exists():
        raise UsageWrong("store.out_exists", file=out.name)
    vault = snapshot_vault(load_study(folder_of(study)), os.environ)
    write_private(out, vault.read(sealed))
    say(str(out))


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
