"""Projects that have the instrument of questions, and the questions that are on their records."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redcap_sync.api.client import RedcapClient
from redcap_sync.write_back.query_instrument import INSTRUMENT, dictionary_rows


def with_instrument(project: Path, folder: Path) -> Path:
    """A copy of the folder of a classic project, in which the instrument of questions repeats."""
    shutil.copytree(project, folder)
    with (folder / "metadata.csv").open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(dictionary_rows()[0]), lineterminator="\n").writerows(dictionary_rows())
    with (folder / "instruments.csv").open("a", encoding="utf-8") as file:
        file.write("data_query,Data queries\n")
    (folder / "repeating.csv").write_text("event_name,form_name,custom_form_label\n,data_query,\n", encoding="utf-8")
    return folder


def questions_of(client: RedcapClient, records: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The questions that records have in REDCap, by their id."""
    rows = client.records(list(records), [INSTRUMENT])
    return {row["dq_id"]: row for row in rows if row.get("redcap_repeat_instrument") == INSTRUMENT}
