"""Where a study's files and data are, known before any of its files is read as a whole, and its last good settings.

A run that could read the settings keeps a private copy of them in the data folder, for the night on which the study's
own files cannot be read: the notice of that night goes to whom the copy names.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path

from nightround.model.errors import StudyFilesWrong
from nightround.study.folder import Content, Study
from nightround.study.settings import StudySettings, read_settings, read_toml
from nightround.study.text_checks import is_id
from redcap_sync.errors import ExplainedError
from redcap_sync.private_files import write_private
from redcap_sync.regular_files import read_regular_file

log = logging.getLogger(__name__)

KEPT_SETTINGS = "last_settings.json"
NOT_KEPT = {"redcap", "snapshots", "rules", "dictionary_rules"}
"""What a notice has no need of."""
ID_LINE = re.compile(r"""(?ms)^[ \t]*\[study\](?:(?!^[ \t]*\[).)*?^[ \t]*id[ \t]*=[ \t]*["']([^"'\n]*)["']""")


@dataclass(frozen=True)
class StudyPlace:
    """A study by its id, with the folder of its files and that of its data."""

    id: str
    folder: Path
    data: Path

    def keep_settings(self, study: Study) -> None:
        """Keep the settings that could be read, and where."""
        settings = study.settings.model_dump(mode="json", exclude=NOT_KEPT)
        document = {"folder": str(self.folder.resolve()), "settings": settings}
        content = json.dumps(document, ensure_ascii=False, indent=1).encode()
        path = self.data / KEPT_SETTINGS
        if not path.is_file() or path.read_bytes() != content:
            write_private(path, content)

    def kept_settings(self) -> StudySettings | None:
        """The last good settings; None before the first run that could read them, or where the copy is damaged."""
        kept = _kept(self.data)
        return kept[1] if kept else None


def place_of(name: str, data: Path, content: Content) -> StudyPlace:
    """Where a study is, by its name or its folder; raises StudyFilesWrong where nothing at all is known of it."""
    try:
        folder = content.study_folder(name)
    except StudyFilesWrong:
        known = _data_of(Path(name), data) or (data / name if is_id(name) and _kept(data / name) else None)
        if known is None:
            raise
        return StudyPlace(known.name, Path(name), known)
    known = _data_of(folder, data)
    study_id = _id_in(folder) or (known.name if known else folder.resolve().name)
    if not is_id(study_id):
        study_id = read_settings(folder).study.id  # which says what is wrong with it
    return StudyPlace(study_id, folder, data / study_id)


def known_settings(place: StudyPlace) -> StudySettings | None:
    """The settings as they are now, else the last good ones."""
    try:
        return read_settings(place.folder)
    except (ExplainedError, OSError):
        return place.kept_settings()


def _id_in(folder: Path) -> str:
    """The id that a study's settings name, also where they are wrong elsewhere; '' where they name none."""
    path = folder / "study.toml"
    try:
        study = read_toml(path).get("study")
        named = study.get("id") if isinstance(study, dict) else None
        return named if isinstance(named, str) and is_id(named) else ""
    except (ExplainedError, OSError):
        pass
    try:
        found = ID_LINE.search(read_regular_file(path).decode("utf-8", "replace"))
    except (ExplainedError, OSError):
        return ""
    return found[1] if found and is_id(found[1]) else ""


def _data_of(folder: Path, data: Path) -> Path | None:
    """The data folder of which the last good settings were read in a study's folder."""
    try:
        copies = sorted(data.glob(f"*/{KEPT_SETTINGS}"))
        wanted = folder.resolve()
    except (OSError, ValueError):  # a name that can be no folder's
        return None
    return next((one.parent for one in copies if (kept := _kept(one.parent)) and kept[0] == wanted), None)


def _kept(data: Path) -> tuple[Path, StudySettings] | None:
    try:
        document = json.loads((data / KEPT_SETTINGS).read_bytes())
        return Path(document["folder"]), StudySettings.model_validate(document["settings"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        if not isinstance(error, FileNotFoundError):
            log.warning("the copy of the last good settings cannot be read: %s", type(error).__name__)
        return None
