"""The data dictionary as REDCap's own pages download it: one CSV file, with the headings of its Online Designer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.structure import METADATA_KEYS, METADATA_TITLES
from redcap_sync.regular_files import read_text_file

NAMES = dict(zip(METADATA_TITLES, METADATA_KEYS, strict=True))


def dictionary_from_csv(path: Path) -> Dictionary:
    """Read a dictionary with REDCap's headings, or with those of its API.

    It says nothing of events, so the project is taken as a classic one. Raises ProjectFileWrong for another file.
    """
    rows = metadata_from_csv(path)
    try:
        forms = dict.fromkeys(row["form_name"] for row in rows)
        instruments = [{"instrument_name": name, "instrument_label": name} for name in forms]
        return dictionary_from_api(project={}, metadata=rows, instruments=instruments)
    except (KeyError, ValueError) as error:
        raise _wrong(path, error) from None


def metadata_from_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a dictionary with the API's names of its columns; raises ProjectFileWrong for no CSV."""
    try:
        text = read_text_file(path)
        return [
            {NAMES.get(title, title): cell or "" for title, cell in row.items() if title}
            for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)
        ]
    except (OSError, ValueError, csv.Error) as error:
        raise _wrong(path, error) from None


def _wrong(path: Path, error: Exception) -> ProjectFileWrong:
    return ProjectFileWrong("file.dictionary", file=path.name, error=type(error).__name__)


def dictionary_csv(metadata: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `content=metadata` as the CSV that REDCap's own pages read and download."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(METADATA_TITLES)
    writer.writerows([row.get(key) or "" for key in METADATA_KEYS] for row in metadata)
    return text.getvalue()
