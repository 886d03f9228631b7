"""The table of `study.toml` that says where worklists are put that people filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nightround.study.study_model import StudyModel
from nightround.study.text_checks import FilledLine


class InboxTable(StudyModel):
    """`[inbox]`: a folder whose worklists each nightly round reads."""

    folder: FilledLine | Literal[""] = ""
    """A share, or any folder that people can write to; a relative path is one of the study's data folder."""

    def place(self, data: Path) -> Path | None:
        """The folder; `data` is the study's data folder. None where the study has no inbox."""
        return data / self.folder if self.folder else None
