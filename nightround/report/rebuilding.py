"""Makes a past report again, and proves that it is the one that was delivered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from nightround.model.errors import SelfAuditFailed, StudyFilesWrong
from nightround.model.language import LANGUAGES
from nightround.report.edition import Edition, digest
from nightround.report.making import FONTS, OPEN, Press, copy_fonts, hash_of_templates, make_edition
from nightround.report.numbers.facts import VERSIONS, Version
from nightround.report.numbers.gathering import inputs_of
from nightround.report.register import Register
from redcap_sync.private_files import write_private_set

PAGE_OF = re.compile(rf"(?P<stem>.+)_(?:{'|'.join(LANGUAGES)})\.html")
REBUILT = "rebuilt"
"""The folder in the reports folder that past reports are made again in."""


def rebuild(press: Press, snapshot_id: str) -> list[Path]:
    """Make the report of a snapshot again, into reports/rebuilt/.

    Raises StudyFilesWrong where no report was made of it, or a record was taken out of it since; SelfAuditFailed where
    a file came out another one: nothing is written then.
    """
    register = Register.read(press.folder)
    if register.of(snapshot_id) is None and reported_before(register, press, snapshot_id):
        raise StudyFilesWrong("report.forgotten", snapshot=snapshot_id[:12])
    entry, edition = register.of(snapshot_id), register.edition(snapshot_id)
    if entry is None or edition is None:
        raise StudyFilesWrong("report.none", snapshot=snapshot_id[:12])
    stem = stem_of_files(entry.files)
    inputs = inputs_of(edition, press.snapshots.load(snapshot_id, edition.study))
    made = make_edition(press, edition, inputs, versions_of(entry.files), stem)
    if others := [name for name, content in made.files.items() if entry.files.get(name) != digest(content)]:
        raise differs(others, edition, press)
    copy_fonts(press.templates, press.folder / FONTS)
    return write_private_set(press.folder / REBUILT, made.files)


def reported_before(register: Register, press: Press, snapshot_id: str) -> bool:
    """Whether a report was made of a snapshot before a record was taken out of it."""
    return any(register.of(old) for old, new in press.snapshots.renamed_ids.read().items() if new == snapshot_id)


def stem_of_files(files: Iterable[str]) -> str:
    """The beginning that the files of the closed version, or of the open one, share."""
    pages = (PAGE_OF.fullmatch(name) for name in sorted(files, key=lambda one: one.startswith(OPEN)))
    stem = next(found["stem"] for found in pages if found)
    return stem.removeprefix(f"{OPEN}/").removesuffix(f"_{OPEN}")


def versions_of(files: Iterable[str]) -> tuple[Version, ...]:
    """The versions that were made."""
    opened = {name.startswith(f"{OPEN}/") for name in files}
    return tuple(version for version in VERSIONS if (version == "open") in opened)


def differs(names: Iterable[str], edition: Edition, press: Press) -> SelfAuditFailed:
    """The error for a report that came out another one."""
    same = hash_of_templates(press.templates, edition.study) == edition.templates
    versions = ", ".join(f"{name} {version}" for name, version in edition.versions.items())
    return SelfAuditFailed(
        "report.differs" if same else "report.templates_changed", files=", ".join(sorted(names)), versions=versions
    )
