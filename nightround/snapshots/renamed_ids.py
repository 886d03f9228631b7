"""Which snapshots have another id since a record was taken out of them; reports name them by the old one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from nightround.snapshots.vault import Vault


@dataclass(frozen=True)
class RenamedIds:
    """The map of old ids to new ones, as a private file."""

    path: Path
    vault: Vault

    def read(self) -> dict[str, str]:
        """The id that a snapshot has now, by each one it had before."""
        return dict(json.loads(self.vault.read(self.path))) if self.path.exists() else {}

    def note(self, old: str, new: str) -> None:
        """Keep that a snapshot has another id now."""
        known = {before: new if after == old else after for before, after in self.read().items()}
        self.vault.write(self.path, json.dumps({**known, old: new}, indent=1).encode())
