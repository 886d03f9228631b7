"""`nightround store`: whether what is kept of a study is what was written, backups, and sealed files in plain."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack, contextmanager
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
from nightround.cli.printing import language, log_to_stderr, print_json, say, text
from nightround.cli.study_job import now
from nightround.model.errors import UsageWrong
from nightround.texts.catalogue import in_language
from redcap_sync.errors import ExportIncomplete

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightround.night.study_place import StudyPlace
    from nightround.snapshots.snapshot_store import SnapshotStore
    from nightround.snapshots.vault import Vault
    from nightround.store.address import StoreAddress
    from nightround.store.database import Store
    from redcap_sync.messages import Message

EXIT_DAMAGED = 15


@click.group()
def store() -> None:
    """Check, back up and restore what is kept of a study."""


@store.command()
@study_argument
@data_option
@json_option
def check(study: str, data: Path, *, as_json: bool) -> None:
    """Check that nobody changed the history of STUDY or a snapshot."""
    from nightround.snapshots.snapshot_store import SnapshotStore

    place, address, vault = _database(study, data)
    snapshots = SnapshotStore(place.data / "snapshots", vault)
    with _opened(place, address, vault) as opened:
        lines = opened.count_lines(place.id)
        broken = _broken(opened, place.id, as_json=as_json)
    damaged = [_words(one, as_json=as_json) for one in _damaged(snapshots, place.id)]
    kept = len(snapshots.readable_manifests()[0])
    code = EXIT_DAMAGED if broken or damaged else 0
    if as_json:
        history = {"lines": lines, "broken": [{"position": position, "what": what} for position, what in broken]}
        checked = {"checked": kept, "damaged": damaged}
        print_json({"study": place.id, "history": history, "snapshots": checked, "exit_code": code})
    else:
        for what in (*(what for _, what in broken), *damaged):
            say(what)
        counts = {"lines": lines, "broken": len(broken), "snapshots": kept, "damaged": len(damaged)}
        say(text("terminal.store.checked", **counts))
    sys.exit(code)


@store.command()
@study_argument
@data_option
@click.option("--out", type=click.Path(path_type=Path), help="The new file; unless given, one in the data folder.")
@json_option
def backup(study: str, data: Path, out: Path | None, *, as_json: bool) -> None:
    """Write everything that the database of STUDY has into a new file.

    The file is JSON, a line for each row, for you alone; SQLite and PostgreSQL can both be restored from it. Snapshots
    and reports are files of the data folder and are not in it.
    """
    from nightround.night.study_database import BACKUPS
    from nightround.store.backup import back_up

    place, address, vault = _database(study, data)
    path = out or place.data / BACKUPS / f"{place.id}-{now():%Y%m%dT%H%M%SZ}.jsonl"
    with _opened(place, address, vault) as opened:
        head = back_up(opened.engine, path)
    if as_json:
        rows = dict(head.rows)
        print_json({"study": place.id, "file": str(path), "version": head.version, "rows": rows, "exit_code": 0})
        return
    say(text("terminal.store.backed_up", file=str(path), rows=head.count, version=head.version))


@store.command()
@study_argument
@click.argument("file", type=existing_file)
@data_option
@json_option
def restore(study: str, file: Path, data: Path, *, as_json: bool) -> None:
    """Make the database of STUDY from a backup FILE.

    It is made where study.toml says, a file or a server, and never over one that is there. Each row is read back and
    compared, and the history is checked.
    """
    from nightround.night.study_locks import BY_HAND, FINDINGS, ROUND, only_one
    from nightround.store.backup import restore as restored_from

    place, address, vault = _database(study, data)
    with ExitStack() as opened:
        for lock in (ROUND, FINDINGS):
            opened.enter_context(only_one(place.data, lock, BY_HAND, time.sleep))
        done = restored_from(file, address, place.id)
        broken = _broken(opened.enter_context(_opened(place, address, vault)), place.id, as_json=as_json)
    code = EXIT_DAMAGED if broken else 0
    if as_json:
        versions = {"from_version": done.version, "version": done.now}
        lines = [{"position": position, "what": what} for position, what in broken]
        document = {"study": place.id, "database": address.name, "rows": done.rows, **versions}
        print_json({**document, "broken": lines, "exit_code": code})
    else:
        for _, what in broken:
            say(what)
        say(text("terminal.store.restored", database=address.name, rows=done.rows, version=done.now))
    sys.exit(code)


@store.command()
@study_argument
@data_option
@json_option
def migrate(study: str, data: Path, *, as_json: bool) -> None:
    """Bring the database of STUDY to this version of Nightround.

    Every other command does so too when it opens an older one. A copy of before is written into the data folder.
    """
    from nightround.store.engine import stored_version
    from nightround.store.versions import newest_version

    log_to_stderr()
    place, address, vault = _database(study, data)
    before = stored_version(address) if address.path is None or address.path.is_file() else None
    with _opened(place, address, vault):
        version = newest_version()
    if as_json:
        print_json({"study": place.id, "from_version": before, "version": version, "exit_code": 0})
        return
    say(text("terminal.store.migrated", before=before, version=version))


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


def _database(study: str, data: Path) -> tuple[StudyPlace, StoreAddress, Vault]:
    """Where a study and its database are, and the key of its values."""
    from nightround.night.run_job import snapshot_vault
    from nightround.night.study_database import database_of
    from nightround.night.study_place import StudyPlace
    from nightround.study.folder import load_study

    folder = folder_of(study)
    loaded = load_study(folder)
    place = StudyPlace(loaded.id, folder, data / loaded.id)
    return place, database_of(place, loaded.settings, os.environ), snapshot_vault(loaded, os.environ)


@contextmanager
def _opened(place: StudyPlace, address: StoreAddress, vault: Vault) -> Iterator[Store]:
    """The store of a study; a usage error where it never ran."""
    from nightround.night.study_database import store_at

    with store_at(address, vault.key) as opened:
        if opened is None:
            raise click.UsageError(text("terminal.usage.no_database", study=place.id, folder=address.where))
        yield opened


def _broken(opened: Store, study: str, *, as_json: bool) -> list[tuple[int, str]]:
    return [(one.position, _words(one.message, as_json=as_json)) for one in opened.broken_lines(study)]


def _words(message: Message, *, as_json: bool) -> str:
    """A message in the language of the terminal; JSON is English everywhere."""
    return in_language(message, "en" if as_json else language())


def _damaged(snapshots: SnapshotStore, study: str) -> Iterator[Message]:
    """What is wrong with snapshots: each is read whole and proven by its hashes."""
    readable, damaged = snapshots.readable_manifests()
    yield from (error.part("what") for error in damaged)
    for manifest in readable:
        try:
            snapshots.load_night(manifest, study)
            snapshots.edits(manifest)
        except ExportIncomplete as error:
            yield error.part("what")
