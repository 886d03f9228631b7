"""The file in a study's data folder that keeps the results of its rules, so that only what changed is judged again.

It is replaced after each night in which anything was judged, readable by its owner only, and sealed where the
snapshots are. Nothing is lost with it: where it cannot be read, every rule is judged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nightround.snapshots.vault import Vault
from nightround.validation.judged_rules import JudgedRule, read, written
from nightround.validation.run import Validation
from redcap_sync.errors import ExportIncomplete
from redcap_sync.private_files import private_folder

FOLDER, FILE = "judged", "rules.nrj"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JudgedFile:
    """The judged rules of one study, in its data folder."""

    data: Path
    study: str
    vault: Vault

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.data / FOLDER / FILE

    def load(self) -> Mapping[str, JudgedRule]:
        """The results of the rules when they were judged last; nothing where the file is missing or cannot be used."""
        try:
            return read(self.vault.read(self.path), self.study)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, ExportIncomplete) as error:
            why = error.why if isinstance(error, ExportIncomplete) else str(error) or type(error).__name__
            log.warning("every rule is judged again, because %s cannot be used: %s", self.path.name, why)
            return {}

    def save(self, validation: Validation) -> None:
        """Replace the file by the results of now; not where nothing was judged and no rule left."""
        if validation.changed:
            private_folder(self.path.parent)
            self.vault.write(self.path, written(validation.judged, self.study))
