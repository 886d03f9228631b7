"""The studies that `nightround serve` serves: those that are named, and those of folders, looked for anew each time."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from nightround.night.study_place import place_of
from nightround.study.folder import Content
from redcap_sync.errors import ExplainedError

log = logging.getLogger(__name__)


@dataclass
class ServedStudies:
    """Studies by name, by folder, or by a folder of folders; without any of these all that the content has."""

    names: tuple[str, ...]
    data: Path
    content: Content
    left_out: set[str] = field(default_factory=set)
    """What was said once to be left out."""

    def require_known(self) -> None:
        """Raise StudyFilesWrong for a name that is neither a folder nor a study of which anything is known."""
        for name in self.names:
            if not self._is_folder_of_studies(name):
                place_of(name, self.data, self.content)

    def __call__(self) -> list[str]:
        """The studies that are there now, one for each id: two of one id would share database and findings."""
        by_id: dict[str, str] = {}
        for name in self._named():
            try:
                study = place_of(name, self.data, self.content).id
            except (ExplainedError, OSError):
                if self._news(name):
                    log.error("%s is not served: its id cannot be read", name)  # noqa: TRY400 - a user's mistake
                continue
            if study in by_id and by_id[study] != name:
                if self._news(name):
                    log.error("%s is not served: it has the id of %s", name, by_id[study])
                continue
            by_id[study] = name
        return list(by_id.values())

    def _named(self) -> list[str]:
        found: list[str] = []
        for name in self.names or self.content.studies:
            found += _studies_in(Path(name)) if self._is_folder_of_studies(name) else [name]
        return list(dict.fromkeys(found))

    def _is_folder_of_studies(self, name: str) -> bool:
        """Whether a name is that of a folder which is no study itself, and never was one."""
        try:
            place_of(name, self.data, self.content)
        except ExplainedError:
            return not (Path(name) / "study.toml").exists() and Path(name).is_dir()
        return False

    def _news(self, name: str) -> bool:
        """Whether it is the first time that a study is left out."""
        known = name in self.left_out
        self.left_out.add(name)
        return not known


def _studies_in(folder: Path) -> list[str]:
    return [str(path.parent) for path in sorted(folder.glob("*/study.toml"))]
