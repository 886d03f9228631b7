"""The files of a study's inbox: found without following a link, and put away with a receipt. Nothing is overwritten."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from nightround.findings.spreadsheet_parts import LARGEST_FILE
from nightround.model.errors import StudyFilesWrong, UsageWrong
from nightround.store.inbox_rows import InboxFate
from redcap_sync.errors import ExplainedError, ProjectFileWrong
from redcap_sync.private_files import private_folder, write_private
from redcap_sync.regular_files import read_regular_file

MOST_FILES = 50
"""So many files are read in one round; the rest waits for the next one."""
YOUNG = timedelta(minutes=15)
"""A file that was written to more recently may still be on its way. A clock of a file server may be as far off."""
PUT_AWAY = frozenset(fate.value for fate in InboxFate)
NOT_OURS = ("thumbs.db", "desktop.ini")
"""Files that Windows makes in a folder; those of other programs begin with a dot or with ~$."""
SHEET = ".xlsx"
ZIP_BEGINS = b"PK"
LONGEST_NAME = 60
READ, WRITE = 0o444, 0o222


@dataclass(frozen=True)
class FoundFile:
    """One file of the inbox, as it was found."""

    path: Path
    role: str
    """The role whose folder it is in; '' in the inbox itself."""
    identity: str
    saved_at: datetime
    content: bytes = field(default=b"", repr=False)
    problem: UsageWrong | None = None
    """Why it is not read."""
    movable: bool = True
    growing: bool = False
    """Whether it was written to while it was read."""

    def may_be_on_its_way(self, now: datetime) -> bool:
        """Whether what is there may be the beginning of a spreadsheet that is being copied."""
        begun = self.content.startswith(ZIP_BEGINS) or not self.content.strip(b"\0")
        return begun and abs(now - self.saved_at) < YOUNG


def require_folder(folder: Path, data: Path) -> None:
    """Make an inbox that lies in the study's data folder; raise StudyFilesWrong where another one is not there."""
    if folder.is_relative_to(data):
        private_folder(folder)
    if not folder.is_dir():
        raise StudyFilesWrong("inbox.no_folder", folder=str(folder))


def find_files(folder: Path, roles: Iterable[str]) -> list[FoundFile]:
    """The files of an inbox and of the folders of roles in it, in the order in which they were saved."""
    known = {_plain(role): role for role in roles if role not in PUT_AWAY}
    found = [*_files_of(folder, ""), *_files_of_roles(folder, known)]
    return sorted(found, key=lambda one: (one.saved_at, one.path.name))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _files_of_roles(folder: Path, roles: Mapping[str, str]) -> Iterator[FoundFile]:
    with os.scandir(folder) as entries:
        folders = [one for one in entries if one.is_dir(follow_symlinks=False) and _is_of_people(one.name)]
    for one in folders:
        role = roles.get(_plain(one.name))
        if role is not None:
            yield from _files_of(Path(one.path), role)
        elif one.name not in PUT_AWAY:
            yield from _misplaced(Path(one.path), one.stat(follow_symlinks=False), roles)


def _misplaced(folder: Path, facts: os.stat_result, roles: Mapping[str, str]) -> Iterator[FoundFile]:
    """A folder that is no role's and has spreadsheets in it: it stays as it is, and somebody is notified."""
    try:
        names = sorted(one.name for one in folder.iterdir() if one.name.lower().endswith(SHEET))
    except OSError:
        return  # a folder of the system's, which nobody may look into
    if names:
        problem = UsageWrong("inbox.no_role", known=", ".join(sorted(roles.values())) or "-")
        identity = _hashed("\0".join([folder.name, *names]).encode("utf-8", "surrogateescape"))
        yield FoundFile(folder, "", identity, _saved_at(facts), problem=problem, movable=False)


def _is_of_people(name: str) -> bool:
    return not name.startswith((".", "~$")) and name.lower() not in NOT_OURS


