"""A project's structure as a folder of CSV files with the headers of REDCap's API."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.errors import ProjectFileWrong


def dictionary_from_folder(folder: Path) -> Dictionary:
    """Read project.json, metadata.csv, instruments.csv, and if there events, mapping, repeating, arms and dags."""
    try:
        return dictionary_from_api(
            project=json.loads((folder / "project.json").read_text(encoding="utf-8")),
            metadata=csv_rows(folder / "metadata.csv"),
            instruments=csv_rows(folder / "instruments.csv"),
            events=csv_rows(folder / "events.csv", optional=True),
            mapping=csv_rows(folder / "mapping.csv", optional=True),
            repeating=csv_rows(folder / "repeating.csv", optional=True),
            arms=csv_rows(folder / "arms.csv", optional=True),
            groups=csv_rows(folder / "dags.csv") if (folder / "dags.csv").exists() else None,
        )
    except (OSError, KeyError, ValueError) as error:
        raise ProjectFileWrong("file.project_folder", folder=str(folder), error=type(error).__name__) from None


def csv_rows(path: Path, *, optional: bool = False) -> list[dict[str, str]]:
    """Read a CSV file with a header; a missing optional file has no rows."""
    if optional and not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
