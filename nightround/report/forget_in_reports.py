"""Takes a record out of what reports are made again from, and removes the files of reports that name it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightround.report.listing_files import listings_in
from nightround.report.profile_files import profiles_of
from nightround.report.rebuilding import REBUILT
from nightround.report.register import EDITION_FILE, EDITIONS, Register, RegisterEntry
from redcap_sync.private_files import write_private

NAMING = ("_zh.html", "_en.html", "_zh.pdf", "_en.pdf", "_changes.csv")
"""The files of a report that may name records; the others have numbers of groups alone."""


@dataclass
class ForgottenReports:
    """What came of it."""

    editions: int = 0
    """Editions that named the record."""
    removed: list[Path] = field(default_factory=list)
    """Files of reports that named the record."""
    past: list[str] = field(default_factory=list)
    """Reports that can no longer be made again, by day and snapshot."""
    given: list[str] = field(default_factory=list)
    """Who was given one of the reports that named the record."""


def forget_in_reports(folder: Path, names: Collection[str], renamed: Collection[str]) -> ForgottenReports:
    """Take a record, by each name it had, out of the reports of a folder.

    `renamed` are the old ids of snapshots that have another one now.
    The register stays as it is: it says what was delivered.
    """
    done = ForgottenReports()
    for profile in profiles_of(folder, names):
        profile.unlink()
        done.removed.append(profile)
    for listing in listings_in(folder):  # each may name any record, and can be made again
        listing.unlink()
        done.removed.append(listing)
    for entry in Register.read(folder).entries:
        edition = folder / EDITIONS / entry.snapshot / EDITION_FILE
        if entry.snapshot in renamed:
            done.past.append(f"{entry.cutoff:%Y-%m-%d} {entry.snapshot[:12]}")
        if edition.exists():
            _forget_in_edition(edition, names, entry, folder, done)
    return done


def _forget_in_edition(
    path: Path, names: Collection[str], entry: RegisterEntry, folder: Path, done: ForgottenReports
) -> None:
    document = json.loads(path.read_bytes())
    without = _without(document, names)
    if without == document:
        return
    done.editions += 1
    if document.get("record_ids"):
        done.removed += list(_remove_files(folder, entry.files))
        done.given += [f"{one.role} ({one.version}, {one.at:%Y-%m-%d})" for one in entry.received]
    write_private(path, json.dumps(without, ensure_ascii=False, indent=1).encode())


def _remove_files(folder: Path, files: Mapping[str, str]) -> Iterator[Path]:
    for name in files:
        for path in (folder / name, folder / REBUILT / name):
            if name.endswith(NAMING) and path.exists():
                path.unlink()
                yield path


def _without(document: Any, names: Collection[str]) -> Any:
    """A document without the findings of a record, and without the record among the causes of changes."""
    if isinstance(document, dict):
        return {
            name: [other for other in one if other not in names] if name == "records" else _without(one, names)
            for name, one in document.items()
        }
    if isinstance(document, list):
        return [_without(one, names) for one in document if not _is_of(one, names)]
    return document


def _is_of(one: Any, names: Collection[str]) -> bool:
    row = one.get("row") if isinstance(one, dict) else None
    return isinstance(row, list) and bool(row) and row[0] in names