def _files_of(folder: Path, role: str) -> Iterator[FoundFile]:
    with os.scandir(folder) as entries:
        names = sorted(one.name for one in entries if _is_of_people(one.name))
    for name in names:
        path = folder / name
        try:
            facts = path.lstat()
            if not stat.S_ISDIR(facts.st_mode):
                yield _found(path, role, facts)
        except FileNotFoundError:  # taken back by who put it there
            continue


def _found(path: Path, role: str, facts: os.stat_result) -> FoundFile:
    found = FoundFile(path, role, _hashed(repr(_state(facts)).encode()), _saved_at(facts))
    if problem := _unread(facts):
        return replace(found, problem=problem)
    try:
        content = read_regular_file(path, largest=LARGEST_FILE, follow=False)
    except ProjectFileWrong:
        return replace(found, problem=UsageWrong("inbox.unreadable"))
    if _state(path.lstat()) != _state(facts) or len(content) != facts.st_size:
        return replace(found, growing=True)
    return replace(found, identity=_hashed(content), content=content)


def _unread(facts: os.stat_result) -> UsageWrong | None:
    """Why something is not even opened."""
    if stat.S_ISLNK(facts.st_mode):
        return UsageWrong("inbox.link")
    if not stat.S_ISREG(facts.st_mode):
        return UsageWrong("inbox.no_file")
    return UsageWrong("worklist.too_large") if facts.st_size > LARGEST_FILE else None


def _state(facts: os.stat_result) -> tuple[int, ...]:
    return (facts.st_dev, facts.st_ino, stat.S_IFMT(facts.st_mode), facts.st_size, facts.st_mtime_ns)


def _saved_at(facts: os.stat_result) -> datetime:
    try:
        return datetime.fromtimestamp(facts.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):  # a file system may say any number
        return datetime.fromtimestamp(0, UTC)


def _hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def receipt_place(found: FoundFile, fate: InboxFate, label: str) -> str:
    """Where the receipt of a file is, from the inbox on."""
    parts = (found.role, fate.value, f"{label}_receipt.csv")
    return "/".join(part for part in parts if part)


def put_away(found: FoundFile, fate: InboxFate, label: str, receipt: str) -> None:
    """Write the receipt and move the file next to it, for whoever can read the folder that it was in.

    Raises OSError where the folder does not let us, StudyFilesWrong where its own folder for this is something else.
    """
    folder = found.path.parent
    mode = stat.S_IMODE(folder.stat().st_mode)
    into = folder / fate.value
    if not os.path.lexists(into):
        into.mkdir()
        into.chmod(mode)
    if not stat.S_ISDIR(into.lstat().st_mode):
        raise StudyFilesWrong("inbox.no_place", name=fate.value)
    content = receipt.encode()
    place = _free(into, f"{label}_receipt.csv", content)
    write_private(place, content)
    place.chmod(mode & (READ | WRITE))
    found.path.rename(_free(into, f"{label}_{_safe(found.path.name)}"))


def _free(folder: Path, name: str, content: bytes | None = None) -> Path:
    """A place in a folder where nothing is, or where a call that was broken off left the same content."""
    path, ending = folder / name, Path(name).suffix
    for number in count(2):
        if not os.path.lexists(path) or (content is not None and _has(path, content)):
            return path
        path = folder / f"{name.removesuffix(ending)}-{number}{ending}"
    raise AssertionError  # count has no end


def _has(path: Path, content: bytes) -> bool:
    try:
        return read_regular_file(path, largest=len(content), follow=False) == content
    except (OSError, ExplainedError):
        return False


def _safe(name: str) -> str:
    """The name of a file without what a terminal or a file system would take for something else, and not too long."""
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, ending) if dot else (name, "")
    kept = re.sub(r"[^\w ()+-]", "_", stem)[:LONGEST_NAME]
    short = re.sub(r"[^0-9A-Za-z]", "_", ending)[:8]
    return f"{kept}.{short}" if dot else kept
