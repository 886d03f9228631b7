"""Tries what a night needs of this machine: its disk, its data folder, its database, its zone, its PDF maker."""

from __future__ import annotations

import shutil
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from nightround.night.check_lines import CheckLine, fine, notice, tried, wrong
from nightround.night.inbox_files import require_folder
from nightround.night.study_locks import ROUND
from nightround.report.printing.typesetting import pdf_bytes
from nightround.snapshots.vault import Vault
from nightround.study.settings import StudySettings
from nightround.texts.catalogue import in_both
from redcap_sync.file_locks import lock_tried
from redcap_sync.messages import Message

DISK, FOLDER, KEY, ZONE, PDF, LOCK = "disk", "data_folder", "snapshot_key", "time_zone", "pdf", "lock"
INBOX = "inbox"
GIB = 1024**3
FULL, TIGHT = 1 * GIB, 5 * GIB
"""Free bytes below which a night may end with a full disk, and below which somebody should look."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def disk_line(folder: Path) -> CheckLine:
    """How much is free on the disk of the data folder, also before that is made."""
    free = shutil.disk_usage(nearest_folder(folder)).free
    facts = {"folder": str(folder), "free": f"{free / GIB:.1f}"}
    if free < FULL:
        return wrong(DISK, "disk", exit_code=10, **facts)
    return notice(DISK, "disk", **facts) if free < TIGHT else fine(DISK, "disk", **facts)


def folder_line(folder: Path) -> CheckLine:
    """Whether the data folder can be written to, and by nobody else be read."""
    there = nearest_folder(folder)
    with tempfile.TemporaryFile(dir=there):
        pass
    if there != folder:
        return fine(FOLDER, "new_folder", folder=str(folder))
    mode = folder.stat().st_mode
    if mode & OTHERS:
        return notice(FOLDER, "folder", folder=str(folder), mode=f"{stat.S_IMODE(mode):03o}")
    return fine(FOLDER, "folder", folder=str(folder))


def nearest_folder(folder: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    return next(one for one in (folder, *folder.absolute().parents) if one.is_dir())


def key_line(vault: Vault) -> CheckLine:
    """Whether snapshots and values are sealed."""
    return fine(KEY, "sealed") if vault.key else notice(KEY, "unsealed")


def inbox_line(folder: Path, data: Path) -> CheckLine:
    """Whether the inbox is there, and files can be moved away in it."""
    if not folder.is_dir() and folder.is_relative_to(data):
        return fine(INBOX, "new_folder", folder=str(folder))
    require_folder(folder, data)
    with tempfile.TemporaryFile(dir=folder):
        pass
    return fine(INBOX, "inbox", folder=str(folder))


def zone_line(settings: StudySettings, now: datetime) -> CheckLine:
    """What the study's clock says, and whether the study names its zone at all."""
    zone = settings.study.time_zone
    if "time_zone" not in settings.study.model_fields_set:
        return notice(ZONE, "zone", zone=zone)
    return fine(ZONE, "zone", zone=zone, hour=f"{now.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}")


def pdf_line(templates: Path) -> CheckLine:
    """Typeset a page as the report is typeset. Raises SystemLibraryMissing, or ReportNotMade."""
    texts = in_both(Message.of("doctor.page"))
    page = f'<html lang="en"><title>{PDF}</title><p>{texts.en}</p><p lang="zh">{texts.zh}</p></html>'
    made = pdf_bytes(page, made_at=datetime(2000, 1, 1, tzinfo=UTC), templates=templates)
    return fine(PDF, "pdf", bytes=len(made))


def lock_line(folder: Path) -> CheckLine:
    """Whether a round of the study is under way just now."""
    if not (folder / ROUND).is_file():
        return fine(LOCK, "no_round")
    with lock_tried(folder / ROUND) as free:
        return fine(LOCK, "no_round" if free else "round")


def machine_lines(folder: Path, templates: Path) -> list[CheckLine]:
    """The lines that need nothing of the study's files."""
    return [
        tried(DISK, lambda: disk_line(folder)),
        tried(FOLDER, lambda: folder_line(folder)),
        tried(LOCK, lambda: lock_line(folder)),
        tried(PDF, lambda: pdf_line(templates)),
    ]
